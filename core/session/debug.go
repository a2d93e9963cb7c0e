package session

import (
	"slices"
	"time"

	"torc/core/breaker"
	"torc/core/wire"
)

// Belief is what a brain believes of its cluster, for people.
type Belief struct {
	Epoch  wire.Epoch
	Heard  time.Duration // how long ago the cluster last answered
	Tokens int           // retries that the budget would allow now
	Peers  []PeerBelief  // by address
	Shards []ShardBelief // by number, the meta group left out
	Stats  Stats
}

// PeerBelief is what a brain believes of one address.
type PeerBelief struct {
	Addr     string
	Node     wire.NodeID // zero: a seed that is no member's address
	State    breaker.State
	Limit    int // requests that may be under way
	UnderWay int
	Waiting  int            // in line for it
	Cut      []wire.ShardID // shards whose breakers there are not closed
}

// ShardBelief is what a brain believes of one shard.
type ShardBelief struct {
	Shard  wire.ShardID
	Leader wire.NodeID // who is said to lead it, or should; zero: not known
	Said   bool        // a node has said so
	Queued int         // writes that wait for their turn in the session's window
}

// Belief returns what the brain believes now.
func (b *Brain) Belief() Belief {
	out := Belief{Tokens: int(b.budget.tokens / budgetRetry), Stats: b.Stats()}
	nodes := map[string]wire.NodeID{}
	if b.cmap != nil {
		out.Epoch, out.Heard = b.cmap.Epoch, b.clock.Now()-b.heard
		for i := range b.cmap.Members {
			nodes[b.cfg.Addr(&b.cmap.Members[i])] = b.cmap.Members[i].ID
		}
	}
	for _, p := range b.sorted() {
		belief := PeerBelief{Addr: p.addr, Node: nodes[p.addr], State: p.whole.State(), Limit: p.limit.Now(), UnderWay: p.limit.UnderWay(), Waiting: len(p.line)}
		for shard, own := range p.shards { // map order: sorted below
			if own.State() != breaker.Closed {
				belief.Cut = append(belief.Cut, shard)
			}
		}
		slices.Sort(belief.Cut)
		out.Peers = append(out.Peers, belief)
	}
	for id := wire.ShardID(1); int(id) < len(b.shards); id++ {
		s := &b.shards[id]
		belief := ShardBelief{Shard: id, Leader: s.leader, Said: s.leader != 0, Queued: len(s.queue)}
		if belief.Leader == 0 {
			belief.Leader, _ = b.guess(id)
		}
		out.Shards = append(out.Shards, belief)
	}
	return out
}
