package envtest

import (
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// nowNeverGoesBack watches the clock within events and between them. That it goes on at all
// is part of it.
func (s *suite) nowNeverGoesBack() {
	n := s.start("a")
	var first time.Duration
	n.do(func() {
		first = n.now()
		for range 1000 {
			n.now()
		}
		_ = n.Env().Wall() // may say anything, but must answer
	})
	for i := range 20 {
		n.do(func() { n.after(time.Duration(i)*time.Millisecond, func() { n.now() }) })
	}
	s.await(n, "30 ms pass", func() bool { return n.now() >= first+30*time.Millisecond })
}

// nowGoesOnDuringAStall: leases rest on a clock that advances while the process is stopped.
func (s *suite) nowGoesOnDuringAStall() {
	const stall = 100 * time.Millisecond
	n := s.start("a")
	var before, after time.Duration
	n.do(func() { before = n.now() })
	s.world.Stall(n.Node, stall)
	n.do(func() { after = n.now() })
	require.GreaterOrEqual(s, after-before, stall, "the clock stood still while the node was stalled")
}

// timersNeverEarlyAndOnce sets many timers at once, and one behind them all by which each
// must have run: once.
func (s *suite) timersNeverEarlyAndOnce() {
	n := s.start("a")
	delays := []time.Duration{0, 1, time.Microsecond, 999 * time.Microsecond, time.Millisecond,
		3 * time.Millisecond, 3*time.Millisecond + 1, 10 * time.Millisecond, 25 * time.Millisecond, 60 * time.Millisecond}
	runs := make([]int, len(delays))
	over := false
	n.do(func() {
		n.after(120*time.Millisecond, func() { over = true })
		for i := range delays {
			i = len(delays) - 1 - i // the latest first: order of setting must not matter
			n.after(delays[i], func() { runs[i]++ })
		}
	})
	all := func() bool {
		for _, r := range runs {
			if r == 0 {
				return false
			}
		}
		return over
	}
	s.await(n, "every timer runs", all)
	n.do(func() {
		for i, r := range runs {
			assert.Equal(s, 1, r, "runs of After(%v)", delays[i])
		}
	})
}

// timersNeverInsideAfter: even a timer that is due at once is an event of its own, also when a
// timer sets it. (A negative delay comes of "deadline minus now": it means at once.)
func (s *suite) timersNeverInsideAfter() {
	n := s.start("a")
	left := 100
	var again func()
	again = func() {
		if left--; left > 0 {
			n.after(0, again)
		}
	}
	negative := false
	n.do(func() {
		n.after(0, again)
		n.Env().After(-time.Second, func() { n.event("a timer", func() { negative = true }) })
		if negative {
			s.Errorf("After ran its function itself")
		}
	})
	s.await(n, "a chain of 100 timers ends", func() bool { return left == 0 && negative })
}

// lateTimerRunsOnce: a timer that sets itself again, as a tick does, must not be made up for
// after a stall: each tick would count towards an election.
func (s *suite) lateTimerRunsOnce() {
	const period, stall = 10 * time.Millisecond, 300 * time.Millisecond
	n := s.start("a")
	var ticks int
	var first time.Duration
	var tick func()
	tick = func() {
		ticks++
		n.after(period, tick)
	}
	n.do(func() {
		first = n.now()
		n.after(period, tick)
	})
	s.world.Stall(n.Node, stall)
	s.await(n, "the ticks go on after the stall", func() bool {
		// One tick for each period that the node was awake, and one more for the stall.
		if most := int((n.now()-first-stall)/period) + 2; ticks > most {
			s.Errorf("%d ticks of %v in %v with a stall of %v: more than %d", ticks, period, n.now()-first, stall, most)
		}
		return ticks >= 3
	})
}
