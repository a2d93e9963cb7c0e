package store

import (
	"github.com/cespare/xxhash/v2"

	"torc/core/wire"
)

// slotShift is where an order key's slot stands. RESP's SCAN cursors rest on it.
const slotShift = 50

// Seed is a cluster's secret, by which its stores place keys (wire.ClusterMap.Seed): without it nobody can choose keys that
// fall into one place of the index and make it a long list. The zero Seed is none: keys are placed by xxhash64, which is for
// tests.
type Seed [2]uint64

// order is where a key stands in the shard: its slot, then 50 bits of its hash. It is part of cursors and of
// snapshots, so under one seed it must never change.
func (s Seed) order(key []byte) uint64 {
	var hash uint64
	if s == (Seed{}) {
		hash = xxhash.Sum64(key)
	} else {
		hash = siphash(s[0], s[1], key, 1, 3)
	}
	return firstOrder(wire.Slot(key)) | hash>>(64-slotShift)
}

// firstOrder is the least order of a slot's keys.
func firstOrder(slot uint16) uint64 { return uint64(slot) << slotShift }

// lastOrder is the greatest order of a slot's keys.
func lastOrder(slot uint16) uint64 { return firstOrder(slot) | (1<<slotShift - 1) }

// owns reports whether keys of this order belong to this shard. One that does not was
// misrouted: to take it would be to hold it in two shards.
func (s *Store) owns(order uint64) bool { return s.first <= order && order <= s.last }
