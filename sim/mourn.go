package sim

import (
	"time"

	"torc/core/gossip"
	"torc/core/wire"
)

// mournSlack is what the meta group's leader may take on top of the grace: a round of its own, a
// commit, and one for each other node that is to be declared down first.
const mournSlack = 3 * time.Second

// life is one life of a node.
type life struct {
	node        wire.NodeID
	incarnation wire.Incarnation
}

// mourning holds the meta group's leader to the grace that was configured: a node of which it has heard
// nothing for so long, and which its own failure detector has taken for dead all the while, must
// be declared down when there are nodes enough to do without it. Whatever rumours say: only a node
// itself can refute its death. It is called in every round of a node's failure detector.
//
// All times are by the leader's own clock, from the latest of: it began to lead, it was
// resumed, its map had a node to spare, it heard the node, its detector told it of the death. A leader that cannot commit steps
// down (CheckQuorum), except on links that let heartbeats through and little else: those runs
// are left out.
func (o *watch) mourning(leader *node) {
	w := o.w
	if w.settings.Grace == 0 || w.faults.impeded || leader.stalled() || !o.leadsMeta(leader) || leader.board == nil {
		return
	}
	m, now := leader.board, leader.clock.at(w.now)
	if !spared(m) {
		return
	}
	for i := range leader.swim.beliefs {
		b, subject := &leader.swim.beliefs[i], w.nodes[i]
		who := m.Member(subject.id)
		if !b.known || b.status != gossip.Dead || who == nil || who.State != wire.MemberActive || who.Incarnation != b.incarnation {
			continue
		}
		since := max(o.newest[wire.MetaShard].at, leader.awake, leader.spareSince, leader.heard[i], b.dead)
		grace := w.settings.Grace
		if b.rumour > b.incarnation {
			grace *= 3 // a rumour of a later life has come and gone: then its ears alone count, for longer
		}
		if of := (life{subject.id, b.incarnation}); now-since > int64(grace+mournSlack) && !o.unmourned[of] {
			o.unmourned[of] = true
			w.violate(OracleLiveness, "%v has been silent and known to be dead to %v, the meta group's leader, for %.1f s: the grace is %v, and nobody declares it down",
				subject, leader, time.Duration(now-since).Seconds(), grace)
		}
	}
}

// spared reports whether a map has more nodes that may hold replicas than a shard has of them: one that is drained holds none for anybody.
func spared(m *wire.ClusterMap) bool {
	holders := 0
	for i := range m.Members {
		if m.Members[i].MayHold() {
			holders++
		}
	}
	return holders > int(m.Replication)
}

// leadsMeta reports whether a node leads the meta group, as far as it knows.
func (o *watch) leadsMeta(n *node) bool {
	newest := &o.newest[wire.MetaShard]
	if newest.life != n.incarnation {
		return false
	}
	m := o.replicas[replicaKey{wire.MetaShard, o.leaders[shardTerm{wire.MetaShard, newest.term}]}]
	return newest.node == n.id && m != nil && m.leads
}

// clockOf is what a node's own clock shows.
func (w *World) clockOf(id wire.NodeID) int64 {
	for _, n := range w.nodes {
		if n.id == id {
			return n.clock.at(w.now)
		}
	}
	return w.now
}

// lifeAt is a node's present life.
func (w *World) lifeAt(id wire.NodeID) wire.Incarnation {
	for _, n := range w.nodes {
		if n.id == id {
			return n.incarnation
		}
	}
	return 0
}
