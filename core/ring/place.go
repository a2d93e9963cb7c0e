package ring

import (
	"slices"

	"torc/core/wire"
)

// Target is where a shard should live.
type Target struct {
	Shard wire.ShardID
	Nodes []wire.NodeID // distinct; the first should lead
}

// Place says where the shards 0 (the meta group) to shards should live, each on replication
// nodes or on all when there are fewer. What is placed well in current (which may be nil, or
// in the middle of a move) stays. The result has shards+1 targets, in the shards' order.
func Place(members []wire.Member, shards, replication int, current []wire.Placement) []Target {
	nodes := active(members)
	p := newPlan(nodes, shards+1, min(replication, len(nodes)))
	if p.replication > 0 {
		p.keep(current)
		p.fill()
		p.even()
		p.chooseLeaders(current)
	}
	return p.targets()
}

// plan is a placement in the making. Nodes are numbered by their place in the members' order,
// shards by their ID.
type plan struct {
	members     []wire.Member
	replication int
	bands       []band
	walk        [][]int // shard -> all nodes in ring order
	rank        [][]int // shard -> node -> place in the walk
	on          [][]int // shard -> nodes that hold it
	load        []int   // node -> shards it holds
	leader      []int   // shard -> node, -1 while undecided
}

func newPlan(members []wire.Member, shards, replication int) *plan {
	p := &plan{
		members: members, replication: replication,
		walk: make([][]int, shards), rank: make([][]int, shards), on: make([][]int, shards),
		load: make([]int, len(members)), leader: make([]int, shards),
	}
	if replication <= 0 {
		return p
	}
	p.bands = replicaBands(members, shards, replication)
	r := New(members)
	for s := range shards {
		p.rank[s] = make([]int, len(members))
		for i, id := range r.Walk(wire.ShardID(s)) {
			node := p.number(id)
			p.walk[s] = append(p.walk[s], node)
			p.rank[s][node] = i
		}
	}
	return p
}

// number returns a node's number, or -1 when it is no (active) member.
func (p *plan) number(id wire.NodeID) int {
	return slices.IndexFunc(p.members, func(m wire.Member) bool { return m.ID == id })
}

func (p *plan) holds(shard, node int) bool { return slices.Contains(p.on[shard], node) }

func (p *plan) add(shard, node int) {
	p.on[shard] = append(p.on[shard], node)
	p.load[node]++
}

func (p *plan) remove(shard, node int) {
	i := slices.Index(p.on[shard], node)
	p.on[shard] = slices.Delete(p.on[shard], i, i+1)
	p.load[node]--
}

// keep starts from what is there. A shard in the middle of a move has a replica too many:
// the node with the most for its share loses it, which is the one the move was to relieve.
func (p *plan) keep(current []wire.Placement) {
	for _, c := range current {
		if int(c.Shard) >= len(p.on) {
			continue
		}
		for _, r := range c.Replicas {
			if node := p.number(r.Node); node >= 0 && !p.holds(int(c.Shard), node) {
				p.add(int(c.Shard), node)
			}
		}
	}
	for s := range p.on {
		for len(p.on[s]) > p.replication {
			p.remove(s, slices.MaxFunc(p.on[s], func(a, b int) int {
				return or(relativeLoad(p.load, p.bands, a, b), p.rank[s][a]-p.rank[s][b])
			}))
		}
	}
}

// compareLoad orders nodes by how much they hold for their share, then by number.
func (p *plan) compareLoad(a, b int) int { return compareLoad(p.load, p.bands, a, b) }

// fill gives every shard the replicas it lacks: walk the ring from the shard's point and pass
// by those that are full. Once all that is left to give is needed by nodes below their band,
// only those count, or it would have to be moved to them afterwards.
func (p *plan) fill() {
	missing, need := 0, 0
	for s := range p.on {
		missing += p.replication - len(p.on[s])
	}
	for node := range p.load {
		need += max(p.bands[node].lo-p.load[node], 0)
	}
	for s := range p.on {
		for len(p.on[s]) < p.replication {
			node := p.next(s, missing <= need)
			if p.load[node] < p.bands[node].lo {
				need--
			}
			missing--
			p.add(s, node)
		}
	}
}

// next returns the node that should take one more replica of a shard.
func (p *plan) next(shard int, needyOnly bool) int {
	least, room := -1, -1
	for _, node := range p.walk[shard] {
		if p.holds(shard, node) {
			continue
		}
		if needyOnly && p.load[node] < p.bands[node].lo {
			return node
		}
		if p.load[node] < p.bands[node].hi && room < 0 {
			room = node
		}
		if least < 0 || p.compareLoad(node, least) < 0 {
			least = node
		}
	}
	if room >= 0 {
		return room
	}
	return least
}

// even moves replicas until every node is within its band.
func (p *plan) even() {
	(&balance{
		load: p.load, bands: p.bands, shards: len(p.on), rank: p.rank,
		can: func(s, from, to int) bool { return p.holds(s, from) && !p.holds(s, to) },
		shift: func(s, from, to int) {
			p.remove(s, from)
			p.add(s, to)
		},
	}).run()
}

// chooseLeaders keeps the leaders there are, gives the other shards to whoever leads the
// least for its share, and evens that out.
func (p *plan) chooseLeaders(current []wire.Placement) {
	bands := leaderBands(p.bands, len(p.on), p.replication)
	leads := make([]int, len(p.members))
	for s := range p.leader {
		p.leader[s] = -1
	}
	for _, c := range current {
		if node := p.number(c.Preferred); node >= 0 && int(c.Shard) < len(p.on) && p.holds(int(c.Shard), node) {
			p.leader[c.Shard] = node
			leads[node]++
		}
	}
	for s := range p.leader {
		if p.leader[s] < 0 {
			p.leader[s] = slices.MinFunc(p.on[s], func(a, b int) int {
				return or(relativeLoad(leads, bands, a, b), p.rank[s][a]-p.rank[s][b])
			})
			leads[p.leader[s]]++
		}
	}
	(&balance{
		load: leads, bands: bands, shards: len(p.on), rank: p.rank,
		can: func(s, from, to int) bool { return p.leader[s] == from && p.holds(s, to) },
		shift: func(s, from, to int) {
			p.leader[s] = to
			leads[from]--
			leads[to]++
		},
	}).run()
}

// targets lists each shard's leader, then its other nodes in ring order.
func (p *plan) targets() []Target {
	targets := make([]Target, len(p.on))
	for s := range p.on {
		slices.SortFunc(p.on[s], func(a, b int) int {
			if a == p.leader[s] || b == p.leader[s] {
				return truth(b == p.leader[s]) - truth(a == p.leader[s])
			}
			return p.rank[s][a] - p.rank[s][b]
		})
		targets[s].Shard = wire.ShardID(s)
		for _, node := range p.on[s] {
			targets[s].Nodes = append(targets[s].Nodes, p.members[node].ID)
		}
	}
	return targets
}

func or(a, b int) int {
	if a != 0 {
		return a
	}
	return b
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}
