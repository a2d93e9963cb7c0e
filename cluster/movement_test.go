package cluster

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// What really moves, counted in a running cluster and not by the ring alone: every replica that is made
// takes a number of its own, so the numbers given out tell how many were made, those that were given up
// half way included.
//
//	join, weight up    at most 1.1 times what the node gains, which is its share, rounded up
//	drain, weight down at most 1.1 times what the node loses
//
// Afterwards each node holds its share by weight, give or take 10%, and leads a third of that, give or take
// 15%, each bound rounded outwards to a whole replica.
func TestWhatMovesIsWhatMust(t *testing.T) {
	for _, nodes := range []int{3, 4, 6} {
		t.Run(fmt.Sprint(nodes, " nodes"), func(t *testing.T) {
			const shards = 48
			o := newOffice(t, nodes, shards)
			o.balanced()
			held := func(id int) int { return o.holds(wire.NodeID(id)) }

			var join []string
			for i := range nodes {
				join = append(join, fmt.Sprintf("n%d", i+1))
			}
			newcomer := nodes + 1
			o.changes("join", func() {
				o.start(fmt.Sprintf("n%d", newcomer), wire.NodeID(newcomer), 1, Config{Join: join, Shards: shards, Grace: 5 * time.Second})
				require.True(t, o.until(10*time.Second, func() bool { return o.m() != nil && o.m().Member(wire.NodeID(newcomer)) != nil }))
			}, func() int { return ceil((shards+1)*3, nodes+1) })

			before := held(2)
			o.changes("weight up", func() { o.told(o.node(1), wire.Ask{Op: wire.AdminSetWeight, Node: 2, Weight: 150}, wire.RefusalNone) },
				func() int { return max(ceil((shards+1)*3*150, nodes*100+150)-before, 0) })
			o.changes("weight back", func() { o.told(o.node(1), wire.Ask{Op: wire.AdminSetWeight, Node: 2}, wire.RefusalNone) },
				func() int { return held(2) - (shards+1)*3/(nodes+1) })

			leaves := held(3)
			o.changes("drain", func() { o.told(o.node(1), wire.Ask{Op: wire.AdminDrain, Node: 3}, wire.RefusalNone) }, func() int { return leaves })
			require.Zero(t, held(3))
			o.changes("undrain", func() { o.told(o.node(3), wire.Ask{Op: wire.AdminUndrain, Node: 3}, wire.RefusalNone) },
				func() int { return ceil((shards+1)*3, nodes+1) })
		})
	}
}

func ceil(a, b int) int { return (a + b - 1) / b }

// changes makes a change, lets the cluster settle, and compares what was moved with what must be.
func (o *office) changes(what string, change func(), least func() int) {
	o.t.Helper()
	must, before := least(), o.m().NextReplica
	change()
	o.settles()
	o.run(20 * time.Second) // leaderships go to who should have them
	moved := int(o.m().NextReplica - before)
	o.t.Logf("%s: %d replicas made, %d must be", what, moved, must)
	require.LessOrEqual(o.t, moved, ceil(must*11, 10), what)
	o.balanced()
}

// balanced checks that each node holds and leads its share.
func (o *office) balanced() {
	o.t.Helper()
	m := o.m()
	list, weights := holders(m), 0
	for i := range list {
		weights += int(list[i].Weight)
	}
	total := len(m.Placements) * wanted(m)
	for i := range list {
		id, w := list[i].ID, int(list[i].Weight)
		holds, leads := o.holds(id), 0
		for shard := range m.Placements {
			if n := o.lead(wire.ShardID(shard)); n != nil && n.cfg.Self.ID == id {
				leads++
			}
		}
		require.GreaterOrEqual(o.t, holds, total*w*90/(weights*100), "%v holds too little", id)
		require.LessOrEqual(o.t, holds, ceil(total*w*110, weights*100), "%v holds too much", id)
		require.GreaterOrEqual(o.t, leads, len(m.Placements)*w*85/(weights*100), "%v leads too little", id)
		require.LessOrEqual(o.t, leads, ceil(len(m.Placements)*w*115, weights*100), "%v leads too much", id)
	}
}
