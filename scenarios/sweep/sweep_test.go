package sweep

import (
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"torc/scenarios/repro"
	"torc/sim"
)

func seeds(first uint64, n int) (list []uint64) {
	for i := range n {
		list = append(list, first+uint64(i))
	}
	return list
}

// collect runs a sweep and returns its answers by seed.
func collect(t *testing.T, s *Sweep) map[uint64]Answer {
	t.Helper()
	got := map[uint64]Answer{}
	s.Told = func(a Answer) error {
		require.NotContains(t, got, a.Seed, "a seed is told of once")
		got[a.Seed] = a
		return nil
	}
	require.NoError(t, s.Run())
	return got
}

// One process answers many seeds.
func TestWorkersAreUsedAgain(t *testing.T) {
	f := &fakes{answer: passes}
	got := collect(t, &Sweep{Seeds: seeds(1, 100), Workers: 3, Budget: time.Minute, Start: f.start})
	require.Len(t, got, 100)
	require.Equal(t, sim.LostTruth, got[14].Verdict)
	require.Equal(t, sim.Pass, got[15].Verdict)
	require.LessOrEqual(t, f.started.Load(), int32(3))
}

// A worker that dies, talks nonsense or answers something else costs its own seed's verdict only,
// and the seed's folder says what was known.
func TestBadWorkersAreReplaced(t *testing.T) {
	for name, c := range map[string]struct {
		line  string
		dies  bool
		wants string
	}{
		"dies":            {dies: true, wants: "the worker died"},
		"talks nonsense":  {line: "panic: boom", wants: `"panic: boom\n", which is no answer`},
		"is beside it":    {line: `{"seed":99,"hash":"x"}`, wants: "asked for seed 5 and answered for 99"},
		"answers nothing": {line: `{"seed":5}`, wants: "without a trace hash"},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fakes{answer: func(q Question) (string, bool) {
				if q.Seed == 5 {
					return c.line, c.dies
				}
				return passes(q)
			}}
			out := t.TempDir()
			got := collect(t, &Sweep{Job: Job{Scenario: "healthy", Out: out}, Seeds: seeds(1, 10), Workers: 1, Budget: time.Minute, Start: f.start, KeepMax: 5})
			require.Len(t, got, 10)
			require.Equal(t, sim.Broken, got[5].Verdict)
			require.Contains(t, got[5].Error, c.wants)
			require.Equal(t, sim.Pass, got[6].Verdict)
			require.EqualValues(t, 2, f.started.Load())

			said, err := os.ReadFile(filepath.Join(out, "seed-5", "crash.txt"))
			require.NoError(t, err)
			require.Contains(t, string(said), c.wants)
			require.Contains(t, string(said), "goroutine 1 [running]: somewhere")
			run, err := repro.Load(filepath.Join(out, "seed-5", "repro.json"))
			require.NoError(t, err)
			require.EqualValues(t, 5, run.Seed)
		})
	}
}

// A worker that does not answer within its budget is asked where it hangs, and replaced.
func TestHangingWorkersAreReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakes{answer: func(q Question) (string, bool) {
			if q.Seed == 3 {
				return "", false
			}
			return passes(q)
		}}
		began := time.Now()
		got := collect(t, &Sweep{Seeds: seeds(1, 6), Workers: 2, Budget: time.Hour, Start: f.start})
		require.Len(t, got, 6)
		require.Equal(t, "no answer within 1h0m0s", got[3].Error)
		require.EqualValues(t, 1, f.hung.Load())
		require.Equal(t, time.Hour, time.Since(began))
	})
}

func TestStopEndsAtTheNextSeed(t *testing.T) {
	stop := make(chan struct{})
	f := &fakes{answer: passes}
	told := 0
	s := &Sweep{Seeds: seeds(1, 100), Workers: 1, Budget: time.Minute, Start: f.start, Stop: stop, Told: func(Answer) error {
		if told++; told == 10 {
			close(stop)
		}
		return nil
	}}
	require.NoError(t, s.Run())
	require.Equal(t, 10, told)
}

// A second Ctrl-C waits for nothing, and what was under way is not done.
func TestAbortEndsAtOnce(t *testing.T) {
	abort := make(chan struct{})
	f := &fakes{answer: func(q Question) (string, bool) {
		if q.Seed == 4 {
			close(abort)
			return "", false
		}
		return passes(q)
	}}
	told := 0
	stop := make(chan struct{})
	s := &Sweep{Seeds: seeds(1, 4), Workers: 1, Budget: time.Hour, Start: f.start, Stop: stop, Abort: abort, Told: func(Answer) error { told++; return nil }}
	require.NoError(t, s.Run())
	require.Equal(t, 3, told)
}

func TestSweepEndsWhenItCannotGoOn(t *testing.T) {
	s := &Sweep{Seeds: seeds(1, 5), Workers: 2, Start: func() (*Process, error) { return nil, errors.New("no such program") }}
	require.ErrorContains(t, s.Run(), "no such program")

	full := &Sweep{Seeds: seeds(1, 50), Workers: 2, Budget: time.Minute, Start: (&fakes{answer: passes}).start, Told: func(Answer) error { return errors.New("the disk is full") }}
	require.EqualError(t, full.Run(), "the disk is full")
}

func TestKeepsNoMoreThanWanted(t *testing.T) {
	f := &fakes{answer: func(Question) (string, bool) { return "", true }}
	out := t.TempDir()
	got := collect(t, &Sweep{Job: Job{Scenario: "healthy", Out: out}, Seeds: seeds(1, 6), Workers: 1, Budget: time.Minute, Start: f.start, KeepMax: 2})
	kept := 0
	for _, a := range got {
		if a.Kept {
			kept++
			require.DirExists(t, filepath.Join(out, a.Folder()))
		}
	}
	require.Equal(t, 2, kept)
}

func TestCheckFindsTheSeedThatDiffers(t *testing.T) {
	var started [3]atomic.Bool
	start := func(run int) (*Process, error) {
		started[run].Store(true)
		f := &fakes{answer: func(q Question) (string, bool) {
			if q.Seed == 8 && run == 2 {
				return `{"seed":8,"hash":"other"}`, false
			}
			if q.Seed == 9 {
				return `{"seed":9,"verdict":1,"error":"no planted bugs"}`, false
			}
			return passes(q)
		}}
		return f.start()
	}
	c := Check{Seeds: seeds(1, 20), Runs: 3, Workers: 2, Budget: time.Minute, Start: start}
	list, err := c.Run()
	require.NoError(t, err)
	require.True(t, started[0].Load() && started[1].Load() && started[2].Load())
	require.Len(t, list, 2)
	require.EqualValues(t, 8, list[0].Seed)
	require.Equal(t, "other", list[0].Hashes[2])
	require.Equal(t, Mismatch{9, []string{"no run: no planted bugs", "no run: no planted bugs", "no run: no planted bugs"}}, list[1])
}
