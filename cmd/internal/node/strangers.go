package node

import (
	"fmt"
	"log/slog"
	"time"

	"torc/cluster"
)

// tellStrangers logs that nodes of another cluster say hello to this one. They may do so once a second.
func (n *Node) tellStrangers(s cluster.Strangers, now time.Time) {
	if n.strange.more(s.Hellos, now) == 0 {
		return
	}
	own := uint64(0)
	if m := n.host.Map(); m != nil {
		own = m.ClusterID
	}
	n.logger.Error("a node of another cluster calls, and is kept out: a --join names nodes of two clusters, or an address has been given to another machine; give each cluster a --cluster-secret-file of its own",
		slog.String("of", s.Last.Name), slog.String("at", s.Last.PeerAddr), slog.String("its_cluster", fmt.Sprintf("%016x", s.Cluster)), slog.String("this_cluster", fmt.Sprintf("%016x", own)))
}
