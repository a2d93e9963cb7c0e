package cluster

import (
	"slices"

	"torc/core/mutant"
	"torc/core/wire"
)

const (
	mendEvery     = 8   // ticks between a settled shard's looks at the map
	offerPatience = 100 // ticks between two offers of the leadership to the preferred node
	declinedMax   = 2   // how often that doubles while offers are not taken
)

// mend is a shard leader's round: bring the group's configuration to what the map wants, one
// change at a time, tell the meta group, and hand the leadership to the preferred node.
//
//	in the map, not in the group:     add as learner
//	learner that has caught up:       make it a voter, in the place of a dead or leaving one
//	dead learner:                     remove
//	dead or leaving, enough others:   remove (if it is this leader: let another one lead first)
func (g *group) mend() {
	l := g.lane
	if g.patience > 0 {
		g.patience--
	}
	if g.respite > 0 {
		g.respite--
	}
	if !g.member.Leads() || l.m == nil {
		return
	}
	p, conf := l.m.Placement(g.shard), g.member.Conf()
	if p == nil || len(conf.VotersOutgoing) > 0 {
		return
	}
	settled := g.settled(p, conf)
	if settled && (l.ticks+int(g.shard))%mendEvery != 0 {
		return
	}
	if g.report(); settled {
		g.prefer(p)
		return
	}
	l.touch(g)
	_ = g.change(p, conf) // raft takes none while another one is under way: the next tick asks again
}

// settled reports whether map and configuration agree and nobody is to come or go.
func (g *group) settled(p *wire.Placement, conf wire.ConfState) bool {
	if len(conf.Learners) > 0 || len(conf.Voters) != len(p.Replicas) {
		return false
	}
	for _, r := range p.Replicas {
		if r.Role != wire.RoleVoter || !alive(g.lane.m, r) || !slices.Contains(conf.Voters, uint64(r.ID)) {
			return false
		}
	}
	return true
}

// report tells the meta group's leader what it does not know. Whom a report leaves out may stop, so it
// waits until the group can do without. A group that is to be sealed and has a leader says so in any case: it can go on.
func (g *group) report() {
	l := g.lane
	if !g.member.Settled() {
		return
	}
	sealed := l.m.Placement(g.shard).Seal != 0
	r := &wire.Report{Shard: g.shard, Replica: g.replica, Term: g.member.Term(), Applied: g.member.Applied(), Conf: g.member.Conf()}
	if !sealed && !wouldChange(l.m, setRolesOf(r)) {
		return
	}
	if l.index == 0 {
		l.onReport(l.cfg.Self.ID, r)
	} else {
		l.send(l.cfg.Self.ID, r) // lane 0 knows who leads the meta group
	}
}

func (g *group) change(p *wire.Placement, conf wire.ConfState) error {
	for _, id := range conf.Learners {
		if r := p.Replica(wire.ReplicaID(id)); r == nil || !alive(g.lane.m, *r) {
			return g.member.Replace(nil, []wire.ReplicaID{wire.ReplicaID(id)})
		}
	}
	for _, r := range p.Replicas {
		switch {
		case slices.Contains(conf.Voters, uint64(r.ID)) || !alive(g.lane.m, r):
		case !slices.Contains(conf.Learners, uint64(r.ID)):
			if mutant.On(mutant.VoterTooSoon) && r.Role == wire.RoleLearner {
				return g.member.Replace([]wire.ReplicaID{r.ID}, nil)
			}
			if !used(conf, r.ID) { // else it was a member and has gone: the map has yet to hear of it
				return g.member.AddLearner(r.ID)
			}
		case g.member.NearlyCaughtUp(r.ID):
			return g.promote(r.ID, p, conf)
		}
	}
	if gone := g.gone(p, conf); gone != 0 && g.staying(p, conf) >= wanted(g.lane.m) {
		return g.dismiss(gone, p, conf)
	}
	return nil
}

// used reports whether an ID was a member of the group, or could have been: it never comes in again.
func used(conf wire.ConfState, id wire.ReplicaID) bool {
	return id <= conf.Newest && !mutant.On(mutant.ZombieMember)
}

// gone is a voter to do without, or zero: a dead one before one that is to leave.
func (g *group) gone(p *wire.Placement, conf wire.ConfState) wire.ReplicaID {
	if dead := g.dead(p, conf); dead != 0 {
		return dead
	}
	return g.leaving(p, conf)
}

// promote makes a learner a voter, in the place of the one that is dead or is to leave.
func (g *group) promote(id wire.ReplicaID, p *wire.Placement, conf wire.ConfState) error {
	gone := g.gone(p, conf)
	switch gone {
	case 0:
		return g.member.Replace([]wire.ReplicaID{id}, nil)
	case g.replica:
		if len(conf.Voters) == 1 { // the only copy: nobody else could take the leadership before that one votes
			return g.member.Replace([]wire.ReplicaID{id}, nil)
		}
		return g.dismiss(gone, p, conf)
	}
	return g.replace(conf, id, gone)
}

