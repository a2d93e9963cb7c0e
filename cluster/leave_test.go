package cluster

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// beat is a client that writes to a shard by way of one node, again as soon as it is answered.
type beat struct {
	t       *testing.T
	via     *node
	key     []byte
	i       int
	last    time.Duration
	longest time.Duration
	refused int
	unknown int
	over    bool
}

func (b *beat) write() {
	b.i++
	b.via.OnCall(&wire.Call{Request: wire.Request{Shard: wire.ShardOf(wire.Slot(b.key), b.via.cfg.Shards),
		Commands: []wire.Command{{Op: wire.OpSet, Key: b.key, Value: []byte(fmt.Sprint(b.i))}}}, Sink: b})
}

func (b *beat) Deliver(_ uint64, r *wire.Response) {
	switch now := b.via.world.now; r.Outcome {
	case wire.OutcomeOK:
		b.longest, b.last = max(b.longest, now-b.last), now
	case wire.OutcomeRefused:
		b.refused++
	default:
		b.unknown++
	}
	if !b.over {
		b.via.after(time.Millisecond, func() { b.via.turn(b.write) })
	}
}

// beatOn begins to write to a shard by way of a node.
func (o *office) beatOn(shard wire.ShardID, shards, via int) *beat {
	key := fmt.Append(nil, "k", via, shard)
	for j := 0; wire.ShardOf(wire.Slot(key), shards) != shard; j++ {
		key = fmt.Append(nil, "k", via, shard, j)
	}
	b := &beat{t: o.t, via: o.node(via), key: key, last: o.now}
	b.via.turn(b.write)
	return b
}

// A leader that is to go gives its shards away in a few round trips, whoever asks notices no more than
// that, and nobody is refused or left in doubt; afterwards it leads nothing and is given nothing back.
func TestAHandoverIsShort(t *testing.T) {
	for _, nodes := range []int{3, 5} {
		const shards = 8
		o := newOffice(t, nodes, shards)
		o.run(10 * time.Second)
		leader := o.lead(1)
		var beats []*beat
		for i := range nodes {
			for s := 1; s <= shards; s++ {
				beats = append(beats, o.beatOn(wire.ShardID(s), shards, i+1))
			}
		}
		o.run(time.Second)
		began, ended := o.now, time.Duration(0)
		for _, b := range beats {
			b.longest = 0
		}
		leader.turn(func() { leader.HandOver(func() { ended = o.now }) })
		o.run(2 * time.Second)
		require.NotZero(t, ended)
		require.Less(t, ended-began, 100*time.Millisecond, "it is over soon")
		var pauses []time.Duration
		for _, b := range beats {
			pauses = append(pauses, b.longest)
		}
		slices.Sort(pauses)
		most, longest := pauses[len(pauses)*9/10], pauses[len(pauses)-1]
		t.Logf("%d nodes: pauses of %v at most for nine of ten, %v for one, handed over after %v", nodes, most, longest, ended-began)
		require.Less(t, most, 45*time.Millisecond, "%d nodes", nodes)
		require.Less(t, longest, 100*time.Millisecond, "%d nodes: a few draws of the network's are unkind", nodes)
		for _, b := range beats {
			require.Zero(t, b.refused)
			require.Zero(t, b.unknown)
			b.over = true
		}
		for _, g := range leader.order {
			require.False(t, g.member.IsLeader(), "shard %d", g.shard)
		}
	}
}

// A node that leads what others are preferred for (they were away, or are to get it soon) and is to go
// gives each shard to the one that is to have it: given to another one it would be moved on at once, a
// second pause. With writes under way, too: then the preferred one may lack what the other has.
func TestAHandoverIsTheLast(t *testing.T) {
	for _, writes := range []bool{false, true} {
		const shards = 16
		o := newOffice(t, 3, shards)
		o.run(10 * time.Second)
		for s := 1; writes && s <= shards; s++ {
			for via := range 3 {
				o.beatOn(wire.ShardID(s), shards, via+1)
			}
		}
		leaver := o.node(1)
		terms, others := map[wire.ShardID]uint64{}, 0
		for s := wire.ShardID(1); s <= shards; s++ {
			at := o.lead(s)
			if at != leaver {
				others++
				at.turn(func() { at.groups[s].member.Transfer(leaver.groups[s].replica) })
			}
			require.True(t, o.until(time.Second, func() bool { return o.lead(s) == leaver }), "shard %d", s)
			terms[s] = leaver.groups[s].member.Term()
		}
		require.Positive(t, others)
		o.run(50 * time.Millisecond) // of a follower that has not answered yet nobody knows that it is there to be the heir
		leaver.turn(func() { leaver.HandOver(func() {}) })
		o.run(3 * time.Second)
		for s := wire.ShardID(1); s <= shards; s++ {
			at := o.lead(s)
			require.Equal(t, terms[s]+1, at.groups[s].member.Term(), "shard %d is led by %s, writes %v: its leaders since", s, at.cfg.Self.Name, writes)
			if preferred := o.m().Placement(s).Preferred; preferred != leaver.cfg.Self.ID {
				require.Equal(t, preferred, at.cfg.Self.ID, "shard %d, writes %v", s, writes)
			}
		}
	}
}

// Nobody is left in doubt, not even when the heir has everything long before the others: it would have been elected before this leader knew
// what is committed.
func TestAHandoverLeavesNobodyInDoubt(t *testing.T) {
	for quick := wire.NodeID(1); quick <= 5; quick++ {
		o := newOffice(t, 5, 1, 5)
		o.run(10 * time.Second)
		leader, told := o.lead(1), &answers{}
		if leader.cfg.Self.ID == quick {
			continue
		}
		o.slowed(leader, quick)
		asked := 0
		write := func(n int) {
			for range n {
				leader.turn(func() { leader.OnCall(incrementOf([]byte("k"), told)) })
				asked++
				o.run(5 * time.Millisecond)
			}
		}
		write(100)
		leader.turn(func() { leader.HandOver(func() {}) })
		write(100)
		o.run(10 * time.Second)
		require.NotSame(t, leader, o.lead(1))
		require.Len(t, told.all, asked)
		for i := range told.all {
			require.NotEqual(t, wire.OutcomeUnknown, told.all[i].Outcome, "node %d quick, answer %d: %v", quick, i, told.all[i].Reason)
		}
	}
}
