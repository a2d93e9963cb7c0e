package cluster

import (
	"torc/core/mutant"
	"torc/core/wire"
)

// A slow node gives its leaderships to others: a follower that is slow costs nothing, since the quorum does not wait for
// it, and a leader that is slow costs everybody. It is the node itself that gives them, by the others' verdict
// (core/late), in the way of a planned stop (leave.go): when nothing is undecided, so that nobody is left in doubt. Whoever
// takes one offers it back when the map prefers this node and it has been well for a while (mend.go).
//
// Not all at once: with the first ones the load goes, too, and it may be the load that has made the node slow. And only
// to those that answer in half the time at most, so that a leadership never goes from bad to worse.

// yieldParts is which part of what a lane leads is given away in a tick, one at least: all of it in a second or two.
const yieldParts = 16

// yieldPatience is how many ticks there are between two offers of a slow leader, if the first one is not taken: fewer than
// others take, since there is more to gain.
const yieldPatience = offerPatience / 4

// yieldOn looks, once a tick, whether this node is slow.
func (l *Lane) yieldOn() {
	leads := 0
	for _, g := range l.order {
		if g.yieldFor--; g.yieldFor <= 0 || !g.member.IsLeader() {
			g.yieldTo, g.yieldFor = 0, 0
		}
		if g.member.Leads() {
			leads++
		}
	}
	if l.cfg.StaySlow || l.leave.on || !l.judge.Slow(l.cfg.Self.ID) {
		return
	}
	quota := (leads + yieldParts - 1) / yieldParts
	for i := range l.order {
		if g := l.order[(i+l.ticks)%len(l.order)]; quota > 0 && g.wantsToYield() {
			quota--
			l.touch(g)
		}
	}
}

// wantsToYield chooses who is to lead in this leader's place, and reports whether there is somebody.
func (g *group) wantsToYield() bool {
	if !g.member.Leads() || !g.member.Accepting() || g.yieldTo != 0 {
		return false
	}
	p := g.lane.m.Placement(g.shard)
	if p == nil {
		return false
	}
	best := wire.Replica{}
	for _, r := range p.Replicas {
		if g.leadsBetter(r) && g.couldOffer(r) && (best.ID == 0 || g.sooner(r, best, p.Preferred)) {
			best = r
		}
	}
	if best.ID == 0 || !g.released() { // writes go on until clients have dropped what they keep
		return false
	}
	g.yieldTo, g.yieldFor = best.ID, g.lane.cfg.ElectionTicks
	return true
}

// leadsBetter reports whether a voter's node answers in half the time at most.
func (g *group) leadsBetter(r wire.Replica) bool {
	if mutant.On(mutant.YieldFlap) {
		return r.Role == wire.RoleVoter
	}
	j := g.lane.judge
	theirs, known := j.Late(r.Node)
	mine, _ := j.Late(g.lane.cfg.Self.ID)
	return r.Role == wire.RoleVoter && known && !j.Slow(r.Node) && !j.Admits(r.Node) && 2*theirs <= mine
}

// sooner reports whether a node had better lead than another: the preferred one, or else the prompter.
func (g *group) sooner(r, than wire.Replica, preferred wire.NodeID) bool {
	switch preferred {
	case r.Node:
		return true
	case than.Node:
		return false
	}
	a, _ := g.lane.judge.Late(r.Node)
	b, _ := g.lane.judge.Late(than.Node)
	return a < b
}

// yield offers the leadership once nothing of this leader's is undecided, and reports whether it did.
func (g *group) yield() bool {
	if !g.member.IsLeader() || !g.member.Accepting() || len(g.proposed) > 0 {
		return false
	}
	p := g.lane.m.Placement(g.shard)
	if p == nil {
		return false
	}
	r := p.Replica(g.yieldTo)
	if r == nil || !g.offer(*r) {
		return false
	}
	g.yieldTo, g.patience = 0, min(g.patience, yieldPatience<<min(g.declined-1, declinedMax))
	g.lane.yielded++
	return true
}
