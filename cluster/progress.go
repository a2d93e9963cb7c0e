package cluster

import (
	"torc/core/ring"
	"torc/core/wire"
)

// progress is the clerk for AdminProgress: how far are the moves?
func (l *Lane) progress(m *wire.ClusterMap, p *petition) *wire.Told {
	v := l.inspect(p.since)
	if v == nil {
		return nil
	}
	return &wire.Told{Progress: progressOf(m, v.answers)}
}

// MovesOf is what the map alone says of the moves: nothing of bytes.
func MovesOf(m *wire.ClusterMap) wire.Progress {
	return progressOf(m, make([]*wire.Inspected, len(m.Placements)))
}

func progressOf(m *wire.ClusterMap, answers []*wire.Inspected) (p wire.Progress) {
	for i := range m.Members {
		if who := &m.Members[i]; who.Draining && who.State != wire.MemberLeft {
			p.Draining++
		}
	}
	targets := ring.Place(holders(m), int(m.Shards), int(m.Replication), stayingOf(m))
	for i := range m.Placements {
		addShard(&p, m, &m.Placements[i], targets[i].Nodes, answers[i])
	}
	return p
}

func addShard(p *wire.Progress, m *wire.ClusterMap, at *wire.Placement, target []wire.NodeID, a *wire.Inspected) {
	if moving(m, at, len(target)) {
		p.Open++
	}
	lacks := uint64(0)
	for _, node := range target {
		if r := at.On(node, m.Member(node).Incarnation); r == nil || r.Role != wire.RoleVoter {
			lacks++
		}
	}
	p.Replicas += lacks
	p.Shards++
	if a == nil {
		p.NoAnswers++
		return
	}
	p.Bytes += lacks * a.Bytes
	p.Sent += min(a.Sent, lacks*a.Bytes)
}
