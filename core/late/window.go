package late

import (
	"slices"
	"time"
)

const (
	windowSize  = 8 // rounds
	windowLeast = 4 // with fewer answers nothing is known
	silentMost  = 7 // rounds without an answer after which nothing is known either
)

// Window is how late one node has answered in the last rounds. The zero Window knows nothing.
//
// A round counts once, with its quickest answer: a node that was stopped for a while and goes on answers all that has
// come meanwhile at once, and was late once.
type Window struct {
	answers [windowSize]time.Duration // the last ones, in no order
	count   int                       // of all answers ever
	best    time.Duration             // in this round,
	any     bool                      // if there was any
	silent  int                       // rounds without an answer
}

// Answered notes that an answer has come, so long after the question.
func (w *Window) Answered(after time.Duration) {
	if after = max(after, 0); !w.any || after < w.best {
		w.best, w.any = after, true
	}
}

// Round ends a round.
func (w *Window) Round() {
	if !w.any {
		if w.silent++; w.silent >= silentMost {
			*w = Window{silent: silentMost}
		}
		return
	}
	w.answers[w.count%windowSize] = w.best
	w.count++
	w.any, w.silent = false, 0
}

// Late is how late the node answers: a quarter of the answers were later. One that is late now and then is not late;
// one that stands still for a third of the time is.
func (w *Window) Late() (after time.Duration, known bool) {
	n := min(w.count, windowSize)
	if n < windowLeast {
		return 0, false
	}
	sorted := w.answers
	slices.Sort(sorted[:n])
	return sorted[n-1-n/4], true
}
