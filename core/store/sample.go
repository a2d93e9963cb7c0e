package store

import "torc/core/slab"

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

// sample shows about n keys: neighbours in the order, from a place on that chance chooses, and on around the end.
func (x *index) sample(at uint64, n int, visit func(slab.Ref)) {
	if n = min(n, x.count); n == 0 {
		return
	}
	first := x.chooseSlot(at)
	tag := uint32(scatter(at) >> 32)
	for i := range len(x.slots) + 1 {
		s := &x.slots[(first+i)%len(x.slots)]
		from, to := 0, len(s.leaves)
		if to > 0 && i == 0 {
			from = int(s.bucket(tag))
		} else if to > 0 && i == len(x.slots) {
			to = int(s.bucket(tag))
		}
		if n = x.show(s.leaves[from:to], n, visit); n == 0 {
			return
		}
	}
}

// show shows the keys of some leaves, at most n, and returns how many are still wanted.
func (x *index) show(leaves []slab.Ref, n int, visit func(slab.Ref)) int {
	for i, r := range leaves {
		if i > 0 && r == leaves[i-1] {
			continue // neighbours share it
		}
		for ; r != 0; r = x.leaf(r).next {
			l := x.leaf(r)
			for _, p := range l.keys[:l.count] {
				if visit(p.ref()); n == 1 {
					return 0
				}
				n--
			}
		}
	}
	return n
}

// chooseSlot chooses one of some slots, each as likely as it has keys. Keys with a hash tag share a slot, so
// slots may be very different; the heaviest seen lately is always among them.
func (x *index) chooseSlot(at uint64) int {
	var some [4]int
	total := uint64(0)
	some[0] = min(x.heavy, len(x.slots)-1)
	for i := range some {
		if i > 0 {
			some[i] = int(scatter(at+uint64(i)) % uint64(len(x.slots)))
		}
		count := x.slots[some[i]].count
		if total += uint64(count); count > x.slots[some[0]].count {
			x.heavy = some[i]
		}
	}
	if total == 0 {
		return some[1]
	}
	left := scatter(^at) % total
	for _, slot := range some {
		count := uint64(x.slots[slot].count)
		if left < count {
			return slot
		}
		left -= count
	}
	return some[1]
}

// scatter makes another number of one (splitmix64).
func scatter(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
