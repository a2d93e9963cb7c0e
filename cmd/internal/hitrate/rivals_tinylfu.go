package hitrate

// tinyLFU is W-TinyLFU (ACM TOS 2017): a window (1%) for what is new, and a main cache of two
// LRU segments (a fifth on probation) that a newcomer enters only if it was used more often than the one that would have
// to go. Uses are counted exactly here, and halved every ten times the capacity.
type tinyLFU struct {
	window, probation, protected *lruKeys
	uses                         map[uint32]int
	sample, sampleMax            int
}

// lruKeys is an LRU list of keys with a bound that its owner keeps.
type lruKeys struct {
	c   *lru
	max int
}

func newLRUKeys(max int) *lruKeys {
	return &lruKeys{newLRU(1 << 60).(*lru), max}
}

func (l *lruKeys) has(key uint32) bool { return l.c.at[key] != nil }
func (l *lruKeys) put(key uint32)      { l.c.access(key, 1) }
func (l *lruKeys) drop(key uint32)     { l.c.order.Remove(l.c.at[key]); delete(l.c.at, key) }
func (l *lruKeys) over() bool          { return len(l.c.at) > l.max }
func (l *lruKeys) oldest() uint32      { return l.c.order.Back().Value.(held).key }

func newTinyLFU(capacity int64) cache {
	window := max(1, int(capacity)/100)
	main := int(capacity) - window
	return &tinyLFU{window: newLRUKeys(window), probation: newLRUKeys(main - main*4/5), protected: newLRUKeys(main * 4 / 5),
		uses: map[uint32]int{}, sampleMax: 10 * int(capacity)}
}

func (c *tinyLFU) access(key uint32, _ int64) bool {
	c.count(key)
	switch {
	case c.window.has(key):
		c.window.put(key)
	case c.protected.has(key):
		c.protected.put(key)
	case c.probation.has(key):
		c.probation.drop(key)
		c.protected.put(key)
		if c.protected.over() {
			old := c.protected.oldest()
			c.protected.drop(old)
			c.probation.put(old)
		}
	default:
		c.window.put(key)
		if c.window.over() {
			c.admit()
		}
		return false
	}
	return true
}

// admit lets the window's oldest into the main cache, or drops it.
func (c *tinyLFU) admit() {
	key := c.window.oldest()
	c.window.drop(key)
	if len(c.probation.c.at)+len(c.protected.c.at) < c.probation.max+c.protected.max {
		c.probation.put(key)
		return
	}
	from := c.probation
	if len(from.c.at) == 0 {
		from = c.protected
	}
	if len(from.c.at) == 0 {
		return
	}
	if victim := from.oldest(); c.uses[key] > c.uses[victim] {
		from.drop(victim)
		c.probation.put(key)
	}
}

func (c *tinyLFU) count(key uint32) {
	c.uses[key] = min(15, c.uses[key]+1)
	if c.sample++; c.sample < c.sampleMax {
		return
	}
	c.sample /= 2
	for k, n := range c.uses {
		if n /= 2; n == 0 {
			delete(c.uses, k)
		} else {
			c.uses[k] = n
		}
	}
}
