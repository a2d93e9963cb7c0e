package limit

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const ms = time.Millisecond

// node is a node that does so many things at a time, each in so long; the others wait.
type node struct {
	width int
	each  time.Duration
}

// serve lets callers use a node for a while: they have a request under way whenever the limit lets them, at most so
// many. It returns the slowest answer of the last second.
func serve(l *Limit, n node, now *time.Duration, callers int, lasts time.Duration) (slowest time.Duration) {
	type request struct{ sent, done time.Duration }
	var queue []request
	free := make([]time.Duration, n.width)
	for end := *now + lasts; *now < end; *now += ms / 2 {
		for len(queue) > 0 && queue[0].done <= *now {
			r := queue[0]
			queue = queue[1:]
			l.End(*now, *now-r.sent, Answered)
			if end-*now < time.Second {
				slowest = max(slowest, *now-r.sent)
			}
		}
		for len(queue) < callers && !l.Full() {
			first := 0
			for i := range free {
				if free[i] < free[first] {
					first = i
				}
			}
			free[first] = max(free[first], *now) + n.each
			l.Begin()
			queue = append(queue, request{*now, free[first]})
		}
	}
	for range queue {
		l.End(*now, 0, Left)
	}
	return slowest
}

// A node that is well is used to the full; when it becomes 50 times as slow, few wait for it; and it comes back.
func TestSlowNodeAndBack(t *testing.T) {
	l, now := New(Config{}), time.Hour
	serve(l, node{64, 2 * ms}, &now, 2000, 20*time.Second)
	require.Greater(t, l.Now(), 200, "64 at a time in 2 ms: some queue is no harm")
	serve(l, node{64, 100 * ms}, &now, 2000, 15*time.Second)
	require.LessOrEqual(t, l.Now(), 140, "what the node does at a time, and about as much that waits")
	slowest := serve(l, node{64, 100 * ms}, &now, 2000, 5*time.Second)
	require.LessOrEqual(t, slowest, 330*ms)
	serve(l, node{64, 2 * ms}, &now, 2000, 30*time.Second)
	require.Greater(t, l.Now(), 200, "it comes back")
}

// One loss halves, and what was under way at the same time does not halve again.
func TestLossesHalveOncePerFlight(t *testing.T) {
	l := New(Config{Start: 200, Max: 400})
	for range 100 {
		l.Begin()
	}
	for range 50 {
		l.End(10*time.Second, time.Second, Lost)
	}
	require.Equal(t, 100, l.Now())
	l.Begin()
	l.End(12*time.Second, time.Second, Lost)
	require.Equal(t, 50, l.Now(), "that was sent later")
}

// A limit that nobody reaches stays where it is.
func TestWhatIsNotTriedIsNotKnown(t *testing.T) {
	l, now := New(Config{Start: 100}), time.Hour
	serve(l, node{10, ms}, &now, 5, 10*time.Second)
	require.Equal(t, 100, l.Now())
}

// Whatever happens, it stays within its bounds, and with answers in time it reaches Max again.
func TestBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := Config{Min: rapid.IntRange(1, 20).Draw(t, "min"), Max: rapid.IntRange(20, 200).Draw(t, "max"), Samples: rapid.IntRange(1, 40).Draw(t, "samples")}
		l, now := New(cfg), time.Duration(0)
		for range rapid.IntRange(0, 300).Draw(t, "steps") {
			now += time.Duration(rapid.IntRange(0, 2000).Draw(t, "ms")) * ms
			if !l.Full() && rapid.Bool().Draw(t, "begin") {
				l.Begin()
			} else if l.UnderWay() > 0 {
				took := time.Duration(rapid.IntRange(0, 3000).Draw(t, "took")) * ms
				l.End(now, min(took, now), End(rapid.IntRange(0, 2).Draw(t, "end")))
			}
			require.GreaterOrEqual(t, l.Now(), cfg.Min)
			require.LessOrEqual(t, l.Now(), cfg.Max)
			require.LessOrEqual(t, l.UnderWay(), cfg.Max)
		}
		for l.UnderWay() > 0 {
			l.End(now, 0, Left)
		}
		for range 2000 * cfg.Samples * 10 {
			for !l.Full() {
				l.Begin()
			}
			l.End(now, ms, Answered)
			now += ms
		}
		require.Equal(t, cfg.Max, l.Now())
	})
}
