package real

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/cmd/internal/proctest"
	"torc/linearizability"
	"torc/scenarios/script"
	"torc/sim"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

func TestMain(m *testing.M) { proctest.Main(m) }

func load(t *testing.T, name string) *script.File {
	t.Helper()
	path := filepath.Join("../../../scenarios/both", name+".scenario")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	f, err := script.Parse(path, string(text))
	require.NoError(t, err)
	return f
}

// runReal runs a file with real processes.
func runReal(f *script.File, network Network, keep bool) (*Result, Options, error) {
	o := Options{File: f, Seed: f.Seed, Binary: proctest.Binary(), Network: network, Keep: keep}
	r, err := Run(context.Background(), o)
	return r, o, err
}

// clean says that nothing was wrong with a run, and nothing left out.
func clean(t *testing.T, r *Result) {
	t.Helper()
	require.Empty(t, r.Violations)
	require.Len(t, r.Answers, len(r.File.Calls), "every operation of the file was done, and came to an end")
	require.Empty(t, r.LeftOut)
}

// compare runs the file in the model, too: not while another run goes on, because the simulator
// takes this process's randomness for itself.
func compare(t *testing.T, r *Result, o Options) *Comparison {
	t.Helper()
	c := Compare(r, o)
	var text strings.Builder
	require.NoError(t, c.Write(&text, false))
	t.Log("\n" + text.String())
	require.Equal(t, sim.Pass, c.Model.Verdict)
	require.Zero(t, c.ExitCode())
	return c
}

// The leader is killed, the next one frozen: needs nothing but processes.
func TestLeaderCrash(t *testing.T) {
	r, o, err := runReal(load(t, "leader-crash"), Loopback, false)
	require.NoError(t, err)
	c := compare(t, r, o)
	clean(t, r)
	require.Empty(t, r.Dir, "nothing is kept")
	require.Len(t, c.Failovers, 2, "a new leader after the crash and after the pause")
	require.Greater(t, c.Real.Ops.OK, 100, "the clients drew operations, too")
}

// Networks that misbehave, each between three real nodes in namespaces, with clients of Torc's and of
// Redis's on every side. The files say what happens and what must come of each of their operations;
// what clients drew besides is judged by the checkers, and once more, key by key, by porcupine.
func TestNetworks(t *testing.T) {
	proctest.NeedNetns(t)
	cases := []struct {
		file string
		ok   int // operations at least
		bit  func(t *testing.T, r *Result)
	}{
		{"split-brain", 300, func(t *testing.T, r *Result) {
			require.Greater(t, r.Bite.Dropped, uint64(20))
			require.Positive(t, r.Ops.Refused)
			refusedAtOnce(t, r, 7*time.Second)
			heardAgain(t, r, 8*time.Second)
		}},
		{"long-cuts", 300, func(t *testing.T, r *Result) {
			require.Greater(t, r.Bite.Dropped, uint64(50))
			require.GreaterOrEqual(t, len(hungUp(t, r)), 12, "three cuts of two links: each end of each has its own connection, and says so once")
			for _, healed := range []time.Duration{4 * time.Second, 10 * time.Second, 19 * time.Second} {
				heardAgain(t, r, healed)
			}
		}},
		{"one-way-cut", 300, func(t *testing.T, r *Result) { require.Greater(t, r.Bite.Dropped, uint64(20)) }},
		{"packet-loss", 300, func(t *testing.T, r *Result) {
			require.Greater(t, r.Bite.Dropped, uint64(100))
			require.LessOrEqual(t, len(hungUp(t, r)), 1, "one connection, told of once: four losses of one packet in a row look like a cut")
		}},
		{"slow-links", 300, func(t *testing.T, r *Result) {
			require.Greater(t, r.Bite.Delayed, int64(50_000))
			require.Empty(t, hungUp(t, r))
			for _, a := range r.Answers {
				if at := r.File.Calls[a.Call].At; at > 2*time.Second && at < 8*time.Second {
					require.GreaterOrEqual(t, a.Took, 80*time.Millisecond, "to the leader and a follower and back, each 20 ms")
				}
			}
		}},
		{"flapping-link", 300, func(t *testing.T, r *Result) {
			require.Greater(t, r.Bite.Dropped, uint64(50))
			heardAgain(t, r, 11600*time.Millisecond)
		}},
	}
	results, options, errs := make([]*Result, len(cases)), make([]Options, len(cases)), make([]error, len(cases))
	var runs sync.WaitGroup
	for i, c := range cases {
		f := load(t, c.file)
		runs.Go(func() { results[i], options[i], errs[i] = runReal(f, Namespaces, true) }) // they mostly wait
	}
	runs.Wait()
	for i, c := range cases {
		t.Run(c.file, func(t *testing.T) {
			require.NoError(t, errs[i])
			r := results[i]
			t.Cleanup(func() { _ = os.RemoveAll(r.Dir) })
			compare(t, r, options[i])
			clean(t, r)
			for i := range r.File.Script {
				require.True(t, r.Struck[i], "%s happened", script.SpellFault(r.File.Script[i].Fault))
			}
			require.Greater(t, r.Ops.OK, c.ok)
			c.bit(t, r)
			for _, k := range r.History.ByKey() {
				require.Empty(t, linearizability.CheckModel(k, linearizability.Options{}), "porcupine on %s", k.Key)
			}
		})
	}
}

