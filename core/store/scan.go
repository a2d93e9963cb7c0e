package store

import (
	"bytes"

	"torc/core/wire"
)

const (
	scanCount = 10   // Redis's default COUNT
	scanMax   = 4096 // keys that one command examines at most (and those of the last one's order)
)

// scan does SCAN cursor COUNT count MATCH pattern (empty: all). The cursor is the order from
// which to go on. Keys of equal order come together, so a key that is there during a whole
// iteration is returned at least once (in fact exactly once) however many writes come between.
//
// See https://redis.io/docs/latest/commands/scan/
func (v *view) scan(cursor uint64, count int64, pattern []byte) wire.Result {
	if count <= 0 {
		count = scanCount
	}
	reply := wire.Result{Kind: wire.KindList}
	left := min(count, scanMax)
	previous := cursor
	v.keys.ascend(max(cursor, v.first), v.last, func(e *entry) bool {
		if left <= 0 && e.order != previous {
			reply.Int = int64(e.order)
			return false
		}
		left--
		previous = e.order
		if v.sees(e) && (len(pattern) == 0 || match(pattern, e.key)) {
			reply.List = append(reply.List, bytes.Clone(e.key))
		}
		return !v.needsTick
	})
	return reply
}

// slotKeys does CLUSTER GETKEYSINSLOT slot count.
func (v *view) slotKeys(slot, count int64) wire.Result {
	reply := wire.Result{Kind: wire.KindList}
	if slot < 0 || slot >= wire.SlotCount {
		return reply
	}
	left := min(count, scanMax)
	v.keys.ascend(max(firstOrder(uint16(slot)), v.first), min(lastOrder(uint16(slot)), v.last), func(e *entry) bool {
		if left <= 0 {
			return false
		}
		left--
		if v.sees(e) {
			reply.List = append(reply.List, bytes.Clone(e.key))
		}
		return !v.needsTick
	})
	return reply
}

// countInSlot does CLUSTER COUNTKEYSINSLOT slot.
func (s *Store) countInSlot(number int64) int64 {
	if number < 0 || number >= wire.SlotCount || !s.owns(firstOrder(uint16(number))) {
		return 0
	}
	return int64(s.keys.slot(firstOrder(uint16(number))).count)
}