// replace makes a learner a voter, if any, and removes a voter, if those that are left can go on without it: a quorum of them
// has been heard a moment ago. The map calls a node alive that has just died, and the voter that is to go may be the last
// that makes up for it. If not the next round asks again.
func (g *group) replace(conf wire.ConfState, promote, remove wire.ReplicaID) error {
	var in []wire.ReplicaID
	recent := map[uint64]bool{} // for look-up, never ranged
	left := slices.DeleteFunc(slices.Clone(conf.Voters), func(id uint64) bool { return id == uint64(remove) })
	if promote != 0 {
		in, left = append(in, promote), append(left, uint64(promote))
	}
	for _, id := range left {
		recent[id] = g.member.Recent(wire.ReplicaID(id))
	}
	if !quorumOf(left, recent) {
		return nil
	}
	return g.member.Replace(in, []wire.ReplicaID{remove})
}

// dismiss removes a voter. A leader does not remove itself: it lets another one lead, who will.
func (g *group) dismiss(id wire.ReplicaID, p *wire.Placement, conf wire.ConfState) error {
	if id != g.replica || mutant.On(mutant.RemovedLeaderLingers) {
		return g.replace(conf, 0, id)
	}
	for _, slow := range []bool{false, true} {
		for _, r := range p.Replicas {
			if r.Role == wire.RoleVoter && g.lane.judge.Slow(r.Node) == slow && g.offer(r) {
				return nil
			}
		}
	}
	return nil
}

// dead is a voter to be replaced because its node does not run it, or zero: one whose life is surely
// over before one on a node that was merely declared down, which may live and be needed yet.
func (g *group) dead(p *wire.Placement, conf wire.ConfState) (silent wire.ReplicaID) {
	for _, id := range conf.Voters {
		r := p.Replica(wire.ReplicaID(id))
		if r == nil || superseded(g.lane.m, *r) {
			return wire.ReplicaID(id)
		}
		if silent == 0 && !alive(g.lane.m, *r) {
			silent = r.ID
		}
	}
	return silent
}

// superseded reports whether a replica's node has begun a later life.
func superseded(m *wire.ClusterMap, r wire.Replica) bool { return m.Over(&r) }

// leaving is a voter that is to leave, or zero.
func (g *group) leaving(p *wire.Placement, conf wire.ConfState) wire.ReplicaID {
	for _, r := range p.Replicas {
		if r.Role == wire.RoleLeaving && slices.Contains(conf.Voters, uint64(r.ID)) {
			return r.ID
		}
	}
	return 0
}

// staying counts the live voters that are not to leave.
func (g *group) staying(p *wire.Placement, conf wire.ConfState) (n int) {
	for _, r := range p.Replicas {
		if r.Role == wire.RoleVoter && alive(g.lane.m, r) && slices.Contains(conf.Voters, uint64(r.ID)) {
			n++
		}
	}
	return n
}

// prefer lets the preferred node lead, unless it is slow: it would only give the leadership away again.
func (g *group) prefer(p *wire.Placement) {
	if g.lane.mistrusts(p.Preferred) && !mutant.On(mutant.YieldFlap) {
		return
	}
	for _, r := range p.Replicas {
		if r.Node == p.Preferred && r.ID != g.replica && (r.ID != g.before || g.respite == 0) {
			g.offer(r)
		}
	}
}

// succeed notes from whom this replica has taken the leadership over. A node that is being stopped has
// given it away, and lives on for a moment: were it the preferred one, it would be offered it back.
func (g *group) succeed() {
	switch {
	case g.leader == g.replica:
		g.respite = offerPatience
	case g.leader != 0:
		g.before = g.leader
	}
}

// couldOffer reports whether a replica could be offered the leadership once it has caught up.
func (g *group) couldOffer(r wire.Replica) bool {
	return g.patience == 0 && r.ID != g.replica && alive(g.lane.m, r) && g.member.Recent(r.ID)
}

// offer offers the leadership to a replica that could take it now, and reports whether it did. An
// offer costs the lease of this term, holds writes up and may cost an election, so one that is not
// taken is not repeated soon, not even when this replica is elected again: the other one may
// reach this leader and nobody else.
func (g *group) offer(r wire.Replica) bool {
	if !g.couldOffer(r) || !g.member.CaughtUp(r.ID) || !g.released() {
		return false
	}
	g.offered, g.patience = r.ID, offerPatience<<min(g.declined, declinedMax)
	g.declined++
	g.member.Transfer(r.ID)
	g.lane.touch(g)
	return true
}
