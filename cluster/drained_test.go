package cluster

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// All nodes but one are drained by force. The shard's group has come down to the leader on that one, who serves alone; before the meta group hears
// of it, the leader is cut off from it, and the last one that was let go is restarted. The shard is not begun anew beside him, not even when all nodes
// have been taken back meanwhile.
func TestAGroupOfOneIsNotGivenUp(t *testing.T) {
	for _, takenBack := range []bool{false, true} {
		comeDownToOne(t, takenBack)
	}
}

func comeDownToOne(t *testing.T, takenBack bool) {
	w, holders := apart(t, Config{ResetGrace: 2 * time.Second}, Config{ResetGrace: 2 * time.Second}, false)
	last := w.leader(1)
	meta := w.leader(wire.MetaShard)
	for _, addr := range w.names {
		if id := w.nodes[addr].cfg.Self.ID; id != last.cfg.Self.ID {
			meta.turn(func() { meta.command(&wire.MetaCommand{Kind: wire.MetaDrain, Node: id, Force: true}) })
		}
	}
	isMeta := func(m wire.Message) bool { _, is := m.(*wire.Raft); return is && m.Group() == wire.MetaShard }
	voters := func() int { return len(last.groups[1].member.Conf().Voters) }
	w.drop = func(addr string, f *wire.Frame) bool { // the meta group's copy takes its time, and of the shard's last change nobody hears
		return addr == last.cfg.Self.Name && slices.ContainsFunc(f.Messages, isMeta) || voters() == 1 && (f.From == last.cfg.Self.ID || addr == last.cfg.Self.Name)
	}
	require.True(t, w.until(2*time.Minute, func() bool { return voters() == 1 }))
	let := func() (addrs []string) { // whom the group does not need any more, though the map does not know
		for _, addr := range holders {
			self := w.nodes[addr].cfg.Self
			if addr != last.cfg.Self.Name && w.newest().Placements[1].On(self.ID, self.Incarnation) != nil {
				addrs = append(addrs, addr)
			}
		}
		return addrs
	}()
	if takenBack {
		meta = w.leader(wire.MetaShard)
		for _, addr := range w.names {
			meta.turn(func() { meta.command(&wire.MetaCommand{Kind: wire.MetaUndrain, Node: w.nodes[addr].cfg.Self.ID}) })
		}
		w.run(20 * time.Millisecond)
	}
	for _, addr := range let {
		w.restart(addr)
	}
	w.run(30 * time.Second)
	require.True(t, last.groups[1].member.Leads())
	require.True(t, w.leader(wire.MetaShard) != nil)
	require.True(t, slices.ContainsFunc(w.names, func(addr string) bool { return w.nodes[addr].m.QuorumGone(&w.nodes[addr].m.Placements[1]) }), "the map knows no better")
	require.Zero(t, w.newest().Placements[1].Losses)
	w.drop = nil
	w.run(30 * time.Second)
	require.Zero(t, w.newest().Placements[1].Losses)
	require.NotNil(t, w.leader(1))
}
