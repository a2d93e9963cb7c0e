package scenarios

import (
	"testing"

	"github.com/stretchr/testify/require"

	"torc/sim"
)

// What a run wrote down of its decisions makes the same run again, event for event.
func TestPlansReplay(t *testing.T) {
	swarm, err := Find("swarm")
	require.NoError(t, err)
	for seed := uint64(1); seed <= seedsOf(10); seed++ {
		drawn := passes(t, swarm, seed)
		again := sim.Run(sim.Options{Seed: seed, Scenario: drawn.Plan})
		require.Equal(t, drawn.Hash, again.Hash, "seed %d", seed)
		require.Equal(t, drawn.Ops, again.Ops)
	}
}

// Armed faults, targets that are found out and packets that come again are written down as what they
// were.
func TestPlansOfArmedFaultsReplay(t *testing.T) {
	for _, name := range []string{"crash-in-snapshot", "crash-in-change", "message-replay", "rack-crash", "majority-crash"} {
		scenario, err := Find(name)
		require.NoError(t, err)
		drawn := passes(t, scenario, 3)
		again := sim.Run(sim.Options{Seed: 3, Scenario: drawn.Plan})
		require.Equal(t, drawn.Hash, again.Hash, name)
	}
}
