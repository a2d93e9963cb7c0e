package sim_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"torc/scenarios"
	"torc/sim"
)

// Every named script runs on toys to its end, and twice the same; what becomes of a toy
// cluster under it is beside the point (toys lose what crashes).
func TestScriptsRunOnToys(t *testing.T) {
	list := scenarios.All()
	for _, m := range scenarios.Mutants() {
		list = append(list, m.Scenario)
	}
	for _, scenario := range list {
		t.Run(scenario.Name, func(t *testing.T) {
			narrow := scenario.Settings
			scenario.Settings = func(s *sim.Settings) {
				if narrow != nil {
					narrow(s)
				}
				s.Replicas = 1
				for i := range s.Lanes {
					s.Lanes[i] = 1
				}
			}
			r := sim.Run(sim.Options{Seed: 5, Scenario: scenario, Lanes: sim.ToyFactory("")})
			again := sim.Run(sim.Options{Seed: 5, Scenario: scenario, Lanes: sim.ToyFactory("")})
			require.NotEqual(t, sim.Broken, r.Verdict)
			require.Equal(t, r.Hash, again.Hash)
			if !scenario.Quiet {
				require.Greater(t, r.Ops.OK, 100)
			}
			var report bytes.Buffer
			require.NoError(t, r.Report(&report, false))
			t.Log(report.String())
		})
	}
}
