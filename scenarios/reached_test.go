package scenarios

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/sim"
)

// floor are the points that a sweep of a few fixed seeds has to reach: when one of them is not, a
// fault has lost its teeth or a branch is dead. (A longer sweep reaches nearly all; torc sim --seeds
// prints what it missed.)
var floor = []string{
	"isolate during read", "split during write", "one-way during increment", "crash during append", "stop during read",
	"pause during write", "slow during read", "lossy during increment", "clog during write", "throttle during read",
	"replay during write", "rack during read", "long-pause during write", "memory during write", "lies during read",
	"wild-rates during read", "wall-jumps during write", "lag during write", "stall during read",
	"a snapshot is sent", "a snapshot is installed", "a joint change is entered", "a learner is made a voter", "a voter is removed",
	"an entry of an older term is applied", "a leader steps down in its own term", "a lease is lost",
	"a retry is answered from the session table", "a pre-vote is refused", "a leadership is handed over",
	"a quorum is asked for a read during a partition", "a client retries after leadership was lost", "a write is refused for memory",
	"a clog lets go", "a core is healed and serves",
	"a key is given up", "a lease is granted", "a lease is refused: somebody has one", "a key is filled under a lease", "a fill is refused: its lease is over",
	"crash during lease", "isolate during fill", "a client answers a read from what it has kept", "a client is asked to drop what it keeps",
	"a node answers a read from a copy of a hot key", "a node is asked to drop a copy of a hot key",
	"a client is told: no quorum", "a client is told: deadline exceeded", "a client is told: out of memory", "a client is told: session expired",
}

func TestASweepReachesTheFloor(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a few seconds")
	}
	swarm, err := Find("swarm")
	require.NoError(t, err)
	var all sim.Reached
	for seed := uint64(1); seed <= 80; seed++ {
		r := sim.Run(sim.Options{Seed: seed, Scenario: swarm, Duration: 30 * time.Second})
		require.Equal(t, sim.Pass, r.Verdict, "seed %d: %v", seed, r.Violations)
		all.Merge(r.Reached)
	}
	names, missing := sim.PointNames(), all.Missing()
	for _, point := range floor {
		require.Contains(t, names, point)
		require.NotContains(t, missing, point)
	}
	require.Less(t, len(missing), len(names)/4, "%v", missing)
	t.Logf("%d of %d points; missing %v", len(names)-len(missing), len(names), slices.Clip(missing))
}
