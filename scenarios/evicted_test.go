package scenarios

import (
	"testing"

	"github.com/stretchr/testify/require"

	"torc/linearizability"
	"torc/sim"
)

// TestEvictionsAreInTheHistory: where memory is short the history says which keys were given up, and when. Without that it
// could not be explained: an eviction excuses itself, and nothing excuses it.
func TestEvictionsAreInTheHistory(t *testing.T) {
	m, _ := FindMutant("evict-local")
	r := sim.Run(sim.Options{Seed: 1, Scenario: m.Scenario})
	require.Equal(t, sim.Pass, r.Verdict, "%v", r.Violations)
	kept, seen := &linearizability.History{}, map[linearizability.Input]bool{}
	for _, op := range r.History.Ops {
		if op.Kind != linearizability.Evict {
			kept.Ops = append(kept.Ops, op)
			continue
		}
		what := linearizability.Input{Value: op.Key, Version: op.In.Version}
		require.False(t, seen[what], "%s: given up once, however many replicas apply it", op.String())
		seen[what] = true
	}
	require.Greater(t, len(seen), 20)
	accused := map[string]bool{}
	for _, v := range linearizability.Check(kept, linearizability.Options{}) {
		if v.Result == linearizability.Violation {
			accused[v.Key] = true
		}
	}
	require.Greater(t, len(accused), 5)
}
