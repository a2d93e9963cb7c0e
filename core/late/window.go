package late

import "time"

const (
	windowSize  = 8 // rounds
	windowLeast = 4 // with fewer answers nothing is known
	mostFloors  = 3 // that one answer counts for at most
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

// Late is how late the node answers: the mean, of which no answer counts for more than three floors, so that it takes three of eight to be late.
// One that is late now and then is not; one that stands still for a third of the time is. A quantile would not do: where a quarter of all
// that is asked and answered takes long, as on all links of a bad network, it is this or that by chance, while means are alike, and are compared.
func (w *Window) Late(floor time.Duration) (after time.Duration, known bool) {
	n := min(w.count, windowSize)
	if n < windowLeast {
		return 0, false
	}
	sum := time.Duration(0)
	for _, a := range w.answers[:n] {
		sum += min(a, mostFloors*floor)
	}
	return sum / time.Duration(n), true
}
