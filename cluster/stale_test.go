package cluster

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// An older map, which was under way for long, changes nothing: a replica that has come or gone since would be begun, or ended, once more. Nor does
// another cluster's, or a frame for another node.
func TestOlderMapsAreNoNews(t *testing.T) {
	o := newOffice(t, 4, 4)
	n := o.node(1)
	early := n.m
	o.told(n, wire.Ask{Op: wire.AdminDrain, Node: 1}, wire.RefusalNone)
	require.True(t, o.until(time.Minute, func() bool { return n.m.Member(1).State == wire.MemberLeft }))
	require.Empty(t, n.order)
	now := n.m
	frame := func(m *wire.ClusterMap) *wire.Frame {
		from := o.node(2).cfg.Self
		return &wire.Frame{From: from.ID, FromIncarnation: from.Incarnation, To: 1, ToIncarnation: 1, Cluster: now.ClusterID, Messages: []wire.Message{&wire.MapUpdate{Map: m}}}
	}
	same := func(why string) {
		require.Same(t, now, n.m, why)
		require.Empty(t, n.order, why)
	}
	n.turn(func() { n.OnFrame(frame(early)) })
	same("an older one, of another node")
	n.turn(func() { n.OnMap(early) })
	same("an older one, of another lane")
	other := now.Clone()
	other.Epoch, other.ClusterID = now.Epoch+1, now.ClusterID+1
	n.turn(func() { n.OnFrame(frame(other)) })
	same("another cluster's")
	next := now.Clone()
	next.Epoch++
	f := frame(next)
	f.To = 3
	n.turn(func() { n.OnFrame(f) })
	same("for another node")
	f.To = 1
	n.turn(func() { n.OnFrame(f) })
	require.Same(t, next, n.m)
}

// Where a life that is over listened is not where its node is to be found, whoever brings that up again.
func TestALifeThatIsOverIsNotCalled(t *testing.T) {
	o := newOffice(t, 3, 1)
	n, who := o.node(1), o.node(2).cfg.Self
	later := who
	later.Incarnation, later.PeerAddr = 2, "elsewhere"
	n.learnAddr(later)
	n.learnAddr(who)
	require.Equal(t, "elsewhere", n.known[2].PeerAddr)
	same := later
	same.PeerAddr = "moved"
	n.learnAddr(same)
	require.Equal(t, "moved", n.known[2].PeerAddr)
}
