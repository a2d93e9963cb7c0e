package cluster

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// A voter that is away while all others are replaced, by nodes that its map does not name, hears of the map when it is back: also where those
// who greet it have more to say in the same frame.
func TestWhoWasAwayHearsFromThoseItDoesNotKnow(t *testing.T) {
	w := newWorld(5)
	cfg := Config{Expect: 3, Shards: 4, Replicas: 3, HeartbeatTicks: 1, Grace: time.Hour, Join: []string{"a", "b", "c"}}
	a, b, c := w.start("a", 1, 7, cfg), w.start("b", 2, 7, cfg), w.start("c", 3, 7, cfg)
	require.True(t, w.until(time.Minute, func() bool { return a.m != nil && b.m != nil && c.m != nil && w.leader(wire.MetaShard) != nil }))

	away := true
	w.drop = func(addr string, f *wire.Frame) bool { return away && (addr == "c") != (f.From == c.cfg.Self.ID) }
	cfg.Expect = 1
	for i, addr := range []string{"d", "e"} {
		n := w.start(addr, wire.NodeID(4+i), 7, cfg)
		old := w.nodes[[]string{"a", "b"}[i]]
		gone := func() bool {
			if l := w.leader(wire.MetaShard); l != nil && !l.m.Member(old.cfg.Self.ID).Draining {
				l.turn(func() { l.command(&wire.MetaCommand{Kind: wire.MetaDrain, Node: old.cfg.Self.ID}) })
			}
			return n.m != nil && n.m.Member(old.cfg.Self.ID).State == wire.MemberLeft
		}
		require.True(t, w.until(5*time.Minute, gone))
		old.over = true
	}
	away = false
	l := w.leader(wire.MetaShard)
	require.NotNil(t, l)
	require.True(t, slices.Contains(l.groups[wire.MetaShard].member.Conf().Voters, uint64(c.groups[wire.MetaShard].replica)), "c still votes, or the test is none")
	require.True(t, w.until(time.Minute, func() bool { return c.m.Epoch == l.m.Epoch }), "%d, not %d", c.m.Epoch, l.m.Epoch)
}

// A life that was forgotten by mistake hears of it when it is back, also where all others have been restarted meanwhile: they greet it, for they would not
// hear its own greetings, which are for their former lives.
func TestTheForgottenHearOfIt(t *testing.T) {
	w := five(t, Config{Grace: 4 * time.Second})
	names := slices.Clone(w.names)
	x := w.nodes[names[slices.IndexFunc(names, func(addr string) bool { return w.nodes[addr] != w.leader(wire.MetaShard) })]]
	away := true
	w.drop = func(addr string, f *wire.Frame) bool {
		return away && (addr == x.cfg.Self.PeerAddr) != (f.From == x.cfg.Self.ID)
	}
	id := x.cfg.Self.ID
	require.True(t, w.until(time.Minute, func() bool { return w.newest().Member(id).State == wire.MemberDown }))
	l := w.leader(wire.MetaShard)
	l.turn(func() { l.command(&wire.MetaCommand{Kind: wire.MetaForget, Node: id, Incarnation: 7}) })
	require.True(t, w.until(time.Minute, func() bool { return w.newest().Member(id).Incarnation == 8 }))
	for _, addr := range names {
		if n := w.nodes[addr]; n != x {
			w.run(10 * time.Second)
			w.restart(addr)
			require.True(t, w.until(time.Minute, func() bool {
				m := w.newest()
				return m.Member(n.cfg.Self.ID).Incarnation == 8 && MovesOf(m).Replicas == 0 && w.nodes[addr].m != nil
			}), addr)
		}
	}
	away = false
	require.True(t, w.until(time.Minute, func() bool { return x.m.Epoch == w.newest().Epoch }), "%d, not %d", x.m.Epoch, w.newest().Epoch)
}
