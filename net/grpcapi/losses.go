package grpcapi

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"torc/core/wire"
)

// Whoever wants to know if what a call found absent may have been lost asks for it: with the metadata
// key askLosses the answer's trailer has lossesKey, the loss epoch of every shard that the call touched,
// as in "17=1,23=0". It grows when a shard has lost its quorum for good and was begun anew, empty. The
// epochs are those of the map that this node has after the answer. It may lag behind the map of the node that
// led the shard by the moment that a map takes to go round: whoever must know asks again a second later.
const (
	askLosses = "torc-ask-losses"
	lossesKey = "torc-losses"
)

// tellLosses sets the trailer if the caller asks for it.
func (s *Server) tellLosses(ctx context.Context, reqs []wire.Request) {
	if md, ok := metadata.FromIncomingContext(ctx); !ok || len(md.Get(askLosses)) == 0 {
		return
	}
	m := s.backend.Map()
	var words []string
	told := map[wire.ShardID]bool{}
	for i := range reqs {
		p := m.Placement(reqs[i].Shard)
		if p == nil || told[p.Shard] {
			continue
		}
		told[p.Shard] = true
		words = append(words, lossWord(p.Shard, p.Losses))
	}
	// It fails for a call that is over, or was never one of gRPC's: then nobody reads it.
	_ = grpc.SetTrailer(ctx, metadata.Pairs(lossesKey, strings.Join(words, ",")))
}

func lossWord(shard wire.ShardID, losses uint64) string { return fmt.Sprintf("%d=%d", shard, losses) }
