package ring

import (
	"cmp"
	"slices"

	"torc/core/wire"
)

// VirtualNodes is how often a node of weight 1 (100 hundredths) stands on the ring.
const VirtualNodes = 150

// weightMax bounds how often a node stands on the ring (100 times a node of weight 1), so
// that a mistyped weight costs no memory. Its share follows the weight all the same.
const weightMax = 10_000

// Ring is a circle of hash points. It is immutable.
type Ring struct {
	points []point // ordered by hash
	nodes  int
}

type point struct {
	hash uint64
	node wire.NodeID
}

// New builds the ring of the active members that have a weight. A member's points depend on
// its ID alone (and how many there are on its weight), so they are the same in every ring.
func New(members []wire.Member) *Ring {
	r := &Ring{}
	for _, m := range active(members) {
		r.nodes++
		for i := range max(int(min(m.Weight, weightMax))*VirtualNodes/100, 1) {
			r.points = append(r.points, point{hashPoint(uint64(m.ID), uint64(i)), m.ID})
		}
	}
	slices.SortFunc(r.points, func(a, b point) int {
		return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.node, b.node))
	})
	return r
}

// Walk returns every node once, in the order in which a walk from the shard's point meets
// them.
func (r *Ring) Walk(shard wire.ShardID) []wire.NodeID {
	walk := make([]wire.NodeID, 0, r.nodes)
	seen := make(map[wire.NodeID]bool, r.nodes)
	hash := hashPoint(shardSeed, uint64(shard))
	start, _ := slices.BinarySearchFunc(r.points, hash, func(p point, h uint64) int { return cmp.Compare(p.hash, h) })
	for i := range r.points {
		node := r.points[(start+i)%len(r.points)].node
		if seen[node] {
			continue
		}
		seen[node] = true
		if walk = append(walk, node); len(walk) == r.nodes {
			break
		}
	}
	return walk
}

// active returns the members that can hold replicas, ordered by ID. When no active member
// has a weight all count the same: data must live somewhere.
func active(members []wire.Member) []wire.Member {
	var all, weighted []wire.Member
	for _, m := range members {
		if m.State != wire.MemberActive {
			continue
		}
		if m.Weight > 0 {
			weighted = append(weighted, m)
		}
		m.Weight = 100
		all = append(all, m)
	}
	if len(weighted) > 0 {
		all = weighted
	}
	slices.SortFunc(all, func(a, b wire.Member) int { return cmp.Compare(a.ID, b.ID) })
	return slices.CompactFunc(all, func(a, b wire.Member) bool { return a.ID == b.ID })
}

// shardSeed keeps shards' points apart from nodes' points: node 5's are not shard 5's.
const shardSeed = 0x746f72632d736861

// hashPoint spreads (a, b) over the circle: two rounds of the SplitMix64 finalizer.
func hashPoint(a, b uint64) uint64 { return mix(mix(a) + b) }

func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
