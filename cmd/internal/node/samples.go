package node

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"torc/cluster"
	"torc/core/gossip"
	"torc/core/wire"
	"torc/net/admin"
)

// samples are the node's metrics, for Prometheus.
func (n *Node) samples() []admin.Sample {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	s, err := n.Status(ctx)
	if err != nil {
		n.logger.Warn("metrics are incomplete", slog.Any("error", err))
		return nil
	}
	var g gatherer
	n.nodeSamples(&g, s)
	for _, l := range s.groups() {
		of := admin.Label{Name: "shard", Value: strconv.Itoa(int(l.Shard))}
		leads := 0.0
		if l.Role == "leader" {
			leads = 1
			worst := uint64(0)
			for _, lag := range l.Lag {
				worst = max(worst, lag)
			}
			g.gauge("torc_shard_lag_entries", "How far the slowest replica is behind, at the leader.", float64(worst), of)
		}
		g.gauge("torc_shard_leads", "1 if this node leads the shard.", leads, of)
		g.gauge("torc_shard_term", "The shard's raft term.", float64(l.Term), of)
		g.gauge("torc_shard_applied", "The newest log index applied.", float64(l.Applied), of)
		g.gauge("torc_shard_keys", "Keys held.", float64(l.Keys), of)
		g.gauge("torc_shard_bytes", "Bytes of keys and values held.", float64(l.Bytes), of)
		g.gauge("torc_shard_log_bytes", "Bytes of raft log held.", float64(l.LogBytes), of)
	}
	return g
}

func (n *Node) nodeSamples(g *gatherer, s *Status) {
	var answered, refused uint64
	waiting, shipped, shipping := 0, uint64(0), 0
	var refusals cluster.Refusals
	for _, l := range s.Lanes {
		refusals.Add(l.Refusals)
		answered, refused, waiting = answered+l.Answered, refused+l.Refused, waiting+l.Waiting
		shipped, shipping = shipped+l.Shipped, shipping+l.Shipping
	}
	g.counter("torc_requests_total", "Requests by what they came to.", float64(answered), admin.Label{Name: "outcome", Value: "ok"})
	g.counter("torc_requests_total", "Requests by what they came to.", float64(refused), admin.Label{Name: "outcome", Value: "not_ok"})
	g.gauge("torc_requests_waiting", "Requests that wait for an answer.", float64(waiting))
	n.healthSamples(g, s)
	n.slowSamples(g, s)
	hotSamples(g, s)
	n.memorySamples(g, s)
	g.gauge("torc_epoch", "Epoch of the newest cluster map.", float64(s.Epoch))
	g.counter("torc_snapshot_bytes_sent_total", "Bytes of copies sent to make or move replicas (--rebalance-rate bounds them).", float64(shipped))
	g.gauge("torc_snapshots_sending", "Copies that this node is sending.", float64(shipping))
	g.counter("torc_snapshots_refused_total", "Copies that came in and did not fit: the replica is not made while that goes on; the log says what is wrong.", float64(refusals.Copies))
	if n.security != nil {
		g.gauge("torc_tls_certificate_end_time_seconds", "When this node's certificate ends, in Unix seconds.", float64(n.security.id.Load().leaf.NotAfter.Unix()))
		if issuer := n.security.id.Load().issuer; issuer != nil {
			g.gauge("torc_tls_authority_end_time_seconds", "When the certificate of the authority that has signed this node's ends, in Unix seconds.", float64(issuer.NotAfter.Unix()))
		}
	}
	evictionSamples(g, s)
	n.mapSamples(g)
	n.lossSamples(g)
	loops, links := n.host.Stats(), n.links.Stats()
	g.counter("torc_loop_turns_total", "Turns of the event loops.", float64(loops.Turns))
	g.counter("torc_loop_events_total", "Events that the loops handled.", float64(loops.Events))
	g.counter("torc_frames_dropped_total", "Frames dropped because a loop's inbox was full.", float64(loops.FramesDropped))
	g.counter("torc_peer_frames_sent_total", "Frames sent to other nodes.", float64(links.FramesSent))
	g.counter("torc_peer_bytes_sent_total", "Bytes sent to other nodes.", float64(links.BytesSent))
	g.counter("torc_peer_frames_dropped_total", "Frames to other nodes that were thrown away.", float64(links.Dropped))
	g.counter("torc_peer_failures_total", "Connections to other nodes that failed.", float64(links.Failures))
	g.gauge("torc_peer_queued_bytes", "Bytes that wait to be sent to other nodes.", float64(links.Queued))
}

