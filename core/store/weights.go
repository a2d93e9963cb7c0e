package store

import "math/bits"

// weights are how many keys each slot holds, summed so that the slot of the n-th key is found at once (a Fenwick tree):
// number i is the sum of the slots from i&(i+1) to i. With few keys most slots are empty, with hash tags one may hold
// nearly all: who chooses a slot first and then a key of it is wrong in both cases.
type weights []uint32

// add changes what a slot holds.
func (w weights) add(slot, by int) {
	for ; slot < len(w); slot |= slot + 1 {
		w[slot] += uint32(by)
	}
}

// find is the slot with the key that has so many before it, and how many of those are in the same slot. There must be
// such a key.
func (w weights) find(rank uint32) (slot int, before uint32) {
	for step := 1 << (bits.Len(uint(len(w))) - 1); step > 0; step >>= 1 {
		if next := slot + step; next <= len(w) && w[next-1] <= rank {
			slot, rank = next, rank-w[next-1]
		}
	}
	return slot, rank
}
