package cluster

import (
	"slices"
	"time"

	"torc/core/wire"
)

// How a node goes in an orderly way:
//
//	HandOver   gives every leadership to a voter that can take it at once, all of them in parallel. The
//	           lane serves on: it holds writes back while a leadership changes hands, a few milliseconds,
//	           and then sends them on to the next leader.
//	           (the world hangs up on clients now, when what they are owed is answered)
//	Stop       the same, if it has not been done; then calls are refused, copies of hot keys given back, and
//	           the lane is over.
//
// A leadership is offered only when nothing is in the log that is not committed: otherwise who waits
// for it would have to be told that nobody knows.

// farewell is a lane that hands over what it leads.
type farewell struct {
	on    bool
	until time.Duration
	done  []func()
}

// patient reports whether there is time to ask back what clients were promised: otherwise the heir has to wait for it.
func (l *Lane) patient() bool {
	election := l.cfg.Tick * time.Duration(l.cfg.ElectionTicks)
	return l.env.Now() < l.leave.until-(leaveElections-1)*election
}

// leaveElections is how many election timeouts a handover may take before the rest is left to
// elections.
const leaveElections = 2

// HandOver hands over what the lane leads as far as others can take it, and does not take it back. It
// goes on serving, and calls done on the lane's thread when there is nothing left to hand over.
func (l *Lane) HandOver(done func()) {
	if !l.leave.on {
		l.leave.on = true
		l.leave.until = l.env.Now() + leaveElections*l.cfg.Tick*time.Duration(l.cfg.ElectionTicks)
	}
	l.leave.done = append(l.leave.done, done)
	for _, g := range l.order {
		l.touch(g)
	}
}

// leaveOn looks, once a tick and whenever a leadership has changed, whether all is handed over.
func (l *Lane) leaveOn() {
	if !l.leave.on || len(l.leave.done) == 0 {
		return
	}
	late := l.env.Now() >= l.leave.until
	for _, g := range l.order {
		if !late && g.member.IsLeader() && g.heir() != 0 {
			return
		}
	}
	done := l.leave.done
	l.leave.done = nil
	for _, f := range done {
		f()
	}
}

// leave offers the leadership to the heir once nothing of this leader's is undecided, and reports whether
// it did.
func (g *group) leave() bool {
	if !g.member.IsLeader() || !g.member.Accepting() || len(g.proposed) > 0 {
		return false
	}
	heir := g.heir()
	if heir == 0 || !g.released() && g.lane.patient() {
		return false
	}
	g.member.Transfer(heir)
	return true
}

// heirLacks is how many entries the preferred node may lack and be the heir all the same. What one
// follower has and the other has not is on its way as a rule, a part of a round trip behind.
const heirLacks = 16

// slowLacks is added for a slow node: it is the heir when nobody else is.
const slowLacks = 1 << 40

// heir is the voter that is to take the leadership over, or zero: the preferred one, who would be offered
// it by any other in the next moment, a second pause (a slow one would not be); or else the one that can take it soonest. Where
// several can, different shards choose different ones. It must have answered what was sent within an election timeout; what raft has heard
// besides (Recent) may have been under way for longer.
func (g *group) heir() (best wire.ReplicaID) {
	p, conf := g.lane.m.Placement(g.shard), g.member.Conf()
	if p == nil {
		return 0
	}
	least, since := uint64(0), max(g.lane.env.Now()-g.lane.cfg.Tick*time.Duration(g.lane.cfg.ElectionTicks), 1)
	for i := range p.Replicas {
		r := p.Replicas[(i+int(g.shard))%len(p.Replicas)]
		if r.ID == g.replica || r.Role != wire.RoleVoter || !alive(g.lane.m, r) || !slices.Contains(conf.Voters, uint64(r.ID)) || !g.member.SpokenSince(r.ID, since) {
			continue
		}
		lacks := g.member.Behind(r.ID)
		if g.lane.judge.Slow(r.Node) {
			lacks += slowLacks
		} else if r.Node == p.Preferred && lacks <= heirLacks {
			return r.ID
		}
		if best == 0 || lacks < least {
			best, least = r.ID, lacks
		}
	}
	return best
}

// Stop ends the lane: it hands over what it leads, refuses what comes from then on, waits a moment for
// the answers that are still owed, and calls done (on the lane's thread).
func (l *Lane) Stop(done func()) {
	l.HandOver(func() {
		l.hall.Stop()
		l.giveBack()
		l.lastAnswers(4, done)
	})
}

// lastAnswers waits for so many ticks at most until nobody waits for an answer.
func (l *Lane) lastAnswers(ticks int, done func()) {
	if ticks == 0 || l.hall.Waiting() == 0 {
		l.env.After(0, done) // after this turn's frames have left
		return
	}
	l.env.After(l.cfg.Tick, func() { l.lastAnswers(ticks-1, done) })
}
