package cluster

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"torc/core/wire"
)

// Containers without an identity of their own come with a new name each time: the map remembers the latest of those that are gone.
func TestNamesThatChangeDoNotFillTheMap(t *testing.T) {
	m := &wire.ClusterMap{ClusterID: 1, Epoch: 1, Shards: 1, Replication: 1, NextReplica: 9, Placements: []wire.Placement{
		{Shard: 0, Replicas: []wire.Replica{{ID: 1, Node: 1, Incarnation: 1}}, Preferred: 1},
		{Shard: 1, Replicas: []wire.Replica{{ID: 2, Node: 1, Incarnation: 1}, {ID: 3, Node: 2, Incarnation: 1}}, Preferred: 3},
	}}
	come := func(id int) {
		require.True(t, changeMap(m, &wire.MetaCommand{Kind: wire.MetaJoin, Member: &wire.Member{ID: wire.NodeID(id), Incarnation: wire.Incarnation(id), Name: fmt.Sprint("n", id)}}))
	}
	goes := func(id int) {
		require.True(t, changeMap(m, &wire.MetaCommand{Kind: wire.MetaSetState, Node: wire.NodeID(id), Incarnation: wire.Incarnation(id), State: wire.MemberDown}))
	}
	for id := 1; id <= 500; id++ {
		come(id)
		if id == 50 {
			require.True(t, changeMap(m, &wire.MetaCommand{Kind: wire.MetaSetWeight, Node: 50, Weight: 250}))
		}
		if id > 1 && id != 100 {
			goes(id)
		}
	}
	for id := range wire.NodeID(501) {
		kept := id >= 1 && id <= 3 || id == 50 || id == 100 || id > 500-goneMost
		require.Equal(t, kept, m.Member(id) != nil, "node %d: holds a replica, is preferred, is active, was given a weight, or went lately", id)
	}
	for id := 501; id <= 1000; id++ { // and of those as many at most
		come(id)
		require.True(t, changeMap(m, &wire.MetaCommand{Kind: wire.MetaSetWeight, Node: wire.NodeID(id), Weight: 250}))
		goes(id)
	}
	require.LessOrEqual(t, len(m.Members), 4+goneMost+1)
	require.Nil(t, m.Member(50))
}

// Whatever comes and goes: who is active, holds something or is to lead stays, and of the rest no more than the bound and the one that went since.
func TestDismissed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &wire.ClusterMap{ClusterID: 1, Epoch: 1, Shards: 1, Replication: 3, NextReplica: 1, Placements: []wire.Placement{{Shard: 0}, {Shard: 1}}}
		for step := range rapid.IntRange(300, 900).Draw(t, "steps") {
			id := wire.NodeID(rapid.IntRange(1, 2000).Draw(t, "node"))
			if last := len(m.Members) - 1; last >= 0 && rapid.Bool().Draw(t, "known") {
				id = m.Members[rapid.IntRange(0, last).Draw(t, "member")].ID
			}
			before := m.Clone()
			c := &wire.MetaCommand{Node: id, Incarnation: wire.Incarnation(step)}
			if who := m.Member(id); who != nil {
				c.Incarnation = who.Incarnation
			}
			what := "join"
			if m.Member(id) != nil {
				what = rapid.SampledFrom([]string{"down", "down", "left", "add", "prefer", "join"}).Draw(t, "what")
			}
			switch what {
			case "join":
				c.Kind, c.Member = wire.MetaJoin, &wire.Member{ID: id, Incarnation: wire.Incarnation(step + 1)}
			case "down":
				c.Kind, c.State = wire.MetaSetState, wire.MemberDown
			case "left":
				c.Kind, c.State = wire.MetaSetState, wire.MemberLeft
			case "add":
				c.Kind, c.Shard = wire.MetaAddReplica, wire.ShardID(step%2)
			case "prefer":
				c.Kind, c.Shard = wire.MetaPrefer, wire.ShardID(step%2)
			}
			changeMap(m, c)
			for _, was := range before.Members {
				busy := was.State == wire.MemberActive || slices.ContainsFunc(before.Placements, func(p wire.Placement) bool {
					return p.Preferred == was.ID || slices.ContainsFunc(p.Replicas, func(r wire.Replica) bool { return r.Node == was.ID })
				})
				if busy && m.Member(was.ID) == nil {
					t.Fatalf("node %d was dismissed", was.ID)
				}
			}
			if gone := len(goneMembers(m)); m.Member(id) != nil && before.Member(id) == nil && gone > goneMost {
				t.Fatalf("%d members are gone, and the map remembers them", gone)
			}
		}
	})
}

