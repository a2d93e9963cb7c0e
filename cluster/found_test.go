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

var addrs = []string{"a", "b", "c", "d"}

// founders is the config of a node that founds a cluster of three.
var founders = Config{Join: addrs, Expect: 3, Shards: 4}

// answers is a sink.
type answers struct{ all []wire.Response }

func (a *answers) Deliver(_ uint64, r *wire.Response) {
	kept := *r
	kept.Results = slices.Clone(r.Results) // the lane uses the slice again
	a.all = append(a.all, kept)
}

// call asks one node, and returns what it answers.
func (n *node) call(c wire.Command) wire.Response {
	a := &answers{}
	shard := wire.ShardOf(wire.Slot(c.Key), int(n.m.Shards))
	n.turn(func() {
		n.OnCall(&wire.Call{Request: wire.Request{Shard: shard, Commands: []wire.Command{c}}, Sink: a})
	})
	n.until(time.Minute, func() bool { return len(a.all) > 0 })
	return a.all[0]
}

// everywhere reports whether all nodes have a map, the same one.
func (w *world) everywhere() bool {
	for _, addr := range w.names {
		n := w.nodes[addr]
		if n.m == nil || n.m.Epoch != w.nodes[w.names[0]].m.Epoch || n.m.ClusterID != w.nodes[w.names[0]].m.ClusterID {
			return false
		}
	}
	return true
}

func TestThreeLivesFoundOneClusterAndAFourthJoins(t *testing.T) {
	w := newWorld(1)
	for i, addr := range addrs[:2] {
		w.start(addr, wire.NodeID(i+1), 7, founders)
	}
	w.run(time.Minute)
	for _, addr := range addrs[:2] {
		require.Nil(t, w.nodes[addr].m, "two are too few")
	}

	w.start("c", 3, 7, founders)
	require.True(t, w.until(10*time.Second, w.everywhere), "founded")
	first := w.nodes["a"].m
	require.EqualValues(t, 1, first.Epoch)
	require.Len(t, first.Members, 3)
	for _, addr := range addrs[:3] {
		require.Len(t, w.nodes[addr].order, 5, "a replica of each shard, and of the meta group")
	}

	for i, addr := range addrs[:3] {
		r := w.nodes[addr].call(wire.Command{Op: wire.OpIncr, Key: []byte("k"), Delta: 1})
		require.Equal(t, wire.OutcomeOK, r.Outcome, "%v", r.Reason)
		require.EqualValues(t, i+1, r.Results[0].Int, "one cluster, one counter")
	}

	w.start("d", 4, 7, founders)
	joined := func() bool {
		return w.everywhere() && w.nodes["d"].m.Member(4) != nil && len(w.nodes["d"].order) > 0
	}
	require.True(t, w.until(time.Minute, joined), "the fourth is in")
	require.Equal(t, first.ClusterID, w.nodes["d"].m.ClusterID, "in the same cluster")
	r := w.nodes["d"].call(wire.Command{Op: wire.OpGet, Key: []byte("k")})
	require.Equal(t, "3", string(r.Results[0].Value))

	settled := func() bool {
		for i := range w.nodes["a"].m.Placements {
			if p := &w.nodes["a"].m.Placements[i]; len(p.Replicas) != 3 || healthy(w.nodes["a"].m, p) != 3 {
				return false
			}
		}
		return w.everywhere()
	}
	require.True(t, w.until(time.Minute, settled), "three voters of each shard, also after the moves")
	for i, p := range w.nodes["a"].m.Placements {
		for _, r := range p.Replicas {
			if r.Node == 4 {
				require.GreaterOrEqual(t, r.ID, first.NextReplica, "shard %d: an ID is given once", i)
			}
		}
	}
}

// A node that expects nobody but is told of others waits for their cluster: it founds none of its own.
func TestJoinsOnly(t *testing.T) {
	w := newWorld(1)
	w.start("d", 4, 7, Config{Join: addrs, Expect: 1, Shards: 4})
	w.run(time.Minute)
	require.Nil(t, w.nodes["d"].m, "nobody is there yet")
	for i, addr := range addrs[:3] {
		w.start(addr, wire.NodeID(i+5), 7, founders)
	}
	require.True(t, w.until(30*time.Second, w.everywhere), "the others found a cluster without it, though it is the lowest, and it joins")
}

// Of two processes under one name each sees one founder. What is amiss can only be said by who hears the other.
func TestANamesakeIsTold(t *testing.T) {
	w := newWorld(3)
	n := w.start("a", 1, 7, founders)
	hello := func(from wire.Member) {
		n.turn(func() {
			n.OnFrame(&wire.Frame{From: from.ID, FromIncarnation: from.Incarnation, Messages: []wire.Message{&wire.Hello{Member: from, Expect: 3}}})
		})
	}
	former := n.cfg.Self
	former.Incarnation--
	hello(former)
	require.Zero(t, n.seeking().Namesake, "a former life of its own, at its address")
	other := wire.Member{ID: 1, Incarnation: 9, PeerAddr: "elsewhere"}
	hello(other)
	require.Equal(t, other, n.seeking().Namesake)
	w.run(time.Minute)
	require.Zero(t, n.seeking().Namesake, "it has a name of its own now, or is gone")
}

