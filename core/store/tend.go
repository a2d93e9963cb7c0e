package store

import (
	"math"
	"slices"

	"torc/core/slab"
)

// Memory is tended in small steps: what Apply's commands may have made sparse it compacts, in proportion to
// their number; and a lane that has nothing to apply calls Tend in its ticks. None of that is seen from outside.
const (
	tendApply   = 4 << 10 // bytes that an entry of the log moves at most,
	tendCommand = 1 << 10 // and those that it moves for each of its commands
	sweepMax    = 64

	// Flushed keyspaces go faster than new ones can come: a command takes a page at most, or flushes.
	releaseMin  = 4 << 20
	releasePart = 32      // as much more, for each byte that may be moved
	releaseNone = 8 << 10 // what an empty keyspace counts for
)

// tending is what an entry may move that has so many commands and has removed so many expired keys: it does one or the other (to
// remove a key is as much work as two commands), and what is sparse can wait for a tick.
func tending(commands, expired int) int {
	if expired > 0 {
		return tendCommand * max(1, commands-2*expired)
	}
	return tendApply + tendCommand*commands
}

// Tend gives back memory that is not needed, in about as much time as it takes to copy so many bytes.
// It changes nothing that can be seen, and may be called at any time.
func (s *Store) Tend(bytes int) {
	for i, budget := 0, releaseMin+releasePart*bytes; budget > 0 && i < len(s.dying); {
		k := s.dying[i]
		if len(k.snapshots) > 0 {
			i++
			continue
		}
		spent, done := k.release(budget)
		if budget -= spent + releaseNone; done {
			s.dying = slices.Delete(s.dying, i, i+1)
		}
	}
	if s.keys.retired.Len() > 0 {
		s.keys.sweep(sweepMax + bytes/tendCommand)
	}
	if s.keys.cells.Sparse() {
		s.keys.cells.Compact(bytes, s.keys.moved)
	}
}

// Tended reports whether Tend has nothing to do.
func (s *Store) Tended() bool {
	return len(s.dying) == 0 && s.keys.retired.Len() == 0 && !s.keys.cells.Sparse()
}

// Memory is what the store holds of its pages.
type Memory struct {
	slab.Stats
	Data int64 // bytes of keys and values that can be read
}

// Add adds another store's.
func (m *Memory) Add(o Memory) {
	m.Stats.Add(o.Stats)
	m.Data += o.Data
}

// Memory returns what keys and values take, as this replica holds them. It is no part of the replicated state.
func (s *Store) Memory() Memory {
	m := Memory{Stats: s.keys.cells.Stats(), Data: s.keyBytes - int64(s.keys.count)*entryOverhead}
	for _, k := range s.dying {
		m.Stats.Add(k.cells.Stats())
	}
	return m
}

// Discard forgets everything. The memory goes back by and by (Tend, until Tended), for gigabytes at once would hold up
// whoever shares the thread; the store is of no other use.
func (s *Store) Discard() { s.clearKeys() }

// Close gives back all memory at once. Snapshots that run may go on; the store is of no other use.
func (s *Store) Close() {
	for _, k := range append(s.dying, s.keys) {
		if k.closed = true; len(k.snapshots) == 0 {
			k.release(math.MaxInt)
		}
	}
	s.dying = nil
}
