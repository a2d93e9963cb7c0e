package cluster

import "torc/core/wire"

// Two clusters may be pointed at each other by mistake: a --join that names nodes of both, an address that was given to another machine. With one cluster secret
// for both, or none, nothing else keeps them apart. Both number their replicas from 1 on, so what one's leader says to its replica on a node may fit
// another one's there. Hence:
//
//  1. A frame says which cluster its sender is in (wire.Frame.Cluster). Of another one's every lane takes what introduces him, and nothing else (firstContact): no word of a
//     replica, no map, no request. Nobody's view of who is where is trusted with that: his life may be on this map, and a node of this cluster
//     may be in the other one now, where a request that was sent to its former life's replica would be carried out.
//  2. Of its own cluster a node listens to the members by its map. Whoever is none, as nodes that the map has dismissed are, may introduce himself, give a map,
//     and hand a client's or an operator's request on.
//  3. A life is in one cluster until it ends. Who says hello as of another cluster is none of this one's.
//  4. He may be on its map all the same: a node that was told to join both greeted both before either had answered, and both let him
//     in. So the meta group's leader, who greets all members, hears it from himself, declares him down, and what he was to hold goes to others.
//     He is not let in again, as he is admitted by a hello without a cluster or of this one only; nor does what he says count as a sign of a member's life (heardFrom).

// Strangers are the lives of other clusters that have said hello to a lane since the start.
type Strangers struct {
	Hellos  uint64
	Last    wire.Member
	Cluster uint64 // that of the last one
}

// ofAnother reports whether a hello is a stranger's.
func (l *Lane) ofAnother(m *wire.Hello) bool {
	return l.m != nil && m.ClusterID != 0 && m.ClusterID != l.m.ClusterID
}

// onStranger takes notice of a life of another cluster. It is answered, so that its own cluster learns the same.
func (l *Lane) onStranger(m *wire.Hello) {
	who := m.Member
	l.strangers = Strangers{l.strangers.Hellos + 1, who, m.ClusterID}
	if !m.Answer {
		l.sendAddr(who.PeerAddr, who.ID, who.Incarnation, l.hello(true))
	}
	known := l.m.Member(who.ID)
	if known == nil || known.Incarnation != who.Incarnation {
		return
	}
	delete(l.heard, who.ID)
	if g := l.groups[wire.MetaShard]; g != nil && g.member.Leads() && known.State == wire.MemberActive {
		l.command(&wire.MetaCommand{Kind: wire.MetaSetState, Node: who.ID, Incarnation: who.Incarnation, State: wire.MemberDown})
	}
}
