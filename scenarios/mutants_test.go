//go:build mutants

package scenarios

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/sim"
)

// Every planted bug is caught by its directed scenario, by an oracle that it names, and wakes
// none that must stay silent.
func TestPlantedBugsAreCaught(t *testing.T) {
	for _, m := range Mutants() {
		t.Run(m.Name, func(t *testing.T) {
			for seed := uint64(1); seed <= uint64(m.Seeds); seed++ {
				r := sim.Run(sim.Options{Seed: seed, Scenario: m.Scenario, Mutant: m.Name})
				require.NotEqual(t, sim.Broken, r.Verdict, "%v", r.Err)
				if r.Verdict == sim.Pass {
					continue
				}
				t.Logf("caught by seed %d: %v", seed, fired(r))
				requireOracles(t, m, r)
				return
			}
			t.Fatalf("not caught within %d seeds", m.Seeds)
		})
	}
}

func fired(r sim.Result) (list []sim.Oracle) {
	for _, v := range r.Violations {
		if !slices.Contains(list, v.Oracle) {
			list = append(list, v.Oracle)
		}
	}
	return list
}

func requireOracles(t *testing.T, m Mutant, r sim.Result) {
	t.Helper()
	var report bytes.Buffer
	require.NoError(t, r.Report(&report, false))
	seen := fired(r)
	require.True(t, slices.ContainsFunc(m.Expect, func(o sim.Oracle) bool { return slices.Contains(seen, o) }),
		"none of %v fired\n%s", m.Expect, report.String())
	for _, o := range m.Silent {
		require.NotContains(t, seen, o, "%v must stay silent\n%s", o, report.String())
	}
}

// The planted bugs that a client of Torc's own must bear, or could have itself, are caught with nobody else asking anything; by
// narrow clients too, with their lines and their hedges.
var throughTheClient = []string{"no-dedupe", "dedupe-not-in-snapshot", "fail-means-no", "cas-at-propose", "stale-route", "batch-lies", "breaker-flap"}

func TestPlantedBugsAreCaughtThroughTheClient(t *testing.T) {
	for _, name := range throughTheClient {
		for _, narrow := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s,narrow=%v", name, narrow), func(t *testing.T) {
				m, ok := FindMutant(name)
				require.True(t, ok)
				settings := m.Scenario.Settings
				m.Scenario.Settings = func(s *sim.Settings) {
					settings(s)
					s.Clients, s.Plain = s.Clients+s.Plain, 0
					if name == "fail-means-no" { // retries under a session heal the lie, unless there is no time for one
						s.Timeout = 800 * time.Millisecond
					}
					if narrow {
						s.Limit, s.Hedge = 4, true
					}
				}
				for seed := uint64(1); seed <= uint64(3*m.Seeds); seed++ {
					if r := sim.Run(sim.Options{Seed: seed, Scenario: m.Scenario, Mutant: m.Name}); r.Verdict != sim.Pass {
						require.NotEqual(t, sim.Broken, r.Verdict, "%v", r.Err)
						t.Logf("caught by seed %d: %v", seed, fired(r))
						requireOracles(t, m, r)
						return
					}
				}
				t.Fatalf("not caught within %d seeds", 3*m.Seeds)
			})
		}
	}
}
