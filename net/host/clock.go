package host

import "time"

// clock is a lane's monotonic clock. It advances while the system is suspended, because
// leases rest on it: a leader that slept an hour must not believe that a second has passed.
//
// Go's own monotonic clock stands still in suspension, and the one that does not
// (CLOCK_BOOTTIME) costs a system call, ten times as much. So now is Go's clock plus the time
// known to have been slept, and that sum is brought up to date once a turn, after the inbox was
// drained. A suspension between that and a reading goes unseen until the next turn; that is as
// if the reading had been taken just before the suspension, and everything the turn answers
// had already arrived by then (invariant 2).
type clock struct {
	origin time.Time
	slept  time.Duration
	base   time.Duration // the gap between the clocks at the origin
}

func newClock(origin time.Time) clock {
	c := clock{origin: origin}
	// The gap is measured from below (see refresh); the greatest of some measurements is near
	// the truth even when a few were interrupted.
	c.base = suspended(origin)
	for range 16 {
		c.base = max(c.base, suspended(origin))
	}
	return c
}

// now never goes back: both of its parts only grow.
func (c *clock) now() time.Duration { return time.Since(c.origin) + c.slept }

// refresh takes in time slept since the last turn. suspended errs only downwards (by as long
// as the goroutine was held up between its two readings), so slept never runs ahead.
func (c *clock) refresh() {
	c.slept = max(c.slept, suspended(c.origin)-c.base)
}
