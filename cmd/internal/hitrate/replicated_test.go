package hitrate

import (
	crand "crypto/rand"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"torc/core/evict"
)

// seedElections makes raft's only chance, the election timeout, the same in every run.
func seedElections(t *testing.T, seed byte) {
	former := crand.Reader
	t.Cleanup(func() { crand.Reader = former })
	crand.Reader = rand.NewChaCha8([32]byte{seed})
}

// TestReplicated: what the policy is worth by itself it is worth behind the log, and a new leader is not blind. Which keys a policy's
// samples meet is chance, worth one hundredth either way: six runs are one figure.
func TestReplicated(t *testing.T) {
	trace := Generated(99, 20_000)[3] // zipf-scans
	capacity := trace.Count * 80 / 1000
	optimum := float64(Belady(trace, capacity))
	alone := float64(replay(trace, "adaptive", int64(capacity))) / optimum
	worth := func(failovers int) (share float64) {
		for seed := byte(1); seed <= 6; seed++ {
			seedElections(t, seed)
			hits, err := Replicated(trace, capacity, failovers, evict.Adaptive)
			require.NoError(t, err)
			share += float64(hits) / optimum / 6
		}
		return share
	}
	through, failing := worth(0), worth(10)
	t.Logf("share of the optimum: alone %.4f, replicated %.4f, with ten failovers %.4f", alone, through, failing)
	require.InDelta(t, alone, through, 0.01)
	require.InDelta(t, through, failing, 0.015)
}
