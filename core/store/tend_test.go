package store

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"torc/core/slab"
	"torc/core/wire"
)

// counted is a source that knows how much is out.
type counted struct {
	slab.Plain
	out, most int
}

func (c *counted) Alloc(n int) []byte {
	c.out += n
	c.most = max(c.most, c.out)
	return c.Plain.Alloc(n)
}

func (c *counted) Free(b []byte) { c.out -= len(b) }

func setOf(n, length int) wire.Command {
	return wire.Command{Op: wire.OpSet, Key: fmt.Appendf(nil, "key %d", n), Value: make([]byte, length)}
}

func batchOf(cmds ...wire.Command) *wire.Batch {
	return &wire.Batch{Time: 1, Requests: []wire.Request{{Commands: cmds}}}
}

// TestRefilledAfterAFlush: what comes after a flush does not take new memory while the old is still held.
func TestRefilledAfterAFlush(t *testing.T) {
	const length, batches = 40_000, 20
	pages := new(counted)
	s := New(Config{Pages: pages})
	fill := func() {
		for b := range batches {
			var cmds []wire.Command
			for n := range 100 {
				cmds = append(cmds, setOf(100*b+n, length))
			}
			s.Apply(batchOf(cmds...))
		}
	}
	fill()
	full := pages.out
	s.Apply(batchOf(wire.Command{Op: wire.OpFlush}))
	fill()
	require.Less(t, pages.most, full+full/5)
	s.Close()
	require.Zero(t, pages.out)
}

// TestManyFlushesInABatch: many keyspaces end in one entry of the log, with each one's first page.
func TestManyFlushesInABatch(t *testing.T) {
	pages := new(counted)
	s := New(Config{Pages: pages})
	var cmds []wire.Command
	for n := range 1000 {
		cmds = append(cmds, setOf(n, 10), wire.Command{Op: wire.OpFlush})
	}
	for range 5 {
		s.Apply(batchOf(cmds...))
		require.Zero(t, len(s.dying))
	}
	require.Zero(t, pages.out)
}

// TestAnAbandonedSnapshot: what was kept for a snapshot that nobody wants any more goes with the next
// entries of the log, or in a few ticks.
func TestAnAbandonedSnapshot(t *testing.T) {
	s := New(Config{})
	rewrite := func() {
		for b := range 40 {
			var cmds []wire.Command
			for n := range 100 {
				cmds = append(cmds, setOf(100*b+n, 10))
			}
			s.Apply(batchOf(cmds...))
		}
	}
	rewrite()
	for range 2 {
		sn := s.Snapshot()
		rewrite()
		require.Equal(t, 4000, s.keys.retired.Len())
		sn.Close()
		rewrite()
		require.Zero(t, s.keys.retired.Len())
	}
	sn := s.Snapshot()
	rewrite()
	sn.Close()
	ticks := 0
	for ; !s.Tended(); ticks++ {
		s.Tend(512 << 10)
	}
	require.Less(t, ticks, 12)
	require.NoError(t, s.verify())
}

// TestDiscard: the memory goes back in parts, and what a snapshot needs goes after it.
func TestDiscard(t *testing.T) {
	pages := new(counted)
	s := New(Config{Pages: pages})
	for b := range 30 {
		var cmds []wire.Command
		for n := range 100 {
			cmds = append(cmds, setOf(100*b+n, 20_000))
		}
		s.Apply(batchOf(cmds...))
	}
	first, other := s.Snapshot(), s.Snapshot()
	_, done := first.Next(1000)
	require.False(t, done)
	s.Discard()
	full := pages.out
	for range 10 {
		s.Tend(0)
	}
	require.Equal(t, full, pages.out)
	require.False(t, s.Tended())
	_, done = first.Next(1000)
	require.False(t, done)
	first.Close()
	other.Close()
	for pages.out > 0 {
		before := pages.out
		s.Tend(0)
		require.Less(t, pages.out, before)
		require.GreaterOrEqual(t, pages.out, before-releaseMin-1<<20)
	}
	require.True(t, s.Tended())
}
