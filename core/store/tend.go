package store

import "torc/core/slab"

// Memory is tended in small steps: what Apply's commands may have made sparse it compacts, in proportion to
// their number; and a lane that has nothing to apply calls Tend in its ticks. None of that is seen from outside.
const (
	tendApply   = 4 << 10 // bytes that an entry of the log moves at most,
	tendCommand = 1 << 10 // and those that it moves for each of its commands
	sweepMax    = 64
	releaseMax  = 16 // pages of a flushed keyspace
)

// Tend gives back memory that is not needed, in about as much time as it takes to copy so many bytes.
// It changes nothing that can be seen, and may be called at any time.
func (s *Store) Tend(bytes int) {
	if len(s.dying) > 0 && s.dying[0].release(releaseMax) {
		s.dying = s.dying[1:]
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

// Close gives back all memory. Snapshots that run may go on; the store is of no other use.
func (s *Store) Close() {
	s.retire(s.keys)
	for _, k := range s.dying {
		for !k.release(1 << 10) {
		}
	}
	s.dying = nil
}

// retire gives up a keyspace, at once or when its last snapshot has ended.
func (s *Store) retire(k *keyspace) {
	if k.closed = true; len(k.snapshots) == 0 {
		s.dying = append(s.dying, k)
	}
}