// A node that was silent for so long that it was dismissed joins again, and what was noted of those that were dismissed is gone.
func TestADismissedNodeComesBack(t *testing.T) {
	o := newOffice(t, 4, 2, 3)
	cut := o.node(4)
	id := cut.cfg.Self.ID
	o.drop = func(_ string, f *wire.Frame) bool { return f.From == id || f.To == id }
	gone := func(of wire.NodeID) func() bool {
		return func() bool {
			m := o.m()
			return m != nil && m.Member(of) != nil && m.Member(of).State == wire.MemberDown
		}
	}
	require.True(t, o.until(time.Minute, gone(id)))
	for i := range goneMost + 30 {
		fake := wire.Member{ID: wire.NodeID(1000 + i), Incarnation: wire.Incarnation(1000 + i), Name: fmt.Sprint("pod-", i), PeerAddr: "nowhere"}
		lane := o.lead(wire.MetaShard).Lane
		lane.command(&wire.MetaCommand{Kind: wire.MetaJoin, Member: &fake})
		lane.command(&wire.MetaCommand{Kind: wire.MetaSetState, Node: fake.ID, Incarnation: fake.Incarnation, State: wire.MemberDown})
		require.True(t, o.until(time.Minute, gone(fake.ID)))
	}
	require.True(t, o.until(time.Minute, func() bool { return o.m().Member(id) == nil }))
	for i := range 3 {
		lane := o.node(i + 1).Lane
		require.LessOrEqual(t, len(lane.known), 3+goneMost+1)
		require.LessOrEqual(t, len(lane.epochs), 3+goneMost+1)
	}
	o.drop = nil
	require.True(t, o.until(time.Minute, func() bool {
		m := o.m()
		return m != nil && m.Member(id) != nil && m.Member(id).State == wire.MemberActive && cut.Lane.m.Epoch == m.Epoch
	}))
	require.Equal(t, wire.OutcomeOK, cut.call(wire.Command{Op: wire.OpSet, Key: []byte("k"), Value: []byte("v")}).Outcome)
}

// Nodes that say hello and are in no map (they have left, and the map has forgotten them) are noted as long as they speak.
func TestStrangersAreForgotten(t *testing.T) {
	o := newOffice(t, 3, 1)
	lane := o.node(1).Lane
	hello := func(id wire.NodeID) {
		who := wire.Member{ID: id, Incarnation: 1, PeerAddr: "nowhere", State: wire.MemberLeft}
		o.node(1).turn(func() {
			lane.OnFrame(&wire.Frame{From: id, FromIncarnation: 1, Cluster: lane.m.ClusterID, Messages: []wire.Message{&wire.Hello{Member: who, ClusterID: lane.m.ClusterID, Epoch: lane.m.Epoch, Answer: true}}})
		})
	}
	for id := range wire.NodeID(1000) {
		hello(1000 + id)
	}
	o.run(2 * lane.cfg.Grace)
	hello(1000)
	require.Len(t, lane.known, 3+1000)
	meta := o.lead(wire.MetaShard).Lane
	meta.command(&wire.MetaCommand{Kind: wire.MetaSetWeight, Node: 2, Weight: 150})
	o.run(time.Second)
	require.Len(t, lane.known, 3+1)
	require.Len(t, lane.epochs, 2+1)
	require.LessOrEqual(t, len(lane.heard), 2+1)
}

// A node that was drained and stays, to forward requests, is no new one when the map has forgotten it: an operator has said that it is to hold
// nothing. Its next life may join.
func TestADismissedNodeThatHasLeftStaysOut(t *testing.T) {
	o := newOffice(t, 4, 2, 3)
	o.told(o.node(1), wire.Ask{Op: wire.AdminDrain, Node: 4}, wire.RefusalNone)
	require.True(t, o.until(time.Minute, func() bool { return o.m() != nil && o.m().Member(4).State == wire.MemberLeft }), "it never leaves")
	o.run(2 * time.Second)
	for i := range goneMost + 30 {
		fake := wire.Member{ID: wire.NodeID(1000 + i), Incarnation: wire.Incarnation(1000 + i), Name: fmt.Sprint("pod-", i), PeerAddr: "nowhere"}
		lane := o.lead(wire.MetaShard).Lane
		lane.command(&wire.MetaCommand{Kind: wire.MetaJoin, Member: &fake})
		lane.command(&wire.MetaCommand{Kind: wire.MetaSetState, Node: fake.ID, Incarnation: fake.Incarnation, State: wire.MemberDown})
		require.True(t, o.until(time.Minute, func() bool {
			m := o.m()
			return m != nil && m.Member(fake.ID) != nil && m.Member(fake.ID).State == wire.MemberDown
		}))
		if who := o.m().Member(4); who != nil {
			require.Equal(t, wire.MemberLeft, who.State, "after %d others", i)
		}
	}
	o.run(20 * time.Second)
	require.Nil(t, o.m().Member(4))
	require.Nil(t, o.node(4).m.Member(4), "it has the newest map")
	require.Equal(t, wire.OutcomeOK, o.node(4).call(wire.Command{Op: wire.OpSet, Key: []byte("k"), Value: []byte("v")}).Outcome, "it forwards")
	o.restart("n4")
	require.True(t, o.until(time.Minute, func() bool { return o.m() != nil && o.m().Member(4) != nil && o.holds(4) > 0 }))
}
