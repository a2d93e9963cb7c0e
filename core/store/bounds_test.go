package store

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// TestWhatIsKeptForSnapshotsIsCounted: what was replaced or flushed while they run, for as long as one of them wants it. Those that began
// later never do.
func TestWhatIsKeptForSnapshotsIsCounted(t *testing.T) {
	const keys = 200
	cfg := testConfig
	cfg.MaxValue = 1000
	s := New(cfg)
	fill := func() {
		for i := range keys {
			s.Apply(&wire.Batch{Requests: []wire.Request{request(wire.Command{Op: wire.OpSet, Key: keyOf(i), Value: make([]byte, 500)})}})
		}
	}
	fill()
	tend := func() {
		for range 3 { // it goes on where it has stopped
			s.Tend(1 << 20)
		}
	}
	held := s.keys.cells.Stats().Used
	require.Zero(t, s.Kept())
	first := s.Snapshot()
	require.Zero(t, s.Kept(), "nothing was replaced")
	fill()
	require.Greater(t, s.Kept(), int64(keys*500))
	require.Less(t, s.Kept(), held)
	second := s.Snapshot()
	first.Close()
	tend()
	require.Zero(t, s.Kept(), "the second one has the newer values")
	fill()
	for done := false; !done; {
		_, done = second.Next(1 << 10)
	}
	tend()
	require.Zero(t, s.Kept(), "it has passed them")
	second.Close()

	third := s.Snapshot()
	s.Apply(&wire.Batch{Requests: []wire.Request{request(wire.Command{Op: wire.OpFlush})}})
	require.Greater(t, s.Kept(), int64(keys*500), "all that was flushed")
	third.Close()
	require.Zero(t, s.Kept(), "it may go")
	s.Close()
}

// TestNoCommandLooksAtMoreKeysThanSome, however many it asks for.
func TestNoCommandLooksAtMoreKeysThanSome(t *testing.T) {
	s := New(testConfig)
	b := &wire.Batch{}
	for i := range scanMax + 100 {
		b.Requests = append(b.Requests, request(wire.Command{Op: wire.OpSet, Key: fmt.Appendf(nil, "{a}%d", i)}))
	}
	s.Apply(b)
	for _, c := range []wire.Command{
		{Op: wire.OpScan, End: math.MaxInt64},
		{Op: wire.OpSlotKeys, Start: int64(wire.Slot([]byte("a"))), End: math.MaxInt64},
	} {
		r, _ := s.Read([]wire.Command{c}, 0)
		require.Len(t, r[0].List, scanMax)
	}
}

// TestSlotsThatAreNotHere have no keys: clients make numbers up.
func TestSlotsThatAreNotHere(t *testing.T) {
	cfg := testConfig
	cfg.Shards = 2
	s := New(cfg)
	none := 0
	for wire.Slot(keyOf(none)) != 0 {
		none++
	}
	s.Apply(&wire.Batch{Requests: []wire.Request{request(wire.Command{Op: wire.OpSet, Key: keyOf(none)})}})
	require.Equal(t, 1, s.Len(), "slot 0 is here, which greater numbers might be taken for")
	elsewhere := int64(0)
	for s.owns(firstOrder(uint16(elsewhere))) {
		elsewhere += wire.SlotCount / 2
	}
	for _, slot := range []int64{-1, math.MinInt64, elsewhere, wire.SlotCount, wire.SlotCount + elsewhere, math.MaxInt64} {
		r, _ := s.Read([]wire.Command{{Op: wire.OpCountInSlot, Start: slot}, {Op: wire.OpSlotKeys, Start: slot, End: 10}}, 0)
		require.Zero(t, r[0].Int, "slot %d", slot)
		require.Empty(t, r[1].List, "slot %d", slot)
	}
}

// TestNothingLargeIsLeftOfABatch: what was made for one is given back, if it was much.
func TestNothingLargeIsLeftOfABatch(t *testing.T) {
	cfg := testConfig
	cfg.MaxValue = 1 << 20
	s := New(cfg)
	large := wire.Command{Op: wire.OpSet, Key: []byte("k"), Value: make([]byte, 1<<19)}
	all := make([]wire.Command, 1<<16+1)
	for i := range all {
		all[i] = wire.Command{Op: wire.OpExists, Key: []byte("k")}
	}
	b := &wire.Batch{Requests: []wire.Request{request(large), request(all...),
		{Session: wire.Session{Client: 1, Seq: 1, Floor: 1}, Commands: []wire.Command{{Op: wire.OpGet, Key: large.Key}}}}}
	for _, apply := range []func(){func() { s.Apply(b) }, func() { s.Follow(b) }} {
		apply()
		require.LessOrEqual(t, cap(s.scratch), 1<<16)
		require.LessOrEqual(t, cap(s.unread), unreadKept)
		require.LessOrEqual(t, cap(s.ahead.commands), 1<<16)
	}
	small := request(wire.Command{Op: wire.OpGet, Key: large.Key})
	s.Follow(&wire.Batch{Requests: []wire.Request{small}})
	for _, r := range s.unread[:cap(s.unread)] {
		require.Nil(t, r.Value)
	}
	for _, c := range s.ahead.commands[:cap(s.ahead.commands)] {
		require.Nil(t, c)
	}
}

// TestRepeatsAreCounted: by each copy for itself.
func TestRepeatsAreCounted(t *testing.T) {
	s := New(testConfig)
	write := wire.Request{Session: wire.Session{Client: 1, Seq: 1, Floor: 1}, Commands: []wire.Command{{Op: wire.OpIncr, Key: []byte("n"), Delta: 1}}}
	for times := range uint64(3) {
		s.Apply(&wire.Batch{Requests: []wire.Request{write}})
		require.Equal(t, times, s.Repeats())
	}
	restored, err := copyOf(testConfig, s, 100)
	require.NoError(t, err)
	require.Zero(t, restored.Repeats())
}

// TestPromisesLastNoNegativeTime.
func TestPromisesLastNoNegativeTime(t *testing.T) {
	s := New(testConfig)
	s.Apply(&wire.Batch{Requests: []wire.Request{request(wire.Command{Op: wire.OpCaching, Delta: -5})}})
	require.Zero(t, s.Caching())
}
