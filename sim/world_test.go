package sim

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// toySettings make a cluster of toys: one replica, on node 1.
func toySettings(s *Settings) {
	s.Replicas = 1
	for i := range s.Lanes {
		s.Lanes[i] = 1
	}
}

func toyRun(seed uint64, flaw string, scenario Scenario, out io.Writer) Result {
	narrow := scenario.Settings
	scenario.Settings = func(s *Settings) {
		toySettings(s)
		if narrow != nil {
			narrow(s)
		}
	}
	return Run(Options{Seed: seed, Scenario: scenario, Duration: 10 * time.Second, Lanes: toyFactory(flaw), Trace: out})
}

func TestHonestToyPasses(t *testing.T) {
	for seed := uint64(1); seed <= 10; seed++ {
		r := toyRun(seed, "", Scenario{Name: "toy"}, nil)
		require.Equal(t, Pass, r.Verdict, "seed %d: %v", seed, r.Violations)
		require.Greater(t, r.Ops.OK, 100)
	}
}

func TestEqualSeedsMakeEqualRuns(t *testing.T) {
	swarm := Scenario{Name: "toy-swarm", Swarm: true, Loss: true, Settings: func(s *Settings) {
		s.Faults, _ = ParseFaults("all")
		s.FaultEvery, s.Core = time.Second, true
	}}
	for seed := uint64(1); seed <= 5; seed++ {
		var a, b bytes.Buffer
		first, again := toyRun(seed, "", swarm, &a), toyRun(seed, "", swarm, &b)
		require.Equal(t, a.String(), b.String())
		require.Equal(t, first.Hash, again.Hash)
		require.Equal(t, first.Events, again.Events)
		silent := toyRun(seed, "", swarm, nil)
		require.Equal(t, first.Hash, silent.Hash, "writing the trace down changes nothing")
	}
}

// The faults that a single copy on one node can bear (all but the loss of memory) make an
// honest toy slow, never wrong: what is found here is a bug of the world or its oracles.
func TestHonestToyPassesUnderFaults(t *testing.T) {
	swarm := Scenario{Name: "toy-swarm", Swarm: true, Settings: func(s *Settings) {
		f := &s.Faults
		f.Crash, f.Stop, f.Rack, f.Replay, f.SnapshotCrash, f.ChangeCrash = false, false, false, false, false, false
	}}
	for seed := uint64(1); seed <= 100; seed++ {
		r := toyRun(seed, "", swarm, nil)
		require.Equal(t, Pass, r.Verdict, "seed %d: %v", seed, r.Violations)
	}
}

// A lane that does something again and again at the same instant would keep time from passing; the
// run ends with a finding.
func TestARushEndsTheRun(t *testing.T) {
	var log []string
	w := recorderWorld(&log)
	var again func()
	again = func() { w.after(0, again) }
	again()
	w.until(time.Minute)
	require.Equal(t, OracleSanity, w.violations[0].Oracle)
	require.Less(t, time.Duration(w.now), 2*time.Second)
}
