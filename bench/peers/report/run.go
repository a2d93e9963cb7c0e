package report

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"torc/bench/peers/load"
	"torc/bench/peers/peer"
)

// Shape is what is asked of a peer. It is comparable: a figure is found by it.
type Shape struct {
	Op       string // GET, SET or 80/20 (80% GET)
	Clients  int
	Pipeline int
	Size     int  // of values, in bytes
	Zipf     bool // some keys are asked for much more often than others; else all alike
	Rate     int  // of an open loop, a second; 0 for a closed one
}

// Reads is the share of GETs.
func (s Shape) Reads() float64 { return map[string]float64{"GET": 1, "80/20": 0.8}[s.Op] }

// String is how a shape is called in the table.
func (s Shape) String() string {
	text := fmt.Sprintf("%s, %s, %s", s.Op, clientsText(s.Clients), SizeText(s.Size))
	if s.Rate > 0 {
		text = fmt.Sprintf("%s at %s/s, %s", s.Op, thousands(float64(s.Rate)), SizeText(s.Size))
	}
	if s.Pipeline > 1 {
		text += fmt.Sprintf(", pipeline %d", s.Pipeline)
	}
	if s.Zipf {
		text += ", zipfian"
	}
	return text
}

func clientsText(n int) string {
	if n == 1 {
		return "1 client"
	}
	return fmt.Sprintf("%d clients", n)
}

// SizeText words a size.
func SizeText(n int) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d B", n)
}

// Sample is one shape asked of one peer in one round.
type Sample struct {
	Shape  Shape
	Peer   string
	Round  int
	Result load.Result
	// Processor time per request that was answered, of the peer's processes and of the load program, in microseconds.
	ServerCPU float64
	LoadCPU   float64
	// What the peer's processes did for one request: system calls that read and wrote, and how often one of their threads fell asleep. 0
	// where none was counted.
	Reads, Writes, Sleeps float64
}

// Machine is where it ran.
type Machine struct {
	CPU    string
	Cores  int
	Memory string
	System string
	Go     string
	Load   float64 `json:"LoadAvg"` // processors that others kept busy before it began (until December 2026 the load average); 0 for unknown
}

// Idle is what a server takes when nobody asks anything of it.
type Idle struct {
	Server      string
	Processes   int
	CPUPercent  float64 // of one core, each process
	Connections int     // that were opened to one process, and asked once; 0: not measured
	ConnBytes   int64   // by which that process grew
}

// Run is all that was measured.
type Run struct {
	Began   time.Time
	Took    time.Duration
	Mode    string // full, quick or smoke
	Commit  string
	Machine Machine
	Rounds  int
	Peers   []peer.Peer
	LeftOut []string // why some peers are not there
	Samples []Sample
	Idle    []Idle
}

// Figure is the median of a shape's samples of one peer, each number by itself.
type Figure struct {
	PerSecond      float64
	P50, P99, P999 time.Duration
	ServerCPU      float64
	Reads          float64
	Writes         float64
	Sleeps         float64
	Errors         int64 // in all rounds
	Error          string
	Missed         float64 // open loop: the share of requests that were given up
}

type at struct {
	shape Shape
	peer  string
}

// figures puts the samples together.
func (r *Run) figures() map[at]Figure {
	groups := map[at][]Sample{}
	for _, s := range r.Samples {
		groups[at{s.Shape, s.Peer}] = append(groups[at{s.Shape, s.Peer}], s)
	}
	out := map[at]Figure{}
	for key, samples := range groups {
		out[key] = figure(samples)
	}
	return out
}

func figure(samples []Sample) Figure {
	f := Figure{
		PerSecond: medianOf(samples, func(s Sample) float64 { return s.Result.PerSecond }),
		P50:       medianOf(samples, func(s Sample) time.Duration { return s.Result.P50 }),
		P99:       medianOf(samples, func(s Sample) time.Duration { return s.Result.P99 }),
		P999:      medianOf(samples, func(s Sample) time.Duration { return s.Result.P999 }),
		ServerCPU: medianOf(samples, func(s Sample) float64 { return s.ServerCPU }),
		Reads:     medianOf(samples, func(s Sample) float64 { return s.Reads }),
		Writes:    medianOf(samples, func(s Sample) float64 { return s.Writes }),
		Sleeps:    medianOf(samples, func(s Sample) float64 { return s.Sleeps }),
		Missed: medianOf(samples, func(s Sample) float64 {
			if s.Result.Due == 0 {
				return 0
			}
			return float64(s.Result.Late) / float64(s.Result.Due)
		}),
	}
	for _, s := range samples {
		f.Errors += s.Result.Errors
		f.Error = cmp.Or(f.Error, s.Result.Error)
	}
	return f
}

// medianOf is the middle one, or the mean of the middle two.
func medianOf[N int64 | float64 | time.Duration](samples []Sample, of func(Sample) N) N {
	numbers := make([]N, len(samples))
	for i, s := range samples {
		numbers[i] = of(s)
	}
	slices.Sort(numbers)
	middle := len(numbers) / 2
	if len(numbers)%2 == 1 {
		return numbers[middle]
	}
	return (numbers[middle-1] + numbers[middle]) / 2
}

// shapes are those that were measured, in the order in which they were first.
func (r *Run) shapes(want func(Shape) bool) (out []Shape) {
	seen := map[Shape]bool{}
	for _, s := range r.Samples {
		if !seen[s.Shape] && want(s.Shape) {
			seen[s.Shape] = true
			out = append(out, s.Shape)
		}
	}
	return out
}

// columns are the peers that were asked any of the shapes.
func (r *Run) columns(shapes []Shape) (out []string) {
	for _, p := range r.Peers {
		if slices.ContainsFunc(r.Samples, func(s Sample) bool { return s.Peer == p.Name && slices.Contains(shapes, s.Shape) }) {
			out = append(out, p.Name)
		}
	}
	return out
}
