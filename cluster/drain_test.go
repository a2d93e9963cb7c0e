package cluster

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// What an operator was told may be otherwise when it is done: another node is drained meanwhile. So it is refused where it is applied, too, and the last node
// that can hold anything is never drained, not by force either.
func TestDrainsThatMeet(t *testing.T) {
	m := three()
	drain := func(id wire.NodeID, force bool) bool {
		return changeMap(m, &wire.MetaCommand{Kind: wire.MetaDrain, Node: id, Force: force})
	}
	require.True(t, drain(10, false))
	require.False(t, drain(10, true), "once is enough")
	require.True(t, drain(20, false))
	require.False(t, drain(30, false), "two would be left, for three replicas")
	m.Member(30).State = wire.MemberDown
	require.True(t, drain(30, false), "it holds nothing, in the plan, so it is no fewer")
	require.False(t, drain(40, false))
	require.True(t, drain(40, true))
	require.False(t, drain(50, true), "the last one")
	require.False(t, drain(99, true))
	require.False(t, m.Member(50).Draining)

	undrain := func(id wire.NodeID) bool {
		return changeMap(m, &wire.MetaCommand{Kind: wire.MetaUndrain, Node: id})
	}
	require.False(t, undrain(50), "there is nothing to take back")
	require.True(t, undrain(40))
	require.False(t, undrain(40))
}

// When a node has left nothing more is asked of the meta group.
func TestWhoHasLeftIsLeftAlone(t *testing.T) {
	o := newOffice(t, 4, 4)
	o.told(o.node(1), wire.Ask{Op: wire.AdminDrain, Node: 4}, wire.RefusalNone)
	require.True(t, o.until(time.Minute, func() bool { return o.m() != nil && o.m().Member(4).State == wire.MemberLeft }))
	o.settles()
	o.run(10 * time.Second)
	applied := func() uint64 { return o.lead(wire.MetaShard).groups[wire.MetaShard].member.Applied() }
	before := applied()
	o.run(10 * time.Second)
	require.Equal(t, before, applied())
}
