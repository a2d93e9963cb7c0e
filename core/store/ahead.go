package store

import (
	"torc/core/slab"
	"torc/core/wire"
)

// With millions of keys nearly all of a lookup is waiting for memory: for a leaf of the index, and then for the cell that
// it names. One lookup's waits come one after the other, but those of several lookups need not: a processor fetches
// ten lines or so at a time. So what the next commands will look at is looked at beforehand, for many commands in each step:
// all leaves, then all cells. It is a third of the time for each, and changes nothing else.
const (
	aheadMax  = 16 // lookups at a time: more than a processor fetches at once, less than its nearest cache holds
	aheadLine = 64 // bytes that memory is fetched in,
	aheadCell = 3  // and lines of a cell that are worth it
)

// ahead is a batch's commands in a row, with the orders of their keys.
type ahead struct {
	commands []*wire.Command
	orders   []uint64
	next     int // before this one all have been looked at
}

// plan takes in a batch.
func (a *ahead) plan(requests []wire.Request) {
	a.commands, a.orders, a.next = a.commands[:0], a.orders[:0], 0
	for i := range requests {
		for j := range requests[i].Commands {
			a.commands = append(a.commands, &requests[i].Commands[j])
		}
	}
}

// done forgets the batch.
func (a *ahead) done() {
	clear(a.commands)
	if cap(a.commands) > 1<<16 {
		*a = ahead{}
	}
}

// order is the order of a command's key. When it comes to those that were not looked at, some more are.
func (s *Store) order(at int) uint64 {
	a := &s.ahead
	for a.next <= at {
		from := a.next
		a.next = min(from+aheadMax, len(a.commands))
		for _, c := range a.commands[from:a.next] {
			a.orders = append(a.orders, s.cfg.Seed.order(c.Key))
		}
		s.peek(a.orders[from:a.next])
	}
	return a.orders[at]
}

// Ahead says that these commands will be read next. The caller need not say so; it saves time when there are several.
func (s *Store) Ahead(commands []*wire.Command) {
	var orders [aheadMax]uint64
	for len(commands) > 0 {
		n := min(aheadMax, len(commands))
		for i, c := range commands[:n] {
			orders[i] = s.cfg.Seed.order(c.Key)
		}
		s.peek(orders[:n])
		commands = commands[n:]
	}
}

// peek looks at what lookups of these orders would, aheadMax at most.
func (s *Store) peek(orders []uint64) {
	if len(orders) < 2 || s.keys.slots == nil {
		return
	}
	x := &s.keys.index
	var refs [aheadMax]slab.Ref
	for i, order := range orders {
		if s.owns(order) {
			if slot := x.slot(order); slot.leaves != nil {
				refs[i] = slot.leaves[slot.bucket(tagOf(order))]
			}
		}
	}
	for _, r := range refs {
		if r != 0 {
			x.glance(x.cells.Bytes(r), leafSize)
		}
	}
	for i, order := range orders {
		if refs[i] == 0 {
			continue
		}
		l, tag := x.leaf(refs[i]), tagOf(order)
		refs[i] = 0
		if at := l.search(tag); at < int(l.count) && l.keys[at].tag() == tag {
			refs[i] = l.keys[at].ref()
		}
	}
	for _, r := range refs {
		if r != 0 {
			x.glance(x.cells.Bytes(r), aheadCell*aheadLine)
		}
	}
}

// glance looks at the lines of a cell's first bytes, that the processor fetches them at once instead of as each is needed.
func (x *index) glance(cell []byte, most int) {
	seen := uint8(0)
	for at := 0; at < len(cell) && at < most; at += aheadLine {
		seen += cell[at]
	}
	x.seen = seen // that the compiler cannot leave it out
}
