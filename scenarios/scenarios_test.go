package scenarios

import (
	"bytes"
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
				passes(t, scenario, seed)
			}
		})
	}
}

// The controls: what exposes a planted bug finds nothing where none is planted.
func TestDirectedScenariosAreSilentWithoutTheirBug(t *testing.T) {
	for _, m := range Mutants() {
		t.Run(m.Name, func(t *testing.T) {
			for seed := uint64(1); seed <= seedsOf(2); seed++ {
				passes(t, m.Scenario, seed)
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
