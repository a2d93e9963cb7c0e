package main

import (
	"slices"
	"time"

	"torc/bench/peers/report"
)

// Plan is what a run measures, and for how long.
type Plan struct {
	Mode    string
	Rounds  int
	Closed  Times
	Open    Times
	Idle    time.Duration
	Cells   []Cell
	History bool // whether the ratios go into the table by commit
}

// Times are those of one cell, one peer and one round.
type Times struct{ Warm, Measure time.Duration }

// Cell is one line of the table: a shape and who is asked it.
type Cell struct {
	Shape report.Shape
	Peers []string
}

// block is many cells: every combination of what it lists.
type block struct {
	ops       []string
	clients   []int
	pipelines []int
	sizes     []int
	zipf      bool
	rates     []int
	peers     []string
}

// Peers that are asked alike. Redis's replicas do nothing for a GET that its primary does not do by itself, so those cells have the
// plain Redis only; etcd has no pipelines.
var (
	readers      = []string{"torc", "torc-any", "torc-grpc", "redis", "memcached", "etcd"}
	writers      = []string{"torc", "torc-any", "torc-grpc", "redis", "redis-wait", "memcached", "etcd"}
	pipeReaders  = []string{"torc", "torc-own", "torc-any", "torc-grpc", "redis", "memcached"}
	pipeWriters  = []string{"torc", "torc-own", "torc-any", "torc-grpc", "redis", "redis-wait", "redis-wait-batch", "memcached"}
	fewReaders   = []string{"torc", "torc-own", "redis"}
	fewWriters   = []string{"torc", "torc-own", "redis", "redis-wait", "redis-wait-batch", "memcached"}
	largeHolders = []string{"torc", "torc-any", "torc-grpc", "redis", "redis-wait"}
	paced        = []string{"torc", "torc-grpc", "redis", "redis-wait", "memcached", "etcd"}
	ownClient    = []string{"torc-grpc"}
)

// too adds peers to others: those that an aim speaks of in a cell, and that are not asked all else.
func too(peers []string, more ...string) []string { return slices.Concat(more, peers) }

var one = []int{1}

// full is the whole comparison.
var full = []block{
	{ops: []string{"GET"}, clients: one, pipelines: one, sizes: []int{100}, peers: readers},
	{ops: []string{"SET", "80/20"}, clients: one, pipelines: one, sizes: []int{100}, peers: writers},
	{ops: []string{"GET"}, clients: []int{50}, pipelines: one, sizes: []int{100}, peers: too(readers, "torc-own", "torc-sized", "torc-sized-own", "torc-sized-any")},
	{ops: []string{"SET"}, clients: []int{50}, pipelines: one, sizes: []int{100}, peers: too(writers, "torc-own", "torc-sized", "torc-sized-own")},
	{ops: []string{"80/20"}, clients: []int{50}, pipelines: one, sizes: []int{100}, peers: writers},
	{ops: []string{"80/20"}, clients: []int{50}, pipelines: one, sizes: []int{100}, zipf: true, peers: writers},
	{ops: []string{"GET"}, clients: []int{500}, pipelines: one, sizes: []int{100}, peers: readers},
	{ops: []string{"SET", "80/20"}, clients: []int{500}, pipelines: one, sizes: []int{100}, peers: writers},
	{ops: []string{"GET"}, clients: []int{50}, pipelines: one, sizes: []int{1 << 10, 16 << 10}, peers: readers},
	{ops: []string{"SET"}, clients: []int{50}, pipelines: one, sizes: []int{1 << 10, 16 << 10}, peers: writers},
	{ops: []string{"GET"}, clients: []int{50}, pipelines: []int{16}, sizes: []int{100}, peers: too(pipeReaders, "torc-sized", "torc-sized-own")},
	{ops: []string{"GET"}, clients: []int{50}, pipelines: []int{64}, sizes: []int{100}, peers: fewReaders},
	{ops: []string{"SET"}, clients: []int{50}, pipelines: []int{16}, sizes: []int{100}, peers: too(pipeWriters, "torc-sized", "torc-sized-own")},
	{ops: []string{"80/20"}, clients: []int{50}, pipelines: []int{16}, sizes: []int{100}, peers: pipeWriters},
	{ops: []string{"80/20"}, clients: []int{50}, pipelines: []int{16}, sizes: []int{100}, zipf: true, peers: fewWriters},
	{ops: []string{"SET", "80/20"}, clients: []int{50}, pipelines: []int{64}, sizes: []int{100}, peers: fewWriters},
	{ops: []string{"GET", "SET"}, clients: one, pipelines: []int{100}, sizes: []int{100}, peers: ownClient},
	{ops: []string{"GET", "SET"}, clients: []int{10}, pipelines: one, sizes: []int{4 << 10, 64 << 10, 1 << 20}, peers: too(largeHolders, "torc-sized")},
	{ops: []string{"80/20"}, clients: []int{report.OpenClients}, pipelines: one, sizes: []int{100}, rates: []int{1000}, peers: paced},
	{ops: []string{"80/20"}, clients: []int{report.OpenClients}, pipelines: one, sizes: []int{100}, rates: []int{2000, 5000}, peers: too(paced, "torc-sized")},
	{ops: []string{"80/20"}, clients: []int{report.OpenClients}, pipelines: one, sizes: []int{100}, rates: []int{10_000, 20_000}, peers: paced},
}

