package store

import (
	"math"

	"torc/core/slab"
	"torc/core/wire"
)

// How many expired keys an entry removes at most, so that keys which expire together do not hold up the log: as many as its commands
// may bring that expire, so that they go at least as fast as they come; but half as many as there are commands, expireLeast, or expireIdle when
// there are none and nobody waits. The others are absent as well: every lookup compares.
const (
	expireLeast = 16
	expireIdle  = 64
)

// expireMost is that number.
func expireMost(commands []*wire.Command) int {
	if len(commands) == 0 {
		return expireIdle
	}
	brings := 0
	for _, c := range commands {
		if c.TTLKind != wire.TTLNone {
			brings++
		}
	}
	return max(expireLeast, len(commands)/2, brings)
}

// expiredBy reports whether the key is absent at a time.
func (e *entry) expiredBy(time int64) bool { return e.expireAt != 0 && e.expireAt <= time }

// expireKeys removes the first keys that have expired by log time, at most so many, and returns how many those were.
func (s *Store) expireKeys(most int) (removed int) {
	var refs [aheadMax]slab.Ref
	var gone [aheadMax]entry
	var orders [aheadMax]uint64
	for removed < most {
		n := s.keys.due.take(s.time, refs[:min(aheadMax, most-removed)])
		if n == 0 {
			return removed
		}
		for i, r := range refs[:n] { // no cell moves meanwhile
			gone[i] = s.keys.get(r)
			orders[i] = gone[i].order
		}
		s.peek(orders[:n])
		for i := range gone[:n] {
			s.forget(&gone[i])
			s.keys.dropped(&gone[i])
		}
		removed += n
		s.expired += uint64(n)
	}
	return removed
}

// Expired returns how many keys this copy has removed because they had expired. It is no part of the replicated state.
func (s *Store) Expired() uint64 { return s.expired }

// NextExpiry returns the earliest expiry of all keys stored, in Unix milliseconds. It may have
// passed: then an entry (OpTick) would free memory.
func (s *Store) NextExpiry() (at int64, ok bool) {
	_, at, ok = s.keys.due.first()
	return at, ok
}

// expireAt is the expiry of what is at a place; 0 = never, or nothing there.
func (p *place) expireAt() int64 {
	if p.old == nil {
		return 0
	}
	return p.old.expireAt
}

// expiryOf is the expiry that a SET or GETEX asks for: 0 = never. As in Redis a time to live
// or a Unix time must be positive; a Unix time may have passed.
func (s *Store) expiryOf(c *wire.Command, old *entry) (at int64, ok bool) {
	switch c.TTLKind {
	case wire.TTLKeep:
		if old != nil {
			return old.expireAt, true
		}
		return 0, true
	case wire.TTLRelative, wire.TTLAbsolute:
		at, ok = s.deadlineOf(c)
		return at, ok && c.TTL > 0
	}
	return 0, true
}

// deadlineOf is the Unix time in milliseconds that a command's TTL means. It is not ok when
// there is none, or when it is beyond what 64 bits hold.
func (s *Store) deadlineOf(c *wire.Command) (at int64, ok bool) {
	switch c.TTLKind {
	case wire.TTLAbsolute:
		return c.TTL, true
	case wire.TTLRelative:
		return s.time + c.TTL, c.TTL <= math.MaxInt64-s.time
	}
	return 0, false
}

// expire does EXPIRE key ttl [NX | XX] [GT | LT]. A key without expiry counts as one that
// expires infinitely late. A time that has passed deletes the key, and that is a 1 too.
//
// See https://redis.io/docs/latest/commands/expire/
func (s *Store) expire(p *place, c *wire.Command) wire.Result {
	at, ok := s.deadlineOf(c)
	switch {
	case !ok:
		return failure(wire.CodeInvalidExpire)
	case p.old == nil || !allowed(c.Flags, p.old.expireAt, at):
		return boolean(false)
	case at <= s.time:
		s.drop(p)
	default:
		s.put(p, p.old.value, nil, at)
	}
	return boolean(true)
}

// allowed reports whether EXPIRE's flags let an expiry (0 = none) be replaced.
func allowed(flags wire.Flags, old, at int64) bool {
	return !(flags&wire.FlagNX != 0 && old != 0 ||
		flags&wire.FlagXX != 0 && old == 0 ||
		flags&wire.FlagGT != 0 && (old == 0 || at <= old) ||
		flags&wire.FlagLT != 0 && old != 0 && at >= old)
}

// persist does PERSIST key.
func (s *Store) persist(p *place) wire.Result {
	if p.expireAt() == 0 {
		return boolean(false)
	}
	s.put(p, p.old.value, nil, 0)
	return boolean(true)
}

// getExpire does GETEX key [EX .. | PERSIST]. Without an option (TTLKeep or TTLNone) it only reads.
//
// See https://redis.io/docs/latest/commands/getex/
func (s *Store) getExpire(p *place, c *wire.Command) wire.Result {
	reply := held(p.old)
	if p.old == nil || c.TTLKind == wire.TTLKeep || c.TTLKind == wire.TTLNone {
		return reply
	}
	at, ok := s.expiryOf(c, p.old)
	switch {
	case !ok:
		return failure(wire.CodeInvalidExpire)
	case at == 0 && p.old.expireAt == 0: // PERSIST of what does not expire changes nothing
	case at != 0 && at <= s.time:
		s.drop(p)
	default:
		s.put(p, p.old.value, nil, at)
	}
	return reply
}

// timeToLive is what PTTL answers: milliseconds left, -1 without expiry, -2 absent. Who is
// there has at least a millisecond left.
func timeToLive(e *entry, now int64) int64 {
	switch {
	case e == nil:
		return -2
	case e.expireAt == 0:
		return -1
	}
	return max(1, e.expireAt-now)
}

// expireTime is what PEXPIRETIME answers.
func expireTime(e *entry) int64 {
	switch {
	case e == nil:
		return -2
	case e.expireAt == 0:
		return -1
	}
	return e.expireAt
}
