package scenarios

import (
	"testing"
	"time"

	"torc/sim"
)

// BenchmarkSimulator says how much faster than real time a cluster of the default size is simulated:
// three nodes, 64 shards, four clients, with everything that a run does (faults, codec off, oracles,
// checkers).
func BenchmarkSimulator(b *testing.B) {
	size := func(s *sim.Settings) {
		s.Nodes, s.Shards, s.Replicas, s.Lanes = 3, 64, 3, []int{2, 2, 2}
		s.Clients, s.Plain, s.Threads = 2, 2, 1
		s.Think, s.Codec = 20*time.Millisecond, false
	}
	scenario := sim.Scenario{Name: "default-size", Swarm: true, Settings: size}
	var simulated, wall float64
	var events uint64
	for i := range b.N {
		r := sim.Run(sim.Options{Seed: uint64(i + 1), Scenario: scenario, Duration: 20 * time.Second})
		if r.Verdict != sim.Pass {
			b.Fatalf("seed %d: %s", i+1, r.Verdict.Sentence())
		}
		simulated, wall, events = simulated+r.SimSeconds, wall+r.WallSeconds, events+uint64(r.Events)
	}
	b.ReportMetric(simulated/wall, "sim-s/s")
	b.ReportMetric(float64(events)/wall, "events/s")
}
