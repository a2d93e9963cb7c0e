package breaker

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var small = Config{
	Failures: 3, Window: time.Second, Samples: 10, Percent: 50,
	OpenMin: 100 * time.Millisecond, OpenMax: 400 * time.Millisecond,
	Probes: 1, Successes: 2, ProbeLimit: 200 * time.Millisecond,
}

// Each story is a line of steps: "<milliseconds> <call>" and what it shows. ok and bad tell
// an outcome, ask asks for leave.
func TestStories(t *testing.T) {
	for name, story := range map[string]string{
		"failures in a row open it, probes close it": `
			0   bad  closed
			1   bad  closed
			2   bad  open
			50  ask  no  open
			102 ask  yes half-open
			103 ask  no  half-open
			104 ok   half-open
			105 ask  yes half-open
			106 ok   closed
			107 ask  yes closed`,
		"a success in between starts the count again": `
			0 bad closed
			1 bad closed
			2 ok  closed
			3 bad closed
			4 bad closed
			5 bad open`,
		"a failed probe doubles the time it stays open, up to the longest": `
			0   bad closed
			0   bad closed
			0   bad open
			100 ask yes half-open
			100 bad open
			299 ask no  open
			300 ask yes half-open
			300 bad open
			699 ask no  open
			700 ask yes half-open
			700 bad open
			1099 ask no open
			1100 ask yes half-open`,
		"a forgotten probe is written off": `
			0   bad closed
			0   bad closed
			0   bad open
			100 ask yes half-open
			299 ask no  half-open
			300 ask yes half-open`,
		"stragglers change nothing while it is open": `
			0   bad closed
			0   bad closed
			0   bad open
			10  ok  open
			90  bad open
			100 ask yes half-open`,
		"a short peace does not shorten the open time, a long one does": `
			0    bad closed
			0    bad closed
			0    bad open
			100  ask yes half-open
			100  ok  half-open
			100  ok  closed
			200  bad closed
			200  bad closed
			200  bad open
			399  ask no open
			400  ask yes half-open
			400  ok  half-open
			400  ok  closed
			1500 bad closed
			1500 bad closed
			1500 bad open
			1600 ask yes half-open`,
		"half of the window failing opens it": `
			0   ok  closed
			1   ok  closed
			2   bad closed
			3   bad closed
			4   ok  closed
			5   ok  closed
			6   bad closed
			7   bad closed
			8   ok  closed
			9   bad open`,
		"what has left the window counts no more": `
			0    bad closed
			1    bad closed
			2    ok  closed
			3    bad closed
			4    bad closed
			5    ok  closed
			1200 bad closed
			1201 ok  closed
			1202 bad closed
			1203 ok  closed`,
	} {
		t.Run(name, func(t *testing.T) { tell(t, story) })
	}
}

func tell(t *testing.T, story string) {
	b := New(small)
	for line := range strings.Lines(strings.TrimSpace(story)) {
		words := strings.Fields(line)
		var ms int
		_, err := fmt.Sscan(words[0], &ms)
		require.NoError(t, err)
		now := time.Duration(ms) * time.Millisecond
		switch words[1] {
		case "ok":
			b.Success(now)
		case "bad":
			b.Failure(now)
		case "ask":
			require.Equal(t, words[2], map[bool]string{true: "yes", false: "no"}[b.Allow(now)], line)
		}
		require.Equal(t, words[len(words)-1], b.State().String(), line)
	}
}

// Whatever happens, in whatever order: open means nobody before the time is over, half-open
// means few, and a caller that only asks is let through in bounded time.
func TestNeverTooManyNeverLockedUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := Config{
			Failures: rapid.IntRange(1, 5).Draw(t, "failures"), Percent: rapid.IntRange(1, 100).Draw(t, "percent"),
			Samples: rapid.IntRange(1, 30).Draw(t, "samples"), Probes: rapid.IntRange(1, 3).Draw(t, "probes"),
			Successes: rapid.IntRange(1, 4).Draw(t, "successes"),
		}.Defaults()
		b := New(cfg)
		now := time.Duration(0)
		opened, out := time.Duration(0), 0
		for range rapid.IntRange(0, 200).Draw(t, "steps") {
			now += time.Duration(rapid.IntRange(0, 1500).Draw(t, "ms")) * time.Millisecond
			before := b.State()
			switch rapid.IntRange(0, 2).Draw(t, "call") {
			case 0:
				ready := b.Ready(now)
				yes := b.Allow(now)
				require.Equal(t, ready, yes)
				switch {
				case before == Closed:
					require.True(t, yes)
				case before == Open && yes:
					require.GreaterOrEqual(t, now, opened+cfg.OpenMin)
					out = 1
				case before == HalfOpen && yes:
					if out++; out > cfg.Probes {
						out = 1 // only a write-off may have made room
					}
				}
				require.LessOrEqual(t, out, cfg.Probes)
			case 1:
				b.Success(now)
				out = max(out-1, 0)
				require.False(t, before == Open && b.State() != Open, "a straggler closed it")
			case 2:
				b.Failure(now)
			}
			if b.State() == Open && before != Open {
				opened, out = now, 0
			}
			if b.State() == Closed {
				out = 0
			}
		}
		require.True(t, b.Allow(now+cfg.OpenMax+cfg.ProbeLimit), "locked up in %v", b.State())
	})
}
