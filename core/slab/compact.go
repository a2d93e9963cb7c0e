package slab

import "math/bits"

const (
	sparsePart = 16  // a class is sparse when one cell in so many is free,
	sparseLeft = 1   // and those would fill so many pages of the length it gets now
	lookMax    = 64  // pages that are compared to find the sparsest
	moveCost   = 192 // what a move costs besides its bytes, in bytes
)

// watch queues a class for Compact when it has become sparse, or empty.
func (h *Heap) watch(number int, c *class) {
	if !c.queued && number != extents && c.wanted(number) {
		c.queued = true
		h.sparse = append(h.sparse, uint8(number))
	}
}

// wanted reports whether Compact would find something to do in a class.
func (c *class) wanted(number int) bool {
	if c.used == 0 {
		return c.cells > 0
	}
	gaps := c.cells - c.used
	return gaps*sparsePart > c.cells && gaps*sizeOf(number) >= sparseLeft*pageOf(sizeOf(number), c.reserved)
}

// Sparse reports whether Compact has anything to do.
func (h *Heap) Sparse() bool { return h.victim != 0 || len(h.sparse) > 0 }

// Compact moves cells out of sparse pages, about budget bytes of them, and reports each move: the bytes
// are copied already, and the old cell is free when move returns. What owns the cell must take the new Ref.
func (h *Heap) Compact(budget int, move func(from, to Ref)) {
	for budget > 0 {
		if h.victim == 0 && !h.choose() {
			return
		}
		budget -= h.drain(move)
	}
}

// choose finds the next page to empty.
func (h *Heap) choose() bool {
	for len(h.sparse) > 0 {
		number := int(h.sparse[0])
		c := &h.classes[number]
		switch {
		case c.used == 0 && len(c.open) > 0:
			h.giveBack(c.open[len(c.open)-1])
			continue
		case c.wanted(number) && h.begin(c):
			return true
		}
		c.queued = false
		h.sparse = h.sparse[1:]
	}
	h.sparse = nil
	return false
}

// begin makes the sparsest page the victim, if the others' gaps can take its cells.
func (h *Heap) begin(c *class) bool {
	if len(c.open) < 2 {
		return false
	}
	number := h.sparsest(c)
	p := &h.pages[number]
	if c.cells-c.used < int(p.cells) { // its own gaps count: cells - used - (p.cells - p.used) >= p.used
		return false
	}
	h.shut(c, p)
	p.draining = true
	h.victim, h.from = number, 0
	return true
}

// sparsest compares some of a class's pages with gaps, others each time.
func (h *Heap) sparsest(c *class) (best uint32) {
	for range min(lookMax, len(c.open)) {
		c.hand = (c.hand + 1) % len(c.open)
		number := c.open[c.hand]
		p := &h.pages[number]
		if best == 0 || p.used*h.pages[best].cells < h.pages[best].used*p.cells {
			best = number
		}
	}
	return best
}

// drain moves one cell of the victim and returns what that cost.
func (h *Heap) drain(move func(from, to Ref)) int {
	number := h.victim
	p := &h.pages[number]
	if p.used == 0 { // the last cells were freed by their owner
		h.giveBack(number)
		return moveCost
	}
	word := h.from >> 6
	left := p.live[word] >> (h.from & 63) << (h.from & 63)
	if word == len(p.live)-1 && p.cells&63 != 0 {
		left &= 1<<(p.cells&63) - 1
	}
	if left == 0 {
		h.from = (word + 1) << 6
		return moveCost / 8
	}
	c := &h.classes[p.class]
	if len(c.open) == 0 { // the gaps were taken meanwhile: this page is needed
		p.draining = false
		h.victim = 0
		h.openUp(c, number, p)
		return moveCost
	}
	cell := word<<6 + bits.TrailingZeros64(left)
	from, to := refOf(number, cell), h.take(c.open[len(c.open)-1])
	copy(h.Bytes(to), h.Bytes(from))
	move(from, to)
	h.from = cell + 1
	cost := p.size + moveCost
	h.Free(from)
	return cost
}
