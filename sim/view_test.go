package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/trace"
	"torc/core/wire"
)

// A run is the same whether or not somebody looks, at every single event: also in the middle of a
// lane's turn, and while a node starts.
func TestLookingChangesNothing(t *testing.T) {
	o := Options{Seed: 5, Scenario: Scenario{Name: "swarm", Swarm: true,
		Settings: func(s *Settings) { s.Nodes, s.Absent = 3, 0 }}, Duration: 8 * time.Second} // each node has each shard
	blind := Run(o)

	var view View
	states, calls := map[string]bool{}, 0
	o.Look = func(v View) { view = v }
	o.Observe = func(e *trace.Event, _ *wire.Frame) bool {
		require.EqualValues(t, e.At, view.Now())
		for _, n := range view.Nodes() {
			states[n.State] = true
		}
		calls += len(view.Open())
		return false
	}
	seen := Run(o)
	require.Equal(t, blind.Hash, seen.Hash)
	require.True(t, states["up"] && states["down"], "%v", states)
	require.Positive(t, calls)
	require.Len(t, view.Nodes()[0].Groups, view.w.settings.Shards+1, "the end can be looked at, too")
	require.Empty(t, view.Open())
}
