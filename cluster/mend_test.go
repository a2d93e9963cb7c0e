package cluster

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// Of two voters to be replaced the one whose memory is surely gone goes first: the other one's node
// was declared down, but may live, and then it is needed for the majority.
func TestTheSurelyDeadAreReplacedFirst(t *testing.T) {
	m := &wire.ClusterMap{Members: []wire.Member{
		{ID: 1, Incarnation: 1, State: wire.MemberDown}, {ID: 2, Incarnation: 7}, {ID: 3, Incarnation: 1},
	}}
	p := &wire.Placement{Shard: 1, Replicas: []wire.Replica{
		{ID: 10, Node: 1, Incarnation: 1, Role: wire.RoleVoter}, {ID: 11, Node: 2, Incarnation: 3, Role: wire.RoleVoter},
		{ID: 12, Node: 3, Incarnation: 1, Role: wire.RoleVoter},
	}}
	g := &group{lane: &Lane{m: m}}
	require.EqualValues(t, 11, g.dead(p, wire.ConfState{Voters: []uint64{10, 11, 12}}))
	require.EqualValues(t, 10, g.dead(p, wire.ConfState{Voters: []uint64{10, 12}}))
	require.EqualValues(t, 0, g.dead(p, wire.ConfState{Voters: []uint64{12}}))
	require.EqualValues(t, 99, g.dead(p, wire.ConfState{Voters: []uint64{10, 99}}), "one that the map does not know")
}

// A replica that was made a voter and removed before the map heard of either is a learner in the
// map. Its leader must not take it in again, and says that its turn is over.
func TestAnIDIsUsedOnce(t *testing.T) {
	conf := wire.ConfState{Voters: []uint64{1, 2, 3}, Newest: 4}
	require.True(t, used(conf, 4))
	require.False(t, used(conf, 5))

	m := mapOf(replica(1, voter), replica(2, voter), replica(3, voter), replica(4, learner))
	report := setRolesOf(&wire.Report{Shard: 1, Replica: 1, Applied: 100, Conf: conf})
	require.True(t, wouldChange(m, report))
	require.True(t, changeMap(m, report))
	require.Nil(t, m.Placement(1).Replica(4))
}

// A learner whose node begins a later life leaves the group, and the map: else one would stay with every start of a node that does not live for
// long enough to catch up.
func TestALearnerThatIsOverIsLetGo(t *testing.T) {
	w := five(t, Config{})
	lead := w.leader(1)
	_, addrs := w.others(lead)
	again := addrs[0]
	if w.nodes[again] == w.leader(wire.MetaShard) {
		again = addrs[1]
	}
	w.drop = func(addr string, f *wire.Frame) bool { // it never catches up
		return addr == again && slices.ContainsFunc(f.Messages, func(m wire.Message) bool {
			_, is := m.(*wire.SnapshotChunk)
			return is && m.Group() == 1
		})
	}
	conf := func() wire.ConfState { return lead.groups[1].member.Conf() }
	for range 3 {
		w.restart(again)
		life := w.nodes[again].cfg.Self.Incarnation
		learns := func() bool {
			r := w.newest().Placement(1).On(w.nodes[again].cfg.Self.ID, life)
			return r != nil && slices.Equal(conf().Learners, []uint64{uint64(r.ID)})
		}
		require.True(t, w.until(20*time.Second, learns), "it learns, and nobody else does")
	}
	w.drop = nil
	require.True(t, w.until(20*time.Second, func() bool {
		return len(conf().Learners) == 0 && len(conf().Voters) == 3 && len(w.newest().Placement(1).Replicas) == 3
	}))
}

