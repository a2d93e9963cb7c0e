package cluster

import "torc/core/wire"

// A founder begins with the first configuration of its groups only if it has the first map (start): a later one does not say what that was.
// As long as a shard has one founder that did, he is elected, and tells the others. But the first map may be late, and a later one
// come first, as when a rack is cut off in the very moment. Were it so for all founders of a shard, each of them would wait for ever for
// another one to make him a member; and as they all live, nothing would be repaired.
//
// So a node keeps the first map if it had it, and a founder that says hello without any is given that one before the present one. He himself takes
// no later one (it may be sent unasked) before he has greeted everybody for a while. Then nobody who has the first map is in reach; if his
// groups have begun, they will tell him.

// lateTicks is for how long a founder waits for the first map. It says hello every four ticks.
const lateTicks = founderTicks

// awaitsFirst reports whether a map comes too early for this life, which is pledged to the founding of that cluster.
func (l *Lane) awaitsFirst(m *wire.ClusterMap) bool {
	f := &l.found
	if l.m != nil || m.Epoch == 1 || m.ClusterID != f.pledged {
		return false
	}
	if f.late == 0 {
		f.late = l.ticks + lateTicks
	}
	return l.ticks < f.late
}

// sendMap sends this node's map to a life that has said hello and has an older one, or none.
func (l *Lane) sendMap(h *wire.Hello) {
	who := h.Member
	if h.Epoch == 0 && h.Pledged == l.m.ClusterID && l.first != nil && l.first != l.m {
		l.sendAddr(who.PeerAddr, who.ID, who.Incarnation, &wire.MapUpdate{Map: l.first})
	}
	l.sendAddr(who.PeerAddr, who.ID, who.Incarnation, &wire.MapUpdate{Map: l.m})
}
