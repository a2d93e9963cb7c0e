package sim

import (
	"fmt"
	"time"

	"torc/core/trace"
	"torc/core/wire"
)

// Drain asks for a node to be drained, by way of any node, as an operator does (torc drain). For a
// duration: it is taken back then, emptied or not. Else it is drained for good, and its process stays
// and holds nothing, until its next life joins anew. The cluster refuses when too few nodes would be
// left, unless it is forced.
type Drain struct {
	Target, Via Target
	Force       bool
}

func (f Drain) fix(w *World) Fault {
	f.Target, f.Via = f.Target.fix(w), f.Via.fix(w)
	return f
}

func (f Drain) strike(w *World) (string, func()) {
	n, via := f.Target.find(w), f.Via.find(w)
	ask := wire.Ask{Op: wire.AdminDrain, Node: n.id, Force: f.Force}
	drain := w.operate(ask, via, func(t *wire.Told) { w.faults.forced = w.faults.forced || f.Force && t.Refusal == wire.RefusalNone })
	word := "drain"
	if f.Force {
		word = "drain by force"
	}
	return fmt.Sprintf("%s %v%s by way of %v", word, n, w.leads(n), via), func() {
		drain.over = true
		w.operate(wire.Ask{Op: wire.AdminUndrain, Node: n.id}, via, nil)
	}
}

// Undrain takes a drained node back.
type Undrain struct{ Target, Via Target }

func (f Undrain) fix(w *World) Fault {
	f.Target, f.Via = f.Target.fix(w), f.Via.fix(w)
	return f
}

func (f Undrain) strike(w *World) (string, func()) {
	n, via := f.Target.find(w), f.Via.find(w)
	w.operate(wire.Ask{Op: wire.AdminUndrain, Node: n.id}, via, nil)
	return fmt.Sprintf("undrain %v by way of %v", n, via), nil
}

// Weigh sets a node's weight, in hundredths; 0 is what it was started with. For a duration: it gets
// that one back then.
type Weigh struct {
	Target, Via Target
	Hundredths  int
}

func (f Weigh) fix(w *World) Fault {
	f.Target, f.Via = f.Target.fix(w), f.Via.fix(w)
	return f
}

func (f Weigh) strike(w *World) (string, func()) {
	n, via := f.Target.find(w), f.Via.find(w)
	weigh := w.operate(wire.Ask{Op: wire.AdminSetWeight, Node: n.id, Weight: uint32(f.Hundredths)}, via, nil)
	return fmt.Sprintf("weight of %v%s is %d%% by way of %v", n, w.leads(n), f.Hundredths, via), func() {
		weigh.over = true
		w.operate(wire.Ask{Op: wire.AdminSetWeight, Node: n.id}, via, nil)
	}
}

// Roll stops a node politely as soon as the check says that it is safe (torc roll --check), and starts
// it again after Down.
type Roll struct {
	Target Target
	Down   time.Duration
}

func (f Roll) fix(w *World) Fault {
	f.Target = f.Target.fix(w)
	return f
}

// rollPatience is how long a check may say no before it is given up.
const rollPatience = 30 * time.Second

func (f Roll) strike(w *World) (string, func()) {
	n := f.Target.find(w)
	began := w.now
	var check func()
	check = func() {
		w.operate(wire.Ask{Op: wire.AdminRollCheck, Node: n.id}, n, func(t *wire.Told) {
			switch {
			case !w.faults.open:
			case t.Refusal == wire.RefusalNone:
				if said, _ := Stop(f).strike(w); said != "" {
					w.tell(trace.Fault, "safe: %s", said)
				}
			case time.Duration(w.now-began) < rollPatience:
				w.after(500*time.Millisecond, check)
			case len(w.faults.active) == 0:
				w.violate(OracleLiveness, "for %v it was not safe to stop %v, though nothing is broken: %v", rollPatience, n, t.Lines)
			}
		})
	}
	check()
	return fmt.Sprintf("roll %v%s when it is safe", n, w.leads(n)), nil
}

// operator is a person with a request, who asks one node after the other until there is an answer.
type operator struct {
	w    *World
	ask  wire.Ask
	told func(*wire.Told)
	turn int  // which one is asked now
	over bool // the person has lost interest
}

// administrator is a lane that takes operators' requests.
type administrator interface {
	Admin(a *wire.Ask, told func(*wire.Told))
}

// askPatience is after how long without an answer the next node is asked; the node itself answers sooner.
const (
	askTimeout  = 3 * time.Second
	askPatience = 4 * time.Second
	askAgain    = 250 * time.Millisecond
)

