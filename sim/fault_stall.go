package sim

import "fmt"

// Stall holds up one of a node's event loops, as an entry that takes long to apply does, or a snapshot. The others go on: who asks
// the node for anything else, and every failure detector, finds it well. (Pause freezes them all, Slow slows them all.)
type Stall struct {
	Target Target
	Lane   int // counted from 0; of a node with fewer lanes, around in the circle
}

func (f Stall) fix(w *World) Fault {
	f.Target = f.Target.fix(w)
	return f
}

func (f Stall) strike(w *World) (string, func()) {
	n := f.Target.find(w)
	if n.state == stateDown {
		return "", nil
	}
	l, life := n.lanes[f.Lane%len(n.lanes)], n.life
	l.stalls++
	return fmt.Sprintf("stall lane %d of %v%s", l.index, n, w.leads(n)), func() {
		if n.life == life {
			l.goOn(1)
		}
	}
}

// goOn takes so many stalls off a lane. With the last one it takes up all that waited.
func (l *lane) goOn(stalls int) {
	if l.stalls == 0 {
		return
	}
	if l.stalls = max(0, l.stalls-stalls); l.stalls > 0 {
		return
	}
	n := l.node
	if l.index == 0 { // the lane that listens
		n.awake = n.clock.at(n.w.now)
	}
	l.wake()
}

// stalled reports whether the lane that listens stands still.
func (n *node) stalled() bool { return len(n.lanes) > 0 && n.lanes[0].stalls > 0 }
