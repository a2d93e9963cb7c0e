package cluster

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// A node that another cluster has let in by mistake, and was to give a replica, is handed no request by that one's nodes, whoever else is silent: it would carry
// them out in its own cluster.
func TestNoRequestIsHandedToAStranger(t *testing.T) {
	w := newWorld(5)
	alone := Config{Expect: 1, Shards: 8, Replicas: 1}
	a, b := w.start("a", 1, 7, alone), w.start("b", 2, 7, alone)
	d := w.start("d", 4, 7, Config{Expect: 1, Join: []string{"b"}})
	require.True(t, w.until(time.Minute, func() bool {
		return len(a.order) > 0 && a.order[0].member.Leads() && len(d.order) > 0 && MovesOf(b.m).Replicas == 0
	}))
	cut := false
	w.drop = func(addr string, f *wire.Frame) bool { return cut && (addr == "b" || f.From == b.cfg.Self.ID) }
	w.lag = func(addr string, f *wire.Frame) time.Duration {
		if hello, ok := f.Messages[0].(*wire.Hello); ok && addr == "b" && hello.ClusterID == 0 {
			return 10 * time.Millisecond
		}
		return 0
	}
	c := w.start("c", 3, 7, Config{Expect: 1, Join: []string{"a", "b"}})
	named := func() (p *wire.Placement) { // a shard that b leads, and c is to hold
		for i := range d.m.Placements {
			p := &d.m.Placements[i]
			if p.Shard != wire.MetaShard && p.On(3, 7) != nil && p.On(2, 7) != nil {
				return p
			}
		}
		return nil
	}
	require.True(t, w.until(time.Minute, func() bool { return named() != nil }))
	cut = true
	var shard wire.ShardID
	require.True(t, w.until(time.Minute, func() bool {
		for _, g := range c.order {
			if p := d.m.Placement(g.shard); g.member.Leads() && p.Shard != wire.MetaShard && p.On(3, 7) != nil && p.On(2, 7) != nil {
				shard = g.shard
			}
		}
		return shard != 0
	}), "c leads one of them in its own cluster, or the test is none")
	key := []byte("a")
	for wire.ShardOf(wire.Slot(key), int(c.m.Shards)) != shard {
		key[0]++
	}
	get := wire.Command{Op: wire.OpGet, Key: key}
	set := func(value string) wire.Command { return wire.Command{Op: wire.OpSet, Key: key, Value: []byte(value)} }
	require.Equal(t, wire.OutcomeOK, c.call(set("theirs")).Outcome)
	for range 5 {
		told := d.call(set("ours"))
		require.NotEqual(t, wire.OutcomeOK, told.Outcome, "nobody is there who leads")
		require.Equal(t, "theirs", string(c.call(get).Results[0].Value))
		require.NotEqual(t, c.cfg.Self.ID, told.Leader, "the client is sent to the other cluster")
	}
}
