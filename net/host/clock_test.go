package host

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheClockNeverGoesBack(t *testing.T) {
	c := newClock(time.Now())
	last := c.now()
	for i := range 100_000 {
		if i%100 == 0 {
			c.refresh()
		}
		now := c.now()
		require.GreaterOrEqual(t, now, last)
		last = now
	}
}

// Without a suspension the two clocks run together: nothing is counted as slept, but for what
// the measurement at the start was short of the truth.
func TestNothingIsSleptWhileAwake(t *testing.T) {
	c := newClock(time.Now())
	for range 10_000 {
		c.refresh()
	}
	require.Less(t, c.slept, 10*time.Millisecond)
}

func TestSleepCounts(t *testing.T) {
	c := newClock(time.Now())
	c.refresh()
	before := c.now()
	c.base -= time.Hour // as after an hour's suspension: the gap between the clocks has grown
	c.refresh()
	require.GreaterOrEqual(t, c.now()-before, time.Hour)
}

func BenchmarkNow(b *testing.B) {
	c := newClock(time.Now())
	for b.Loop() {
		c.now()
	}
}
