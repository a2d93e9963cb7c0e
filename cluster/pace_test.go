package cluster

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Whatever is sent whenever it may be, over any time it is no more than the rate allows, and one burst and
// one part beside.
func TestThePaceIsKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(1)
		rate := rapid.Int64Range(1, 1<<32).Draw(t, "rate")
		p := newPacer(w, rate, 50*time.Millisecond)
		part := rapid.IntRange(1, 256<<10).Draw(t, "part")
		sent, begin := int64(0), w.now
		for range rapid.IntRange(1, 200).Draw(t, "turns") {
			w.now += time.Duration(rapid.Int64Range(0, int64(time.Second)).Draw(t, "pause"))
			for tries := 0; tries < 50 && p.May(); tries++ {
				p.Spend(part)
				sent += int64(part)
			}
			passed := w.now - begin
			allowed := int64(passed.Seconds()*float64(rate)) + p.burst + int64(part) + 1
			require.LessOrEqual(t, sent, allowed)
		}
		require.EqualValues(t, sent, p.sent)
	})
}

// A slow pace is no standstill: who asks often is not told no for ever because little has come in
// since the last time.
func TestASlowPaceGoesOn(t *testing.T) {
	w := newWorld(1)
	p := newPacer(w, 10, 50*time.Millisecond)
	sent := 0
	for range 100_000 {
		w.now += time.Millisecond
		if p.May() {
			p.Spend(1)
			sent++
		}
	}
	require.InDelta(t, 1000, sent, 5, "10 bytes a second for 100 s")
}

func TestSnapshotsAtATime(t *testing.T) {
	p := newPacer(newWorld(1), 0, time.Second)
	for range shipsMax {
		require.True(t, p.Begin())
	}
	require.False(t, p.Begin())
	p.End()
	require.True(t, p.Begin())
	require.True(t, p.May(), "without a rate anything goes")
	p.Spend(1 << 40)
	require.True(t, p.May())
}
