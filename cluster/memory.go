package cluster

import "torc/core/store"

// tendBytes is how much memory a lane's stores move in a tick at most, to give back what is not needed.
const tendBytes = 512 << 10

// tend lets the stores give back memory where nothing is applied that would make them do so.
func (l *Lane) tend() {
	if len(l.spent) > 0 {
		if l.spent[0].Tend(tendBytes); l.spent[0].Tended() {
			l.spent = append(l.spent[:0], l.spent[1:]...)
		} else if len(l.spent) > 1 { // a snapshot may still need it
			l.spent = append(l.spent[1:], l.spent[0])
		}
	}
	untended := 0
	for _, g := range l.order {
		if g.store != nil && !g.store.Tended() {
			untended++
		}
	}
	if untended == 0 {
		return
	}
	for _, g := range l.order {
		if g.store != nil && !g.store.Tended() {
			g.store.Tend(tendBytes / untended)
		}
	}
}

// bury gives back the memory of replicas that this node has no more. It waits for the end of the turn: until
// then such a replica may have something to do.
func (l *Lane) bury() {
	for _, g := range l.gone {
		if g.store != nil {
			l.discard(g.store)
		}
	}
	l.gone = nil
}

// discard gives back a store's memory, a part in each tick.
func (l *Lane) discard(s *store.Store) {
	if s.Discard(); !s.Tended() {
		l.spent = append(l.spent, s)
	}
}