func TestOneNodeAlone(t *testing.T) {
	w := newWorld(2)
	n := w.start("a", 1, 1, Config{})
	require.NotNil(t, n.m)
	require.Len(t, n.m.Placements, 65)
	require.Equal(t, wire.OutcomeOK, n.call(wire.Command{Op: wire.OpSet, Key: []byte("k"), Value: []byte("v")}).Outcome)
	require.False(t, n.Status().Fenced)
}

// pledge asks a node for its pledge, and returns what it answers to that.
func (n *node) pledge(from wire.Member, m *wire.Pledge) (answer *wire.Pledged) {
	n.world.listening = func(addr string, f *wire.Frame) {
		for _, m := range f.Messages {
			if p, ok := m.(*wire.Pledged); ok && addr == from.PeerAddr {
				answer = p
			}
		}
	}
	n.turn(func() {
		n.OnFrame(&wire.Frame{From: from.ID, FromIncarnation: from.Incarnation, To: n.cfg.Self.ID, Messages: []wire.Message{m}})
	})
	n.world.listening = nil
	return answer
}

func TestAPledgeIsGivenOnce(t *testing.T) {
	one, two := wire.Member{ID: 1, Incarnation: 7, PeerAddr: "a"}, wire.Member{ID: 2, Incarnation: 7, PeerAddr: "b"}
	begin := func() (*node, []wire.Member) {
		n := newWorld(3).start("c", 3, 7, Config{Expect: 3})
		return n, []wire.Member{one, two, n.cfg.Self}
	}

	n, members := begin()
	require.Equal(t, &wire.Pledged{Proposal: 11, Accept: true, Other: 11}, n.pledge(one, &wire.Pledge{Proposal: 11, Members: members}))
	require.Equal(t, &wire.Pledged{Proposal: 22, Other: 11}, n.pledge(two, &wire.Pledge{Proposal: 22, Members: members}), "another one asks")
	require.Equal(t, &wire.Pledged{Proposal: 11, Accept: true, Other: 11}, n.pledge(one, &wire.Pledge{Proposal: 11, Members: members}), "the answer was lost")

	hello := func(from wire.Member) {
		n.turn(func() {
			n.OnFrame(&wire.Frame{From: from.ID, FromIncarnation: from.Incarnation, Messages: []wire.Message{&wire.Hello{Member: from}}})
		})
	}
	former := one
	former.Incarnation--
	hello(one)
	hello(former)
	require.False(t, n.pledge(two, &wire.Pledge{Proposal: 22, Members: members}).Accept)
	again := two
	again.Incarnation++
	hello(again)
	require.False(t, n.pledge(two, &wire.Pledge{Proposal: 22, Members: members}).Accept, "another one's life is over")
	again = one
	again.Incarnation++
	hello(again)
	require.True(t, n.pledge(two, &wire.Pledge{Proposal: 22, Members: members}).Accept, "the life that had the pledge is over")

	first := firstMap(33, members, 4, 3)
	n.turn(func() { n.onMapUpdate(&wire.MapUpdate{Proposal: 33, Initial: true, Map: first}) })
	require.Nil(t, n.m, "a founding that this life gave no pledge to")
	first = firstMap(22, members, 4, 3)
	n.turn(func() { n.onMapUpdate(&wire.MapUpdate{Proposal: 22, Initial: true, Map: first}) })
	require.Equal(t, first, n.m)
	require.Nil(t, n.pledge(one, &wire.Pledge{Proposal: 44, Members: members}), "who is in a cluster gives none")
	n.turn(func() { n.onMapUpdate(&wire.MapUpdate{Map: firstMap(55, members, 4, 3)}) })
	require.Equal(t, first, n.m, "another cluster's map")

	n, members = begin()
	require.True(t, n.pledge(one, &wire.Pledge{Proposal: 11, Members: members}).Accept)
	require.True(t, n.pledge(one, &wire.Pledge{Proposal: 13, Members: members}).Accept, "the same life's next one: the one before was given up")
	require.False(t, n.pledge(one, &wire.Pledge{Proposal: 11, Members: members}).Accept, "that one was long under way")
	require.False(t, n.pledge(one, &wire.Pledge{Proposal: 15, Members: []wire.Member{former, two, n.cfg.Self}}).Accept, "and that one is a former life's")
	require.Nil(t, n.pledge(one, &wire.Pledge{Proposal: 11}), "it is given up, which is no news")
	require.False(t, n.pledge(two, &wire.Pledge{Proposal: 22, Members: members}).Accept)
	require.Nil(t, n.pledge(two, &wire.Pledge{Proposal: 13}), "it is not his to give up")
	require.False(t, n.pledge(two, &wire.Pledge{Proposal: 22, Members: members}).Accept)
	require.Nil(t, n.pledge(one, &wire.Pledge{Proposal: 13}), "given up, with nothing in its place")
	require.True(t, n.pledge(two, &wire.Pledge{Proposal: 22, Members: members}).Accept)

	n, members = begin()
	members[2].Incarnation--
	require.False(t, n.pledge(one, &wire.Pledge{Proposal: 11, Members: members}).Accept, "to this node's former life")
	require.Nil(t, n.pledge(one, &wire.Pledge{Proposal: 11, Members: members[:2]}), "not about this node")
	require.Nil(t, n.pledge(one, &wire.Pledge{Proposal: 11, Members: members[1:]}), "from one that takes no part itself")
}

