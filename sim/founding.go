package sim

import (
	"slices"
	"time"

	"torc/core/trace"
	"torc/core/wire"
)

// How a run's cluster comes to be. Mostly all nodes start within moments and hear each other. A rough
// founding is how machines really come up: some seconds apart, on a network that is not whole yet, and
// with a supervisor that restarts a process which it takes for stuck. Whatever happens before there is
// a map loses nothing that was acknowledged, so any node may be restarted then, and none after.

// The bounds of a rough founding.
const (
	lateMax    = 4 * time.Second // from the first node's start to the last one's
	cutMax     = 6 * time.Second // until all links are whole
	restarts   = 3               // at most
	founderOff = 2 * time.Second // how long a restart takes at most
)

// found starts the nodes that are to found the cluster, and returns the time from which on nothing
// disturbs them.
func (w *World) found() (quiet int64) {
	start := NewStream(w.seed, "start")
	founders := w.nodes[:len(w.nodes)-w.settings.Absent]
	if !w.settings.Rough {
		for _, n := range founders {
			w.after(start.Duration(0, 300*time.Millisecond), n.start)
		}
		return w.now
	}
	r := NewStream(w.seed, "rough founding")
	late := r.Duration(300*time.Millisecond, lateMax)
	for _, n := range founders {
		w.after(r.Duration(0, late), n.start)
	}
	end := late + r.Duration(time.Second, cutMax-late)
	for range r.IntN(restarts + 1) {
		w.restartFounder(founders[r.IntN(len(founders))], r.Duration(200*time.Millisecond, end), r.Duration(10*time.Millisecond, founderOff))
	}
	w.cutFounders(&r, founders, end)
	return w.now + int64(end+founderOff)
}

// restartFounder restarts a node, if by then nobody has a map.
func (w *World) restartFounder(n *node, at, down time.Duration) {
	w.after(at, func() {
		if n.state != stateUp || w.newestMap() != nil {
			return
		}
		w.reached(branchFounderRestarted)
		w.tell(trace.Fault, "restart %v before there is a cluster", n)
		n.crash()
		w.after(down, func() {
			if n.state == stateDown {
				n.start()
			}
		})
	})
}

// recoverStillborn has an operator begin the meta group anew that has lost its majority before it ever had a leader: two nodes were
// restarted between their pledge and the map that names them. It reports whether there was need.
func (w *World) recoverStillborn() bool {
	m := w.newestMap()
	if m == nil || !w.isLost(wire.MetaShard) {
		return false
	}
	w.faults.open = true // the operator goes on until it is done
	via := slices.IndexFunc(w.nodes, func(n *node) bool { return n.state == stateUp && n.board != nil && n.board.Epoch == m.Epoch })
	return via >= 0 && w.faults.strike(RecoverMeta{Node(via + 1)})
}

// cutFounders parts the founders into two sides, mostly; or cuts single links, one way; or none.
func (w *World) cutFounders(r *Stream, founders []*node, end time.Duration) {
	if len(founders) < 2 {
		return // one has no two sides
	}
	c, left := &cutting{w: w}, map[int]bool{}
	switch roll := r.IntN(10); {
	case roll < 8:
		for !slices.ContainsFunc(founders, func(n *node) bool { return left[int(n.index)] }) {
			for _, n := range founders[1:] {
				left[int(n.index)] = r.Bool()
			}
		}
	case roll < 9:
		for range len(founders) {
			if a, b := r.IntN(len(founders)), r.IntN(len(founders)); a != b {
				c.oneWay(int(founders[a].index), int(founders[b].index))
			}
		}
	}
	for i, a := range founders {
		for _, b := range founders[:i] {
			if left[int(a.index)] != left[int(b.index)] {
				c.bothWays(int(a.index), int(b.index))
			}
		}
	}
	if len(c.pairs) == 0 {
		return
	}
	w.reached(branchFoundersApart)
	w.tell(trace.Fault, "the network comes up in parts: %s", w.sides(left))
	w.after(end, func() {
		c.mend()
		w.tell(trace.Fault, "the network is whole")
	})
}
