package cluster

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// All founders of a shard are cut off just before the first map has reached them, and when they are back there is a later one. They begin
// their groups all the same, for nobody else would.
func TestAShardBeginsThoughItsFoundersAreLate(t *testing.T) {
	w := newWorld(7)
	names := []string{"a", "b", "c", "d", "e", "f"}
	var shard wire.ShardID
	var cut []string
	w.drop = func(addr string, f *wire.Frame) bool {
		for _, m := range f.Messages {
			if m, is := m.(*wire.MapUpdate); is && cut == nil {
				shard, cut = w.spared(m.Map)
			}
		}
		return slices.Contains(cut, addr) != slices.Contains(cut, w.names[f.From-1])
	}
	for i, addr := range names {
		w.start(addr, wire.NodeID(i+1), 7, Config{Join: names, Expect: len(names), Shards: 40, Grace: 2 * time.Second})
	}
	later := func() bool {
		return !slices.ContainsFunc(names, func(addr string) bool {
			n := w.nodes[addr]
			return slices.Contains(cut, addr) == (n.m != nil) || n.m != nil && n.m.Epoch == 1
		})
	}
	require.True(t, w.until(20*time.Second, later), "the others have a later map, and these have none")
	w.drop = nil
	require.True(t, w.until(20*time.Second, w.everywhere))
	require.True(t, w.until(10*time.Second, func() bool { return w.leader(shard) != nil }))
}

// A founder takes a later map when nobody has given it the first one for a while. Who is no founder of the cluster waits for none.
func TestAFounderWaitsForTheFirstMap(t *testing.T) {
	one := wire.Member{ID: 1, Incarnation: 7, PeerAddr: "a"}
	begin := func(pledged uint64) (n *node, later *wire.ClusterMap) {
		n = newWorld(3).start("b", 2, 7, Config{Expect: 2})
		members := []wire.Member{one, n.cfg.Self}
		require.True(t, n.pledge(one, &wire.Pledge{Proposal: pledged, Members: members}).Accept)
		later = firstMap(11, members, 4, 3)
		later.Epoch = 5
		return n, later
	}
	give := func(n *node, m *wire.ClusterMap) { n.turn(func() { n.onMapUpdate(&wire.MapUpdate{Map: m}) }) }

	n, later := begin(11)
	give(n, later)
	n.run((lateTicks - 1) * n.cfg.Tick)
	give(n, later)
	require.Nil(t, n.m)
	n.run(n.cfg.Tick)
	give(n, later)
	require.Equal(t, later, n.m)

	n, later = begin(11)
	give(n, later)
	first := firstMap(11, later.Members, 4, 3)
	give(n, first)
	require.Equal(t, first, n.m)
	give(n, later)
	require.Equal(t, later, n.m)

	n, later = begin(22)
	give(n, later)
	require.Equal(t, later, n.m, "it is pledged to another founding, and joins this cluster")
}

// spared is a shard without whose founders the meta group can do, and where they are; a, who founds the cluster, is none of them.
func (w *world) spared(m *wire.ClusterMap) (wire.ShardID, []string) {
	for _, p := range m.Placements[1:] {
		var on []string
		inMeta := 0
		for _, r := range p.Replicas {
			on = append(on, w.names[r.Node-1])
			if m.Placements[wire.MetaShard].On(r.Node, r.Incarnation) != nil {
				inMeta++
			}
		}
		if inMeta <= 1 && !slices.Contains(on, "a") {
			return p.Shard, on
		}
	}
	panic("no such shard")
}
