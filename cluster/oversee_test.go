package cluster

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/gossip"
	"torc/core/wire"
)

// Gossip must call a silent node's present life dead before it is declared down; on the leader's ears alone that takes three times as long.
func TestItTakesTwoToSayThatANodeIsDown(t *testing.T) {
	for _, c := range []struct {
		name   string
		status gossip.Status
		life   wire.Incarnation
		down   bool
	}{
		{"dead", gossip.Dead, 1, true},
		{"left", gossip.Left, 1, true},
		{"alive", gossip.Alive, 1, false},
		{"suspect", gossip.Suspect, 1, false},
		{"its former life is dead", gossip.Dead, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOffice(t, 5, 1)
			meta, silent := o.lead(wire.MetaShard), o.node(1)
			if silent == meta {
				silent = o.node(2)
			}
			id := silent.cfg.Self.ID
			silent.over = true
			meta.turn(func() { meta.OnGossip(gossip.Event{Node: id, Incarnation: c.life, Status: c.status}) })
			o.run(2 * meta.cfg.Grace)
			require.Equal(t, c.down, meta.m.Member(id).State == wire.MemberDown)
			o.run(2 * meta.cfg.Grace)
			require.Equal(t, wire.MemberDown, meta.m.Member(id).State)
		})
	}
}

// A node that joins by way of one that does not lead the meta group has not spoken to the one that does. It is given the grace that everybody
// has to do so.
func TestANewcomerIsNotDownBeforeItHasSpoken(t *testing.T) {
	for via := range 4 {
		o := newOffice(t, 4, 8, 3)
		o.run(time.Minute)
		n := o.start("n5", 5, 1, Config{Join: []string{o.names[via]}, Shards: 8, Grace: 5 * time.Second})
		require.True(t, o.until(time.Minute, func() bool {
			who := o.m().Member(5)
			require.False(t, who != nil && who.State == wire.MemberDown, "admitted by %s", o.names[via])
			return who != nil && o.holds(5) > 0
		}))
		n.over = true
		require.True(t, o.until(time.Minute, func() bool { return o.m() != nil && o.m().Member(5).State == wire.MemberDown }))
	}
}
