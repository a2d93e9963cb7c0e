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

// A replica that was made a voter and removed before the map heard of either is a learner in the
// map. Its leader must not take it in again, and says that its turn is over.
func TestAnIDIsUsedOnce(t *testing.T) {
	conf := wire.ConfState{Voters: []uint64{1, 2, 3}, Newest: 4}
	require.True(t, used(conf, 4))
	require.False(t, used(conf, 5))

	m := mapOf(replica(1, voter), replica(2, voter), replica(3, voter), replica(4, learner))
	report := setRolesOf(&wire.Report{Shard: 1, Replica: 1, Applied: 100, Conf: conf})
	require.True(t, wouldChange(m, report))
	require.True(t, changeMap(m, report))
	require.Nil(t, m.Placement(1).Replica(4))
}
