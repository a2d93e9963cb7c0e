package store

import (
	"sort"

	"torc/core/wire"
)

const (
	scanCount = 10   // Redis's default COUNT
	scanMax   = 4096 // keys that one command examines at most (and those of the last one's order)
)

// floorKey is below every key of its order.
var floorKey = new(entry)

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
	v.keys.Ascend(item{cursor, floorKey}, func(i item) bool {
		if left <= 0 && i.order != previous {
			reply.Int = int64(i.order)
			return false
		}
		left--
		previous = i.order
		if v.sees(i.entry) && (len(pattern) == 0 || match(pattern, i.key)) {
			reply.List = append(reply.List, i.key)
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
	last := lastOrder(uint16(slot))
	v.keys.Ascend(item{firstOrder(uint16(slot)), floorKey}, func(i item) bool {
		if left <= 0 || i.order > last {
			return false
		}
		left--
		if v.sees(i.entry) {
			reply.List = append(reply.List, i.key)
		}
		return !v.needsTick
	})
	return reply
}

// countInSlot does CLUSTER COUNTKEYSINSLOT slot, in the square of log(keys).
func (s *Store) countInSlot(slot int64) int64 {
	if slot < 0 || slot >= wire.SlotCount {
		return 0
	}
	last := lastOrder(uint16(slot))
	if last == ^uint64(0) {
		return int64(s.keys.Len() - s.rank(firstOrder(uint16(slot))))
	}
	return int64(s.rank(last+1) - s.rank(firstOrder(uint16(slot))))
}

// rank is how many keys are below an order.
func (s *Store) rank(order uint64) int {
	return sort.Search(s.keys.Len(), func(n int) bool {
		i, _ := s.keys.GetAt(n)
		return i.order >= order
	})
}
