package sim

import (
	"slices"
	"time"
)

// windows are how long before the first action that the finding speaks of the cause may have begun.
var windows = []time.Duration{2 * time.Second, 6 * time.Second, 15 * time.Second}

// window leaves out what began long before the finding, and all that came after it, at one stroke. Where it works it saves
// most of the work: what is left is a hundredth of the operations.
func (k *shrinking) window() {
	from, to := k.focus()
	for _, before := range windows {
		if from <= before+time.Second {
			return
		}
		c := k.with(func(c *Case) { c.crop(from-before, to+3*time.Second) })
		if k.search(c, triesFew, triesBold, k.whole*uint64(1+k.Rare/2)) {
			return
		}
	}
}

// focus is the time of the first and of the last action that the wanted oracle's finding speaks of; or the finding's own.
func (k *shrinking) focus() (from, to time.Duration) {
	if named := k.named(); len(named) > 0 {
		from, to = named[0].At, named[0].At
		for _, c := range named {
			from, to = min(from, c.At), max(to, c.At)
		}
		return from, to
	}
	for _, v := range k.best.Result.Violations {
		if v.Oracle == k.Oracle {
			at := v.At - k.best.Result.Began
			return at, at
		}
	}
	return 0, 0
}

// crop keeps what happens between two times, and lets it begin a second after the torture does. A fault that is
// under way when the first comes begins then.
func (c *Case) crop(from, to time.Duration) {
	c.truncate(min(to, c.Scenario.Duration))
	for i := range c.Scenario.Script {
		if s := &c.Scenario.Script[i]; s.At < from && s.At+lasts(s.Fault) > from {
			f := s.Fault.(For)
			f.Duration -= from - s.At
			s.At, s.Fault = from, f
		}
	}
	c.Scenario.Script = slices.DeleteFunc(c.Scenario.Script, func(s Step) bool { return s.At < from })
	c.Scenario.Calls = slices.DeleteFunc(c.Scenario.Calls, func(s Call) bool { return s.At < from })
	c.shift(0, from-time.Second)
}
