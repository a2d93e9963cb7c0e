package sim

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRoughFoundings makes clusters out of nodes that come late, are cut off and are restarted: each is
// formed, once, and all that may happen does.
func TestRoughFoundings(t *testing.T) {
	var reached Reached
	for seed := range uint64(12) {
		r := Run(Options{Seed: 1 + seed, Duration: 1, Scenario: Scenario{Name: "rough", Quiet: true, Settings: func(s *Settings) { s.Rough, s.Core = true, false }}})
		require.Empty(t, r.Violations, "seed %d", 1+seed)
		reached.Merge(r.Reached)
	}
	missing := reached.Missing()
	require.NotContains(t, missing, branchNames[branchFoundersApart])
	require.NotContains(t, missing, branchNames[branchFounderRestarted])
}

// TestALoneFounderIsFounded: one node cannot be parted from itself, however long one tries.
func TestALoneFounderIsFounded(t *testing.T) {
	for seed := range uint64(8) {
		r := Run(Options{Seed: 1 + seed, Duration: 1, Scenario: Scenario{Name: "alone", Quiet: true, Settings: func(s *Settings) {
			s.Nodes, s.Absent, s.Replicas, s.Rough, s.Core = 1, 0, 1, true, false
		}}})
		require.NoError(t, r.Err)
		require.Empty(t, r.Violations, "seed %d", 1+seed)
	}
}

func TestMixedReads(t *testing.T) {
	s := DrawSettings(1)
	require.NoError(t, s.Set("reads", "mixed"))
	require.True(t, s.leases(), "some node trusts clocks")
	require.NotEqual(t, s.ReadsOf(0), s.ReadsOf(1))
	require.NoError(t, s.Set("reads", "readindex"))
	require.False(t, s.leases())
	require.Equal(t, s.ReadsOf(0), s.ReadsOf(1))
}
