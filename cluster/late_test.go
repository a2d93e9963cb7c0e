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
	w, shard, _ := lateFounders(t)
	w.drop = nil
	require.True(t, w.until(20*time.Second, w.everywhere))
	require.True(t, w.until(10*time.Second, func() bool { return w.leader(shard) != nil }))
}

// Meanwhile whoever had the first map has begun another life.
func TestAShardBeginsThoughTheFirstMapIsForgotten(t *testing.T) {
	w, shard, late := lateFounders(t)
	for i, addr := range w.names {
		if slices.Contains(late, addr) {
			continue
		}
		id := wire.NodeID(i + 1)
		n := w.start(addr, id, 8, w.nodes[addr].cfg)
		voter := wire.Replica{Node: id, Incarnation: 8}
		require.True(t, w.until(20*time.Second, func() bool { return n.m != nil && alive(n.m, voter) && w.leader(wire.MetaShard) != nil }))
		w.run(20 * time.Second)
	}
	w.drop = nil
	require.True(t, w.until(20*time.Second, w.everywhere))
	require.True(t, w.until(10*time.Second, func() bool { return w.leader(shard) != nil }))
}

// lateFounders is a cluster of six of which some are cut off and have no map yet, all founders of a shard. The others have a later map than the first.
func lateFounders(t *testing.T) (w *world, shard wire.ShardID, late []string) {
	w = newWorld(7)
	names := []string{"a", "b", "c", "d", "e", "f"}
	w.drop = func(addr string, f *wire.Frame) bool {
		for _, m := range f.Messages {
			if m, is := m.(*wire.MapUpdate); is && late == nil {
				shard, late = w.spared(m.Map)
			}
		}
		return slices.Contains(late, addr) != slices.Contains(late, w.names[f.From-1])
	}
	for i, addr := range names {
		w.start(addr, wire.NodeID(i+1), 7, Config{Join: names, Expect: len(names), Shards: 40, Grace: 2 * time.Second})
	}
	require.True(t, w.until(20*time.Second, func() bool {
		return !slices.ContainsFunc(names, func(addr string) bool {
			n := w.nodes[addr]
			return slices.Contains(late, addr) == (n.m != nil) || n.m != nil && n.m.Epoch == 1
		})
	}), "the others have a later map, and these have none")
	return w, shard, late
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
