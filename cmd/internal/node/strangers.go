package node

import (
	"fmt"
	"log/slog"
	"time"

	"torc/cluster"
)

// strangersEvery is how often it is logged that a node of another cluster calls, at most: it may do so once a second.
const strangersEvery = time.Minute

// strangers is what was logged of them.
type strangers struct {
	hellos uint64
	at     time.Time
}

// tellStrangers logs that nodes of another cluster say hello to this one.
func (n *Node) tellStrangers(s cluster.Strangers, now time.Time) {
	told := &n.strange
	if s.Hellos == told.hellos || !told.at.IsZero() && now.Sub(told.at) < strangersEvery {
		return
	}
	*told = strangers{s.Hellos, now}
	own := uint64(0)
	if m := n.host.Map(); m != nil {
		own = m.ClusterID
	}
	n.logger.Error("a node of another cluster calls, and is kept out: a --join names nodes of two clusters, or an address has been given to another machine; give each cluster a --cluster-secret-file of its own",
		slog.String("of", s.Last.Name), slog.String("at", s.Last.PeerAddr), slog.String("its_cluster", fmt.Sprintf("%016x", s.Cluster)), slog.String("this_cluster", fmt.Sprintf("%016x", own)))
}
