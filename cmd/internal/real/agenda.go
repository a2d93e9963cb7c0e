package real

import (
	"context"
	"slices"
	"sync"
	"time"
)

// agenda is what will be done when, all on the goroutine that calls until. Its time is the run's own, unless it is patient: then
// its time stands while something is done, and from when that was due until it was begun. What a file puts 1.5 s after a heal so
// comes 1.5 s after the heal, however long a busy machine takes for it, and not before it.
type agenda struct {
	now     func() time.Duration
	patient bool

	mu    sync.Mutex
	lag   time.Duration // by which its time is behind the run's
	doing bool          // its time stands,
	since time.Duration // at this
	plans []plan        // in the order of their times
	added chan struct{}
}

type plan struct {
	at time.Duration
	do func() error
}

func newAgenda(now func() time.Duration) *agenda {
	return &agenda{now: now, added: make(chan struct{}, 1)}
}

// time is the agenda's: what plans are planned by.
func (a *agenda) time() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.timeNow()
}

func (a *agenda) timeNow() time.Duration {
	if a.doing {
		return a.since
	}
	return a.now() - a.lag
}

// after plans something for a while from now.
func (a *agenda) after(wait time.Duration, do func() error) { a.add(a.time()+wait, do) }

// add plans something; plans of the same time are carried out in the order in which they were added.
func (a *agenda) add(at time.Duration, do func() error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	i, _ := slices.BinarySearchFunc(a.plans, at, func(p plan, at time.Duration) int {
		if p.at <= at {
			return -1
		}
		return 1
	})
	a.plans = slices.Insert(a.plans, i, plan{at, do})
	select {
	case a.added <- struct{}{}:
	default:
	}
}

// take is the next plan that is due, or how long it is until then. Whoever takes one says when it is done.
func (a *agenda) take(end time.Duration) (do func() error, wait time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.timeNow()
	if len(a.plans) == 0 || a.plans[0].at > end {
		return nil, end - now
	}
	if wait = a.plans[0].at - now; wait > 0 {
		return nil, wait
	}
	do = a.plans[0].do
	a.doing, a.since = a.patient, a.plans[0].at
	a.plans = a.plans[1:]
	return do, 0
}

// done lets time go on.
func (a *agenda) done() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.doing {
		a.doing, a.lag = false, a.now()-a.since
	}
}

// until carries out what is planned up to a time of the agenda's, and returns then, or at the first error.
func (a *agenda) until(ctx context.Context, end time.Duration) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		do, wait := a.take(end)
		if do != nil {
			err := do()
			a.done()
			if err != nil {
				return err
			}
			continue
		}
		if wait <= 0 {
			return nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-a.added:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// await carries out what is planned until a condition holds: until it returns nil. Its last word
// comes back when the time is over.
func (a *agenda) await(ctx context.Context, within time.Duration, condition func() error) (missing, err error) {
	end := a.now() + within
	for {
		if missing = condition(); missing == nil {
			return nil, nil
		}
		if a.now() >= end {
			return missing, nil
		}
		if err := a.until(ctx, a.time()+min(end-a.now(), 20*time.Millisecond)); err != nil {
			return missing, err
		}
	}
}
