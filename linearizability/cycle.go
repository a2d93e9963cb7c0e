package linearizability

import (
	"cmp"
	"math"
	"slices"
)

// cyclesMax bounds the knots that are looked into, triesMax the edges of each that are tried
// as the beginning of a short cycle. What is bounded is the choice of the best example; a
// history with any cycle has a violation.
const (
	cyclesMax = 32
	triesMax  = 64
)

// levels are the sets of edges in which cycles are looked for, worst anomaly first.
var levels = [...]edgeKind{ww, ww | wr, ww | wr | rw, ww | clock, ww | wr | clock, ww | wr | rw | clock}

// arrow is an edge between two nodes, of a cycle in the end between two transactions.
type arrow struct {
	from, to int32
	edge
}

// cycles reports one cycle of each knot of the graph.
func (t *transactions) cycles() {
	g := t.graph()
	all := newKnots(g, ww|wr|rw|clock, nil)
	var found [][]int32
	for v := range g.timeBase {
		found = all.from(v, found)
	}
	if len(found) == 0 {
		return
	}
	for _, knot := range found {
		slices.Sort(knot) // transactions first, by call
	}
	slices.SortFunc(found, func(a, b []int32) int { return cmp.Compare(a[0], b[0]) })
	within := make([]int32, g.nodes)
	for i, knot := range found[:min(len(found), cyclesMax)] {
		for _, v := range knot {
			within[v] = int32(i) + 1
		}
	}
	for _, knot := range found[:min(len(found), cyclesMax)] {
		if len(t.found) >= t.o.ViolationsMax {
			return
		}
		cycle, level := g.worst(t, knot, within)
		t.report(t.story(cycle, level), t.local(cycle))
	}
}

// worst finds a short cycle of the worst sort that a knot contains.
func (g *graph) worst(t *transactions, knot, within []int32) (cycle []arrow, level edgeKind) {
	for _, level := range levels {
		k := newKnots(g, level, within)
		var tighter [][]int32
		for _, v := range knot {
			tighter = k.from(v, tighter)
		}
		if len(tighter) == 0 {
			continue
		}
		for i, nodes := range tighter {
			slices.Sort(nodes)
			p := newPaths(g, nodes)
			if c := p.shortest(t.list, level); i == 0 || len(c) < len(cycle) {
				cycle = c
			}
			if i == 8 {
				break
			}
		}
		return cycle, level
	}
	return nil, 0
}

// paths looks for short cycles among some nodes.
type paths struct {
	g     *graph
	nodes []int32
	in    map[int32]bool
	dist  map[int32]int
	back  map[int32]arrow // how a node was reached, node to node
}

func newPaths(g *graph, nodes []int32) *paths {
	p := &paths{g: g, nodes: nodes, in: make(map[int32]bool, len(nodes))}
	for _, v := range nodes {
		p.in[v] = true
	}
	return p
}

// shortest finds a short cycle. With rw edges allowed, one with a single rw comes first.
func (p *paths) shortest(list []transaction, kinds edgeKind) (best []arrow) {
	if kinds&rw != 0 {
		if best = p.through(p.openings(list, rw), kinds&^rw); best != nil {
			return best
		}
	}
	return p.through(p.openings(list, kinds&^clock), kinds)
}

// openings are edges to begin a cycle with: those that point furthest back in time, for
// which the way back to their beginning is likely short.
func (p *paths) openings(list []transaction, kinds edgeKind) (arrows []arrow) {
	for _, v := range p.nodes {
		for i := int32(0); ; i++ {
			e, more := p.g.successor(v, i)
			if !more {
				break
			}
			if e.kind&kinds != 0 && p.in[e.to] {
				arrows = append(arrows, arrow{v, e.to, e})
			}
		}
	}
	lead := func(s arrow) int64 { // negative: to ended before from was called
		to := s.to
		if to >= p.g.n {
			e, _ := p.g.successor(to, 0)
			to = e.to
		}
		if list[to].end == Open {
			return math.MaxInt64
		}
		return list[to].end - list[s.from].call
	}
	slices.SortStableFunc(arrows, func(a, b arrow) int { return cmp.Compare(lead(a), lead(b)) })
	return arrows[:min(len(arrows), triesMax)]
}

// through closes each opening by the shortest path back and keeps the shortest cycle.
func (p *paths) through(openings []arrow, kinds edgeKind) (best []arrow) {
	for _, opening := range openings {
		limit := math.MaxInt
		if best != nil {
			limit = len(best) - 1
		}
		if back := p.path(opening.to, opening.from, kinds, limit); back != nil {
			best = p.g.plain(append([]arrow{opening}, back...))
		}
		if len(best) == 2 {
			break
		}
	}
	return best
}

// path is a shortest path by the number of arrows between transactions; moving along the
// chain of time costs nothing. It is nil if there is none with fewer arrows than the limit.
func (p *paths) path(from, to int32, kinds edgeKind, limit int) []arrow {
	p.dist, p.back = map[int32]int{from: 0}, map[int32]arrow{}
	ring := []int32{from}
	for d := 0; len(ring) > 0 && d < limit; d++ {
		var next []int32
		for i := 0; i < len(ring); i++ { // grows
			v := ring[i]
			if v == to {
				return p.trail(from, to)
			}
			if p.dist[v] < d {
				continue // it was reached by a shorter way meanwhile
			}
			p.spread(v, d, kinds, &ring, &next)
		}
		ring = next
	}
	return nil
}

func (p *paths) spread(v int32, d int, kinds edgeKind, ring, next *[]int32) {
	for i := int32(0); ; i++ {
		e, more := p.g.successor(v, i)
		if !more {
			return
		}
		if e.kind&(kinds|inner) == 0 || !p.in[e.to] {
			continue
		}
		cost := 1
		if v >= p.g.n {
			cost = 0 // out of a node between
		}
		if old, reached := p.dist[e.to]; reached && old <= d+cost {
			continue
		}
		p.dist[e.to], p.back[e.to] = d+cost, arrow{v, e.to, e}
		if cost == 0 {
			*ring = append(*ring, e.to)
		} else {
			*next = append(*next, e.to)
		}
	}
}

func (p *paths) trail(from, to int32) (arrows []arrow) {
	for v := to; v != from; v = p.back[v].from {
		arrows = append(arrows, p.back[v])
	}
	slices.Reverse(arrows)
	return arrows
}

// plain leaves out the nodes between transactions.
func (g *graph) plain(arrows []arrow) (cycle []arrow) {
	for i := 0; i < len(arrows); i++ {
		s := arrows[i]
		for s.to >= g.n {
			i++
			last := arrows[i%len(arrows)]
			s.to = last.to
			if last.kind == inner {
				s.at = -1 - last.at
			}
		}
		cycle = append(cycle, s)
	}
	return cycle
}