// refusedAtOnce holds the operations that a file begins at a time to a quick and definite refusal,
// which says what is wrong.
func refusedAtOnce(t *testing.T, r *Result, from time.Duration) {
	n := 0
	for i, a := range r.Answers {
		if at := r.File.Calls[a.Call].At; at >= from && at < from+500*time.Millisecond {
			n++
			require.Equal(t, "refused", a.Got)
			require.Contains(t, r.Whys[i], "CLUSTERDOWN The shard has no quorum on this side")
			require.Less(t, a.Took, 250*time.Millisecond)
		}
	}
	require.Equal(t, 2, n, "a read and a write")
}

// heardAgain holds the operation that a file begins 1.5 s after a heal, at the node that was cut off, to an
// answer before 2 s have passed since what it was cut off by was over. (That it is the right one is for the file to say.)
func heardAgain(t *testing.T, r *Result, healed time.Duration) {
	n := 0
	for _, a := range r.Answers {
		if r.File.Calls[a.Call].At != healed+1500*time.Millisecond {
			continue
		}
		n++
		var over time.Duration
		for _, m := range r.Timeline {
			if m.At < a.At && strings.HasPrefix(m.Text, "over: ") {
				over = m.At
			}
		}
		require.NotZero(t, over, "a heal")
		asked := a.At - over
		require.GreaterOrEqual(t, asked, 1500*time.Millisecond)
		require.Less(t, asked, 1900*time.Millisecond)
		require.Less(t, asked+a.Took, 2*time.Second)
	}
	require.Equal(t, 1, n, "a read")
}

// hungUp are the connections between nodes that stood and were given up because what was sent on them was
// not acknowledged: by TCP ("connection timed out"), or by gRPC's pings.
func hungUp(t *testing.T, r *Result) (lines []string) {
	names, err := filepath.Glob(filepath.Join(r.Dir, "n*.log"))
	require.NoError(t, err)
	require.NotEmpty(t, names)
	for _, name := range names {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		for line := range strings.Lines(string(text)) {
			if strings.Contains(line, "peer connection broken") && (strings.Contains(line, "connection timed out") || strings.Contains(line, "keepalive")) {
				lines = append(lines, filepath.Base(name)+": "+line)
			}
		}
	}
	return lines
}

// An operation that comes to something else than its file wants is a violation, in both worlds.
func TestWrongWant(t *testing.T) {
	f, err := script.Parse("wrong", `
scenario wrong
base small
quiet
duration 500ms
at 100ms c1 set x a -> refused
at 300ms c5 incr x 1 -> refused
`)
	require.NoError(t, err)
	o := Options{File: f, Seed: 3, Binary: proctest.Binary(), Network: Loopback, Keep: true}
	r, err := Run(context.Background(), o)
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(r.Dir) })
	require.Len(t, r.Violations, 1, "an increment of a word is refused")
	require.Equal(t, sim.OracleExpectation, r.Violations[0].Oracle)
	require.Equal(t, "c1 set x a came to ok; the script wants refused", r.Violations[0].Text)
	c := Compare(r, o)
	require.Equal(t, 2, c.ExitCode())
	require.Empty(t, c.Differences, "the model finds the same")
	for _, name := range []string{"n1.log", "n3.log", "history.txt"} {
		require.FileExists(t, filepath.Join(r.Dir, name))
	}
}

// A run that is ended early takes its processes and files with it.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	_, err := Run(ctx, Options{File: load(t, "leader-crash"), Seed: 1, Binary: proctest.Binary(), Network: Loopback, Progress: func(p Progress) {
		if p.Phase == "torture" {
			cancel()
		}
	}})
	require.ErrorIs(t, err, context.Canceled)
	left, err := filepath.Glob(filepath.Join(os.TempDir(), fmt.Sprintf("%s%d-*", dirPrefix, os.Getpid())))
	require.NoError(t, err)
	require.Empty(t, left)
	running, _ := exec.Command("pgrep", "-P", fmt.Sprint(os.Getpid()), "torcd").Output()
	require.Empty(t, string(running), "no child is left")
}

func TestWhatCannotBeRun(t *testing.T) {
	for name, f := range map[string]*script.File{"swarm": {Name: "a", Swarm: true}, "mutant": {Name: "b", Mutant: "no-prevote"}} {
		_, err := Run(context.Background(), Options{File: f})
		require.Error(t, err, name)
	}
	f := load(t, "leader-crash")
	_, err := Run(context.Background(), Options{File: f, Binary: "/nowhere/torcd", Network: Loopback})
	require.ErrorContains(t, err, "starting n1")
}
