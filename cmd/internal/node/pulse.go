package node

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"torc/cluster"
	"torc/core/gossip"
	"torc/core/wire"
)

// healthEvery is how often a node says how it is.
const healthEvery = time.Second

// pulse is what the node said about itself last.
type pulse struct {
	beat cluster.Pulse // of sayHowItIs alone

	mu     sync.Mutex
	health gossip.Health
}

func (p *pulse) set(h gossip.Health) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.health = h
}

// now is the health as it was told last.
func (p *pulse) now() gossip.Health {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.health
}

// sayHowItIs tells the other nodes this one's health until the node ends. A lane that does not
// answer within the second keeps the node from saying anything: the others see its word grow old.
func (n *Node) sayHowItIs() {
	tick := time.NewTicker(healthEvery)
	defer tick.Stop()
	for {
		select {
		case <-n.ended:
			return
		case <-tick.C:
		}
		n.tellLosses()
		n.changes.look(n.host.Map(), n.beliefs.of)
		without, of := n.leaderless(n.host.Map())
		n.changes.shards(without, of, time.Now())
		if err := n.beat(); err != nil {
			n.logger.Debug("this node does not know how it is", slog.Any("error", err))
		}
	}
}

func (n *Node) beat() error {
	ctx, cancel := context.WithTimeout(context.Background(), healthEvery)
	defer cancel()
	lanes := make([]cluster.Vitals, len(n.lanes))
	for i, lane := range n.lanes {
		var of cluster.Vitals // its own: after a timeout the lane may still write
		if err := n.host.Do(ctx, i, func() { of = lane.Vitals() }); err != nil {
			return err
		}
		lanes[i] = of
	}
	var slow []wire.NodeID
	var refusals cluster.Refusals
	for i := range lanes {
		slow = append(slow, lanes[i].Slow...)
		refusals.Add(lanes[i].Refusals)
	}
	n.tellRefusals(refusals, time.Now())
	n.tellStrangers(lanes[0].Strangers, time.Now())
	slices.Sort(slow)
	n.tellSlow(slices.Compact(slow))
	h := n.pulse.beat.Beat(time.Since(n.started), lanes)
	h.Waiting += uint64(n.host.Stats().Waiting)
	n.pulse.set(h)
	if feed := n.swim.Load(); feed != nil {
		feed.SetDigest(h.Encode())
	}
	return nil
}
