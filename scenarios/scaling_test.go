package scenarios

import (
	"fmt"
	"testing"
	"time"

	"torc/core/trace"
	"torc/core/wire"
	"torc/sim"
)

// Cost is what the nodes of a healthy cluster say to each other during a simulated time.
type cost struct {
	frames, messages, bytes int
	ops                     int
	cpu                     time.Duration
}

// BenchmarkScaling counts what an operation costs, and what a cluster costs that nobody asks for anything, against
// shards, replicas and nodes. Frames and messages are exact and the same on every machine; the time is that of all nodes with the
// simulator's world and its oracles, and says only where something grows. One line per cluster:
//
//	go test ./scenarios -run '^$' -bench Scaling -benchtime 1x
func BenchmarkScaling(b *testing.B) {
	for _, c := range []struct{ nodes, replicas, shards int }{
		{3, 3, 16}, {3, 3, 64}, {3, 3, 256}, {3, 3, 1024},
		{5, 5, 64}, {5, 3, 64},
		{8, 3, 64}, {16, 3, 64}, {32, 3, 64},
		{8, 3, 256}, {16, 3, 512}, {32, 3, 1024},
	} {
		b.Run(fmt.Sprintf("nodes=%d/replicas=%d/shards=%d", c.nodes, c.replicas, c.shards), func(b *testing.B) {
			for b.Loop() {
				idle := costOf(b, c.nodes, c.replicas, c.shards, true)
				busy := costOf(b, c.nodes, c.replicas, c.shards, false)
				seconds, n := scalingFor.Seconds(), float64(c.nodes)
				b.ReportMetric(float64(idle.frames)/seconds/n, "idle-frames/s/node")
				b.ReportMetric(float64(idle.messages)/seconds/n, "idle-messages/s/node")
				b.ReportMetric(float64(idle.bytes)/seconds/n, "idle-B/s/node")
				b.ReportMetric(float64(busy.frames-idle.frames)/float64(busy.ops), "frames/op")
				b.ReportMetric(float64(busy.messages-idle.messages)/float64(busy.ops), "messages/op")
				b.ReportMetric(float64(busy.bytes-idle.bytes)/float64(busy.ops), "B/op-sent")
				b.ReportMetric(float64(busy.ops)/seconds, "ops/s")
				b.ReportMetric(float64((busy.cpu-idle.cpu).Microseconds())/float64(busy.ops), "sim-us/op")
				b.ReportMetric(float64(idle.cpu.Microseconds())/seconds/n, "idle-sim-us/s/node")
				b.ReportMetric(0, "ns/op")
			}
		})
	}
}

const scalingFor = 10 * time.Second

func costOf(b *testing.B, nodes, replicas, shards int, idle bool) (c cost) {
	settings := func(s *sim.Settings) {
		s.Nodes, s.Replicas, s.Shards, s.Absent = nodes, replicas, shards, 0
		s.Lanes = nil
		for range nodes {
			s.Lanes = append(s.Lanes, 1)
		}
		s.Clients, s.Plain, s.Threads, s.Think = 16, 0, 2, 4*time.Millisecond
		s.Faults, s.Storm, s.Rough, s.Grace, s.Ruin, s.Core = sim.Faults{}, 0, false, 0, false, false
		for _, p := range [][2]string{{"link.drop", "0"}, {"link.tail", "0"}, {"link.duplicate", "0"}, {"link.delay", "100µs"}, {"link.jitter", "100µs"},
			{"swim.false-alarm", "0"}, {"swim.libel", "0"}, {"swim.old-rumour", "0"}, {"swim.bad-digest", "0"}, {"reads", "lease"}, {"skew", "0s"},
			{"drift-used", "0"}, {"turn", "1µs"}, {"codec", "no"}, {"redirect", "yes"}, {"log", "4096KiB"}} {
			if err := s.Set(p[0], p[1]); err != nil {
				b.Fatal(err)
			}
		}
	}
	var buf []byte
	var begun time.Time
	counting, until := false, int64(0)
	r := sim.Run(sim.Options{Seed: 1, Duration: scalingFor, Scenario: sim.Scenario{Name: "scaling", Settings: settings, Quiet: idle},
		Observe: func(e *trace.Event, f *wire.Frame) bool {
			if !counting && e.Kind == trace.Fault {
				counting, until = true, e.At+int64(scalingFor)
				begun = time.Now()
			}
			if counting && c.cpu == 0 && e.At >= until {
				c.cpu = time.Since(begun)
			}
			if counting && e.Kind == trace.Send && f != nil && e.At < until && e.Node < 1000 && e.Peer < 1000 && e.Node != e.Peer {
				buf = wire.AppendFrame(buf[:0], f)
				c.frames, c.messages, c.bytes = c.frames+1, c.messages+len(f.Messages), c.bytes+len(buf)
			}
			return false
		}})
	if r.Verdict != sim.Pass {
		b.Fatalf("%v: %v", r.Verdict, r.Violations)
	}
	c.ops = r.Ops.OK
	return c
}
