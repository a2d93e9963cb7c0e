package grpcapi

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	torcv1 "torc/api/v1"
	"torc/core/wire"
)

// leaderless is a backend that knows no leader.
type leaderless struct{ Backend }

func (leaderless) Leader(wire.ShardID) wire.NodeID { return 0 }

// A replica that is on its way out still votes.
func TestTopologyRoles(t *testing.T) {
	m := &wire.ClusterMap{Shards: 1, Members: []wire.Member{{ID: 7}, {ID: 8}, {ID: 9}}, Placements: []wire.Placement{{Shard: wire.MetaShard}, {Shard: 1, Replicas: []wire.Replica{
		{ID: 1, Node: 7, Role: wire.RoleVoter}, {ID: 2, Node: 8, Role: wire.RoleLeaving}, {ID: 3, Node: 9, Role: wire.RoleLearner},
	}}}}
	got := (&Server{backend: leaderless{}}).shard(m, 1)
	require.True(t, proto.Equal(&torcv1.Shard{Id: 1, LastSlot: wire.SlotCount - 1, Replicas: []*torcv1.Shard_Replica{
		{Id: 1, Node: 7, Voter: true}, {Id: 2, Node: 8, Voter: true, Leaving: true}, {Id: 3, Node: 9},
	}}, got), "%v", got)
}
