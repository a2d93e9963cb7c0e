package cluster

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// A node that voted in one cluster is started anew, told to join that one and another one, and gets into the other one. The first one knows where its new
// life listens, and its map goes on naming the node for what the former life held. What that one's clients ask is not carried out in the other cluster.
func TestNoRequestIsHandedToAFormerMember(t *testing.T) {
	w := newWorld(5)
	both := Config{Expect: 2, Shards: 8, Replicas: 1, Join: []string{"a", "c"}}
	a, b := w.start("a", 1, 7, both), w.start("b", 2, 7, Config{Expect: 1, Shards: 8, Replicas: 1})
	c := w.start("c", 3, 7, both)
	leads := func(n *node) bool {
		for _, g := range n.order {
			if !g.member.Leads() {
				return false
			}
		}
		return len(n.order) > 0
	}
	require.True(t, w.until(time.Minute, func() bool { return leads(a) && leads(b) && leads(c) }))
	w.lag = func(addr string, f *wire.Frame) time.Duration {
		if addr == "c" && f.From == a.cfg.Self.ID {
			return 10 * time.Millisecond
		}
		return 0
	}
	c = w.start("c", 3, 8, Config{Expect: 1, Join: []string{"a", "b"}})
	var shard wire.ShardID
	require.True(t, w.until(20*time.Second, func() bool {
		for _, g := range c.order {
			if p := a.m.Placement(g.shard); g.member.Leads() && p.Shard != wire.MetaShard && p.On(3, 7) != nil {
				shard = g.shard
			}
		}
		return shard != 0
	}), "c leads in its new cluster what it led in the old one, or the test is none")
	require.Equal(t, b.m.ClusterID, c.m.ClusterID)
	require.Equal(t, wire.Incarnation(8), a.known[3].Incarnation)
	key := []byte("a")
	for wire.ShardOf(wire.Slot(key), int(c.m.Shards)) != shard {
		key[0]++
	}
	require.Equal(t, wire.OutcomeOK, c.call(wire.Command{Op: wire.OpSet, Key: key, Value: []byte("theirs")}).Outcome)
	for range 3 {
		require.NotEqual(t, wire.OutcomeOK, a.call(wire.Command{Op: wire.OpSet, Key: key, Value: []byte("ours")}).Outcome)
		require.Equal(t, "theirs", string(c.call(wire.Command{Op: wire.OpGet, Key: key}).Results[0].Value))
	}
}
