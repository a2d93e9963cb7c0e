package node

import (
	"log/slog"
	"time"

	"torc/cluster"
)

// refusalsEvery is how often it is logged that copies are refused, at most: the sender begins anew at once.
const refusalsEvery = time.Minute

// refusals is what was logged of them.
type refusals struct {
	copies uint64
	at     time.Time
}

// tellRefusals logs that copies of shards came in and did not fit.
func (n *Node) tellRefusals(r cluster.Refusals, now time.Time) {
	told := &n.refused
	if r.Copies == told.copies || !told.at.IsZero() && now.Sub(told.at) < refusalsEvery {
		return
	}
	n.logger.Error("a copy of a shard does not fit and was refused: this replica is not made while that goes on, and moves wait for it",
		slog.String("last", r.Last), slog.Uint64("refused", r.Copies-told.copies))
	*told = refusals{r.Copies, now}
}
