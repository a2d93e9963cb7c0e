package cluster

import (
	"cmp"
	"maps"
	"slices"

	"torc/core/wire"
)

// goneMost is how many members that are gone the map remembers.
const goneMost = 64

// dismiss makes room in the map for a node that it has not known so far. Where nodes are given new names
// at every start (containers without an identity of their own are) the map would grow for ever, with it what is sent to
// every node and client, and everybody would go on greeting addresses at which nobody lives. So of the members that
// are gone and hold nothing only the latest lives stay.
//
// What operators have decided about a node (its weight) outlives its lives, but not its place in the map. So those of which something was
// decided go last: they are named by people, who know them by their names.
//
// That a member is in the map fences its former lives out (OnFrame). Without it they are strangers, as every node is before
// it joins: their replicas are in no placement and in no group's configuration, and no ID is given twice. One that was
// only silent, and speaks again, joins again; then it learns from the map that it holds nothing. One that was drained and
// stays, to forward requests, would be given its share again: so it says with its hello that it has left (self).
func dismiss(m *wire.ClusterMap) {
	gone := goneMembers(m)
	if len(gone) <= goneMost {
		return
	}
	slices.SortFunc(gone, func(a, b wire.Member) int {
		return cmp.Or(cmp.Compare(min(a.Override, 1), min(b.Override, 1)), cmp.Compare(a.Incarnation, b.Incarnation), cmp.Compare(a.ID, b.ID))
	})
	for _, who := range gone[:len(gone)-goneMost] {
		m.Members = slices.DeleteFunc(m.Members, func(x wire.Member) bool { return x.ID == who.ID })
	}
}

// goneMembers are those that take part in nothing and are named by no placement.
func goneMembers(m *wire.ClusterMap) (gone []wire.Member) {
	named := map[wire.NodeID]bool{} // for look-up, never ranged
	for i := range m.Placements {
		p := &m.Placements[i]
		named[p.Preferred] = true
		for _, r := range p.Replicas {
			named[r.Node] = true
		}
	}
	for _, who := range m.Members {
		if who.State != wire.MemberActive && !named[who.ID] {
			gone = append(gone, who)
		}
	}
	return gone
}

// unlearn forgets what was noted of members that the next map has no more, and of nodes that said hello, are in no map, and have been
// silent for long.
func (l *Lane) unlearn(next *wire.ClusterMap) {
	for _, id := range slices.Sorted(maps.Keys(l.known)) {
		if next.Member(id) == nil && (l.m.Member(id) != nil || l.env.Now()-l.heard[id] > l.cfg.Grace) {
			delete(l.known, id)
			delete(l.heard, id)
			delete(l.newest, id)
			delete(l.epochs, id)
		}
	}
}

// self is this life as it presents itself: as one that has left if it has, by the newest map that knew of it.
func (l *Lane) self() wire.Member {
	who := l.cfg.Self
	if l.hasLeft {
		who.State = wire.MemberLeft
	}
	return who
}

// noteSelf notes whether this life has left.
func (l *Lane) noteSelf(m *wire.ClusterMap) {
	if who := m.Member(l.cfg.Self.ID); who != nil {
		l.hasLeft = who.State == wire.MemberLeft && who.Incarnation == l.cfg.Self.Incarnation
	}
}
