package cluster

import (
	"testing"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// Of two voters to be replaced the one whose memory is surely gone goes first: the other one's node
// was declared down, but may live, and then it is needed for the majority.
func TestTheSurelyDeadAreReplacedFirst(t *testing.T) {
	m := &wire.ClusterMap{Members: []wire.Member{
		{ID: 1, Incarnation: 1, State: wire.MemberDown}, {ID: 2, Incarnation: 7}, {ID: 3, Incarnation: 1},
	}}
	p := &wire.Placement{Shard: 1, Replicas: []wire.Replica{
		{ID: 10, Node: 1, Incarnation: 1, Role: wire.RoleVoter}, {ID: 11, Node: 2, Incarnation: 3, Role: wire.RoleVoter},
		{ID: 12, Node: 3, Incarnation: 1, Role: wire.RoleVoter},
	}}
	g := &group{lane: &Lane{m: m}}
	require.EqualValues(t, 11, g.dead(p, wire.ConfState{Voters: []uint64{10, 11, 12}}))
	require.EqualValues(t, 10, g.dead(p, wire.ConfState{Voters: []uint64{10, 12}}))
	require.EqualValues(t, 0, g.dead(p, wire.ConfState{Voters: []uint64{12}}))
	require.EqualValues(t, 99, g.dead(p, wire.ConfState{Voters: []uint64{10, 99}}), "one that the map does not know")
}
