package report

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Aim is something that Torc is to reach in a run.
type Aim struct {
	Text string
	Want string
	// measure tells the figure and its spread over the rounds; ok is false if it was not measured.
	measure func(v *view) (value, least, most float64, ok bool)
	reached func(value float64) bool
	show    func(float64) string
}

// view is a run as aims look at it.
type view struct {
	run     *Run
	figures map[at]Figure
	sized   bool // they look at the cluster that is sized for the machine, not at the one at its defaults
}

// whose is the peer that an aim means.
func (v *view) whose(peer string) string {
	if v.sized && ours(peer) {
		return "torc-sized" + strings.TrimPrefix(peer, "torc")
	}
	return peer
}

// Shapes that aims speak of, and that cells.go therefore has.
func plain(op string) Shape            { return Shape{Op: op, Clients: 50, Pipeline: 1, Size: 100} }
func pipelined(op string, n int) Shape { return Shape{Op: op, Clients: 50, Pipeline: n, Size: 100} }
func large(op string, size int) Shape  { return Shape{Op: op, Clients: 10, Pipeline: 1, Size: size} }
func clients(op string, n, pipeline int) Shape {
	return Shape{Op: op, Clients: n, Pipeline: pipeline, Size: 100}
}
func paced(rate int) Shape {
	return Shape{Op: "80/20", Clients: OpenClients, Pipeline: 1, Size: 100, Rate: rate}
}

// OpenClients is how many callers share an open loop's requests.
const OpenClients = 64

// Aims are all of them.
func Aims() []Aim {
	aims := []Aim{
		ratio("SET against etcd", 4, plain("SET"), "torc", plain("SET"), "etcd"),
		ratio("SET against Redis + WAIT 1", 1.2, plain("SET"), "torc", plain("SET"), "redis-wait"),
		ratio("SET by callers that keep to a leader, against Redis + WAIT 1", 1.2, plain("SET"), "torc-own", plain("SET"), "redis-wait"),
		ratio("SET, pipeline 16 to a leader, against Redis + WAIT 1", 2, pipelined("SET", 16), "torc-own", pipelined("SET", 16), "redis-wait"),
		ratio("SET, pipeline 16 split over three leaders, against Redis + WAIT 1", 2, pipelined("SET", 16), "torc", pipelined("SET", 16), "redis-wait"),
		ratio("GET to the leaders against one Redis", 0.9, plain("GET"), "torc", plain("GET"), "redis"),
		ratio("GET by callers that keep to a leader, against one Redis", 0.9, plain("GET"), "torc-own", plain("GET"), "redis"),
		ratio("GET through any node against one Redis", 0.6, plain("GET"), "torc-any", plain("GET"), "redis"),
		ratio("GET, pipeline 16 to a leader, against one Redis", 0.7, pipelined("GET", 16), "torc-own", pipelined("GET", 16), "redis"),
		ratio("GET, pipeline 16 split over three leaders, against one Redis", 0.7, pipelined("GET", 16), "torc", pipelined("GET", 16), "redis"),
		ratio("GET against etcd's linearizable GET", 8, plain("GET"), "torc", plain("GET"), "etcd"),
		below("p99 at 5,000/s (80/20) below Redis + WAIT 1's", paced(5000), "torc", "redis-wait"),
		under("p99 at 2,000/s (80/20)", time.Millisecond, paced(2000), "torc"),
		ratio("gRPC, SET, 500 callers, against etcd's client", 3, clients("SET", 500, 1), "torc-grpc", clients("SET", 500, 1), "etcd"),
		ratio("gRPC, GET, 500 callers, against etcd's client", 3, clients("GET", 500, 1), "torc-grpc", clients("GET", 500, 1), "etcd"),
		ratio("GetMany of 100 keys against single Gets, per key", 10, clients("GET", 1, 100), "torc-grpc", clients("GET", 1, 1), "torc-grpc"),
		ratio("SetMany of 100 keys against single Sets, per key", 10, clients("SET", 1, 100), "torc-grpc", clients("SET", 1, 1), "torc-grpc"),
	}
	for _, size := range []int{4 << 10, 64 << 10, 1 << 20} {
		for _, op := range []string{"SET", "GET"} {
			text := fmt.Sprintf("%s of %s, bytes a second against Redis + WAIT 1", op, SizeText(size))
			aims = append(aims, ratio(text, 0.5, large(op, size), "torc", large(op, size), "redis-wait"))
		}
	}
	return append(aims,
		idle("idle, 64 shards: share of one core, each node", "< 3%", func(i Idle) (float64, bool) { return i.CPUPercent, true },
			func(v float64) bool { return v < 3 }, func(v float64) string { return fmt.Sprintf("%.1f%%", v) }),
		idle("1,000 idle connections", "< 30 MiB", func(i Idle) (float64, bool) { return float64(i.ConnBytes) / (1 << 20), i.Connections == 1000 },
			func(v float64) bool { return v < 30 }, func(v float64) string { return fmt.Sprintf("%.0f MiB", v) }))
}

