package cluster

import (
	"slices"

	"torc/core/ring"
	"torc/core/wire"
)

// How many shards may be on the move at a time: each costs a snapshot on the wire.
const (
	repairsMax = 16 // shards that miss a replica
	movesMax   = 4  // shards that are moved for balance
)

// (Both bound the sum, too: when a node comes or goes, what was the one may become the other.)

// plan compares the map with what the ring proposes and asks for the changes, a bounded number at
// a time. It returns how many it asked for, or still waits for: with none the map is settled.
func (l *Lane) plan(m *wire.ClusterMap) (open int) {
	targets := ring.Place(holders(m), int(m.Shards), int(m.Replication), stayingOf(m))
	repairs, moves := 0, 0
	for i := range m.Placements {
		if onItsWay(m, &m.Placements[i]) {
			continue
		}
		if moving(m, &m.Placements[i], len(targets[i].Nodes)) {
			if open++; healthy(m, &m.Placements[i]) >= len(targets[i].Nodes) {
				moves++
			} else {
				repairs++
			}
		}
	}
	for i := range m.Placements {
		p := &m.Placements[i]
		c := step(m, p, targets[i].Nodes)
		if c == nil || onItsWay(m, p) {
			continue
		}
		open++
		switch {
		case moving(m, p, len(targets[i].Nodes)):
			continue
		case c.Kind == wire.MetaPrefer:
		case healthy(m, p) < len(targets[i].Nodes):
			if repairs++; repairs > repairsMax || repairs+moves > repairsMax+movesMax {
				continue
			}
		default:
			if moves++; moves > movesMax || repairs+moves > repairsMax+movesMax {
				continue
			}
		}
		l.command(c)
	}
	return open
}

// stayingOf is where the shards are, without the replicas that are to leave. (The ring leaves out
// nodes that are down by itself; one that restarted should get back what it held.)
func stayingOf(m *wire.ClusterMap) []wire.Placement {
	placements := slices.Clone(m.Placements)
	for i := range placements {
		placements[i].Replicas = slices.DeleteFunc(slices.Clone(placements[i].Replicas), func(r wire.Replica) bool {
			return r.Role == wire.RoleLeaving
		})
	}
	return placements
}

// moving reports whether a change of a shard's replicas is under way: one is to be made a voter,
// or one is to leave and can be spared.
func moving(m *wire.ClusterMap, p *wire.Placement, want int) bool {
	staying, leaving := 0, false
	for _, r := range p.Replicas {
		switch {
		case !alive(m, r):
		case r.Role == wire.RoleLearner:
			return true
		case r.Role == wire.RoleLeaving:
			leaving = true
		default:
			staying++
		}
	}
	return leaving && staying >= want
}

// healthy counts the live voters.
func healthy(m *wire.ClusterMap, p *wire.Placement) (n int) {
	for _, r := range p.Replicas {
		if r.Role.Votes() && alive(m, r) {
			n++
		}
	}
	return n
}

// step is the next change that brings a shard nearer to its target, or nil. The first target
// should lead.
func step(m *wire.ClusterMap, p *wire.Placement, target []wire.NodeID) *wire.MetaCommand {
	if len(target) == 0 {
		return nil // every node that might hold it is down or being drained: it stays where it is
	}
	for _, node := range target {
		who := m.Member(node)
		if r := p.On(node, who.Incarnation); r == nil || r.Role == wire.RoleLeaving {
			return &wire.MetaCommand{Kind: wire.MetaAddReplica, Shard: p.Shard, Node: node, Incarnation: who.Incarnation, Replica: surplus(m, p, target)}
		}
	}
	if extra := surplus(m, p, target); extra != 0 && healthy(m, p) > len(target) {
		return &wire.MetaCommand{Kind: wire.MetaRelieve, Shard: p.Shard, Replica: extra}
	}
	if len(target) > 0 && p.Preferred != target[0] {
		return &wire.MetaCommand{Kind: wire.MetaPrefer, Shard: p.Shard, Node: target[0]}
	}
	return nil
}

// surplus is a live voter on a node that is no target, to be replaced, or zero; while dead ones
// are to be replaced it stays. (A learner that has fallen silent is none of them: it may stay in the map
// for as long as it is silent.)
func surplus(m *wire.ClusterMap, p *wire.Placement, target []wire.NodeID) (id wire.ReplicaID) {
	for _, r := range p.Replicas {
		switch {
		case !alive(m, r):
			if r.Role.Votes() {
				return 0
			}
		case id == 0 && r.Role == wire.RoleVoter && !slices.Contains(target, r.Node):
			id = r.ID
		}
	}
	return id
}

// onReport takes a shard's configuration from its leader, and writes it into the map.
func (l *Lane) onReport(from wire.NodeID, r *wire.Report) {
	g := l.groups[wire.MetaShard]
	if g == nil || !g.member.Leads() {
		to := l.hall.Leader(wire.MetaShard)
		if p := l.m.Placement(r.Shard); to != 0 && to != l.cfg.Self.ID && to != from && p != nil && p.Replica(r.Replica) != nil && p.Replica(r.Replica).Node == from {
			l.send(to, r) // one hop from the shard's leader, no further
		}
		return
	}
	if c := setRolesOf(r); wouldChange(g.meta.m, c) {
		l.command(c)
	}
	l.liftSeal(g.meta.m, r)
}

func setRolesOf(r *wire.Report) *wire.MetaCommand {
	return &wire.MetaCommand{Kind: wire.MetaSetRoles, Shard: r.Shard, Index: r.Applied, Replica: r.Conf.Newest,
		Voters: replicas(r.Conf.Voters), Learners: replicas(r.Conf.Learners)}
}

// wouldChange reports whether a report tells the map anything new.
func wouldChange(m *wire.ClusterMap, c *wire.MetaCommand) bool {
	p := m.Placement(c.Shard)
	if p == nil {
		return false
	}
	probe := *p
	return setRoles(m, &probe, c)
}

func replicas(ids []uint64) []wire.ReplicaID {
	out := make([]wire.ReplicaID, len(ids))
	for i, id := range ids {
		out[i] = wire.ReplicaID(id)
	}
	return out
}