func (n *Node) healthSamples(g *gatherer, s *Status) {
	g.gauge("torc_request_rate", "Requests answered a second, lately.", float64(s.Health.RequestRate))
	g.gauge("torc_memory_bytes", "Bytes of keys and values.", float64(s.Health.MemoryUsed))
	g.gauge("torc_memory_max_bytes", "Their bound; 0: none.", float64(s.Health.MemoryMax))
	if s.Health.HitRate != gossip.HitRateUnknown {
		g.gauge("torc_hit_rate", "Part of the reads that found their key, lately.", float64(s.Health.HitRate)/1000)
	}
	for _, status := range []gossip.Status{gossip.Alive, gossip.Suspect, gossip.Dead, gossip.Left} {
		g.gauge("torc_gossip_nodes", "Other nodes, by what gossip says of them.", float64(s.believed(status)), admin.Label{Name: "belief", Value: status.String()})
	}
}

// gatherer collects samples.
type gatherer []admin.Sample

func (g *gatherer) gauge(name, help string, v float64, labels ...admin.Label) {
	*g = append(*g, admin.Sample{Name: name, Help: help, Labels: labels, Value: v})
}

func (g *gatherer) counter(name, help string, v float64, labels ...admin.Label) {
	*g = append(*g, admin.Sample{Name: name, Help: help, Counter: true, Labels: labels, Value: v})
}

// mapSamples are what the cluster map says of moves and nodes. Every node shows them.
func (n *Node) mapSamples(g *gatherer) {
	m := n.host.Map()
	if m == nil {
		return
	}
	states := map[string]int{"active": 0, "draining": 0, "down": 0, "left": 0}
	for i := range m.Members {
		states[stateOf(&m.Members[i])]++
	}
	for _, state := range []string{"active", "draining", "down", "left"} {
		g.gauge("torc_members", "Nodes by state, as the cluster map has it.", float64(states[state]), admin.Label{Name: "state", Value: state})
	}
	without, _ := n.leaderless(m)
	g.gauge("torc_shards_without_leader", "Shards (the meta group included) that this node has a replica of and knows no leader of.", float64(len(without)))
	moves := cluster.MovesOf(m)
	g.gauge("torc_moves_open", "Shards (the meta group included) with a change of replicas under way.", float64(moves.Open))
	g.gauge("torc_replicas_to_go", "Replicas that are yet to be made or moved.", float64(moves.Replicas))
}

func stateOf(who *wire.Member) string {
	switch {
	case who.State == wire.MemberDown:
		return "down"
	case who.State == wire.MemberLeft:
		return "left"
	case who.Draining:
		return "draining"
	}
	return "active"
}

func evictionSamples(g *gatherer, s *Status) {
	e := s.eviction()
	g.counter("torc_evicted_keys_total", "Keys given up to make room, of shards that this node led.", float64(e.evicted))
	g.counter("torc_expired_keys_total", "Keys that expired and were removed, of shards that this node led.", float64(e.expired))
	for i := range e.curve {
		if rate, ok := e.rate(i); ok {
			g.gauge("torc_hit_rate_estimate", "What the hit rate would be with that much of the present memory.", rate, admin.Label{Name: "memory", Value: sizeName(i)})
		}
	}
}
