package hitrate

import "container/list"

// lirs is LIRS (SIGMETRICS 2002): objects with a short distance between their last two uses (LIR) are
// held; the others (HIR) pass through a short queue, a tenth of the cache. The stack holds what was used later than
// the LIR object used longest ago, absent ones included, at most three times the capacity.
type lirs struct {
	lirMax, hirMax   int
	lir, held, ghost int
	stack, queue     *list.List // fronts are newest
	of               map[uint32]*lirsEntry
}

type lirsEntry struct {
	key             uint32
	lir, resident   bool
	inStack, inList *list.Element
}

func newLIRS(capacity int64) cache {
	hir := max(1, int(capacity)/10)
	return &lirs{lirMax: max(1, int(capacity)-hir), hirMax: hir, stack: list.New(), queue: list.New(), of: map[uint32]*lirsEntry{}}
}

func (c *lirs) access(key uint32, _ int64) bool {
	e := c.of[key]
	if e == nil {
		e = &lirsEntry{key: key}
		c.of[key] = e
	}
	if e.resident && e.lir {
		c.top(e)
		c.prune()
		return true
	}
	hit := e.resident
	if !hit {
		for c.held >= c.lirMax+c.hirMax {
			c.evict()
		}
		if e = c.of[key]; e == nil {
			e = &lirsEntry{key: key}
			c.of[key] = e
		}
		if e.inStack != nil {
			c.ghost--
		}
		e.resident = true
		c.held++
	}
	switch {
	case c.lir < c.lirMax && e.inStack == nil && !hit, e.inStack != nil:
		c.unqueue(e)
		e.lir = true
		c.lir++
		c.top(e)
		for c.lir > c.lirMax {
			c.demote()
		}
		c.prune()
	default:
		c.top(e)
		c.unqueue(e)
		e.inList = c.queue.PushFront(e)
	}
	c.bound()
	return hit
}

func (c *lirs) top(e *lirsEntry) {
	if e.inStack != nil {
		c.stack.MoveToFront(e.inStack)
	} else {
		e.inStack = c.stack.PushFront(e)
	}
}

func (c *lirs) unqueue(e *lirsEntry) {
	if e.inList != nil {
		c.queue.Remove(e.inList)
		e.inList = nil
	}
}

// demote makes the LIR object used longest ago an HIR one.
func (c *lirs) demote() {
	c.prune()
	e := c.stack.Back().Value.(*lirsEntry)
	c.unstack(e)
	e.lir = false
	c.lir--
	e.inList = c.queue.PushFront(e)
	c.prune()
}

func (c *lirs) unstack(e *lirsEntry) {
	c.stack.Remove(e.inStack)
	e.inStack = nil
	if !e.resident {
		c.ghost--
		delete(c.of, e.key)
	}
}

// prune lets the stack end with a LIR object.
func (c *lirs) prune() {
	for last := c.stack.Back(); last != nil && !last.Value.(*lirsEntry).lir; last = c.stack.Back() {
		c.unstack(last.Value.(*lirsEntry))
	}
}

func (c *lirs) evict() {
	if c.queue.Len() == 0 {
		c.demote()
	}
	e := c.queue.Remove(c.queue.Back()).(*lirsEntry)
	e.inList, e.resident = nil, false
	c.held--
	if e.inStack != nil {
		c.ghost++
	} else {
		delete(c.of, e.key)
	}
}

// bound drops the oldest names of absent objects.
func (c *lirs) bound() {
	for at := c.stack.Back(); c.ghost > 3*(c.lirMax+c.hirMax) && at != nil; {
		next := at.Prev()
		if e := at.Value.(*lirsEntry); !e.resident {
			c.unstack(e)
		}
		at = next
	}
}
