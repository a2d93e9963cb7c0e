package sim

import (
	"slices"
	"time"
)

// timings brings actions together in time and rounds what is left, so that a person can read it.
func (k *shrinking) timings() {
	k.shorten()
	k.close()
	for _, unit := range []time.Duration{time.Second, 500 * time.Millisecond, 100 * time.Millisecond, 10 * time.Millisecond, time.Millisecond} {
		if k.try(k.with(func(c *Case) { c.each(func(d *time.Duration) { *d = round(*d, unit) }) }), triesFew) {
			k.finish()
			return
		}
	}
	for i := 0; !k.over; i++ {
		n, any := 0, false
		k.with(func(c *Case) { c.each(func(*time.Duration) { any = any || n == i; n++ }) })
		if !any {
			break
		}
		k.roundOne(i)
	}
	k.finish()
}

// finish ends the torture a little after the last action.
func (k *shrinking) finish() {
	last := time.Duration(0)
	for _, s := range k.best.Case.Scenario.Script {
		last = max(last, s.At+lasts(s.Fault))
	}
	for _, c := range k.best.Case.Scenario.Calls {
		last = max(last, c.At)
	}
	for _, spare := range []time.Duration{time.Second, 3 * time.Second} {
		if end := round(last+spare, time.Second); end < k.best.Case.Scenario.Duration && k.try(k.with(func(c *Case) { c.Scenario.Duration = end }), 1) {
			return
		}
	}
}

func lasts(f Fault) time.Duration {
	if timed, ok := f.(For); ok {
		return timed.Duration
	}
	return 0
}

// close takes idle time away: all that comes after a gap comes sooner.
func (k *shrinking) close() {
	for again := true; again && !k.over; {
		again = false
		for _, gap := range gaps(k.best.Case.Scenario) {
			if gap.wide < 300*time.Millisecond {
				continue
			}
			if k.try(k.with(func(c *Case) { c.shift(gap.from, gap.wide/2) }), 2) {
				again = true
				break
			}
		}
	}
}

// gap is a time in which nothing is begun.
type gap struct{ from, wide time.Duration }

func gaps(s Scenario) (list []gap) {
	var times []time.Duration
	for _, step := range s.Script {
		times = append(times, step.At)
	}
	for _, call := range s.Calls {
		times = append(times, call.At)
	}
	slices.Sort(times)
	last := time.Duration(0)
	for _, at := range times {
		if at > last {
			list = append(list, gap{last, at - last})
		}
		last = at
	}
	slices.SortStableFunc(list, func(a, b gap) int { return int(b.wide/time.Millisecond - a.wide/time.Millisecond) })
	return list
}

// shift lets everything after a time begin sooner.
func (c *Case) shift(after, by time.Duration) {
	for i := range c.Scenario.Script {
		if s := &c.Scenario.Script[i]; s.At > after {
			s.At -= by
		}
	}
	for i := range c.Scenario.Calls {
		if s := &c.Scenario.Calls[i]; s.At > after {
			s.At -= by
		}
	}
	c.Scenario.Duration = max(c.Scenario.Duration-by, time.Second)
}

// each visits every time and duration of a case.
func (c *Case) each(visit func(*time.Duration)) {
	for i := range c.Scenario.Script {
		s := &c.Scenario.Script[i]
		visit(&s.At)
		switch f := s.Fault.(type) {
		case For:
			visit(&f.Duration)
			s.Fault = f
		case Crash:
			visit(&f.Down)
			s.Fault = f
		case Stop:
			visit(&f.Down)
			s.Fault = f
		case Rack:
			visit(&f.Down)
			s.Fault = f
		}
	}
	for i := range c.Scenario.Calls {
		visit(&c.Scenario.Calls[i].At)
	}
}

// roundOne rounds the i-th time as coarsely as the oracle bears.
func (k *shrinking) roundOne(i int) {
	for _, unit := range []time.Duration{time.Second, 100 * time.Millisecond, 10 * time.Millisecond, time.Millisecond, 100 * time.Microsecond} {
		done := false
		c := k.with(func(c *Case) {
			n := 0
			c.each(func(d *time.Duration) {
				if n == i {
					done = *d == round(*d, unit)
					*d = round(*d, unit)
				}
				n++
			})
		})
		if done || k.try(c, 1) {
			return
		}
	}
}

// round rounds to the nearest unit, but not to nothing what is something.
func round(d, unit time.Duration) time.Duration {
	if r := d.Round(unit); r > 0 || d == 0 {
		return r
	}
	return unit
}
