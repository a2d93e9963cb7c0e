package linearizability

import (
	"slices"
	"time"
)

// Options shape a check. The zero Options are good for a history without declared losses
// and without a final read phase.
type Options struct {
	// TTLEpsilon is how much earlier or later than the history's clock says a key may expire:
	// the largest difference between the clocks of two nodes (one may stamp the write, the
	// other serve the read) plus their drift over a TTL. Default 0.
	TTLEpsilon time.Duration
	// FinalFrom is when the final read phase begins, in the history's time: reads called
	// from then on must show everything that was acknowledged before. 0 = there is no such
	// phase, and durability is not checked.
	FinalFrom int64
	// Losses are the losses of data that the system itself declared.
	Losses []Loss

	// OperationsMax and ConcurrencyMax bound, per key, the histories that are given to
	// the model checker, whose cost can be exponential in the number of operations open at the same
	// time (operations of unknown outcome stay open for ever). Beyond them the verdict is
	// Undecided. Defaults 20,000 and 128.
	OperationsMax  int
	ConcurrencyMax int
	// StepsMax bounds the steps that the model checker takes for one key before the verdict is
	// Undecided. Unlike a timeout it gives up at the same point on every machine. Default
	// 3,000,000: about a second. For scale: without versions 2,000 operations by 8 clients on one key take 22,000
	// steps, 200 by 16 take 75,000.
	StepsMax int64
	// Timeout is how long porcupine may draw a picture of one key (Picture). It is the only use of a wall
	// clock here. Default 30 s.
	Timeout time.Duration
	// ViolationsMax bounds the violations reported per key and oracle. Default 5.
	ViolationsMax int
}

// Loss says that the system declared, at some time in [From, To], to have lost what some
// keys held (their shard was recreated empty). A key that is covered may vanish once, at any
// instant of that interval; it need not, unless the loss is sure: then what it held never comes back.
type Loss struct {
	Keys     []string // nil = every key
	From, To int64
	Sure     bool
}

func (o Options) withDefaults() Options {
	if o.OperationsMax == 0 {
		o.OperationsMax = 20_000
	}
	if o.ConcurrencyMax == 0 {
		o.ConcurrencyMax = 128
	}
	if o.StepsMax == 0 {
		o.StepsMax = 3_000_000
	}
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	if o.ViolationsMax == 0 {
		o.ViolationsMax = 5
	}
	return o
}

func (o Options) lossesOf(key string) (list []Loss) {
	for _, loss := range o.Losses {
		if loss.Keys == nil || slices.Contains(loss.Keys, key) {
			list = append(list, loss)
		}
	}
	return list
}

// lostUntil is the last instant at which a declared loss may have taken what a key held.
func (o Options) lostUntil(key string) (until int64, any bool) {
	for i, loss := range o.lossesOf(key) {
		if i == 0 || loss.To > until {
			until, any = loss.To, true
		}
	}
	return until, any
}
