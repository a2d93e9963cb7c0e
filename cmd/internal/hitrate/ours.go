package hitrate

import (
	"slices"

	"torc/core/evict"
)

// ours is a cache under one of Torc's policies: the policy itself, and a store that is a plain table.
type ours struct {
	policy *evict.Policy
	room   int64
	keys   []uint32 // residents, in no order
	of     map[uint32]*resident
}

type resident struct {
	at   int // in keys
	size int64
}

func newOurs(kind evict.Kind) func(capacity int64) cache {
	return func(capacity int64) cache {
		return &ours{policy: evict.New(kind, 7, evict.NewLearner()), room: capacity, of: map[uint32]*resident{}}
	}
}

// spread is odd, so that multiplying by it loses nothing; gather undoes it.
const (
	spread = 0x9e3779b97f4a7c15
	gather = 0xf1de83e19937733d
)

func (c *ours) access(key uint32, size int64) bool {
	r := c.of[key]
	hit := r != nil
	if hit {
		c.room += r.size - size
		r.size = size
	} else {
		for c.room < size && c.evict() {
		}
		c.of[key] = &resident{len(c.keys), size}
		c.keys = append(c.keys, key)
		c.room -= size
	}
	c.policy.Use(uint64(key)*spread, len(c.keys))
	for c.room < 0 && c.evict() {
	}
	return hit
}

func (c *ours) evict() bool {
	victim, found := c.policy.Pick(c, func(uint64) bool { return false })
	if !found {
		return false
	}
	key := uint32(victim.Hash * gather)
	last := c.keys[len(c.keys)-1]
	at := c.of[key].at
	c.keys[at], c.of[last].at = last, at
	c.keys = c.keys[:len(c.keys)-1]
	delete(c.of, key)
	c.room += victim.Size
	return true
}

// Len is part of evict.Source.
func (c *ours) Len() int { return len(c.keys) }

// Sample is part of evict.Source: neighbours in a table whose order means nothing.
func (c *ours) Sample(at uint64, n int, _ bool, into []evict.Candidate) []evict.Candidate {
	for i := range min(n, len(c.keys)) {
		key := c.keys[(at%uint64(len(c.keys))+uint64(i))%uint64(len(c.keys))]
		into = append(into, c.candidate(key, c.of[key]))
	}
	return into
}

// Soonest is part of evict.Source: nothing expires in a trace.
func (c *ours) Soonest(_ int, into []evict.Candidate) []evict.Candidate { return into }

// Find is part of evict.Source.
func (c *ours) Find(hash uint64) (evict.Candidate, bool) {
	key := uint32(hash * gather)
	r := c.of[key]
	if r == nil {
		return evict.Candidate{}, false
	}
	return c.candidate(key, r), true
}

func (c *ours) candidate(key uint32, r *resident) evict.Candidate {
	return evict.Candidate{Hash: uint64(key) * spread, Size: r.size}
}

// contender is a column of the table.
type contender struct {
	name  string
	sized bool // can count bytes
	make  func(capacity int64) cache
}

// contenders are Torc's policies that a trace without expiries can try, then the others.
func contenders() []contender {
	var all []contender
	for _, kind := range []evict.Kind{evict.Adaptive, evict.AllKeysLRU, evict.AllKeysLFU, evict.AllKeysRandom} {
		all = append(all, contender{short[kind], true, newOurs(kind)})
	}
	return append(all,
		contender{"LRU", true, newLRU}, contender{"RedisLRU", true, newRedisLRU}, contender{"RedisLFU", true, newRedisLFU},
		contender{"SIEVE", false, newSieve}, contender{"S3-FIFO", false, newS3FIFO},
		contender{"W-TinyLFU", false, newTinyLFU}, contender{"LIRS", false, newLIRS})
}

var short = map[evict.Kind]string{evict.Adaptive: "adaptive", evict.AllKeysLRU: "ak-lru", evict.AllKeysLFU: "ak-lfu", evict.AllKeysRandom: "ak-random"}

// Names are the columns, in order.
func Names(bytes bool) (names []string) {
	for _, c := range contenders() {
		if c.sized || !bytes {
			names = append(names, c.name)
		}
	}
	return names
}

func find(name string) *contender {
	all := contenders()
	if i := slices.IndexFunc(all, func(c contender) bool { return c.name == name }); i >= 0 {
		return &all[i]
	}
	return nil
}
