package store

import (
	"bytes"
	"math"

	"torc/core/mutant"
	"torc/core/wire"
)

// Leases let many clients that miss the same key load it once, without ever putting an old value
// over a new one ("Scaling Memcache at Facebook", NSDI 2013, section 3.2.1).
//
//	OpLease   the first who misses gets a lease: a number that names the moment. The others hear
//	          that somebody is loading.
//	OpFill    the value is taken only if the lease is still there.
//	revoke    whatever is done to the key meanwhile ends the lease: a write, and a delete too, though
//	          nothing was there to be deleted. For this is the race that leases are against:
//
//	          1. A misses, and reads the old value from the database.
//	          2. B changes the database, and deletes the key from the cache.
//	          3. A fills the cache with what it has read: old, and there to stay.
//
// A lease ends by itself at a log time, so a client that dies holds nobody up for long. A fill with
// FlagAbsent leaves in the lease's place the knowledge that there is no such key, until a log time.
//
// The table is part of the replicated state: what a fill is compared with moves with the shard, to the
// next leader and through snapshots. It is bounded. Past the bounds the one that would end first goes: its
// fill is then refused, and whoever loaded the value has it all the same. So to lose a lease costs a load, never the truth.

// leaseMax is the longest that a lease or the knowledge of an absence lasts, in milliseconds.
const leaseMax = 24 * 60 * 60 * 1000

// leasesExpireMax is how many leases that are over an entry removes at most. The others are treated as
// gone all the same.
const leasesExpireMax = 16

// lease is immutable.
type lease struct {
	order uint64
	key   []byte
	token uint64 // the version that it was granted under; 0: the key is known to be absent
	until int64  // log time, Unix milliseconds
	hash  uint64
}

func lessLease(a, b *lease) bool {
	if a.order != b.order {
		return a.order < b.order
	}
	return bytes.Compare(a.key, b.key) < 0
}

func lessEnding(a, b *lease) bool {
	if a.until != b.until {
		return a.until < b.until
	}
	return lessLease(a, b)
}

// lease grants the right to fill a place, or says why there is nothing to load.
func (s *Store) lease(p *place, c *wire.Command) wire.Result {
	if p.old != nil && p.old.version != c.Version {
		return text(p.old.value) // somebody was faster
	}
	if l := s.leaseOf(p.key, p.order, s.time); l != nil {
		return l.standing(s.time)
	}
	s.remembers(p, s.nextVersion(), c.TTL)
	return integer(int64(s.version))
}

// standing says how it stands with a key that is leased, or known to be absent.
func (l *lease) standing(now int64) wire.Result {
	if l.token == 0 {
		return wire.Result{Kind: wire.KindNil, Int: l.until - now}
	}
	return integer(now - l.until)
}

// fill does what a lease was for.
func (s *Store) fill(p *place, c *wire.Command) wire.Result {
	l := s.leaseOf(p.key, p.order, s.time)
	holds := l != nil && l.token != 0 && l.token == c.Version
	if !holds && !mutant.On(mutant.FillRace) {
		return wire.Result{Kind: wire.KindNil}
	}
	if c.Flags&wire.FlagAbsent == 0 {
		return s.set(p, c)
	}
	if s.revoke(p); c.TTL > 0 {
		if p.old != nil {
			s.drop(p)
		}
		s.remembers(p, 0, c.TTL)
	}
	return wire.Result{Kind: wire.KindOK}
}

// toLoad is what a reader hears who could load the key; see wire.FlagLoad.
func (v *view) toLoad(key []byte, e *entry) int64 {
	l := v.leaseOf(key, v.cfg.Seed.order(key), v.now)
	switch {
	case e != nil && l != nil:
		return -1
	case e != nil:
		return timeToLive(e, v.now)
	case l != nil:
		return l.standing(v.now).Int
	}
	return 0
}

// leaseOf returns what is remembered of a key that is not over by a time, or nil.
func (s *Store) leaseOf(key []byte, order uint64, now int64) *lease {
	if s.leases.Len() == 0 {
		return nil
	}
	l, _ := s.leases.Get(&lease{order: order, key: key})
	if l == nil || l.until <= now {
		return nil
	}
	return l
}

// remembers puts a lease (or with token 0 an absence) in place of what was remembered of a key.
func (s *Store) remembers(p *place, token uint64, ttl int64) {
	s.revoke(p)
	ttl = min(max(ttl, 1), leaseMax)
	if s.time > math.MaxInt64-ttl {
		ttl = math.MaxInt64 - s.time
	}
	l := &lease{order: p.order, key: bytes.Clone(p.key), token: token, until: s.time + ttl}
	l.hash = l.digest()
	for s.leases.Len() > 0 && (s.leases.Len() >= s.cfg.LeasesMax || s.leaseBytes+l.size() > s.cfg.LeaseBytes) {
		first, _ := s.ending.Min()
		s.removeLease(first)
	}
	s.addLease(l)
}

// revoke forgets what is remembered of a place: something has been done to it.
func (s *Store) revoke(p *place) {
	if s.leases.Len() == 0 {
		return
	}
	if l, _ := s.leases.Get(&lease{order: p.order, key: p.key}); l != nil {
		s.removeLease(l)
	}
}

// expireLeases forgets the first leases that are over by log time.
func (s *Store) expireLeases() {
	for range leasesExpireMax {
		first, ok := s.ending.Min()
		if !ok || first.until > s.time {
			return
		}
		s.removeLease(first)
	}
}

func (s *Store) addLease(l *lease) {
	s.leases.Set(l)
	s.ending.Set(l)
	s.sums.leases += l.hash
	s.leaseBytes += l.size()
}

func (s *Store) removeLease(l *lease) {
	s.leases.Delete(l)
	s.ending.Delete(l)
	s.sums.leases -= l.hash
	s.leaseBytes -= l.size()
}

func (l *lease) size() int64 { return int64(len(l.key)) + leaseOverhead }
