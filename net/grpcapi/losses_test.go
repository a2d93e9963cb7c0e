package grpcapi

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	torcv1 "torc/api/v1"
	"torc/core/wire"
)

// Who asks is told the loss epoch of each shard that the call touched; who does not is told nothing.
func TestLossesAreToldToWhoAsks(t *testing.T) {
	n := newFake()
	shard := shardOf([]byte("k"), n.cluster)
	n.cluster.Placements[shard].Losses = 2
	_, c := serve(t, n, Options{})
	trailerOf := func(ctx context.Context) []string {
		var trailer metadata.MD
		_, err := c.Get(ctx, &torcv1.GetRequest{Key: []byte("k")}, grpc.Trailer(&trailer))
		require.NoError(t, err)
		return trailer.Get(lossesKey)
	}
	require.Empty(t, trailerOf(soon(t)))
	require.Equal(t, []string{lossWord(shard, 2)}, trailerOf(metadata.AppendToOutgoingContext(soon(t), askLosses, "1")))
}

func TestTopologyTellsLosses(t *testing.T) {
	m := &wire.ClusterMap{Shards: 1, Members: []wire.Member{{ID: 7, Incarnation: 2}}, Placements: []wire.Placement{{Shard: wire.MetaShard},
		{Shard: 1, Losses: 3, LostAt: 1000, Replicas: []wire.Replica{{ID: 9, Node: 7, Incarnation: 1, Role: wire.RoleVoter}}}}}
	got := (&Server{backend: leaderless{}}).shard(m, 1)
	require.True(t, proto.Equal(&torcv1.Shard{Id: 1, LastSlot: wire.SlotCount - 1, Losses: 3, LostAtMillis: 1000, WithoutQuorum: true,
		Replicas: []*torcv1.Shard_Replica{{Id: 9, Node: 7, Voter: true}}}, got), "%v", got)
}
