package peer

import (
	"context"
	"log/slog"
	"time"

	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

// A leader reads by its lease for as long as those who gave it will elect nobody else, and takes it that their election
// timeout is its own. A node whose timeout is shorter elects another leader while the former one still answers. So the nodes
// tell each other, with each stream, and say when they differ: only an operator can mend that.

// electionKey is the metadata key under which a node tells its election timeout.
const electionKey = "torc-election-timeout"

func tellElection(ctx context.Context, timeout time.Duration) context.Context {
	if timeout <= 0 {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, electionKey, timeout.String())
}

// hearElection logs the 1st, 2nd, 4th, 8th ... stream of a peer whose election timeout is another one. Who tells none runs an
// older version.
func (n *Network) hearElection(ctx context.Context) {
	values := metadata.ValueFromIncomingContext(ctx, electionKey)
	if n.opts.Election <= 0 || len(values) != 1 || values[0] == n.opts.Election.String() {
		return
	}
	count := n.stats.otherElection.Add(1)
	from, ok := peer.FromContext(ctx)
	if !ok || count&(count-1) != 0 {
		return
	}
	n.log.Error("a peer has another --election-timeout: until all nodes have the same, reads by lease may be stale (those with --reads readindex are not)",
		slog.String("from", from.Addr.String()), slog.String("its", values[0]), slog.Duration("own", n.opts.Election), slog.Uint64("count", count))
}
