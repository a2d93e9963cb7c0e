package sim

import (
	"fmt"
	"time"

	"torc/core/wire"
)

// Forget is an operator's word that a node which is down never comes back to the life that it had (torc
// forget): what it held counts as lost. Of one that is up nobody says so. The operator reads what
// would be lost, repeats the code, and asks again while the cluster says that it has not
// been silent for long enough; when the node is started again first, the word is not given.
type Forget struct{ Target, Via Target }

func (f Forget) fix(w *World) Fault {
	f.Target, f.Via = f.Target.fix(w), f.Via.fix(w)
	return f
}

func (f Forget) strike(w *World) (string, func()) {
	n, via := f.Target.find(w), f.Via.find(w)
	if n.state != stateDown {
		return "", nil
	}
	life := n.incarnation
	gone := func() bool { return n.state == stateDown && n.incarnation == life }
	w.insist(wire.Ask{Op: wire.AdminForget, Node: n.id}, via, gone, func() { w.reached(branchForgotten) })
	return fmt.Sprintf("forget %v by way of %v", n, via), nil
}

// RecoverMeta is an operator's word that the meta group is lost and is to be begun anew on a node (torc
// recover-meta). It is refused while there is any sign that it lives.
type RecoverMeta struct{ Via Target }

func (f RecoverMeta) fix(w *World) Fault {
	f.Via = f.Via.fix(w)
	return f
}

func (f RecoverMeta) strike(w *World) (string, func()) {
	via := f.Via.find(w)
	lost := func() bool { return w.isLost(wire.MetaShard) }
	if !lost() {
		return "", nil // of a group that lives nobody says so
	}
	w.insist(wire.Ask{Op: wire.AdminRecoverMeta}, via, lost, func() { w.reached(branchMetaRecovered) })
	return fmt.Sprintf("recover the meta group on %v", via), nil
}

// insistEvery is how long an operator waits before asking again.
const insistEvery = 500 * time.Millisecond

// insist asks for what must be confirmed until it is done, or until it is no longer so.
func (w *World) insist(ask wire.Ask, via *node, still func() bool, done func()) {
	w.operate(ask, via, func(t *wire.Told) {
		switch {
		case t.Refusal == wire.RefusalNone:
			done()
		case !w.faults.open || !still():
		case t.Refusal == wire.RefusalUnconfirmed:
			ask.Confirm = t.Confirm
			w.insist(ask, via, still, done)
		case t.Refusal == wire.RefusalLives || t.Refusal == wire.RefusalState:
			w.after(insistEvery, func() {
				if w.faults.open && still() {
					w.insist(ask, via, still, done)
				}
			})
		}
	})
}
