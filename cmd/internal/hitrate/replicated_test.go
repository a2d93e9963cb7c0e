package hitrate

import (
	"testing"

	"github.com/stretchr/testify/require"

	"torc/core/evict"
)

// TestReplicated: what the policy is worth by itself it is worth behind the log, and a new leader is not blind.
func TestReplicated(t *testing.T) {
	trace := Generated(99, 20_000)[3] // zipf-scans
	capacity := trace.Count * 80 / 1000
	optimum := float64(Belady(trace, capacity))
	alone := float64(replay(trace, "adaptive", int64(capacity))) / optimum
	hits, err := Replicated(trace, capacity, 0, evict.Adaptive)
	require.NoError(t, err)
	through := float64(hits) / optimum
	hits, err = Replicated(trace, capacity, 10, evict.Adaptive)
	require.NoError(t, err)
	failing := float64(hits) / optimum
	t.Logf("share of the optimum: alone %.3f, replicated %.3f, with ten failovers %.3f", alone, through, failing)
	require.InDelta(t, alone, through, 0.02)
	require.InDelta(t, through, failing, 0.03)
}
