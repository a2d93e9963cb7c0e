package host

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Timers run in the order of their time and then of their asking, each once, none early.
func TestTimersRunInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type ask struct {
			at  time.Duration
			seq int
		}
		var ts timers
		var ran []ask
		asks := rapid.SliceOf(rapid.IntRange(0, 20)).Draw(t, "asks")
		for seq, at := range asks {
			a := ask{time.Duration(at), seq}
			ts.add(a.at, func() { ran = append(ran, a) })
		}
		now := time.Duration(0)
		for range rapid.IntRange(1, 5).Draw(t, "steps") {
			now += time.Duration(rapid.IntRange(0, 10).Draw(t, "step"))
			before := len(ran)
			ts.run(now)
			for i, a := range ran[before:] {
				if a.at > now {
					t.Fatalf("timer for %d ran at %d", a.at, now)
				}
				if i > 0 {
					last := ran[before+i-1]
					if a.at < last.at || a.at == last.at && a.seq < last.seq {
						t.Fatalf("%v ran after %v", a, last)
					}
				}
			}
		}
		due := 0
		for _, at := range asks {
			if time.Duration(at) <= now {
				due++
			}
		}
		if len(ran) != due {
			t.Fatalf("%d ran, %d were due", len(ran), due)
		}
	})
}

func TestATimerSetByATimerWaitsForTheNextTurn(t *testing.T) {
	var ts timers
	ran := 0
	var again func()
	again = func() { ran++; ts.add(0, again) }
	ts.add(0, again)
	for turn := 1; turn <= 3; turn++ {
		require.Equal(t, 1, ts.run(time.Second))
		require.Equal(t, turn, ran)
	}
}

// A node that was stopped for long finds its timers due, once each.
func TestAPauseIsNotMadeUpFor(t *testing.T) {
	var ts timers
	ticks := 0
	now := time.Duration(0)
	var tick func()
	tick = func() { ticks++; ts.add(now+50*time.Millisecond, tick) }
	ts.add(50*time.Millisecond, tick)
	now = 5 * time.Second
	ts.run(now)
	require.Equal(t, 1, ticks)
}
