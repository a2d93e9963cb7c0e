package sim

import (
	"strings"
	"time"

	"torc/linearizability"
)

// Answer is what an operation of a scenario's own calls came to.
type Answer struct {
	Call, Op int           // places in Scenario.Calls and in its Ops
	At       time.Duration // when it was called, from the start of the torture
	Took     time.Duration
	Got      string // in the words of OutcomeText; "" when it was not called, or never ended
}

// Met says that an operation came to what its script wants of it.
func (op *Op) Met(got string) bool {
	if op.Want == "" {
		return true
	}
	for _, want := range strings.Split(op.Want, "|") {
		if strings.TrimSpace(want) == got {
			return true
		}
	}
	return false
}

// answered notes what became of a scripted operation, and holds it to what its script wants.
func (w *World) answered(op *operation, outcome linearizability.Outcome, out *linearizability.Output) {
	if op.answer == 0 {
		return
	}
	a := &w.work.answers[op.answer-1]
	a.Got = OutcomeText(op.Kind, outcome, out)
	a.Took = time.Duration(w.now-w.faults.began) - a.At
	if !op.Met(a.Got) {
		w.violate(OracleExpectation, "operation %d (%v %s): came to %s; the script wants %s", op.number, op.Kind, op.Key, a.Got, op.Want)
	}
}
