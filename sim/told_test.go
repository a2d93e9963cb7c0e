package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/trace"
	"torc/core/wire"
)

// Every link that a fault cuts is told once, and so is its mending, however faults overlap.
func TestCutsAreTold(t *testing.T) {
	type way struct{ from, to wire.NodeID }
	cut := map[way]bool{}
	told := 0
	o := Options{Seed: 3, Duration: 20 * time.Second, Lanes: toyFactory(""),
		Scenario: Scenario{Name: "toy", Settings: toySettings, Script: []Step{
			At(2*time.Second, For{6 * time.Second, Isolate{Node(2)}}),
			At(4*time.Second, For{8 * time.Second, Cut{Node(2), Node(3)}}),
			At(14*time.Second, Deaf{Target: Node(1)}),
			At(16*time.Second, Heal{}),
		}},
		Observe: func(e *trace.Event, _ *wire.Frame) bool {
			switch w := (way{e.Node, e.Peer}); e.Kind {
			case trace.Cut:
				require.False(t, cut[w], "%v is cut already", w)
				cut[w] = true
				told++
			case trace.Mend:
				require.True(t, cut[w], "%v was not cut", w)
				delete(cut, w)
			}
			return false
		}}
	r := Run(o)
	require.Empty(t, cut, "all is mended in the end")
	require.Equal(t, 2*(r.Settings.Nodes-1)+(r.Settings.Nodes-1), told, "the second cut of n2 and n3 is none: they were apart")
}

// A verdict about the history names its operations, the accused one first.
func TestViolationsNameTheirOperations(t *testing.T) {
	r := toyRun(3, "no dedupe", Scenario{Name: "toy", Settings: lossySettings}, nil)
	require.NotEmpty(t, r.Violations)
	for _, v := range r.Violations {
		require.NotEmpty(t, v.Operations, v.Text)
		accused := r.History.Ops[v.Operations[0]-1]
		require.Equal(t, v.Operations[0], accused.ID)
		require.Contains(t, v.Text, accused.Name())
		require.Contains(t, v.Text, "key "+accused.Key)
	}
}
