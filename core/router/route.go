package router

import (
	"time"

	"torc/core/wire"
)

// Leader is the node that leads a shard as far as this node knows or guesses, or zero.
func (h *Hall) Leader(id wire.ShardID) wire.NodeID {
	if leader, known := h.port.Leader(id); known {
		return leader
	}
	s := h.shard(id)
	if s.hint != 0 {
		return s.hint
	}
	return h.other(id)
}

// other is another node with a replica of a shard, in turn.
func (h *Hall) other(id wire.ShardID) wire.NodeID {
	s, p := h.shard(id), h.port.Map().Placement(id)
	if p == nil {
		return 0
	}
	// This node is none of them: it has no replica that could lead, though the map may name it for a
	// former life's.
	for i := range len(p.Replicas) + 1 {
		node := h.guess(p, s.turn+i)
		if who := h.port.Map().Member(node); node != h.self && who != nil && who.State != wire.MemberLeft {
			return node
		}
	}
	return 0
}

// guess is who may lead a shard: first the node that says so, or else the preferred one, then those
// with a replica that votes in turn; zero if it is the turn of one that does not. That one leads nothing, and its node may be of another
// cluster (cluster/stranger.go), where the request would be carried out.
func (h *Hall) guess(p *wire.Placement, turn int) wire.NodeID {
	i := turn % (len(p.Replicas) + 1)
	if i == 0 {
		if hint := h.port.Hint(p.Shard); hint != 0 {
			return hint
		}
		return p.Preferred
	}
	if r := p.Replicas[i-1]; r.Role.Votes() {
		return r.Node
	}
	return 0
}

// Route sends a call on its way: to this node's replica, to the leader's node, or to wait.
func (h *Hall) Route(c *Call) {
	if c.place == done {
		return
	}
	c.place = held
	c.insist() // this node's replica may have come to lead after an earlier try was applied elsewhere
	if h.port.Take(c) {
		h.withdraw(c)
		return
	}
	leader := h.Leader(c.Shard)
	switch {
	case c.Local:
		why := wire.ReasonNotLeader
		if _, owner := h.port.Leader(c.Shard); !owner {
			why = wire.ReasonNotOwner
		}
		h.Refuse(c, why)
	case leader == 0 || leader == h.self:
		h.Park(c)
	case !h.breaker(leader).Allow(h.port.Now()):
		h.turnTo(c.Shard)
		h.Park(c)
	default:
		if _, known := h.port.Leader(c.Shard); known {
			h.shard(c.Shard).leaderless = false // a mere guess is no leader: its answer tells
		}
		h.Forward(c, leader)
	}
}

// RouteAgain sends a call on that this node's replica held when it ceased to lead. One that another node
// has sent here waits for the next leader to be known, which takes a moment, and a tick at most: then its
// sender can be told where to go, instead of having to try one node after the other.
func (h *Hall) RouteAgain(c *Call) {
	if c.Local && c.place != done && h.Leader(c.Shard) == 0 {
		h.park(c)
		return
	}
	h.Route(c)
}

// Park lets a call wait for a leader, for as long as there is hope for one.
func (h *Hall) Park(c *Call) {
	if c.place == done {
		return
	}
	s, now := h.shard(c.Shard), h.port.Now()
	if !s.leaderless {
		s.leaderless, s.since = true, now
	}
	if now-s.since > h.cfg.Patience {
		h.Refuse(c, wire.ReasonNoQuorum)
		return
	}
	h.park(c)
}

// park puts a call into the queue, unless it still stands there from before.
func (h *Hall) park(c *Call) {
	c.place, c.since, c.hops = parked, h.port.Now(), 0
	if !c.queued {
		c.queued = true
		h.parked = append(h.parked, c)
	}
}

// Served notes that this node's own replica serves a shard.
func (h *Hall) Served(id wire.ShardID) { h.shard(id).leaderless = false }

// LeaderChanged tells that this node's replica has learnt who leads its shard, or that nobody
// does: what waits for a leader goes on, and what was sent to a former one is sent again. But one that
// gives its leadership away says so of what it has not dealt with, and then the next try of a write is
// no retry, of which a shard that does not know the session yet could only say that nobody knows: so it
// is given a moment (Notice; Tick looks after it).
func (h *Hall) LeaderChanged(id wire.ShardID) {
	leader, _ := h.port.Leader(id)
	now := h.port.Now()
	if leader != 0 {
		h.shard(id).leaderless = false
	}
	var again []*Call
	for _, c := range h.open {
		if c.Shard == id && (c.place == parked && leader != 0 || c.place == sent && c.to != leader && (!c.IsWrite() || now-c.since >= h.cfg.Notice)) {
			again = append(again, c)
		}
	}
	for _, c := range again {
		h.Route(c)
	}
}

// Tick lets time pass: calls whose time is over are answered, those that wait for a leader try
// again, and forwarded ones that nobody answers are sent again.
func (h *Hall) Tick() {
	now := h.port.Now()
	waiting := h.parked
	h.parked = nil
	for _, c := range waiting {
		c.queued = false
		if c.place == parked && c.deadline > now {
			h.Route(c)
		}
	}
	kept := h.open[:0]
	for _, c := range h.open {
		switch {
		case c.place == done:
			continue
		case c.deadline <= now:
			why := wire.ReasonDeadline
			if c.place == parked {
				why = wire.ReasonNoQuorum
			}
			if c.place == sent && now-c.since > h.cfg.Resend/2 {
				h.unanswered(c, now)
			}
			h.Refuse(c, why)
			continue
		case c.place == sent && now-c.since > h.cfg.Resend:
			h.unanswered(c, now)
			h.Route(c)
		case c.place == sent && now-c.since >= h.cfg.Notice && h.deposed(c.Shard, c.to):
			h.Route(c)
		}
		kept = append(kept, c)
	}
	clear(h.open[len(kept):])
	h.open = kept
}

// unanswered notes that a node has not answered for long: the next call tries another one. It must be
// noted of calls whose time is over, too, or callers in a hurry would be sent to a silent node for ever.
func (h *Hall) unanswered(c *Call, now time.Duration) {
	h.breaker(c.to).Failure(now)
	for range 2 { // the preferred node has two turns: as such, and among the others
		if h.Leader(c.Shard) == c.to {
			h.turnTo(c.Shard)
		}
	}
}

// deposed reports whether this node's replica knows that a node does not lead.
func (h *Hall) deposed(id wire.ShardID, node wire.NodeID) bool {
	leader, known := h.port.Leader(id)
	return known && leader != 0 && leader != node
}

// turnTo tries the next replica's node as leader.
func (h *Hall) turnTo(id wire.ShardID) {
	s := h.shard(id)
	s.hint = 0
	s.turn++
}
