package node

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"torc/cluster"
	"torc/core/wire"
	"torc/net/admin"
)

// Losses are told to whoever can hear: in the log, as metrics, in INFO, in /status and by torc status.

// tellLosses logs what has become of lost shards since it was called last. What was lost before this
// node came, it says once.
func (n *Node) tellLosses() {
	known := map[wire.ShardID]cluster.ShardLoss{}
	for _, s := range n.losses {
		known[s.Shard] = s
	}
	n.losses = cluster.LossesOf(n.host.Map())
	var gone, anew []wire.ShardID // a node that is gone takes many with it: one line tells of all
	for _, s := range n.losses {
		before := known[s.Shard]
		switch {
		case s.Shard != wire.MetaShard:
			if s.Gone && !before.Gone {
				gone = append(gone, s.Shard)
			}
			if s.Losses > before.Losses {
				anew = append(anew, s.Shard)
			}
			continue
		case s.Gone && !before.Gone:
			n.logger.Warn("the meta group has lost its quorum: without it nothing is repaired. See OPERATIONS.md, \"Losing a quorum\"")
		}
		if s.Losses > before.Losses {
			n.logger.Warn("the meta group was lost and has been begun anew from the map of a node that was left (torc recover-meta)", slog.Uint64("losses", s.Losses), slog.Time("at", time.UnixMilli(s.LostAt)))
		}
	}
	if len(gone) > 0 {
		n.logger.Warn("shards have lost their quorum: what they held is lost unless their replicas' processes are still there",
			slog.Int("count", len(gone)), slog.String("shards", shardNames(gone)), slog.String("then", n.policyWords()))
	}
	if len(anew) > 0 {
		n.logger.Warn("shards were lost and have been begun anew, empty", slog.Int("count", len(anew)), slog.String("shards", shardNames(anew)))
	}
}

func (n *Node) policyWords() string {
	if n.cfg.OnQuorumLoss == "refuse" {
		return "they stay down (--on-quorum-loss refuse) unless the meta group's leader has another policy"
	}
	return fmt.Sprintf("they are begun anew, empty, when they have been so for %v (--reset-grace)", cluster.GraceOf(n.host.Map(), n.cfg.ResetGrace))
}

// lossSamples are what the cluster map says of lost shards.
func (n *Node) lossSamples(g *gatherer) {
	gone, total := 0, uint64(0)
	for _, s := range cluster.LossesOf(n.host.Map()) {
		if s.Gone {
			gone++
		}
		if total += s.Losses; s.Losses > 0 {
			of := admin.Label{Name: "shard", Value: strconv.Itoa(int(s.Shard))}
			g.counter("torc_shard_losses_total", "How often the shard was lost and begun anew, empty.", float64(s.Losses), of)
			g.gauge("torc_shard_lost_time_seconds", "When that was the last time, in Unix seconds.", float64(s.LostAt)/1000, of)
		}
	}
	g.counter("torc_losses_total", "Losses of shards that the cluster has declared.", float64(total))
	g.gauge("torc_shards_without_quorum", "Shards so many replicas of which are over that they cannot serve.", float64(gone))
}

// infoLosses adds them to INFO's section torc.
func infoLosses(m *wire.ClusterMap, line func(string, any)) {
	var lost, gone []string
	total, last := uint64(0), int64(0)
	for _, s := range cluster.LossesOf(m) {
		total, last = total+s.Losses, max(last, s.LostAt)
		if s.Losses > 0 {
			lost = append(lost, fmt.Sprintf("%d=%d", s.Shard, s.Losses))
		}
		if s.Gone {
			gone = append(gone, strconv.Itoa(int(s.Shard)))
		}
	}
	line("torc_losses", total)
	line("torc_lost_shards", strings.Join(lost, ","))
	line("torc_last_loss_time", last/1000)
	line("torc_shards_without_quorum", strings.Join(gone, ","))
}
