package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A drain for good ends with a node that has left, one for a while with a node that takes part again,
// and both are written down so that the same run can be made again.
func TestDrains(t *testing.T) {
	scenario := Scenario{Name: "drains", Settings: func(s *Settings) {
		*s = DrawSettings(1)
		s.Nodes, s.Absent, s.Replicas, s.Core, s.Grace = 5, 0, 3, false, time.Minute
	}, Script: []Step{
		At(time.Second, Drain{Target: Node(1), Via: Leader(1)}),
		At(10*time.Second, For{200 * time.Millisecond, Drain{Target: Node(2), Via: Random()}}),
		At(15*time.Second, Weigh{Target: Node(3), Via: Random(), Hundredths: 50}),
		At(20*time.Second, Crash{Target: Node(1), Down: time.Second}),
	}, Duration: 30 * time.Second}
	r := Run(Options{Seed: 4, Scenario: scenario})
	require.Equal(t, Pass, r.Verdict, "%v", r.Violations)
	reached := map[string]bool{}
	for i, name := range PointNames() {
		reached[name] = r.Reached.Has(i)
	}
	for _, b := range []branch{branchDrained, branchUndrained, branchWeighed, branchCameBack} {
		require.True(t, reached[branchNames[b]], branchNames[b])
	}
	again := Run(Options{Seed: 4, Scenario: r.Plan})
	require.Equal(t, r.Hash, again.Hash)
}

// Too many drains are refused by the cluster, which stays whole.
func TestDrainsAreRefused(t *testing.T) {
	scenario := Scenario{Name: "drains", Settings: func(s *Settings) {
		*s = DrawSettings(1)
		s.Nodes, s.Absent, s.Replicas, s.Core = 3, 0, 3, false
	}, Script: []Step{At(time.Second, Drain{Target: Node(1), Via: Node(2)})}, Duration: 5 * time.Second}
	r := Run(Options{Seed: 4, Scenario: scenario})
	require.Equal(t, Pass, r.Verdict, "%v", r.Violations)
	scenario.Script[0].Fault = Drain{Target: Node(1), Via: Node(2), Force: true}
	r = Run(Options{Seed: 4, Scenario: scenario})
	require.Equal(t, Pass, r.Verdict, "%v", r.Violations)
}
