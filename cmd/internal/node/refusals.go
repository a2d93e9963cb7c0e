package node

import (
	"log/slog"
	"time"

	"torc/cluster"
)

// tellRefusals logs that copies of shards came in and did not fit. The sender begins anew at once.
func (n *Node) tellRefusals(r cluster.Refusals, now time.Time) {
	if more := n.refused.more(r.Copies, now); more > 0 {
		n.logger.Error("a copy of a shard does not fit and was refused: this replica is not made while that goes on, and moves wait for it",
			slog.String("last", r.Last), slog.Uint64("refused", more))
	}
}
