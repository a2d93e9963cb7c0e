package hitrate

import (
	"math"
	"math/rand/v2"
	"sort"
)

// Generated are traces made from a seed, of the kinds that caches meet: skewed, scanned, looped, drifting,
// and mixtures. requests is about how long each is.
func Generated(seed uint64, requests int) []*Trace {
	var traces []*Trace
	for i, kind := range kinds {
		g := &generator{rng: rand.New(rand.NewPCG(seed, uint64(i)+1)), names: map[uint64]uint32{}, want: requests}
		kind.fill(g)
		t := &Trace{Name: kind.name, Keys: g.keys, Count: len(g.names)}
		if kind.sized {
			t.Sizes = sizes(g)
		}
		traces = append(traces, t)
	}
	return traces
}

// generator gathers requests. Keys are named by any numbers.
type generator struct {
	rng   *rand.Rand
	names map[uint64]uint32
	keys  []uint32
	want  int
}

func (g *generator) full() bool { return len(g.keys) >= g.want }

func (g *generator) add(name uint64) {
	key, known := g.names[name]
	if !known {
		key = uint32(len(g.names))
		g.names[name] = key
	}
	g.keys = append(g.keys, key)
}

// zipf draws ranks below n with weights 1/rank^skew.
type zipf struct {
	sums []float64
	rng  *rand.Rand
}

func (g *generator) zipf(n int, skew float64) *zipf {
	z := &zipf{sums: make([]float64, n), rng: g.rng}
	sum := 0.0
	for i := range z.sums {
		sum += math.Pow(float64(i+1), -skew)
		z.sums[i] = sum
	}
	return z
}

func (z *zipf) next() uint64 {
	at := z.rng.Float64() * z.sums[len(z.sums)-1]
	return uint64(sort.SearchFloat64s(z.sums, at))
}

// space keeps the names of a mixture's parts apart.
func space(part, name uint64) uint64 { return part<<48 | name }

var kinds = []struct {
	name  string
	fill  func(g *generator)
	sized bool
}{
	{"zipf-0.7", func(g *generator) { g.skewed(20000, 0.7) }, false},
	{"zipf-1.0", func(g *generator) { g.skewed(40000, 1.0) }, false},
	{"zipf-1.3", func(g *generator) { g.skewed(40000, 1.3) }, false},
	{"zipf-scans", (*generator).zipfScans, false},
	{"zipf-loop", (*generator).zipfLoop, false},
	{"loops", (*generator).loops, false},
	{"recency", (*generator).recency, false},
	{"shifting", (*generator).shifting, false},
	{"news", (*generator).news, false},
	{"phases", (*generator).phases, false},
	{"bursts", (*generator).bursts, false},
	{"twice", (*generator).twice, false},
	{"sized", func(g *generator) { g.skewed(20000, 0.9) }, true},
	{"sized-scans", (*generator).zipfScans, true},
}

func (g *generator) skewed(n int, skew float64) {
	for z := g.zipf(n, skew); !g.full(); {
		g.add(z.next())
	}
}

// zipfScans: skewed, and now and then a run of keys that never come again.
func (g *generator) zipfScans() {
	z, fresh := g.zipf(10000, 0.9), uint64(0)
	for !g.full() {
		for range 2000 + g.rng.IntN(4000) {
			g.add(z.next())
		}
		for range 500 + g.rng.IntN(3000) {
			g.add(space(1, fresh))
			fresh++
		}
	}
}

// zipfLoop: skewed, mixed with an endless walk around a table.
func (g *generator) zipfLoop() {
	z, at := g.zipf(10000, 0.9), uint64(0)
	for !g.full() {
		if g.rng.IntN(3) > 0 {
			g.add(z.next())
			continue
		}
		g.add(space(1, at))
		at = (at + 1) % 5000
	}
}

// loops: walks around tables of different lengths, each for a while.
func (g *generator) loops() {
	lengths := []uint64{300, 1000, 3000}
	for !g.full() {
		which := g.rng.IntN(len(lengths))
		for range 2 + g.rng.IntN(6) {
			for i := range lengths[which] {
				g.add(space(uint64(which), i))
			}
		}
	}
}

// recency: mostly what was used lately, by a geometric law; else something new.
func (g *generator) recency() {
	var history []uint64
	for fresh := uint64(0); !g.full(); {
		back := int(g.rng.ExpFloat64() * 2000)
		if g.rng.IntN(10) == 0 || back >= len(history) {
			fresh++
			g.add(fresh)
			history = append(history, fresh)
			continue
		}
		name := history[len(history)-1-back]
		g.add(name)
		history = append(history, name)
	}
}

// shifting: skewed, and which keys are the hot ones changes all at once.
func (g *generator) shifting() {
	z := g.zipf(20000, 1.0)
	for turn := uint64(0); !g.full(); turn++ {
		for range max(g.want/12, 1) {
			g.add((z.next()*7919 + turn*5003) % 20000)
		}
	}
}

// news: new keys come all the time, and are asked for less the older they are.
func (g *generator) news() {
	for born := uint64(100); !g.full(); {
		if g.rng.IntN(8) == 0 {
			born++
		}
		age := uint64(math.Pow(g.rng.Float64(), 4) * float64(born))
		g.add(born - age)
	}
}

// phases: skewed, then a loop, then scans, then skewed with other keys.
func (g *generator) phases() {
	z, fresh := g.zipf(8000, 0.9), uint64(0)
	for turn := uint64(0); !g.full(); turn++ {
		for i := range uint64(max(g.want/16, 1)) {
			switch turn % 4 {
			case 0:
				g.add(z.next())
			case 1:
				g.add(space(1, i%2500))
			case 2:
				g.add(space(2, fresh))
				if i%3 == 0 {
					fresh++
				}
			case 3:
				g.add(space(3, z.next()))
			}
		}
	}
}

// bursts: a key is used several times within a short while, then hardly ever again.
func (g *generator) bursts() {
	type burst struct {
		name uint64
		left int
	}
	var open []burst
	z := g.zipf(60000, 0.6)
	for !g.full() {
		if len(open) < 200 {
			open = append(open, burst{z.next(), 1 + int(g.rng.ExpFloat64()*4)})
			continue
		}
		i := g.rng.IntN(len(open))
		g.add(open[i].name)
		if open[i].left--; open[i].left <= 0 {
			open[i] = open[len(open)-1]
			open = open[:len(open)-1]
		}
	}
}

// twice: many keys are used exactly twice, some way apart, beside a small skewed set.
func (g *generator) twice() {
	var queue []uint64
	z := g.zipf(3000, 0.8)
	for fresh := uint64(0); !g.full(); {
		switch g.rng.IntN(4) {
		case 0, 1:
			g.add(space(1, z.next()))
		case 2:
			fresh++
			g.add(fresh)
			queue = append(queue, fresh)
		case 3:
			if len(queue) > 1500 {
				g.add(queue[0])
				queue = queue[1:]
			}
		}
	}
}

// sizes are drawn once for each key, from 16 bytes to 64 KiB, small ones more often.
func sizes(g *generator) []uint32 {
	of := make([]uint32, len(g.names))
	for i := range of {
		of[i] = uint32(16 * math.Exp(g.rng.Float64()*math.Log(4096)))
	}
	sizes := make([]uint32, len(g.keys))
	for i, key := range g.keys {
		sizes[i] = of[key]
	}
	return sizes
}
