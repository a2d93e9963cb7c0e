package cluster

import (
	"slices"
	"time"

	"torc/core/ring"
	"torc/core/wire"
)

// How many shards may be on the move at a time: each costs a snapshot on the wire.
const (
	repairsMax = 16 // shards that miss a replica
	movesMax   = 4  // shards that are moved for balance
)

// (Both bound the sum, too: when a node comes or goes, what was the one may become the other.)

// overdueAfter is for how long a shard on the move has others wait for it. A learner may never catch up: its leader does not reach it, though
// the meta group's does. What goes on regardless is bounded where snapshots are sent (pace.go).
const overdueAfter = time.Minute

// underWay is a change of a shard's replicas: as the map has it, and since when.
type underWay struct {
	conf   uint64         // the map's configuration,
	newest wire.ReplicaID // and newest replica
	since  time.Duration
}

// places are what the shards on the move take of what is there. Those whose voters by the map are no quorum have places of their own: they wait
// for nodes that are silent, it may be for ever, and send nothing meanwhile. (The map may be wrong about them.)
type places struct{ repairs, moves, stuck int }

// take has a shard take a place for a change of its replicas, and reports whether there was one.
func (n *places) take(m *wire.ClusterMap, p *wire.Placement, want int) bool {
	switch live := healthy(m, p); {
	case 2*live <= voters(p):
		n.stuck++
		return n.stuck <= repairsMax
	case live < want:
		n.repairs++
		return n.repairs <= repairsMax && n.repairs+n.moves <= repairsMax+movesMax
	}
	n.moves++
	return n.moves <= movesMax && n.repairs+n.moves <= repairsMax+movesMax
}

// plan compares the map with what the ring proposes and asks for the changes, a bounded number at
// a time. It returns how many it asked for, or still waits for: with none the map is settled.
func (l *Lane) plan(m *wire.ClusterMap) (open int) {
	targets := ring.Place(holders(m), int(m.Shards), int(m.Replication), stayingOf(m))
	var taken places
	for i := range m.Placements {
		p, want := &m.Placements[i], len(targets[i].Nodes)
		if onItsWay(m, p) || !moving(m, p, want) {
			delete(l.moves, p.Shard)
			continue
		}
		if open++; !l.overdue(p) {
			taken.take(m, p, want)
		}
	}
	for i := range m.Placements {
		p, want := &m.Placements[i], len(targets[i].Nodes)
		c := step(m, p, targets[i].Nodes)
		if c == nil || onItsWay(m, p) {
			continue
		}
		if open++; moving(m, p, want) || c.Kind != wire.MetaPrefer && !taken.take(m, p, want) {
			continue
		}
		l.command(c)
	}
	return open
}

// overdue reports whether a shard has been on the move for so long, with nothing new of it, that others wait for it no more.
func (l *Lane) overdue(p *wire.Placement) bool {
	now := underWay{conf: p.ConfIndex, since: l.env.Now()}
	for _, r := range p.Replicas {
		now.newest = max(now.newest, r.ID)
	}
	began, known := l.moves[p.Shard]
	if !known || began.conf != now.conf || began.newest != now.newest {
		l.moves[p.Shard], began = now, now
	}
	return now.since-began.since >= overdueAfter
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

// voters counts those that vote, dead or alive.
func voters(p *wire.Placement) (n int) {
	for _, r := range p.Replicas {
		if r.Role.Votes() {
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
