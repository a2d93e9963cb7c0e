package node

import (
	"testing"

	"github.com/stretchr/testify/require"

	"torc/core/gossip"
	"torc/core/wire"
)

// The map speaks of one life of a node, gossip perhaps of another: a status never mixes them up.
func TestMembers(t *testing.T) {
	var n Node
	m := &wire.ClusterMap{Members: []wire.Member{
		{ID: 1, Incarnation: 7, Name: "silent"},
		{ID: 2, Incarnation: 7, Name: "dead", State: wire.MemberDown},
		{ID: 3, Incarnation: 7, Name: "reborn", State: wire.MemberDown},
		{ID: 4, Incarnation: 7, Name: "gone", State: wire.MemberLeft},
		{ID: 6, Incarnation: 7, Name: "going", Draining: true},
		{ID: 7, Incarnation: 7, Name: "died going", State: wire.MemberDown, Draining: true},
	}}
	n.beliefs.merge(gossip.Event{Node: 2, Incarnation: 7, Status: gossip.Dead})
	n.beliefs.merge(gossip.Event{Node: 3, Incarnation: 8, Status: gossip.Alive})
	n.beliefs.merge(gossip.Event{Node: 4, Incarnation: 7, Status: gossip.Left})
	n.beliefs.merge(gossip.Event{Node: 5, Incarnation: 1, Status: gossip.Alive}) // no member
	require.Equal(t, []MemberStatus{
		{Node: "silent", ID: 1, Incarnation: 7, State: "active"},
		{Node: "dead", ID: 2, Incarnation: 7, State: "down", Gossip: "dead"},
		{Node: "reborn", ID: 3, Incarnation: 8, Gossip: "alive"},
		{Node: "gone", ID: 4, Incarnation: 7, State: "left", Gossip: "left"},
		{Node: "going", ID: 6, Incarnation: 7, State: "draining"},
		{Node: "died going", ID: 7, Incarnation: 7, State: "down"},
	}, n.members(m))
	require.Equal(t, "state 9", stateText(9))
}
