package cluster

import (
	"torc/core/gossip"
	"torc/core/wire"
)

// hints is what nodes say of themselves about leading shards, as far as gossip brings it. It is for
// look-up, never ranged.
//
// A hint is the first guess of a node that holds no replica of a shard: it asks the node that says
// it leads, rather than the one that should. Nothing rests on it: who is asked answers only when it does
// lead, and a wrong hint costs a redirect, or the wait for an answer that does not come. Who does not vote does not lead, whatever
// he says: he may be of another cluster, and lead its shard of that number (stranger.go).
type hints map[wire.NodeID]hint

type hint struct {
	life  wire.Incarnation
	term  uint64
	leads map[wire.ShardID]bool // for look-up, never ranged
}

// learn takes a belief that has changed.
func (h hints) learn(e gossip.Event) {
	health, err := gossip.DecodeHealth(e.Digest)
	if err != nil || e.Status != gossip.Alive || len(health.Leads) == 0 {
		delete(h, e.Node)
		return
	}
	of := hint{life: e.Incarnation, term: health.Term, leads: make(map[wire.ShardID]bool, len(health.Leads))}
	for _, s := range health.Leads {
		of.leads[s] = true
	}
	h[e.Node] = of
}

// hint is the node with a replica of the shard that says it leads it; of several, the one that has
// led in the newest term.
func (l *Lane) hint(shard wire.ShardID) (node wire.NodeID) {
	p := l.m.Placement(shard)
	if p == nil {
		return 0
	}
	term := uint64(0)
	for _, r := range p.Replicas {
		of := l.hints[r.Node]
		if r.Role.Votes() && of.life == r.Incarnation && of.leads[shard] && (node == 0 || of.term > term) {
			node, term = r.Node, of.term
		}
	}
	return node
}
