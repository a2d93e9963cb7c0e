package store

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// TestScanElsewhere: a cursor or a slot of another shard finds nothing there, whoever made it up.
func TestScanElsewhere(t *testing.T) {
	s := New(Config{Shard: 2, Shards: 64})
	first, last := wire.SlotRange(2, 64)
	for n := 0; s.Len() < 20; n++ {
		key := fmt.Appendf(nil, "key %d", n)
		if slot := wire.Slot(key); slot >= first && slot <= last {
			s.Apply(&wire.Batch{Time: 1, Requests: []wire.Request{{Commands: []wire.Command{{Op: wire.OpSet, Key: key, Value: key}}}}})
		}
	}
	for _, slot := range []uint16{0, first - 1, last + 1, wire.SlotCount - 1} {
		cursor := int64(uint64(slot) << slotShift)
		results, _ := s.Read([]wire.Command{
			{Op: wire.OpSlotKeys, Start: int64(slot), End: 100},
			{Op: wire.OpCountInSlot, Start: int64(slot)},
			{Op: wire.OpScan, Start: cursor, End: 100},
		}, 1)
		require.Empty(t, results[0].List)
		require.Zero(t, results[1].Int)
		if slot > last {
			require.Empty(t, results[2].List)
		}
		require.Zero(t, results[2].Int)
	}
	results, _ := s.Read([]wire.Command{{Op: wire.OpScan, Start: -1, End: 100}}, 1)
	require.Empty(t, results[0].List)
}
