package node

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"torc/cluster"
)

const seekWordEvery = 10 * time.Second // how often a node without a cluster says what it waits for

// seek says at intervals what a node without a cluster waits for, until it is in one.
func (n *Node) seek() {
	tick := time.NewTicker(seekWordEvery)
	defer tick.Stop()
	for n.host.Map() == nil {
		select {
		case <-n.ended:
			return
		case <-tick.C:
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		if s := n.seeking(ctx); s != "" {
			n.logger.Warn("no cluster yet", slog.String("because", s))
		}
		cancel()
	}
}

// seeking says what the node waits for, or nothing when it is in a cluster.
func (n *Node) seeking(ctx context.Context) string {
	s, err := n.Status(ctx)
	if err != nil || len(s.Lanes) == 0 || s.Lanes[0].Seeking == nil {
		return ""
	}
	return seekWords(s.Lanes[0].Seeking, n.cfg.Join)
}

func seekWords(s *cluster.Seeking, join []string) string {
	if s.Expect == 0 {
		return fmt.Sprintf("nobody at %v (--join) belongs to a cluster or can be reached; this node joins one, it founds none (--expect 1)", join)
	}
	var here []string
	for _, m := range s.Founders {
		here = append(here, fmt.Sprintf("%s at %s", m.Name, m.PeerAddr))
	}
	words := fmt.Sprintf("%d of %d founders are here (%s), seeking at %v (--join); nodes with another --expect do not count", len(here), s.Expect, strings.Join(here, ", "), join)
	if s.Pledged.ID != 0 && s.Silent {
		words += fmt.Sprintf("; pledged to the founding by %s, which has fallen silent and may have founded the cluster with others: when it is gone for good and no node is in a cluster, restart this one, which holds nothing yet", s.Pledged.Name)
	}
	if s.Namesake.ID != 0 {
		words += fmt.Sprintf("; the process at %s goes by the name %s, too, and so counts as this node: give each a --name of its own", s.Namesake.PeerAddr, s.Namesake.Name)
	}
	return words
}
