package cluster

// tendBytes is how much memory a lane's stores move in a tick at most, to give back what is not needed.
const tendBytes = 512 << 10

// tend lets the stores give back memory where nothing is applied that would make them do so.
func (l *Lane) tend() {
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
			g.store.Close()
		}
	}
	l.gone = nil
}
