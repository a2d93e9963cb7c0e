package cluster

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// A replica that has sealed itself hears nobody, not even a leader: what it has said of the group would not hold any more. When the seal is lifted it does.
func TestWhoIsSealedHearsNobody(t *testing.T) {
	o := newOffice(t, 3, 2)
	o.run(10 * time.Second)
	leader := o.lead(1)
	n := o.besides(leader)[0]
	g := n.groups[1]
	o.isolate(n)
	require.True(t, o.until(5*time.Second, func() bool { return g.member.Leader() == 0 }))
	seal := func(at wire.Epoch) {
		m := n.m.Clone()
		m.Epoch++
		m.Placement(1).Seal = at
		n.turn(func() { n.OnMap(m) })
		o.run(2 * n.cfg.Tick)
	}
	seal(n.m.Epoch + 1)
	require.NotZero(t, g.sealed)
	hears := func() bool { // what the leader sends it meanwhile
		var sent []*wire.Frame
		o.listening = func(addr string, f *wire.Frame) {
			if addr == n.cfg.Self.PeerAddr && f.From == leader.cfg.Self.ID && slices.ContainsFunc(f.Messages, func(m wire.Message) bool { return m.Group() == 1 }) {
				sent = append(sent, f)
			}
		}
		leader.write("v")
		o.run(time.Second)
		o.listening = nil
		require.NotEmpty(t, sent)
		for _, f := range sent {
			n.turn(func() { n.OnFrame(f) })
		}
		return g.member.Leader() != 0
	}
	applied, term := g.member.Applied(), g.member.Term()
	require.False(t, hears())
	require.Equal(t, applied, g.member.Applied())
	require.Equal(t, term, g.member.Term())
	seal(0)
	require.Zero(t, g.sealed)
	require.True(t, hears())
}
