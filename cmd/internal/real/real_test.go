package real

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"torc/cmd/internal/proctest"
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

// both runs a file in both worlds; nothing may be wrong in either.
func both(t *testing.T, name string, network Network) *Comparison {
	t.Helper()
	f := load(t, name)
	o := Options{File: f, Seed: f.Seed, Binary: proctest.Binary(), Network: network}
	r, err := Run(context.Background(), o)
	require.NoError(t, err)
	c := Compare(r, o)
	var text strings.Builder
	require.NoError(t, c.Write(&text, false))
	t.Log("\n" + text.String())
	require.Empty(t, r.Violations)
	require.Equal(t, sim.Pass, c.Model.Verdict)
	require.Zero(t, c.ExitCode())
	require.Len(t, r.Answers, len(f.Calls), "every operation of the file was done, and came to an end")
	require.Empty(t, r.Dir, "nothing is kept")
	return c
}

// The leader is killed, the next one frozen: needs nothing but processes.
func TestLeaderCrash(t *testing.T) {
	c := both(t, "leader-crash", Loopback)
	require.Empty(t, c.Real.LeftOut)
	require.Len(t, c.Failovers, 2, "a new leader after the crash and after the pause")
	require.Greater(t, c.Real.Ops.OK, 100, "the clients drew operations, too")
}

// The leader is alone on one side of a partition, with a client.
func TestSplitBrain(t *testing.T) {
	proctest.NeedNetns(t)
	c := both(t, "split-brain", Namespaces)
	require.Empty(t, c.Real.LeftOut)
	require.Len(t, c.Failovers, 1)
}

// The leader is not heard, then does not hear.
func TestOneWayCut(t *testing.T) {
	proctest.NeedNetns(t)
	require.Empty(t, both(t, "one-way-cut", Namespaces).Real.LeftOut)
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