// A pledge counts for the proposal that it was given to, not for the next one: that one's answer may be no.
func TestAPledgeThatIsLateCountsForNothing(t *testing.T) {
	n := newWorld(3).start("a", 1, 7, Config{Expect: 2})
	other := wire.Member{ID: 2, Incarnation: 7, PeerAddr: "b"}
	says := func(m wire.Message) {
		n.turn(func() {
			n.OnFrame(&wire.Frame{From: other.ID, FromIncarnation: other.Incarnation, Messages: []wire.Message{m}})
			n.propose()
		})
	}
	says(&wire.Hello{Member: other, Expect: 2})
	first := n.found.proposal
	require.NotZero(t, first)
	says(&wire.Pledged{Proposal: first})
	second := n.found.proposal
	require.Greater(t, second, first, "the other one is pledged elsewhere: begin another")
	says(&wire.Pledged{Proposal: first, Accept: true})
	require.Nil(t, n.m)
	says(&wire.Pledged{Proposal: second, Accept: true})
	require.Equal(t, second, n.m.ClusterID)
}

// TestARestartDuringTheFounding: one founder dies after another one has given its pledge. The
// proposal can never be whole; the same life's next one takes its place.
func TestARestartDuringTheFounding(t *testing.T) {
	w := newWorld(4)
	w.drop = func(addr string, f *wire.Frame) bool {
		_, pledge := f.Messages[0].(*wire.Pledge)
		return pledge && addr == "c"
	}
	for i, addr := range addrs[:3] {
		w.start(addr, wire.NodeID(i+1), 7, founders)
	}
	require.True(t, w.until(time.Minute, func() bool { return len(w.nodes["a"].found.yes) == 2 }), "b has given its pledge")
	w.start("c", 3, 8, founders)
	w.drop = nil
	require.True(t, w.until(time.Minute, w.everywhere), "founded in the end")
	require.EqualValues(t, 8, w.nodes["a"].m.Member(3).Incarnation)
}

// TestNeverTwoClusters: with frames late, lost and doubled, and lives that end before anything is
// founded, there is one cluster in the end, and never two.
func TestNeverTwoClusters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(rapid.Uint64().Draw(t, "seed"))
		w.loss, w.double = rapid.IntRange(0, 400).Draw(t, "loss"), rapid.IntRange(0, 300).Draw(t, "doubles")
		w.delayMax = time.Duration(rapid.IntRange(1, 1500).Draw(t, "delay ms")) * time.Millisecond
		nodes := rapid.IntRange(3, 4).Draw(t, "nodes")
		lives := make([]wire.Incarnation, nodes)
		start := func(i int) {
			lives[i]++
			w.start(addrs[i], wire.NodeID(i+1), lives[i], founders)
		}
		founded := func() bool {
			for _, addr := range w.names {
				if w.nodes[addr].m != nil {
					return true
				}
			}
			return false
		}
		clusters := map[uint64]bool{}
		look := func() {
			for _, addr := range w.names {
				if m := w.nodes[addr].m; m != nil {
					clusters[m.ClusterID] = true
				}
			}
			require.LessOrEqual(t, len(clusters), 1)
		}
		for _, i := range rapid.Permutation([]int{0, 1, 2, 3}[:nodes]).Draw(t, "order") {
			start(i)
			w.run(time.Duration(rapid.IntRange(0, 3000).Draw(t, "ms")) * time.Millisecond)
			look()
		}
		for range rapid.IntRange(0, 4).Draw(t, "restarts") {
			i := rapid.IntRange(0, nodes-1).Draw(t, "who")
			if !founded() {
				start(i)
			}
			w.run(time.Duration(rapid.IntRange(0, 3000).Draw(t, "ms")) * time.Millisecond)
			look()
		}
		w.loss, w.delayMax = 0, 10*time.Millisecond
		for range 600 {
			if w.run(100 * time.Millisecond); len(w.names) == nodes && w.everywhere() {
				break
			}
			look()
		}
		look()
		require.True(t, w.everywhere(), "all are in: %v", mapsOf(w))
	})
}

func mapsOf(w *world) (all []string) {
	for _, addr := range w.names {
		n := w.nodes[addr]
		if n.m == nil {
			all = append(all, fmt.Sprintf("%s: seeks, pledged %x", addr, n.found.pledged))
			continue
		}
		all = append(all, fmt.Sprintf("%s: %x, epoch %d", addr, n.m.ClusterID, n.m.Epoch))
	}
	return all
}
