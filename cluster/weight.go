package cluster

import "torc/core/wire"

// weightMax is the greatest weight that can be set, in hundredths, as for one that a node starts with.
const weightMax = 100_00

// setWeight is the clerk for AdminSetWeight. A weight that was set stays when the node restarts:
// updating a cluster node by node must not move replicas about.
func (l *Lane) setWeight(m *wire.ClusterMap, p *petition) *wire.Told {
	who := m.Member(p.Node)
	switch {
	case who == nil:
		return nobody(m)
	case p.Weight > weightMax:
		return refused(wire.RefusalValue, "a weight is at most %d", weightMax/100)
	case who.State == wire.MemberLeft:
		return refused(wire.RefusalState, "%s has left: a weight would change nothing", nameOf(who))
	case who.Override == p.Weight:
		share := who.Share()
		return done("%s has weight %d.%02d", nameOf(who), share/100, share%100)
	}
	return l.ordered(p, &wire.MetaCommand{Kind: wire.MetaSetWeight, Node: p.Node, Weight: p.Weight})
}

func overrideWeight(m *wire.ClusterMap, c *wire.MetaCommand) bool {
	who := m.Member(c.Node)
	if who == nil || who.Override == c.Weight || c.Weight > weightMax {
		return false
	}
	who.Override = c.Weight
	return true
}
