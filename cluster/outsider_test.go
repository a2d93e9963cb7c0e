package cluster

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// A node that was drained, stays to hand requests on, and was dismissed from the map since, takes operators' requests like every other one.
func TestADismissedNodeHandsOperatorsRequestsOn(t *testing.T) {
	o := newOffice(t, 4, 2, 3)
	away := o.node(4)
	o.told(o.first(), wire.Ask{Op: wire.AdminDrain, Node: away.cfg.Self.ID}, wire.RefusalNone)
	require.True(t, o.until(time.Minute, func() bool { return o.m() != nil && o.m().Member(4).State == wire.MemberLeft }))
	for i := range goneMost + 1 {
		fake := wire.Member{ID: wire.NodeID(1000 + i), Incarnation: wire.Incarnation(1000 + i), Name: fmt.Sprint("pod-", i), PeerAddr: "nowhere"}
		lane := o.lead(wire.MetaShard).Lane
		lane.command(&wire.MetaCommand{Kind: wire.MetaJoin, Member: &fake})
		lane.command(&wire.MetaCommand{Kind: wire.MetaSetState, Node: fake.ID, Incarnation: fake.Incarnation, State: wire.MemberDown})
		require.True(t, o.until(time.Minute, func() bool {
			return o.m() != nil && o.m().Member(fake.ID) != nil && o.m().Member(fake.ID).State == wire.MemberDown
		}))
	}
	require.True(t, o.until(time.Minute, func() bool { return o.m().Member(4) == nil && away.m.Member(4) == nil }))
	o.run(5 * time.Second)
	require.Equal(t, wire.OutcomeOK, away.call(wire.Command{Op: wire.OpSet, Key: []byte("k"), Value: []byte("v")}).Outcome)
	o.told(away, wire.Ask{Op: wire.AdminSetWeight, Node: 1, Weight: 150}, wire.RefusalNone)
	require.Equal(t, uint32(150), o.m().Member(1).Share())
}
