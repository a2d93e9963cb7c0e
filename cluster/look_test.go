package cluster

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// look asks a node between two turns; nil: it must be asked in the ordinary way.
func (n *node) look(c wire.Command) *wire.Result {
	l := &wire.Look{Shard: 1, Command: c}
	if !n.Look(l) {
		return nil
	}
	return &l.Result
}

var getK = wire.Command{Op: wire.OpGet, Key: []byte("k")}

// TestLook: the leader answers what is acknowledged; nobody else answers anything.
func TestLook(t *testing.T) {
	o := newOffice(t, 3, 1)
	o.run(10 * time.Second)
	leader := o.lead(1)
	require.Equal(t, wire.KindNil, leader.look(getK).Kind)
	leader.write("v")
	o.run(time.Second)
	require.Equal(t, "v", string(leader.look(getK).Value))
	require.EqualValues(t, 1, leader.look(wire.Command{Op: wire.OpExists, Key: getK.Key}).Int)
	for _, n := range o.nodes {
		if n != leader {
			require.Nil(t, n.look(getK), "it does not lead")
		}
	}
	hits, answered := leader.hits, leader.Status().Answered
	leader.look(getK)
	require.Equal(t, hits+1, leader.hits)
	require.Equal(t, answered+1, leader.Status().Answered)

	long := getK
	long.Key = make([]byte, leader.cfg.MaxKey+1)
	require.Nil(t, leader.look(long), "its error is the hall's to say")
	require.Nil(t, leader.look(wire.Command{Op: wire.OpSet, Key: getK.Key, Value: []byte("w")}))
	require.Nil(t, leader.look(keepable), "a promise needs a turn")
	leader.hall.Stop() // and still leads
	require.Nil(t, leader.look(getK), "it stops")
}

// TestUnmetReadsAreNone: reads that a guard forbids are neither hits nor misses.
func TestUnmetReadsAreNone(t *testing.T) {
	o := newOffice(t, 3, 1)
	o.run(10 * time.Second)
	leader := o.lead(1)
	leader.write("v")
	o.run(time.Second)
	version := leader.look(getK).Version
	for guard, more := range map[uint64]uint64{version: 1, version + 1: 0} {
		hits, misses, told := leader.hits, leader.misses, &answers{}
		leader.ask(told, getK, wire.Command{Op: wire.OpGuard, Key: getK.Key, Version: guard})
		o.run(100 * time.Millisecond)
		require.Equal(t, more == 0, told.all[0].Results[0].Code == wire.CodeGuard)
		require.Equal(t, hits+more, leader.hits)
		require.Equal(t, misses, leader.misses)
	}
}

// TestALookNeedsTheLease: a leader that hears nothing answers until its lease is over, and not for as long as it believes that it
// leads; one that has offered its place has no lease.
func TestALookNeedsTheLease(t *testing.T) {
	o := newOffice(t, 3, 1)
	o.run(10 * time.Second)
	leader := o.lead(1)
	for _, n := range o.nodes {
		n.over = n != leader
	}
	answered, refused := 0, 0
	for leader.groups[1].member.IsLeader() {
		holds := leader.groups[1].member.LeaseValid()
		require.Equal(t, holds, leader.look(getK) != nil)
		if holds {
			answered++
		} else {
			refused++
		}
		o.run(10 * time.Millisecond)
	}
	require.Positive(t, answered)
	require.Positive(t, refused, "it believed longer than it could know")
}

// TestALookDecidesNoExpiry: a key that is due by the leader's clock, and not by log time, needs an entry of the log.
func TestALookDecidesNoExpiry(t *testing.T) {
	o := newOffice(t, 3, 1)
	o.run(10 * time.Second)
	leader := o.lead(1)
	leader.ask(&answers{}, wire.Command{Op: wire.OpSet, Key: getK.Key, Value: []byte("v"), TTLKind: wire.TTLRelative, TTL: 60_000})
	o.run(100 * time.Millisecond)
	require.Equal(t, "v", string(leader.look(getK).Value))
	o.jumped = 61_000
	require.Nil(t, leader.look(getK))
	told := &answers{}
	leader.ask(told, getK)
	o.run(100 * time.Millisecond)
	require.Equal(t, wire.KindNil, told.all[0].Results[0].Kind)
	require.Equal(t, wire.KindNil, leader.look(getK).Kind)
}