// operate asks for something, first by way of a node. told may be nil.
func (w *World) operate(ask wire.Ask, via *node, told func(*wire.Told)) *operator {
	ask.TimeoutMillis = askTimeout.Milliseconds()
	o := &operator{w: w, ask: ask, told: told, turn: int(via.index)}
	w.faults.asking++
	o.next()
	return o
}

// next asks the node whose turn it is.
func (o *operator) next() {
	w := o.w
	if o.over || w.ended {
		w.faults.asking--
		return
	}
	n, turn := w.nodes[o.turn%len(w.nodes)], o.turn
	again := func(d time.Duration) {
		w.after(d, func() {
			if o.turn == turn {
				o.turn++
				o.next()
			}
		})
	}
	if n.state != stateUp {
		again(askAgain)
		return
	}
	desk, ok := n.lanes[0].core.(administrator)
	if !ok {
		w.faults.asking--
		return
	}
	again(askPatience)
	n.lanes[0].deliver(delivery{fn: func() {
		desk.Admin(&o.ask, func(t *wire.Told) {
			answer := *t
			w.after(time.Millisecond, func() {
				if o.turn == turn {
					o.hear(n, &answer, again)
				}
			})
		})
	}})
}

// hear takes a node's answer. Who does not know is not asked further.
func (o *operator) hear(n *node, t *wire.Told, again func(time.Duration)) {
	if t.Refusal == wire.RefusalUnknown || t.Refusal == wire.RefusalNoQuorum {
		again(askAgain)
		return
	}
	o.turn = -1 // whatever else is heard comes too late
	o.w.faults.asking--
	if o.ask.Op != wire.AdminRollCheck || t.Refusal == wire.RefusalNone {
		about := ""
		if o.ask.Node != 0 {
			about = fmt.Sprintf(" of n%d", o.ask.Node)
		}
		o.w.tell(trace.Fault, "%v answers: %v%s: %v", n, o.ask.Op, about, t.Refusal)
	}
	if o.told != nil {
		o.told(t)
	}
}

// drained reports whether every drain has come to its end, as the newest map says: who is being
// drained has left.
func (w *World) drained() bool {
	if m := w.newestMap(); m != nil {
		for i := range m.Members {
			if who := &m.Members[i]; who.Draining && who.State != wire.MemberLeft {
				return false
			}
		}
	}
	return true
}

// voters is how many voters every shard must have in the end: fewer than were asked for only when an
// operator has forced it.
func (w *World) voters() int {
	want := min(w.settings.Replicas, w.settings.Nodes)
	m := w.newestMap()
	if !w.faults.forced || m == nil {
		return want
	}
	hold := 0
	for i := range m.Members {
		if m.Members[i].MayHold() {
			hold++
		}
	}
	return min(want, hold)
}

// sawMembers compares a map with the one before that the same node had.
func (w *World) sawMembers(old, m *wire.ClusterMap) {
	if old == nil {
		return
	}
	for i := range m.Members {
		who := &m.Members[i]
		was := old.Member(who.ID)
		if was == nil {
			continue
		}
		left, same := who.State == wire.MemberLeft, was.Incarnation == who.Incarnation
		if who.State == wire.MemberDown && was.State != wire.MemberDown && same {
			w.watch.ears.declared(w, who)
		}
		switch {
		case left && was.State != wire.MemberLeft:
			w.reached(branchDrained)
		case was.State == wire.MemberLeft && !left && !same:
			w.reached(branchCameBack)
		case was.Draining && was.State == wire.MemberActive && !who.Draining && same:
			w.reached(branchUndrained)
		}
		if was.Override != who.Override {
			w.reached(branchWeighed)
		}
	}
}

// judgeMap holds that who has left holds nothing.
func (w *World) judgeMap(m *wire.ClusterMap) {
	for i := range m.Placements {
		for _, r := range m.Placements[i].Replicas {
			if who := m.Member(r.Node); who != nil && who.State == wire.MemberLeft && who.Incarnation == r.Incarnation {
				w.violate(OracleRing, "epoch %d: n%d has left, and holds replica %d of shard %d", m.Epoch, r.Node, r.ID, m.Placements[i].Shard)
			}
		}
	}
}

// sawDrainLost notes that a crash has hit a drain.
func (w *World) sawDrainLost(n *node) {
	m := w.newestMap()
	if m == nil {
		return
	}
	for i := range m.Members {
		who := &m.Members[i]
		if !who.Draining || who.State != wire.MemberActive {
			continue
		}
		if who.ID == n.id {
			w.reached(branchDrainLost)
		}
		if w.watch.newest[wire.MetaShard].node == n.id {
			w.reached(branchDrainLeaderLost)
		}
	}
}
