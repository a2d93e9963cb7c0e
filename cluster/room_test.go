package cluster

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/evict"
	"torc/core/wire"
)

// uneven is a cluster of which one node, a follower, has room for a tenth of the keys.
func uneven(t *testing.T, policy evict.Kind) (c *crowded, small *node) {
	c = newCrowded(t, 1, 1000, policy)
	c.run(5 * time.Second) // who is to lead by the map leads
	for _, name := range c.names {
		if n := c.nodes[name]; n != c.leader() {
			small = n
		}
	}
	small.cfg.MaxMemory = 100 * perKey
	return c, small
}

// TestSmallFollower: the leader keeps a shard as small as the smallest of its replicas' nodes needs it.
func TestSmallFollower(t *testing.T) {
	c, small := uneven(t, evict.AllKeysLRU)
	most := int64(0)
	for key := range uint64(600) {
		require.Equal(t, wire.OutcomeOK, c.do(set(key)).Outcome, "room is made")
		most = max(most, small.groups[1].store.Bytes())
	}
	require.LessOrEqual(t, most, small.bound()+small.bound()/overdraftOf+perKey)
	require.Greater(t, small.groups[1].store.Len(), 90)
	c.equal()

	// A new leader has not heard of it, and is told.
	old := c.leader()
	var other *node
	for _, name := range c.names {
		if n := c.nodes[name]; n != old && n != small {
			other = n
		}
	}
	old.turn(func() {
		old.groups[1].member.Transfer(other.groups[1].replica)
		old.touch(old.groups[1])
	})
	require.True(t, c.until(20*time.Second, func() bool { return c.leader() == other }))
	c.run(time.Second)
	for key := uint64(1000); key < 1300; key++ {
		require.Equal(t, wire.OutcomeOK, c.do(set(key)).Outcome)
		most = max(most, small.groups[1].store.Bytes())
	}
	require.LessOrEqual(t, most, small.bound()+small.bound()/overdraftOf+perKey)
	c.equal()

	// It gets more memory: so does the shard.
	small.cfg.MaxMemory = 500 * perKey
	c.run(time.Second)
	for key := uint64(2000); key < 2600; key++ {
		c.do(set(key))
	}
	require.Greater(t, small.groups[1].store.Len(), 450)
	c.equal()
}

// TestSmallFollowerRefuses: without a policy, writes are refused for it.
func TestSmallFollowerRefuses(t *testing.T) {
	c, small := uneven(t, evict.NoEviction)
	refused := 0
	for key := range uint64(300) {
		if r := c.do(set(key)); r.Outcome == wire.OutcomeRefused {
			require.Equal(t, wire.ReasonOutOfMemory, r.Reason)
			refused++
		}
	}
	require.Greater(t, refused, 150)
	require.LessOrEqual(t, small.groups[1].store.Bytes(), small.bound()+small.bound()/overdraftOf+perKey)
	require.Equal(t, wire.OutcomeOK, c.do(wire.Command{Op: wire.OpDelete, Key: []byte("00000001")}).Outcome)
	c.equal()

	// Nobody waits for one that is gone, nor when its bound is lifted.
	name := small.Lane.cfg.Self.PeerAddr
	c.drop = func(addr string, f *wire.Frame) bool { return addr == name || f.From == small.Lane.cfg.Self.ID }
	c.run(5 * time.Second)
	require.Equal(t, wire.OutcomeOK, c.do(set(1000)).Outcome)
	c.drop = nil
	c.run(5 * time.Second)
	require.Equal(t, wire.OutcomeRefused, c.do(set(1001)).Outcome)
	small.cfg.MaxMemory = 0
	c.run(time.Second)
	require.Equal(t, wire.OutcomeOK, c.do(set(1001)).Outcome)
	c.equal()
}

// TestSmallFollowerGrowsUnheard: the same when it hears its leader all the time, and only is not heard: it does not know that its word was lost.
func TestSmallFollowerGrowsUnheard(t *testing.T) {
	c, small := uneven(t, evict.NoEviction)
	for key := range uint64(300) {
		c.do(set(key))
	}
	require.Equal(t, wire.OutcomeRefused, c.do(set(1000)).Outcome)
	leader := c.leader()
	c.drop = func(_ string, f *wire.Frame) bool { return f.From == small.Lane.cfg.Self.ID }
	small.cfg.MaxMemory = 0
	c.run(10 * time.Second)
	c.drop = nil
	c.run(5 * time.Second)
	require.Equal(t, leader, c.leader())
	require.Equal(t, wire.OutcomeOK, c.do(set(1000)).Outcome)
	c.equal()
}

// TestSmallFollowerGrowsOutOfSight: a follower gets more memory while it is cut off. The leader, which is the same all the time, has kept its word
// of before.
func TestSmallFollowerGrowsOutOfSight(t *testing.T) {
	c, small := uneven(t, evict.NoEviction)
	for key := range uint64(300) {
		c.do(set(key))
	}
	require.Equal(t, wire.OutcomeRefused, c.do(set(1000)).Outcome)
	leader, name := c.leader(), small.Lane.cfg.Self.PeerAddr
	c.drop = func(addr string, f *wire.Frame) bool { return addr == name || f.From == small.Lane.cfg.Self.ID }
	c.run(5 * time.Second)
	small.cfg.MaxMemory = 0
	c.run(time.Second)
	c.drop = nil
	c.run(5 * time.Second)
	require.Equal(t, leader, c.leader())
	require.Equal(t, wire.OutcomeOK, c.do(set(1000)).Outcome)
	c.equal()
}

// Whose word counts: members', and of those only who is heard. Who is gone does not hold up the others.
func TestWhoseWordOfRoomCounts(t *testing.T) {
	o := newOffice(t, 3, 1)
	o.run(10 * time.Second)
	leader := o.lead(1)
	g, follower := leader.groups[1], o.besides(leader)[0]
	tell := func(from wire.ReplicaID) bool {
		leader.turn(func() { g.onRoom(&wire.Room{Shard: 1, From: from, Bytes: 0}) })
		return g.full
	}
	require.False(t, tell(999), "no member")
	require.Empty(t, g.rooms)
	require.True(t, tell(follower.groups[1].replica))
	follower.over = true
	o.run(roomWorth / 2 * leader.cfg.Tick)
	require.False(t, g.full, "its word is not old, but it is silent")
}
