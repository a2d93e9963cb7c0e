package cluster

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	pb "go.etcd.io/raft/v3/raftpb"

	"torc/core/wire"
)

// twoClusters founds one cluster on a and another one on b, and starts c, which is told to join both: its first word to b comes late, so it
// joins that of a.
func twoClusters(t *testing.T) (a, b, c *node) {
	t.Helper()
	w := newWorld(5)
	alone := Config{Expect: 1, Shards: 4, Replicas: 1}
	a, b = w.start("a", 1, 7, alone), w.start("b", 2, 7, alone)
	require.True(t, w.until(time.Minute, func() bool {
		return len(a.order) > 0 && a.order[0].member.Leads() && len(b.order) > 0 && b.order[0].member.Leads()
	}))
	require.NotEqual(t, a.m.ClusterID, b.m.ClusterID)
	w.lag = func(addr string, f *wire.Frame) time.Duration {
		if hello, ok := f.Messages[0].(*wire.Hello); ok && addr == "b" && hello.ClusterID == 0 {
			return 10 * time.Millisecond
		}
		return 0
	}
	c = w.start("c", 3, 7, Config{Expect: 1, Shards: 4, Replicas: 1, Join: []string{"a", "b"}})
	require.True(t, w.until(time.Minute, func() bool { return c.m != nil }))
	require.Equal(t, a.m.ClusterID, c.m.ClusterID)
	return a, b, c
}

// A node that is told to join two clusters is in one of them, whole, and the other one is rid of it again.
func TestANodeOfTwoClusters(t *testing.T) {
	a, b, c := twoClusters(t)
	w := a.world
	require.True(t, w.until(time.Minute, func() bool { return b.m.Member(3) != nil }), "b has taken it in: the test is none")
	require.True(t, w.until(time.Minute, func() bool {
		return MovesOf(a.m).Replicas == 0 && len(c.groups) > 0 && MovesOf(b.m).Replicas == 0 && b.m.Member(3).State == wire.MemberDown
	}), "a: %+v, b: %+v, %v", MovesOf(a.m), MovesOf(b.m), b.m.Member(3))
	w.run(time.Minute)
	require.Equal(t, wire.MemberDown, b.m.Member(3).State, "it is not let in again")
	require.False(t, b.hears(3), "whoever speaks from there is no member")
	for _, g := range b.order {
		require.True(t, g.member.Leads(), "shard %d", g.shard)
	}
	_, known := b.known[1]
	require.False(t, known)
}

// Clusters number their replicas alike. What one's leader says to its replica on a node is not for that of the other one there, which has the same ID.
func TestReplicasOfTwoClustersAreNotMixed(t *testing.T) {
	a, b, c := twoClusters(t)
	w := a.world
	require.True(t, w.until(time.Minute, func() bool { return len(c.groups) > 0 && MovesOf(a.m).Replicas == 0 }))
	g := c.order[0]
	term := g.member.Term()
	from := func(m wire.Message) {
		f := &wire.Frame{From: b.cfg.Self.ID, FromIncarnation: b.cfg.Self.Incarnation, To: c.cfg.Self.ID, ToIncarnation: c.cfg.Self.Incarnation, Cluster: b.m.ClusterID, Messages: []wire.Message{m}}
		c.turn(func() { c.OnFrame(f) })
	}
	from(&wire.Raft{Shard: g.shard, RaftMessage: wire.RaftMessage{Type: uint8(pb.MsgHeartbeat), From: 1, To: g.replica, Term: term + 5}})
	require.Equal(t, term, g.member.Term(), "another cluster's leader is followed")
}

// Nor is it listened to where it has been let in by mistake: the map goes on naming it, as one that is down.
func TestAStrangerOnTheMapIsNotListenedTo(t *testing.T) {
	a, b, c := twoClusters(t)
	require.True(t, b.until(time.Minute, func() bool { return b.m.Member(3) != nil && b.m.Member(3).State == wire.MemberDown }))
	g := b.order[0]
	term := g.member.Term()
	f := &wire.Frame{From: c.cfg.Self.ID, FromIncarnation: c.cfg.Self.Incarnation, To: b.cfg.Self.ID, ToIncarnation: b.cfg.Self.Incarnation, Cluster: a.m.ClusterID,
		Messages: []wire.Message{&wire.Raft{Shard: g.shard, RaftMessage: wire.RaftMessage{Type: uint8(pb.MsgHeartbeat), From: 15, To: g.replica, Term: term + 5}}}}
	b.turn(func() { b.OnFrame(f) })
	require.Equal(t, term, g.member.Term())
	require.True(t, g.member.Leads())
}

// Only lane 0 hears who is of another cluster. Where both clusters have let in a node of the other one, by one list for all, the groups of the other lanes must not
// take what they hear from there for the words of their own, either: what they hold would be replaced by what the other cluster holds.
func TestNoLaneListensToAStranger(t *testing.T) {
	a, b, c := twoClusters(t)
	require.True(t, b.until(time.Minute, func() bool { return b.m.Member(3) != nil && MovesOf(a.m).Replicas == 0 }))
	cfg := b.cfg
	cfg.Lanes = 2
	lane := NewLane(&cfg, 1, b, b, nil)
	m := b.m.Clone()
	m.Epoch = 1 // its replicas vote
	lane.OnMap(m)
	for _, g := range lane.order {
		f := &wire.Frame{From: c.cfg.Self.ID, FromIncarnation: c.cfg.Self.Incarnation, To: b.cfg.Self.ID, ToIncarnation: b.cfg.Self.Incarnation, Cluster: c.m.ClusterID,
			Messages: []wire.Message{&wire.Raft{Shard: g.shard, RaftMessage: wire.RaftMessage{Type: uint8(pb.MsgHeartbeat), From: 15, To: g.replica, Term: 5}}}}
		lane.OnFrame(f)
		lane.Flush()
		require.Zero(t, g.member.Term(), "another cluster's leader is followed")
		f.Cluster = b.m.ClusterID
		lane.OnFrame(f)
		lane.Flush()
		require.NotZero(t, g.member.Term(), "or the test is none")
	}
	require.NotEmpty(t, lane.order)
}
