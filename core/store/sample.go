package store

import (
	"math"

	"torc/core/slab"
)

// How keys are chosen by chance, for eviction. What is chosen is the leader's own affair: it need not be the same on
// all replicas.

// findHash fills e with the entry of a hash and a version (0: any).
func (x *index) findHash(order, version uint64, e *entry) bool {
	s := x.slot(order)
	if s.leaves == nil {
		return false
	}
	tag := tagOf(order)
	for r := s.leaves[s.bucket(tag)]; r != 0; {
		l := x.leaf(r)
		for i := l.search(tag); i < int(l.count) && l.keys[i].tag() == tag; i++ {
			at := l.keys[i].ref()
			if e.read(at, x.cells.Bytes(at)); (version == 0 || e.version == version) && x.seed.order(e.key) == order {
				e.order = order
				return true
			}
		}
		r = l.next
	}
	return false
}

// sample shows n keys: neighbours in the order, from one on that chance chooses, each as likely as any other, and on
// around the end.
func (x *index) sample(at uint64, n int, visit func(slab.Ref)) {
	if n = min(n, x.count); n == 0 {
		return
	}
	rank := uint32(scatter(at) % uint64(x.count))
	first, before := x.weights.find(rank)
	s := &x.slots[first]
	tag := uint32(uint64(before) << 32 / uint64(s.count)) // tags are spread evenly: the key of that rank, or one beside it
	n = x.show(s, tag, math.MaxUint32, n, visit)
	for next := rank - before + s.count; n > 0; {
		if next == uint32(x.count) {
			next = 0
		}
		at, _ := x.weights.find(next)
		if at == first {
			break
		}
		n = x.show(&x.slots[at], 0, math.MaxUint32, n, visit)
		next += x.slots[at].count
	}
	if n > 0 && tag > 0 {
		x.show(s, 0, tag-1, n, visit)
	}
}

// show shows a slot's keys from one tag to another, at most n, and returns how many are still wanted.
func (x *index) show(s *slot, from, to uint32, n int, visit func(slab.Ref)) int {
	for at := int(s.bucket(from)); n > 0 && at <= int(s.bucket(to)); {
		head := x.header(s.leaves[at])
		for r := s.leaves[at]; r != 0; r = x.header(r).next {
			l := x.leaf(r)
			for i := l.search(from); i < int(l.count) && l.keys[i].tag() <= to; i++ {
				if n == 0 {
					return 0
				}
				visit(l.keys[i].ref())
				n--
			}
		}
		at = int(s.bucket(head.prefix)) + 1<<(s.depth-head.depth) // neighbours share a leaf
	}
	return n
}

// scatter makes another number of one (splitmix64).
func scatter(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
