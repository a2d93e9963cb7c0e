package session

import (
	"time"

	"torc/core/mutant"
)

// budget is a token bucket that keeps retries from making an outage worse. A first attempt
// pays a tenth of a token in, a retry takes a whole one out and gets it back when its
// answer settles the matter. So while a cluster does not answer, retries add a tenth to the load (plus the
// burst); once it answers again, everything that waits gets through as fast as it is served.
// A slow drip makes sure that somebody always tries.
type budget struct {
	tokens int64 // thousandths
	filled time.Duration
}

const (
	budgetMax    = 100_000 // the burst: 100 retries
	budgetRetry  = 1000
	budgetFirst  = 100
	dripInterval = 100 * time.Millisecond // per retry: ten a second
)

func newBudget(now time.Duration) budget { return budget{tokens: budgetMax, filled: now} }

func (b *budget) earn(tokens int64) { b.tokens = min(b.tokens+tokens, budgetMax) }

// take reports whether a retry may be made now.
func (b *budget) take(now time.Duration) bool {
	if drops := (now - b.filled) / dripInterval; drops > 0 {
		b.filled += drops * dripInterval
		b.earn(min(int64(drops), budgetMax) * budgetRetry)
	}
	if b.tokens < budgetRetry && !mutant.On(mutant.BreakerFlap) {
		return false
	}
	b.tokens -= budgetRetry
	return true
}
