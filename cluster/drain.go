package cluster

import (
	"fmt"

	"torc/core/wire"
)

// A node is drained in three steps, all of them in the cluster map:
//
//	active --MetaDrain--> active, draining --(it holds nothing any more)--> left
//	   ^                        |                                            |
//	   '------MetaUndrain-------'--------------------------------------------'
//
// The ring gives a draining node nothing, so the usual moves (placement.go) carry its replicas
// away, a few at a time, and its leaderships with them. It is a full member meanwhile: what it
// holds counts in every quorum. A restart does not end the draining: the new life has nothing
// to give away and has left soon. A later life of a node that has left joins anew.

// drain is the clerk for AdminDrain.
func (l *Lane) drain(m *wire.ClusterMap, p *petition) *wire.Told {
	who := m.Member(p.Node)
	if who != nil && p.proposed && (who.Draining || who.State == wire.MemberLeft) {
		return done("%s gives away what it holds", nameOf(who))
	}
	if refusal, why := mayDrain(m, p.Node, p.Force); refusal != wire.RefusalNone {
		return refused(refusal, "%s", why)
	}
	return l.ordered(p, &wire.MetaCommand{Kind: wire.MetaDrain, Node: p.Node, Force: p.Force})
}

// undrain is the clerk for AdminUndrain.
func (l *Lane) undrain(m *wire.ClusterMap, p *petition) *wire.Told {
	who := m.Member(p.Node)
	switch {
	case who == nil:
		return nobody(m)
	case p.proposed && who.MayHold():
		return done("%s takes part again and is given its share", nameOf(who))
	case forgotten(who):
		return refused(wire.RefusalState, "%s is forgotten: only a later life of it can take part", nameOf(who))
	case !who.Draining && who.State == wire.MemberActive:
		return refused(wire.RefusalAlready, "%s is not being drained: nothing to take back", nameOf(who))
	case !who.Draining && who.State == wire.MemberDown:
		return refused(wire.RefusalState, "%s is down, not drained: it is taken back as soon as it speaks", nameOf(who))
	}
	return l.ordered(p, &wire.MetaCommand{Kind: wire.MetaUndrain, Node: p.Node})
}

// mayDrain says why a node may not be drained now. It is asked before the command is proposed,
// for the words, and where it is applied, for good: two nodes may be drained at once, and each
// be the last that can be spared.
func mayDrain(m *wire.ClusterMap, node wire.NodeID, force bool) (wire.Refusal, string) {
	who := m.Member(node)
	if who == nil {
		told := nobody(m)
		return told.Refusal, told.Lines[0]
	}
	switch {
	case who.State == wire.MemberLeft:
		return wire.RefusalAlready, nameOf(who) + " has left already: it holds nothing"
	case who.Draining:
		return wire.RefusalAlready, nameOf(who) + " is being drained already"
	}
	others := 0
	for i := range m.Members {
		if m.Members[i].ID != node && m.Members[i].MayHold() {
			others++
		}
	}
	switch {
	case others == 0:
		return wire.RefusalTooFew, nameOf(who) + " is the last node that can hold anything: stop it, if the data may go"
	case others < int(m.Replication) && who.MayHold() && !force:
		return wire.RefusalTooFew, fmt.Sprintf("%d nodes would be left for %d replicas of each shard: add a node first, or use force (each shard then has %d, and bears the loss of %d)",
			others, m.Replication, others, (others-1)/2)
	}
	return wire.RefusalNone, ""
}

// drainMember marks a node as one to be emptied.
func drainMember(m *wire.ClusterMap, c *wire.MetaCommand) bool {
	if refusal, _ := mayDrain(m, c.Node, c.Force); refusal != wire.RefusalNone {
		return false
	}
	m.Member(c.Node).Draining = true
	return true
}

// undrainMember takes that back, even when the node has left, as long as this life of it lasts: one
// that is gone is declared down in due course.
func undrainMember(m *wire.ClusterMap, node wire.NodeID) bool {
	who := m.Member(node)
	if who == nil || !who.Draining {
		return false
	}
	who.Draining = false
	if who.State == wire.MemberLeft {
		who.State = wire.MemberActive
	}
	return true
}

// letGo declares that drained nodes which hold nothing any more have left: not a replica, not even
// one that is on its way out. (Those of a former life of the node count, too: who has them in a
// group's configuration still needs their majority.) It is said of this very map: a node that is taken
// back meanwhile does not leave.
func (l *Lane) letGo(m *wire.ClusterMap) {
	for i := range m.Members {
		who := &m.Members[i]
		if who.Draining && who.State != wire.MemberLeft && !holdsAny(m, who.ID) {
			l.command(&wire.MetaCommand{Kind: wire.MetaSetState, Node: who.ID, Incarnation: who.Incarnation, State: wire.MemberLeft, IfEpoch: m.Epoch})
		}
	}
}

func holdsAny(m *wire.ClusterMap, node wire.NodeID) bool {
	for i := range m.Placements {
		for _, r := range m.Placements[i].Replicas {
			if r.Node == node {
				return true
			}
		}
	}
	return false
}

func nameOf(who *wire.Member) string {
	if who.Name == "" {
		return who.ID.String()
	}
	return who.Name
}