// A voter that is silent may live, and be needed: it stays until another one votes in its place, however long that takes.
func TestTheSilentStayUntilTheyAreReplaced(t *testing.T) {
	w := five(t, Config{Grace: 2 * time.Second})
	lead := w.leader(1)
	ids, addrs := w.others(lead)
	silent, id := addrs[0], ids[0]
	if w.nodes[silent] == w.leader(wire.MetaShard) {
		silent, id = addrs[1], ids[1]
	}
	w.drop = func(_ string, f *wire.Frame) bool {
		return slices.ContainsFunc(f.Messages, func(m wire.Message) bool { _, is := m.(*wire.SnapshotChunk); return is && m.Group() == 1 })
	}
	w.nodes[silent].over = true
	conf := func() wire.ConfState { return lead.groups[1].member.Conf() }
	require.True(t, w.until(20*time.Second, func() bool { return len(conf().Learners) == 1 }), "it is down, and another one learns")
	w.until(20*time.Second, func() bool {
		require.Contains(t, conf().Voters, uint64(id))
		return false
	})
	w.drop = nil
	require.True(t, w.until(20*time.Second, func() bool { return len(conf().Learners) == 0 }))
	require.Len(t, conf().Voters, 3)
	require.NotContains(t, conf().Voters, uint64(id))
}

// A life that was declared down is taken back when the meta group's leader hears it, not when
// others do: else it is in and out without end.
func TestTheDownAreTakenBackByEar(t *testing.T) {
	w := newWorld(3)
	for i, addr := range addrs {
		w.start(addr, wire.NodeID(i+1), 7, Config{Join: addrs, Expect: 4, Shards: 4, Grace: time.Second})
	}
	require.True(t, w.until(20*time.Second, w.everywhere), "founded")
	w.run(5 * time.Second) // the preferred one leads
	var leader *node
	for _, addr := range addrs {
		if n := w.nodes[addr]; n.leading {
			leader = n
		}
	}
	require.NotNil(t, leader)
	deaf := addrs[0]
	if w.nodes[deaf] == leader {
		deaf = addrs[1]
	}
	id := w.nodes[deaf].cfg.Self.ID
	w.drop = func(addr string, f *wire.Frame) bool { return f.From == id && addr == leader.cfg.Self.PeerAddr }
	state := func() wire.MemberState { return leader.m.Member(id).State }
	require.True(t, w.until(20*time.Second, func() bool { return state() == wire.MemberDown }), "it is not heard")
	epoch := leader.m.Epoch
	w.run(30 * time.Second)
	require.Equal(t, wire.MemberDown, state(), "others hear it, and say so")
	require.Less(t, leader.m.Epoch-epoch, wire.Epoch(40), "and the map settles")
	w.drop = nil
	require.True(t, w.until(10*time.Second, func() bool { return state() == wire.MemberActive }))
}

// A life that says hello is heard from then on: what was heard of the one before counts for nothing, and a
// leader that went by it would declare the new one down as soon as it is admitted.
func TestAHelloIsHeard(t *testing.T) {
	o := newOffice(t, 4, 4)
	leader := o.first()
	other := o.node(1)
	if other == leader {
		other = o.node(2)
	}
	other.over = true
	o.run(3 * time.Second)
	who := other.cfg.Self
	who.Incarnation++
	leader.OnFrame(&wire.Frame{From: who.ID, FromIncarnation: who.Incarnation, To: leader.cfg.Self.ID, Cluster: leader.m.ClusterID,
		Messages: []wire.Message{&wire.Hello{Member: who, ClusterID: leader.m.ClusterID, Epoch: leader.m.Epoch}}})
	require.Equal(t, o.now, leader.heard[who.ID])
}

// A meta leader that is new has listened for too short a time to call anybody silent, whatever it has heard before.
func TestANewLeaderListensFirst(t *testing.T) {
	o := newOffice(t, 4, 1)
	o.run(20 * time.Second)
	leader, epoch := o.lead(wire.MetaShard), o.m().Epoch
	leader.turn(func() {
		clear(leader.heard)
		leader.since = o.now
		leader.mournSilent(leader.groups[wire.MetaShard].meta.m)
	})
	o.run(time.Second)
	require.Equal(t, epoch, o.m().Epoch)
}