// quick is what the aims speak of, and little else.
var quick = []block{
	{ops: []string{"GET"}, clients: []int{50}, pipelines: one, sizes: []int{100}, peers: too(readers, "torc-own", "torc-sized")},
	{ops: []string{"SET"}, clients: []int{50}, pipelines: one, sizes: []int{100}, peers: too(writers, "torc-own", "torc-sized")},
	{ops: []string{"80/20"}, clients: []int{50}, pipelines: one, sizes: []int{100}, peers: writers},
	{ops: []string{"GET"}, clients: []int{50}, pipelines: []int{16}, sizes: []int{100}, peers: fewReaders},
	{ops: []string{"SET"}, clients: []int{50}, pipelines: []int{16}, sizes: []int{100}, peers: fewWriters},
	{ops: []string{"80/20"}, clients: []int{50}, pipelines: []int{16}, sizes: []int{100}, peers: fewWriters},
	{ops: []string{"GET", "SET"}, clients: []int{500}, pipelines: one, sizes: []int{100}, peers: []string{"torc-grpc", "etcd"}},
	{ops: []string{"GET", "SET"}, clients: one, pipelines: []int{1, 100}, sizes: []int{100}, peers: ownClient},
	{ops: []string{"GET", "SET"}, clients: []int{10}, pipelines: one, sizes: []int{4 << 10, 64 << 10, 1 << 20}, peers: []string{"torc", "redis-wait"}},
	{ops: []string{"80/20"}, clients: []int{report.OpenClients}, pipelines: one, sizes: []int{100}, rates: []int{2000, 5000}, peers: paced},
}

// smoke is for tests: every peer and protocol, hardly any time.
var smoke = []block{
	{ops: []string{"80/20"}, clients: []int{4}, pipelines: []int{1, 16}, sizes: []int{100}, peers: too(pipeWriters, "torc-sized", "torc-sized-own", "torc-sized-any")},
	{ops: []string{"80/20"}, clients: []int{4}, pipelines: one, sizes: []int{100}, rates: []int{200}, peers: writers},
}

// plans are what can be run.
var plans = map[string]Plan{
	"full": {Rounds: 3, Idle: 3 * time.Second, History: true, Cells: cells(full),
		Closed: Times{200 * time.Millisecond, 800 * time.Millisecond}, Open: Times{300 * time.Millisecond, 1700 * time.Millisecond}},
	"quick": {Rounds: 2, Idle: 2 * time.Second, Cells: cells(quick),
		Closed: Times{100 * time.Millisecond, 250 * time.Millisecond}, Open: Times{200 * time.Millisecond, 800 * time.Millisecond}},
	"smoke": {Rounds: 1, Idle: 200 * time.Millisecond, Cells: cells(smoke),
		Closed: Times{20 * time.Millisecond, 80 * time.Millisecond}, Open: Times{50 * time.Millisecond, 200 * time.Millisecond}},
}

// keysOf are how many keys there are of each value size: fewer of large ones, so that every peer holds them all in memory.
var keysOf = map[int]int{100: 10_000, 1 << 10: 10_000, 4 << 10: 4000, 16 << 10: 2000, 64 << 10: 500, 1 << 20: 32}

// cells multiplies blocks out.
func cells(blocks []block) (out []Cell) {
	for _, b := range blocks {
		rates := b.rates
		if rates == nil {
			rates = []int{0}
		}
		for _, op := range b.ops {
			for _, size := range b.sizes {
				for _, pipeline := range b.pipelines {
					for _, clients := range b.clients {
						for _, rate := range rates {
							out = append(out, Cell{report.Shape{Op: op, Clients: clients, Pipeline: pipeline, Size: size, Zipf: b.zipf, Rate: rate}, b.peers})
						}
					}
				}
			}
		}
	}
	return out
}

// only keeps the cells of peers that are there.
func (p Plan) only(there []string) Plan {
	var kept []Cell
	for _, c := range p.Cells {
		c.Peers = slices.DeleteFunc(slices.Clone(c.Peers), func(name string) bool { return !slices.Contains(there, name) })
		if len(c.Peers) > 0 {
			kept = append(kept, c)
		}
	}
	p.Cells = kept
	return p
}

// around is what connecting and the like take beside a cell's own time.
const around = 50 * time.Millisecond

// takes is how long a plan's cells take.
func (p Plan) takes() (sum time.Duration) {
	for _, c := range p.Cells {
		sum += time.Duration(len(c.Peers)*p.Rounds) * (p.times(c).Warm + p.times(c).Measure + around)
	}
	return sum
}

func (p Plan) times(c Cell) Times {
	if c.Shape.Rate > 0 {
		return p.Open
	}
	return p.Closed
}
