package load

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var mix = Mix{Space: NewKeyspace(100, 10), Reads: 0.8}

// TestOpenLoopCountsFromWhenDue: a peer that stops for 200 ms once makes all that fell due meanwhile late. A closed loop sees one slow
// request in hundreds.
func TestOpenLoopCountsFromWhenDue(t *testing.T) {
	stopsOnce := func() Caller {
		calls := 0
		return callerFunc(func(batch []Op) {
			if calls++; calls == 20 {
				time.Sleep(200 * time.Millisecond)
			}
			time.Sleep(time.Millisecond)
			failAll(batch, nil)
		})
	}
	open := Open{Mix: mix, Rate: 200, Measure: time.Second, Drain: time.Second}.Run([]Caller{stopsOnce()})
	require.Equal(t, int64(200), open.Due)
	require.Zero(t, open.Late)
	require.Greater(t, open.P90, 20*time.Millisecond, "a fifth of the requests fell due while the peer stood still")
	closed := Closed{Mix: mix, Pipeline: 1, Measure: time.Second}.Run([]Caller{stopsOnce()})
	require.Less(t, closed.P90, open.P90)
}

// TestOpenLoopGivesUp: a peer that cannot hold the rate leaves requests behind, and the run ends all the same.
func TestOpenLoopGivesUp(t *testing.T) {
	began := time.Now()
	r := Open{Mix: mix, Rate: 1000, Measure: 300 * time.Millisecond, Drain: 100 * time.Millisecond}.Run([]Caller{after(20 * time.Millisecond)})
	require.Equal(t, int64(300), r.Due)
	require.Greater(t, r.Late, int64(200))
	require.Less(t, time.Since(began), 5*time.Second)
}

// TestOpenLoopWarms: what was due before does not count.
func TestOpenLoopWarms(t *testing.T) {
	var calls atomic.Int64
	r := Open{Mix: mix, Rate: 1000, Warm: 100 * time.Millisecond, Measure: 100 * time.Millisecond, Drain: 10 * time.Second}.
		Run([]Caller{callerFunc(func(batch []Op) { calls.Add(1); failAll(batch, nil) })})
	require.Equal(t, int64(100), r.Due)
	require.Equal(t, int64(200), calls.Load())
	require.InDelta(t, 1000, r.PerSecond, 0.1)
}

func TestClosedLoop(t *testing.T) {
	r := Closed{Mix: mix, Pipeline: 4, Warm: 20 * time.Millisecond, Measure: 200 * time.Millisecond}.Run([]Caller{after(5 * time.Millisecond), after(5 * time.Millisecond)})
	require.GreaterOrEqual(t, r.P50, 5*time.Millisecond-50*time.Microsecond)
	require.LessOrEqual(t, r.PerSecond, 2*4/0.005*1.1)
	require.Greater(t, r.PerSecond, 0.0)
	require.Zero(t, r.Errors)
}

// TestErrorsAreNotThroughput: what fails fast must not look fast.
func TestErrorsAreNotThroughput(t *testing.T) {
	r := Closed{Mix: mix, Pipeline: 2, Measure: 20 * time.Millisecond}.Run([]Caller{callerFunc(func(batch []Op) { failAll(batch, errFake) })})
	require.Zero(t, r.PerSecond)
	require.Positive(t, r.Errors)
	require.Equal(t, errFake.Error(), r.Error)
}

func TestFillWritesEveryKeyOnce(t *testing.T) {
	space := NewKeyspace(103, 10)
	seen := make(chan string, 1000)
	c := callerFunc(func(batch []Op) {
		for _, op := range batch {
			seen <- op.Key
		}
		failAll(batch, nil)
	})
	require.NoError(t, Fill([]Caller{c, c, c}, space, 4))
	close(seen)
	var keys []string
	for key := range seen {
		keys = append(keys, key)
	}
	require.ElementsMatch(t, space.Keys, keys)
	require.ErrorIs(t, Fill([]Caller{callerFunc(func(batch []Op) { failAll(batch, errFake) })}, space, 4), errFake)
}

// TestMix: the share of reads, and which keys are popular.
func TestMix(t *testing.T) {
	space := NewKeyspace(1000, 10)
	count := func(m Mix) (reads float64, top int) {
		d, batch := m.drawer(1), make([]Op, 100_000)
		d.fill(batch)
		hits := map[string]int{}
		for i := range batch {
			if batch[i].Read {
				reads++
			}
			hits[batch[i].Key]++
		}
		for _, n := range hits {
			top = max(top, n)
		}
		return reads / float64(len(batch)), top
	}
	reads, top := count(Mix{Space: space, Reads: 0.8})
	require.InDelta(t, 0.8, reads, 0.01)
	require.Less(t, top, 200)
	reads, top = count(Mix{Space: space, Reads: 1, Zipf: true})
	require.Equal(t, 1.0, reads)
	require.Greater(t, top, 5000)
	reads, _ = count(Mix{Space: space})
	require.Zero(t, reads)
}

// TestLoopsAllocateNothing: else the collector of this process would be measured, too.
func TestLoopsAllocateNothing(t *testing.T) {
	for _, zipf := range []bool{false, true} {
		d, own, batch := Mix{Space: mix.Space, Reads: 0.5, Zipf: zipf}.drawer(0), newCounts(), make([]Op, 16)
		require.Zero(t, testing.AllocsPerRun(100, func() {
			d.fill(batch)
			own.note(batch, time.Millisecond)
		}))
	}
}

// choosy asks for the keys that end in 7 only.
type choosy struct{ Caller }

func (choosy) Choose(keys []string) []string {
	return slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return !strings.HasSuffix(key, "7") })
}

// TestAChooserIsAskedForItsKeys: a caller that keeps to one leader draws from the keys that it leads.
func TestAChooserIsAskedForItsKeys(t *testing.T) {
	mix := Mix{Space: NewKeyspace(1000, 10), Reads: 1}
	batch := make([]Op, 1000)
	mix.of(choosy{}).drawer(0).fill(batch)
	for i := range batch {
		require.True(t, strings.HasSuffix(batch[i].Key, "7"), batch[i].Key)
		require.Equal(t, mix.Space.Value, batch[i].Value)
	}
	mix.of(nil).drawer(0).fill(batch)
	require.True(t, slices.ContainsFunc(batch, func(op Op) bool { return !strings.HasSuffix(op.Key, "7") }))
}