// Measured tells of each aim whether a run has measured it, of the cluster at its defaults.
func Measured(r *Run) map[string]bool {
	v, out := &view{run: r, figures: r.figures()}, map[string]bool{}
	for _, a := range Aims() {
		_, _, _, out[a.Text] = a.measure(v)
	}
	return out
}

func times(v float64) string  { return fmt.Sprintf("%.2f x", v) }
func millis(v float64) string { return millisText(time.Duration(v)) }

// ratio is an aim for throughput.
func ratio(text string, want float64, of Shape, peer string, by Shape, other string) Aim {
	perSecond := func(f Figure) float64 { return f.PerSecond }
	return Aim{Text: text, Want: fmt.Sprintf(">= %g x", want), show: times, reached: func(v float64) bool { return v >= want },
		measure: func(v *view) (float64, float64, float64, bool) {
			return v.ratio(perSecond, at{of, v.whose(peer)}, at{by, v.whose(other)})
		}}
}

// below is an aim for latency: less than another's.
func below(text string, shape Shape, peer, other string) Aim {
	p99 := func(f Figure) float64 { return float64(f.P99) }
	return Aim{Text: text, Want: "< 1 x", show: times, reached: func(v float64) bool { return v < 1 },
		measure: func(v *view) (float64, float64, float64, bool) {
			torc := at{shape, v.whose(peer)}
			if v.figures[torc].Missed > 0 { // what was given up has no time
				return math.Inf(1), math.Inf(1), math.Inf(1), true
			}
			return v.ratio(p99, torc, at{shape, v.whose(other)})
		}}
}

// under is an aim for latency: less than so much.
func under(text string, bound time.Duration, shape Shape, peer string) Aim {
	return Aim{Text: text, Want: "< " + millisText(bound), show: millis, reached: func(v float64) bool { return v < float64(bound) },
		measure: func(v *view) (value, least, most float64, ok bool) {
			torc := at{shape, v.whose(peer)}
			f, ok := v.figures[torc]
			if f.Missed > 0 {
				return math.Inf(1), math.Inf(1), math.Inf(1), true
			}
			least, most = v.spread(func(round int) (float64, bool) {
				f, ok := v.in(round, torc)
				return float64(f.P99), ok
			})
			return float64(f.P99), least, most, ok
		}}
}

// idle is an aim for what Torc takes when it has nothing to do.
func idle(text, want string, of func(Idle) (float64, bool), reached func(float64) bool, show func(float64) string) Aim {
	return Aim{Text: text, Want: want, show: show, reached: reached,
		measure: func(v *view) (float64, float64, float64, bool) {
			for _, i := range v.run.Idle {
				if i.Server == "torc" && !v.sized {
					value, ok := of(i)
					return value, value, value, ok
				}
			}
			return 0, 0, 0, false
		}}
}

// ratio divides two medians, and tells between what the ratios of single rounds are. What was not measured, or had no answer, has no ratio.
func (v *view) ratio(of func(Figure) float64, a, b at) (value, least, most float64, ok bool) {
	upper, lower := v.figures[a], v.figures[b]
	if of(upper) == 0 || of(lower) == 0 {
		return 0, 0, 0, false
	}
	least, most = v.spread(func(round int) (float64, bool) {
		upper, okUpper := v.in(round, a)
		lower, okLower := v.in(round, b)
		if !okUpper || !okLower || of(lower) == 0 {
			return 0, false
		}
		return of(upper) / of(lower), true
	})
	return of(upper) / of(lower), least, most, true
}

func (v *view) spread(of func(round int) (float64, bool)) (least, most float64) {
	least, most = math.Inf(1), math.Inf(-1)
	for round := range v.run.Rounds {
		if value, ok := of(round); ok {
			least, most = min(least, value), max(most, value)
		}
	}
	return least, most
}

// in is the figure of one round.
func (v *view) in(round int, where at) (Figure, bool) {
	for _, s := range v.run.Samples {
		if s.Round == round && s.Shape == where.shape && s.Peer == where.peer {
			return figure([]Sample{s}), true
		}
	}
	return Figure{}, false
}
