package ring

import (
	"cmp"
	"slices"
)

// balance moves single things (replicas, leaderships) between nodes until every node is
// within its band. Both kinds are the same puzzle: a thing of shard s may go from one node to
// another when can says so.
//
// Usually one move from a node above its band to one below does it. When no shard allows that
// move, a chain does: a gives to b, b gives another one to c. The shortest chain is found
// breadth first, as augmenting paths are in a flow network; because a fractional assignment
// within the bands exists (see leaderBands, replicaBands), a chain does as well.
//
// Every chain brings one node outside its band closer to it and takes none out of its band,
// so this ends.
type balance struct {
	load   []int
	bands  []band
	shards int
	rank   [][]int // shard -> node -> how much the shard likes the node: smaller is better
	can    func(shard, from, to int) bool
	shift  func(shard, from, to int)
}

func (b *balance) run() {
	for {
		node := b.worst(func(n int) bool { return b.load[n] > b.bands[n].hi }, +1)
		if node < 0 || !b.chain(node, +1, func(n int) bool { return b.load[n] < b.bands[n].hi }) {
			break
		}
	}
	for {
		node := b.worst(func(n int) bool { return b.load[n] < b.bands[n].lo }, -1)
		if node < 0 || !b.chain(node, -1, func(n int) bool { return b.load[n] > b.bands[n].lo }) {
			break
		}
	}
}

// worst returns the most (sign +1) or least (-1) loaded node for which out holds, or -1.
func (b *balance) worst(out func(int) bool, sign int) int {
	worst := -1
	for n := range b.load {
		if out(n) && (worst < 0 || sign*compareLoad(b.load, b.bands, n, worst) > 0) {
			worst = n
		}
	}
	return worst
}

// chain moves one thing away from start (sign +1) or to it (-1), over as few nodes between as
// it can, ending at a node where end holds. It reports whether there was a way.
func (b *balance) chain(start, sign int, end func(int) bool) bool {
	previous := make([]int, len(b.load))
	for i := range previous {
		previous[i] = -1
	}
	previous[start] = start
	for level := []int{start}; len(level) > 0; {
		var next []int
		for _, to := range b.byLoad(sign) {
			if previous[to] >= 0 {
				continue
			}
			from := slices.IndexFunc(level, func(from int) bool { return b.best(from, to, sign) >= 0 })
			if from < 0 {
				continue
			}
			previous[to] = level[from]
			next = append(next, to)
			if end(to) {
				b.move(to, sign, previous)
				return true
			}
		}
		level = next
	}
	return false
}

// byLoad lists the nodes, those that should give or take first at the front.
func (b *balance) byLoad(sign int) []int {
	nodes := make([]int, len(b.load))
	for i := range nodes {
		nodes[i] = i
	}
	slices.SortFunc(nodes, func(x, y int) int { return sign * compareLoad(b.load, b.bands, x, y) })
	return nodes
}

// best returns the shard whose thing should go from one node to the other (the other way
// round when sign is -1), or -1: the one that likes the receiver best.
func (b *balance) best(x, y, sign int) int {
	from, to := x, y
	if sign < 0 {
		from, to = y, x
	}
	best := -1
	for s := range b.shards {
		if b.can(s, from, to) && (best < 0 || b.rank[s][to] < b.rank[best][to]) {
			best = s
		}
	}
	return best
}

// move shifts along the chain, from its end to its start. A node in between gives before it
// gets (sign +1) or gets before it gives (-1): either way the next shift stays possible.
func (b *balance) move(end, sign int, previous []int) {
	for at := end; previous[at] != at; at = previous[at] {
		x, y := previous[at], at
		shard := b.best(x, y, sign)
		if sign < 0 {
			x, y = y, x
		}
		b.shift(shard, x, y)
	}
}

// compareLoad orders nodes by how much they hold for their share, then by number.
func compareLoad(load []int, bands []band, x, y int) int {
	return or(relativeLoad(load, bands, x, y), cmp.Compare(x, y))
}

// relativeLoad compares load[x]/share[x] with load[y]/share[y].
func relativeLoad(load []int, bands []band, x, y int) int {
	return cmp.Compare(uint64(load[x])*bands[y].share, uint64(load[y])*bands[x].share)
}
