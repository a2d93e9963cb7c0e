package hitrate

import "container/list"

// cache answers requests. access reports a hit; after it the object is held, unless it is larger
// than the whole cache.
type cache interface {
	access(key uint32, size int64) bool
}

// lru is exact: the least recently used object goes first.
type lru struct {
	room  int64
	order *list.List // of held; the front was used last
	at    map[uint32]*list.Element
}

type held struct {
	key  uint32
	size int64
}

func newLRU(capacity int64) cache {
	return &lru{room: capacity, order: list.New(), at: map[uint32]*list.Element{}}
}

func (c *lru) access(key uint32, size int64) bool {
	e := c.at[key]
	if e != nil {
		c.order.MoveToFront(e)
		h := e.Value.(held)
		c.room += h.size - size
		e.Value = held{key, size}
	} else {
		c.at[key] = c.order.PushFront(held{key, size})
		c.room -= size
	}
	for c.room < 0 {
		last := c.order.Back()
		h := c.order.Remove(last).(held)
		delete(c.at, h.key)
		c.room += h.size
	}
	return e != nil
}

// sieve is SIEVE (NSDI 2024): a queue in order of insertion, and a hand that walks from the oldest to the
// newest, spares what was used since it last passed, and takes the first that was not.
type sieve struct {
	room  int
	order *list.List // of *sieved; the front is newest
	at    map[uint32]*list.Element
	hand  *list.Element
}

type sieved struct {
	key  uint32
	used bool
}

func newSieve(capacity int64) cache {
	return &sieve{room: int(capacity), order: list.New(), at: map[uint32]*list.Element{}}
}

func (c *sieve) access(key uint32, _ int64) bool {
	if e := c.at[key]; e != nil {
		e.Value.(*sieved).used = true
		return true
	}
	if c.room == 0 {
		e := c.hand
		for {
			if e == nil {
				e = c.order.Back()
			}
			if s := e.Value.(*sieved); !s.used {
				break
			} else {
				s.used = false
			}
			e = e.Prev()
		}
		c.hand = e.Prev()
		delete(c.at, c.order.Remove(e).(*sieved).key)
		c.room++
	}
	c.at[key] = c.order.PushFront(&sieved{key: key})
	c.room--
	return false
}

// s3fifo is S3-FIFO (SOSP 2023): a small queue for what is new (a tenth), a main queue for what was used
// again, and a ghost queue of names as long as the main one.
type s3fifo struct {
	small, main, ghost queue
	of                 map[uint32]*s3
}

type s3 struct {
	where byte // 's', 'm', 'g'
	freq  int
}

// queue is first in, first out, with a bound that its owner keeps.
type queue struct {
	keys []uint32
	max  int
}

func (q *queue) push(key uint32) { q.keys = append(q.keys, key) }
func (q *queue) pop() uint32 {
	key := q.keys[0]
	q.keys = q.keys[1:]
	return key
}

func newS3FIFO(capacity int64) cache {
	small := max(1, int(capacity)/10)
	return &s3fifo{small: queue{max: small}, main: queue{max: int(capacity) - small}, ghost: queue{max: int(capacity) - small}, of: map[uint32]*s3{}}
}

func (c *s3fifo) access(key uint32, _ int64) bool {
	o := c.of[key]
	if o != nil && o.where != 'g' {
		o.freq = min(3, o.freq+1)
		return true
	}
	for len(c.small.keys)+len(c.main.keys) >= c.small.max+c.main.max {
		if len(c.small.keys) >= c.small.max || len(c.main.keys) == 0 {
			c.fromSmall()
		} else {
			c.fromMain()
		}
	}
	if o != nil {
		o.where, o.freq = 'm', 0
		c.of[key] = o // making room may have dropped its name
		c.main.push(key)
	} else {
		c.of[key] = &s3{where: 's'}
		c.small.push(key)
	}
	return false
}

func (c *s3fifo) fromSmall() {
	key := c.small.pop()
	o := c.of[key]
	if o.freq > 1 {
		o.where, o.freq = 'm', 0
		c.main.push(key)
		if len(c.main.keys) > c.main.max {
			c.fromMain()
		}
		return
	}
	o.where = 'g'
	c.ghost.push(key)
	for len(c.ghost.keys) > max(1, c.ghost.max) {
		if old := c.ghost.pop(); c.of[old] != nil && c.of[old].where == 'g' {
			delete(c.of, old)
		}
	}
}

func (c *s3fifo) fromMain() {
	for {
		key := c.main.pop()
		o := c.of[key]
		if o.freq == 0 {
			delete(c.of, key)
			return
		}
		o.freq--
		c.main.push(key)
	}
}
