package node

import (
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"torc/core/wire"
	"torc/net/flight"
	"torc/net/host"
)

// slowness is what the node does about requests that take long (--slow-request), and what it has said of nodes that are
// slow.
type slowness struct {
	recorder *flight.Recorder // nil when nothing is recorded
	dumps    *flight.Dumps    // nil without --slow-request
	seen     atomic.Uint64    // slow requests
	kept     atomic.Uint64    // traces
	told     atomic.Uint64    // seen when a trace was kept last
	nodes    []wire.NodeID    // that were slow when it was logged last; of sayHowItIs alone
}

// watchRequests begins to record, if the node is told to.
func (n *Node) watchRequests() (err error) {
	if n.cfg.SlowRequest <= 0 && !n.cfg.Profiles {
		return nil
	}
	n.slow.recorder = flight.Start()
	if n.cfg.SlowRequest > 0 {
		if n.slow.dumps, err = flight.Open(n.cfg.SlowDir, n.slow.recorder.Snapshot); err != nil {
			n.slow.recorder.Stop()
		}
	}
	return err
}

// onSlow is told of every slow request, by the lane: it must be quick. One a minute is kept.
func (n *Node) onSlow(s host.SlowCall) {
	seen := n.slow.seen.Add(1)
	now := time.Now()
	if !n.slow.dumps.Due(now) {
		return
	}
	since := seen - n.slow.told.Swap(seen)
	go func() {
		path, err := n.slow.dumps.Dump(now)
		of := []any{slog.Duration("took", s.Took), slog.Uint64("shard", uint64(s.Shard)), slog.String("command", commandOf(s.Op)), slog.Int("commands", s.Commands),
			slog.String("outcome", outcomeOf(s)), slog.Uint64("slow", since)}
		if path == "" {
			n.logger.Warn("a request was slow, and what the process did meanwhile could not be kept", append(of, slog.Any("error", err))...)
			return
		}
		n.slow.kept.Add(1)
		n.logger.Warn("a request was slow: what the process did meanwhile is kept (go tool trace FILE)", append(of, slog.String("file", path))...)
		if err != nil {
			n.logger.Warn("old traces are not removed", slog.Any("error", err))
		}
	}()
}

// commands are the words of the log for what clients ask, as Redis has them where it has any.
var commands = map[wire.Op]string{wire.OpGet: "get", wire.OpStrLen: "strlen", wire.OpGetRange: "getrange", wire.OpExists: "exists", wire.OpType: "type",
	wire.OpTTL: "ttl", wire.OpExpireTime: "expiretime", wire.OpScan: "scan", wire.OpCount: "dbsize", wire.OpCountInSlot: "countkeysinslot",
	wire.OpSlotKeys: "getkeysinslot", wire.OpSet: "set", wire.OpDelete: "del", wire.OpGetDelete: "getdel", wire.OpGetExpire: "getex",
	wire.OpAppend: "append", wire.OpSetRange: "setrange", wire.OpIncr: "incr", wire.OpIncrFloat: "incrbyfloat", wire.OpExpire: "expire",
	wire.OpPersist: "persist", wire.OpTouch: "touch", wire.OpFlush: "flushall", wire.OpLease: "lease", wire.OpFill: "fill", wire.OpGuard: "guard"}

func commandOf(op wire.Op) string {
	if name, ok := commands[op]; ok {
		return name
	}
	return fmt.Sprintf("op %d", op)
}

func outcomeOf(s host.SlowCall) string {
	switch s.Outcome {
	case wire.OutcomeOK:
		return "ok"
	case wire.OutcomeRefused:
		return "refused: " + s.Reason.String()
	}
	return "unknown: " + s.Reason.String()
}

// tellSlow logs which nodes have become slow, or well again, in the eyes of this one's lanes.
func (n *Node) tellSlow(now []wire.NodeID) {
	has := func(list []wire.NodeID, id wire.NodeID) bool {
		for _, other := range list {
			if other == id {
				return true
			}
		}
		return false
	}
	for _, id := range now {
		if has(n.slow.nodes, id) {
			continue
		}
		if id != n.self.ID {
			n.logger.Warn("a node answers late: it is offered no leadership for now", slog.String("of", n.nameOf(id)))
		} else if n.cfg.WhenSlow == "stay" {
			n.logger.Warn("this node answers late, as the others find: it leads on all the same (--when-slow stay)")
		} else {
			n.logger.Warn("this node answers late, as the others find: it gives its shards to those that answer sooner")
		}
	}
	for _, id := range n.slow.nodes {
		if !has(now, id) {
			n.logger.Info("a node answers in time again", slog.String("of", n.nameOf(id)))
		}
	}
	n.slow.nodes = now
}

func (n *Node) nameOf(id wire.NodeID) string {
	if who := n.host.Map().Member(id); who != nil && who.Name != "" {
		return who.Name
	}
	return id.String()
}

// slowSamples are the metrics of all that.
func (n *Node) slowSamples(g *gatherer, s *Status) {
	slow, yielded := 0.0, uint64(0)
	for _, l := range s.Lanes {
		yielded += l.Yielded
		for _, id := range l.Slow {
			if id == n.self.ID {
				slow = 1
			}
		}
	}
	g.gauge("torc_node_slow", "1 while the other nodes find that this one answers much later than they do.", slow)
	g.counter("torc_leaderships_yielded_total", "Leaderships given away because this node was slow.", float64(yielded))
	if n.slow.dumps != nil {
		g.counter("torc_slow_requests_total", "Requests that took --slow-request or longer.", float64(n.slow.seen.Load()))
		g.counter("torc_slow_traces_total", "Execution traces kept for that.", float64(n.slow.kept.Load()))
	}
}
