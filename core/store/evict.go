package store

import (
	"torc/core/slab"
	"torc/core/wire"
)

// Eviction. Whom to give up is decided by the leader (core/evict), who asks here for keys to choose
// from; here victims are only removed, when the log says so.

// Held is a key as it is stored, as far as its choice as a victim is concerned.
type Held struct {
	Hash     uint64 // its place in the order, which names it in a Victim
	Version  uint64
	Size     int64
	ExpireAt int64 // Unix milliseconds; 0: never
}

// candidate is an entry, as a Held. Its order is not known yet.
func (s *Store) candidate(e *entry) Held {
	return Held{Hash: s.HashOf(e.key), Version: e.version, Size: e.size(), ExpireAt: e.expireAt}
}

// HashOf is the hash that names a key in victims and uses, in a store with this seed.
func (s Seed) HashOf(key []byte) uint64 { return s.order(key) }

// HashOf is the hash that names a key in victims and uses.
func (s *Store) HashOf(key []byte) uint64 { return s.cfg.Seed.order(key) }

// evict removes the victims whose versions still stand.
func (s *Store) evict(victims []wire.Victim) {
	for _, v := range victims {
		if e := s.byHash(v.Hash, v.Version); e != nil {
			s.remove(e)
			s.evicted++
		}
	}
}

// Evicted returns how many keys this copy has removed as victims. It is no part of the replicated state.
func (s *Store) Evicted() uint64 { return s.evicted }

// byHash returns the key of a hash and a version (0: any), until the next lookup or change; nil if there is none.
func (s *Store) byHash(hash, version uint64) *entry {
	if !s.owns(hash) || !s.keys.findHash(hash, version, &s.found) {
		return nil
	}
	return &s.found
}

// FindHash returns the key of a hash.
func (s *Store) FindHash(hash uint64) (Held, bool) {
	e := s.byHash(hash, 0)
	if e == nil {
		return Held{}, false
	}
	return s.candidate(e), true
}

// Sample calls visit with about n keys that chance chooses by at, any number; of those that expire, when volatile.
func (s *Store) Sample(at uint64, n int, volatile bool, visit func(Held)) {
	show := func(r slab.Ref) {
		var e entry
		e.read(r, s.keys.cells.Bytes(r))
		visit(s.candidate(&e))
	}
	if volatile {
		s.keys.due.sample(at, n, show)
	} else {
		s.keys.sample(at, n, show)
	}
}

// Soonest calls visit with the n keys that expire soonest, in order.
func (s *Store) Soonest(n int, visit func(Held)) {
	s.keys.due.soonest(n, func(r slab.Ref) {
		e := s.keys.get(r)
		visit(s.candidate(&e))
	})
}

// Growth is about how much larger the commands of a request make the state.
func (s *Store) Growth(r *wire.Request) (sum int64) {
	if r.Session.Client != 0 {
		sum += outcomeOverhead
	}
	for i := range r.Commands {
		sum += s.growth(&r.Commands[i])
	}
	return sum
}

func (s *Store) growth(c *wire.Command) int64 {
	var size int64
	switch c.Op {
	case wire.OpFill:
		if c.Flags&wire.FlagAbsent != 0 {
			return 0 // it ends a lease, and brings no value
		}
		size = int64(len(c.Value))
	case wire.OpSet, wire.OpAppend:
		size = int64(len(c.Value))
	case wire.OpSetRange:
		size = max(0, min(c.Start, int64(s.cfg.MaxValue))) + int64(len(c.Value))
	case wire.OpIncr, wire.OpIncrFloat:
		size = 24
	default:
		return 0
	}
	e := s.find(c.Key, s.cfg.Seed.order(c.Key))
	switch {
	case e == nil:
		return size + int64(len(c.Key)) + entryOverhead
	case c.Op == wire.OpAppend:
		return size
	}
	return max(0, size-int64(len(e.value)))
}
