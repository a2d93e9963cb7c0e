package cluster

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// Where each shard has one replica, that one leads, and is to go itself: the shard moves all the same when a node joins, and when one is drained.
func TestAShardOfOneReplicaMoves(t *testing.T) {
	w := newWorld(5)
	a := w.start("a", 1, 7, Config{Expect: 1, Shards: 4, Replicas: 1})
	require.True(t, w.until(time.Minute, func() bool { return len(a.order) > 0 && a.order[0].member.Leads() }))
	c := w.start("c", 3, 7, Config{Expect: 1, Join: []string{"a"}})
	moved := func(n *node) bool { // all that it holds it leads, alone
		for _, g := range n.order {
			if !g.member.Leads() || len(g.member.Conf().Voters) != 1 {
				return false
			}
		}
		return len(n.order) > 0
	}
	require.True(t, w.until(time.Minute, func() bool { return moved(a) && moved(c) && MovesOf(a.m).Replicas == 0 }), "%+v", MovesOf(a.m))

	for _, n := range []*node{a, c} {
		if n.groups[wire.MetaShard] != nil {
			n.turn(func() { n.command(&wire.MetaCommand{Kind: wire.MetaDrain, Node: 1}) })
		}
	}
	require.True(t, w.until(time.Minute, func() bool { return c.m.Member(1).State == wire.MemberLeft }), "%+v", MovesOf(c.m))
	require.True(t, moved(c))
	require.Len(t, c.order, 5, "the meta group and four shards")
}
