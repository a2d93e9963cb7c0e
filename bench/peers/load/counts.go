package load

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// timeMost is the longest time that is told from longer ones.
const timeMost = time.Minute

// counts is what one caller has seen: times of requests that were answered right, and errors.
type counts struct {
	times  *hdrhistogram.Histogram
	done   int64
	errors int64
	first  error
}

// newCounts makes one that tells times apart that differ by more than 1%: with a finer one 500 callers' would not fit the
// processor's caches, which the peers use too.
func newCounts() *counts {
	return &counts{times: hdrhistogram.New(int64(time.Microsecond), int64(timeMost), 2)}
}

// note counts a batch, each of whose requests took as long as all of them.
func (c *counts) note(batch []Op, took time.Duration) {
	right := int64(0)
	for i := range batch {
		switch err := batch[i].Err; {
		case err == nil:
			right++
		case c.first == nil:
			c.first = err
			fallthrough
		default:
			c.errors++
		}
	}
	if right > 0 {
		c.done += right
		_ = c.times.RecordValues(int64(min(took, timeMost)), right) // cannot fail within timeMost
	}
}

func (c *counts) add(other *counts) {
	c.times.Merge(other.times)
	c.done += other.done
	c.errors += other.errors
	if c.first == nil {
		c.first = other.first
	}
}

// Result is what came of one run of a loop.
type Result struct {
	Seconds   float64 // measured
	PerSecond float64 // requests that were answered right
	P50       time.Duration
	P90       time.Duration
	P99       time.Duration
	P999      time.Duration
	Max       time.Duration
	Errors    int64
	Error     string // the first, if any
	Due       int64  // open loop: requests that fell due
	Late      int64  // open loop: those not answered when the run ended, and given up
}

func (c *counts) result(measured time.Duration) Result {
	at := func(quantile float64) time.Duration { return time.Duration(c.times.ValueAtQuantile(quantile)) }
	r := Result{Seconds: measured.Seconds(), PerSecond: float64(c.done) / measured.Seconds(), Errors: c.errors,
		P50: at(50), P90: at(90), P99: at(99), P999: at(99.9), Max: time.Duration(c.times.Max())}
	if c.first != nil {
		r.Error = c.first.Error()
	}
	return r
}
