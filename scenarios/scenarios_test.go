package scenarios

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"torc/sim"
)

// passes makes a run and demands that nothing is found.
func passes(t *testing.T, scenario sim.Scenario, seed uint64) sim.Result {
	t.Helper()
	r := sim.Run(sim.Options{Seed: seed, Scenario: scenario})
	if r.Verdict != sim.Pass {
		var report bytes.Buffer
		require.NoError(t, r.Report(&report, false))
		t.Fatalf("%s", report.String())
	}
	return r
}

// requireDone demands that what a scenario names is done: each operation is called and comes to an end, and each kind of fault strikes. A
// fault that finds nothing to strike (the rule of lost memory, a node that is down) passes without a word, and an operation that is
// never called meets any expectation.
func requireDone(t *testing.T, scenario sim.Scenario, r sim.Result) {
	t.Helper()
	ops := 0
	for _, c := range scenario.Calls {
		ops += len(c.Ops)
	}
	require.Len(t, r.Answers, ops, "operations that were called")
	for _, a := range r.Answers {
		require.NotEmpty(t, a.Got, "operation %d of call %d never came to an end", a.Op, a.Call)
	}
	struck := map[string]bool{}
	for _, step := range r.Plan.Script {
		struck[kindOfFault(step.Fault)] = true
	}
	for _, step := range scenario.Script {
		require.True(t, struck[kindOfFault(step.Fault)], "at %v: %+v never strikes", step.At, step.Fault)
	}
}

// kindOfFault is the sort of a fault, however long it lasts and whatever it waits for.
func kindOfFault(f sim.Fault) string {
	switch f := f.(type) {
	case sim.For:
		return kindOfFault(f.Fault)
	case sim.When:
		return kindOfFault(f.Fault)
	}
	return fmt.Sprintf("%T", f)
}

// seedsOf is how many seeds a test runs: a few, one when in a hurry.
func seedsOf(n int) uint64 {
	if testing.Short() {
		return 1
	}
	return uint64(n)
}

func TestNamedScenariosPass(t *testing.T) {
	for _, scenario := range All() {
		t.Run(scenario.Name, func(t *testing.T) {
			for seed := uint64(1); seed <= seedsOf(3); seed++ {
				r := passes(t, scenario, seed)
				if seed == 1 {
					requireDone(t, scenario, r)
				}
			}
		})
	}
}

// The controls: what exposes a planted bug finds nothing where none is planted.
func TestDirectedScenariosAreSilentWithoutTheirBug(t *testing.T) {
	for _, m := range Mutants() {
		t.Run(m.Name, func(t *testing.T) {
			for seed := uint64(1); seed <= seedsOf(2); seed++ {
				r := passes(t, m.Scenario, seed)
				if seed == 1 {
					requireDone(t, m.Scenario, r)
				}
			}
		})
	}
}

func TestSeedsThatOnceFoundSomething(t *testing.T) {
	for _, c := range Seeds() {
		scenario, err := Find(c.Scenario)
		require.NoError(t, err)
		passes(t, scenario, c.Seed)
	}
}

func TestEqualRunsHaveEqualHashes(t *testing.T) {
	for _, name := range []string{"swarm", "split-brain"} {
		scenario, err := Find(name)
		require.NoError(t, err)
		a := sim.Run(sim.Options{Seed: 42, Scenario: scenario})
		b := sim.Run(sim.Options{Seed: 42, Scenario: scenario})
		require.Equal(t, a.Hash, b.Hash)
	}
}

func TestNamesAreUniqueAndDocumented(t *testing.T) {
	seen := map[string]bool{}
	list := All()
	for _, m := range Mutants() {
		list = append(list, m.Scenario)
		require.NotEmpty(t, m.Lesson)
		require.NotEmpty(t, m.Expect)
	}
	for _, c := range list {
		require.False(t, seen[c.Name], c.Name)
		seen[c.Name] = true
		require.NotEmpty(t, c.Doc, c.Name)
		require.NotEmpty(t, c.Expect, c.Name)
		found, err := Find(c.Name)
		require.NoError(t, err)
		require.Equal(t, c.Name, found.Name)
	}
	_, err := Find("split-hair")
	require.ErrorContains(t, err, "split-brain")
}
