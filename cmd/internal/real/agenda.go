package real

import (
	"context"
	"slices"
	"sync"
	"time"
)

// agenda is what will be done when, all on the goroutine that calls until.
type agenda struct {
	now   func() time.Duration
	mu    sync.Mutex
	plans []plan // in the order of their times
	added chan struct{}
}

type plan struct {
	at time.Duration
	do func() error
}

func newAgenda(now func() time.Duration) *agenda {
	return &agenda{now: now, added: make(chan struct{}, 1)}
}

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

// take is the next plan that is due, or how long it is until then.
func (a *agenda) take(end time.Duration) (do func() error, wait time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	if len(a.plans) == 0 || a.plans[0].at > end {
		return nil, end - now
	}
	if wait = a.plans[0].at - now; wait > 0 {
		return nil, wait
	}
	do = a.plans[0].do
	a.plans = a.plans[1:]
	return do, 0
}

// until carries out what is planned up to a time, and returns then, or at the first error.
func (a *agenda) until(ctx context.Context, end time.Duration) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		do, wait := a.take(end)
		if do != nil {
			if err := do(); err != nil {
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
		if err := a.until(ctx, min(end, a.now()+20*time.Millisecond)); err != nil {
			return missing, err
		}
	}
}
