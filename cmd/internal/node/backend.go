package node

import (
	"context"
	"fmt"
	"strings"
	"time"

	"torc/core/gossip"
	"torc/core/wire"
)

// backend is the node as its servers see it.
type backend struct{ n *Node }

// Submit hands requests to their lanes.
func (b backend) Submit(calls ...*wire.Call) { b.n.host.Submit(calls...) }

// Looker makes what a connection reads with first.
func (b backend) Looker() wire.Looker { return b.n.host.Looker() }

// Map is the latest cluster map, or nil.
func (b backend) Map() *wire.ClusterMap { return b.n.host.Map() }

// Leader is the node that leads a shard, as far as is known.
func (b backend) Leader(shard wire.ShardID) wire.NodeID { return b.n.host.Leader(shard) }

// Holds reports whether this node holds copies of hot keys of a shard that another node leads.
func (b backend) Holds(shard wire.ShardID) bool { return b.n.host.Holds(shard) }

// Self is this node.
func (b backend) Self() wire.Member { return b.n.self }

// infoPatience is how long INFO waits for the lanes.
const infoPatience = 200 * time.Millisecond

// Info is what the node adds to INFO's sections.
func (b backend) Info(section string) string {
	var text strings.Builder
	line := func(name string, value any) { fmt.Fprintf(&text, "%s:%v\r\n", name, value) }
	switch section {
	case "memory":
		line("maxmemory", int64(b.n.cfg.MaxMemory))
		b.n.infoMemory(line)
		b.n.infoEviction(line)
	case "stats":
		b.n.infoEvicted(line)
	case "torc":
		b.n.infoTorc(line)
	}
	return text.String()
}

func (n *Node) infoTorc(line func(string, any)) {
	line("torc_node", n.self.Name)
	line("torc_incarnation", uint64(n.self.Incarnation))
	line("torc_reads", n.cfg.Reads)
	infoLosses(n.host.Map(), line)
	ctx, cancel := context.WithTimeout(context.Background(), infoPatience)
	defer cancel()
	s, err := n.Status(ctx)
	if err != nil {
		return
	}
	leads, keys, bytes, logs := 0, 0, int64(0), int64(0)
	for _, g := range s.groups() {
		if g.Role == "leader" {
			leads++
		}
		keys, bytes, logs = keys+g.Keys, bytes+g.Bytes, logs+g.LogBytes
	}
	line("torc_lanes", len(s.Lanes))
	line("torc_replicas", len(s.groups()))
	line("torc_leads", leads)
	line("torc_keys", keys)
	line("torc_store_bytes", bytes)
	line("torc_log_bytes", logs)
	h := s.hot()
	line("torc_hot_keys_held", h.Keys)
	line("torc_hot_reads", h.Reads)
	line("torc_hot_recalls", h.Recalls)
	line("torc_request_rate", s.Health.RequestRate)
	if s.Health.HitRate != gossip.HitRateUnknown {
		line("torc_hit_rate", fmt.Sprintf("%.3f", float64(s.Health.HitRate)/1000))
	}
	for _, status := range []gossip.Status{gossip.Alive, gossip.Suspect, gossip.Dead, gossip.Left} {
		line("torc_gossip_"+status.String(), s.believed(status))
	}
}
