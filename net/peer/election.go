package peer

import (
	"context"
	"log/slog"
	"time"

	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

// Nodes whose election timeouts differ are safe, for each says with its answers how long it elects nobody else (core/raft,
// lease.go); but leases last no longer than the shorter ones, and who sends its heartbeats by a timeout five times as long as others'
// cannot keep a leadership. So the nodes tell each other, with each stream, and say when they differ: an operator may
// have left a round of restarts unfinished.

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
	n.log.Warn("a peer has another --election-timeout: leases last as long as the shorter one, and leaders with one that is several times as long as others' are deposed; give all nodes the same",
		slog.String("from", from.Addr.String()), slog.String("its", values[0]), slog.Duration("own", n.opts.Election), slog.Uint64("count", count))
}
