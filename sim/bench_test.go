package sim

import (
	"testing"
	"time"
)

// BenchmarkWorld is what the world itself costs: toys do next to nothing. One iteration is
// ten simulated seconds of 4 clients.
func BenchmarkWorld(b *testing.B) {
	var events uint64
	for b.Loop() {
		r := toyRun(1, "", Scenario{Name: "toy", Settings: func(s *Settings) {
			s.Nodes, s.Shards, s.Clients, s.Plain, s.Threads, s.Think = 3, 64, 3, 1, 1, 10*time.Millisecond
		}}, nil)
		events += r.Events
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
}
