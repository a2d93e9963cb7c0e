package cluster

import (
	"slices"

	"torc/core/ring"
	"torc/core/wire"
)

// reconcile is the meta leader's round: give shards that miss a live replica a new one.
func (l *Lane) reconcile() {
	g := l.groups[wire.MetaShard]
	if g == nil || !g.member.Leads() {
		return
	}
	m := g.meta.m
	var active []wire.Member
	for _, who := range m.Members {
		if who.State == wire.MemberActive {
			active = append(active, who)
		}
	}
	want := min(int(m.Replication), len(active))
	short := false
	for i := range m.Placements {
		short = short || l.live(m, &m.Placements[i]) < want
	}
	if !short {
		return
	}
	for _, t := range ring.Place(active, int(m.Shards), int(m.Replication), m.Placements) {
		p := m.Placement(t.Shard)
		if l.live(m, p) >= want {
			continue
		}
		for _, n := range t.Nodes {
			if who := m.Member(n); p.On(n, who.Incarnation) == nil {
				l.command(&wire.MetaCommand{Kind: wire.MetaAddReplica, Shard: t.Shard, Node: n, Incarnation: who.Incarnation})
				break
			}
		}
	}
}

func (l *Lane) live(m *wire.ClusterMap, p *wire.Placement) int {
	n := 0
	for _, r := range p.Replicas {
		if alive(m, r) {
			n++
		}
	}
	return n
}

// mend is a shard leader's round: take new replicas in as learners, promote the ones that have
// caught up in the place of dead ones, hand the leadership to the preferred node, and report.
func (g *group) mend() {
	l := g.lane
	if !g.member.Leads() || l.m == nil {
		return
	}
	p, conf := l.m.Placement(g.shard), g.member.Conf()
	report := &wire.Report{Shard: g.shard, Replica: g.replica, Term: g.member.Term(), Applied: g.member.Applied(), Conf: conf}
	if len(conf.VotersOutgoing) > 0 || p == nil {
		return
	}
	if to := l.leaderNode(wire.MetaShard); to == l.cfg.Self.ID && l.index == 0 {
		l.onReport(report)
	} else if to := l.metaNode(); to != 0 {
		l.send(to, report)
	}
	if g.replaceDead(p, conf) {
		return
	}
	g.prefer(p)
}

func (g *group) replaceDead(p *wire.Placement, conf wire.ConfState) bool {
	for _, r := range p.Replicas {
		isVoter, isLearner := slices.Contains(conf.Voters, uint64(r.ID)), slices.Contains(conf.Learners, uint64(r.ID))
		switch {
		case isVoter || !alive(g.lane.m, r):
		case !isLearner:
			_ = g.member.AddLearner(r.ID) // dropped: the next round asks again
			return true
		case g.member.CaughtUp(r.ID):
			_ = g.member.Replace([]wire.ReplicaID{r.ID}, g.dead(p, conf))
			return true
		}
	}
	return false
}

func (g *group) dead(p *wire.Placement, conf wire.ConfState) (dead []wire.ReplicaID) {
	for _, id := range conf.Voters {
		if r := p.Replica(wire.ReplicaID(id)); r == nil || !alive(g.lane.m, *r) {
			return append(dead, wire.ReplicaID(id))
		}
	}
	return nil
}

func (g *group) prefer(p *wire.Placement) {
	if p.Preferred == g.lane.cfg.Self.ID {
		return
	}
	for _, r := range p.Replicas {
		if r.Node == p.Preferred && alive(g.lane.m, r) && r.Role == wire.RoleVoter && g.member.CaughtUp(r.ID) && g.member.Recent(r.ID) {
			g.member.Transfer(r.ID)
			return
		}
	}
}

func (l *Lane) metaNode() wire.NodeID {
	if to := l.leaderNode(wire.MetaShard); to != 0 {
		return to
	}
	return l.m.Placement(wire.MetaShard).Preferred
}

// onReport writes a group's applied configuration into the map.
func (l *Lane) onReport(r *wire.Report) {
	g := l.groups[wire.MetaShard]
	if g == nil || !g.member.Leads() || r.Applied < l.reported[r.Shard] || len(r.Conf.VotersOutgoing) > 0 {
		return
	}
	l.reported[r.Shard] = r.Applied
	c := &wire.MetaCommand{Kind: wire.MetaSetRoles, Shard: r.Shard, Voters: replicas(r.Conf.Voters), Learners: replicas(r.Conf.Learners)}
	if changeMap(g.meta.m.Clone(), c) {
		l.command(c)
	}
}

func replicas(ids []uint64) []wire.ReplicaID {
	out := make([]wire.ReplicaID, len(ids))
	for i, id := range ids {
		out[i] = wire.ReplicaID(id)
	}
	return out
}
