package replay

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/trace"
	"torc/scenarios/repro"
	"torc/sim"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *rewrite {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "if you can explain every line: go test ./scenarios/replay -rewrite")
}

// small is a run of a few operations around a partition, without its planted bug.
func small(t *testing.T) sim.Options {
	run, err := repro.Load("testdata/stale-read.scenario")
	require.NoError(t, err)
	o := run.Options()
	o.Mutant = ""
	return o
}

func where(t *testing.T, text string) *Where {
	w, err := ParseWhere(text)
	require.NoError(t, err)
	return w
}

func TestStopsAtAnEvent(t *testing.T) {
	var out strings.Builder
	_, stopped := (&Player{Out: &out, Break: where(t, "kind=role a=2 shard=1 term>2"), Show: where(t, "kind!=deliver"), Last: 12}).Play(small(t))
	require.True(t, stopped)
	golden(t, "break.txt", out.String())
}

func TestStopsAtATime(t *testing.T) {
	var out strings.Builder
	o := small(t)
	whole := sim.Run(o).Plan
	began := o.Scenario.Calls[1].At
	require.Positive(t, whole.Duration)
	_, stopped := (&Player{Out: &out, Until: began + 3*time.Second, Show: where(t, "kind!=deliver kind!=send"), Last: 5}).Play(o)
	require.True(t, stopped)
	golden(t, "until.txt", out.String())
}

// A run that never comes to where it should stop is told to its end, and is the run that it is
// without a player.
func TestRunsToTheEnd(t *testing.T) {
	var out strings.Builder
	r, stopped := (&Player{Out: &out, Break: where(t, "kind=crash"), Until: time.Hour, Last: 3}).Play(small(t))
	require.False(t, stopped)
	require.Equal(t, sim.Run(small(t)).Hash, r.Hash)
	golden(t, "end.txt", out.String())
}

func TestStepsByCommands(t *testing.T) {
	commands := "\n\nn fault\nb kind=role a=2 shard=1\ns\nu 4s\nu 1s\nn fable\nb\nwhat\nb kind=return\nq\n"
	var out strings.Builder
	_, stopped := (&Player{Out: &out, In: strings.NewReader(commands)}).Play(small(t))
	require.True(t, stopped)
	golden(t, "step.txt", out.String())
}

func TestStepsToTheEnd(t *testing.T) {
	for commands, stops := range map[string]bool{"c\n": false, "": true, "b kind=crash\n": false} {
		var out strings.Builder
		_, stopped := (&Player{Out: &out, In: strings.NewReader(commands), Break: where(t, "kind=founded")}).Play(small(t))
		require.Equal(t, stops, stopped)
		require.Contains(t, out.String(), "founds cluster")
		require.Equal(t, !stops, strings.Contains(out.String(), "verdict: PASS"))
	}
}

// Two runs that part over one word of the script.
func TestDiff(t *testing.T) {
	a, b := small(t), small(t)
	b.Scenario.Calls = append([]sim.Call(nil), b.Scenario.Calls...)
	b.Scenario.Calls[1].Ops = append([]sim.Op(nil), b.Scenario.Calls[1].Ops...)
	b.Scenario.Calls[1].Ops[0].In.Value = "newer"
	d, err := Diff(&Side{Name: "set x new", Options: a}, &Side{Name: "set x newer", Options: b}, 4)
	require.NoError(t, err)
	require.False(t, d.Same)
	var out strings.Builder
	require.NoError(t, d.Print(&out, 120, nil))
	golden(t, "diff.txt", out.String())
	for line := range strings.Lines(out.String()) {
		if strings.Contains(line, " | ") {
			require.LessOrEqual(t, len(strings.TrimSuffix(line, "\n")), 120)
		}
	}
}

func TestEqualRunsDoNotDiffer(t *testing.T) {
	d, err := Diff(&Side{Name: "one", Options: small(t)}, &Side{Name: "the same", Options: small(t)}, 4)
	require.NoError(t, err)
	require.True(t, d.Same)
	var out strings.Builder
	require.NoError(t, d.Print(&out, 80, nil))
	require.Contains(t, out.String(), "Both runs are one")
}

// One run may be the beginning of the other, and they may have nothing in common.
func TestDiffAtTheEdges(t *testing.T) {
	o := small(t)
	seed := o
	seed.Seed++
	d, err := Diff(&Side{Options: o}, &Side{Options: seed}, 2)
	require.NoError(t, err)
	require.Zero(t, d.First)
	require.Contains(t, d.Sentence(), "from their first event on")

	cut := &Side{Events: 3, Around: []Told{{1, 0, "b"}, {2, 0, "c"}}}
	whole := &Side{Events: 4, Around: []Told{{1, 0, "b"}, {2, 0, "c"}, {3, time.Second, "n1  is paused"}}}
	d = &Difference{A: cut, B: whole, First: 3}
	require.Contains(t, d.Sentence(), "in A: the run ends; in B: n1 is paused (at 1.000000 s)")
	var out strings.Builder
	require.NoError(t, d.Print(&out, 10, nil))
	require.Contains(t, out.String(), "the run has ended")
}

// TestEveryKindHasWords: whoever steps through a run is told what each event is, whatever its note.
func TestEveryKindHasWords(t *testing.T) {
	for _, name := range trace.KindNames() {
		kind, ok := trace.KindNamed(name)
		require.True(t, ok)
		said := (&teller{}).words(&trace.Event{Kind: kind, Node: 1, Peer: 2, Shard: 3}, nil)
		if kind != trace.Fault && kind != trace.Violation { // those are their notes
			require.Greater(t, len(strings.Fields(said)), 1, "%s: %q", name, said)
		}
	}
}
