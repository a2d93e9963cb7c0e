package hitrate

import "math/rand/v2"

// redis is Redis 7's approximation: five residents are sampled, the worst of them enter a pool of sixteen,
// the worst of the pool goes (evict.c).
type redis struct {
	room     int64
	lfu      bool
	rng      *rand.Rand
	now      int64
	keys     []uint32
	of       map[uint32]*redisEntry
	pool     []uint32 // best first
	minuteIn int64    // requests that make a minute, by which LFU decays
}

type redisEntry struct {
	at      int // in keys
	size    int64
	last    int64
	counter uint8
}

func newRedisLRU(capacity int64) cache { return newRedis(capacity, false) }
func newRedisLFU(capacity int64) cache { return newRedis(capacity, true) }

func newRedis(capacity int64, lfu bool) cache {
	return &redis{room: capacity, lfu: lfu, rng: rand.New(rand.NewPCG(1, 2)), of: map[uint32]*redisEntry{}, minuteIn: 100_000}
}

func (c *redis) access(key uint32, size int64) bool {
	c.now++
	e := c.of[key]
	hit := e != nil
	if !hit {
		for c.room < size && len(c.keys) > 0 {
			c.evict()
		}
		e = &redisEntry{at: len(c.keys), counter: 5, size: size}
		c.keys = append(c.keys, key)
		c.of[key] = e
		c.room -= size
	} else {
		c.room += e.size - size
		e.size = size
		e.counter = c.decayed(e)
		if base := max(0, int(e.counter)-5); e.counter < 255 && c.rng.Float64() < 1/float64(base*10+1) {
			e.counter++
		}
	}
	e.last = c.now
	for c.room < 0 {
		c.evict()
	}
	return hit
}

func (c *redis) decayed(e *redisEntry) uint8 {
	return e.counter - uint8(min(int64(e.counter), (c.now-e.last)/c.minuteIn))
}

func (c *redis) score(e *redisEntry) int64 {
	if c.lfu {
		return 255 - int64(c.decayed(e))
	}
	return c.now - e.last
}

func (c *redis) evict() {
	for range min(5, len(c.keys)) {
		c.offer(c.keys[c.rng.IntN(len(c.keys))])
	}
	for {
		key := c.pool[len(c.pool)-1]
		c.pool = c.pool[:len(c.pool)-1]
		if e := c.of[key]; e != nil {
			last := c.keys[len(c.keys)-1]
			c.keys[e.at] = last
			c.of[last].at = e.at
			c.keys = c.keys[:len(c.keys)-1]
			c.room += e.size
			delete(c.of, key)
			return
		}
	}
}

// offer puts a key into the pool, in order of its score.
func (c *redis) offer(key uint32) {
	at, score := 0, c.score(c.of[key])
	for i, other := range c.pool {
		if other == key {
			return
		}
		if e := c.of[other]; e == nil || c.score(e) < score {
			at = i + 1
		}
	}
	if len(c.pool) == 16 {
		if at == 0 {
			return
		}
		copy(c.pool, c.pool[1:at])
		c.pool[at-1] = key
		return
	}
	c.pool = append(c.pool, 0)
	copy(c.pool[at+1:], c.pool[at:])
	c.pool[at] = key
}
