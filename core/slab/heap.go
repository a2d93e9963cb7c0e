package slab

import (
	"math/bits"

	"torc/core/invariant"
)

// Ref names a cell of a heap. The zero Ref names none.
type Ref uint32

const (
	cellBits = 13 // 256 KiB / 32 B
	pagesMax = 1 << (32 - cellBits)
)

func refOf(page uint32, cell int) Ref { return Ref(page<<cellBits | uint32(cell)) }

func (r Ref) page() uint32 { return uint32(r >> cellBits) }
func (r Ref) cell() int    { return int(r & (1<<cellBits - 1)) }

// Heap gives out cells. Make one with New.
type Heap struct {
	source  Source
	pages   []page   // by number; number 0 stands for none
	spare   []uint32 // numbers of pages that were given back
	classes []class
	stats   Stats

	sparse []uint8 // classes that wait for Compact
	victim uint32  // the page that Compact empties now
	from   int     // cells of the victim before it have moved
}

// page is a run of equal cells.
type page struct {
	mem      []byte
	runs     [][]byte // of extents: each has memory of its own, and all share the page's number
	live     []uint64 // a bit for each cell in use
	size     int      // of a cell
	cells    int32
	used     int32
	word     int32 // no word of live before it has a gap
	open     int32 // where the class lists it among those with gaps; -1: it does not
	class    uint8
	draining bool // Compact empties it: nothing new goes there
}

// class is what there is of one size.
type class struct {
	open     []uint32 // pages with gaps; the last is filled first
	cells    int      // in all pages
	used     int
	reserved int // bytes of pages
	hand     int // where Compact looked last
	queued   bool
}

// New returns an empty heap on a source of pages.
func New(source Source) *Heap {
	return &Heap{source: source, pages: make([]page, 1)}
}

// Bytes returns a cell's memory, as long as its class has it.
func (h *Heap) Bytes(r Ref) []byte {
	p := &h.pages[r.page()]
	if p.runs != nil {
		return p.runs[r.cell()]
	}
	at := r.cell() * p.size
	return p.mem[at : at+p.size : at+p.size]
}

// Room returns how long a cell for n bytes would be.
func Room(n int) int {
	if n > CellMax {
		return roundUp(n)
	}
	return sizeOf(classOf(n))
}

// Alloc returns a cell of at least n bytes, of any content.
func (h *Heap) Alloc(n int) (Ref, []byte) {
	if h.classes == nil {
		h.classes = make([]class, classes+1)
	}
	number := classOf(n)
	if number == extents {
		return h.allocExtent(n)
	}
	c := &h.classes[number]
	if len(c.open) == 0 {
		h.grow(number)
	}
	r := h.take(c.open[len(c.open)-1])
	return r, h.Bytes(r)
}

// take uses the first gap of a page that has one.
func (h *Heap) take(number uint32) Ref {
	p := &h.pages[number]
	for p.live[p.word] == ^uint64(0) {
		p.word++
	}
	bit := bits.TrailingZeros64(^p.live[p.word])
	p.live[p.word] |= 1 << bit
	p.used++
	c := &h.classes[p.class]
	c.used++
	h.stats.Used += int64(p.size)
	h.stats.Cells++
	if p.used == p.cells {
		h.shut(c, p)
	}
	return refOf(number, int(p.word)<<6+bit)
}

// Free gives a cell back.
func (h *Heap) Free(r Ref) {
	p := &h.pages[r.page()]
	word, bit := r.cell()>>6, uint64(1)<<(r.cell()&63)
	if p.live == nil || p.live[word]&bit == 0 {
		invariant.Check(false, "slab: cell %x is freed, but is not in use", uint32(r))
	}
	if p.runs != nil {
		h.freeRun(p, r.cell())
	}
	p.live[word] &^= bit
	p.word = min(p.word, int32(word))
	p.used--
	c := &h.classes[p.class]
	c.used--
	h.stats.Used -= int64(p.size)
	h.stats.Cells--
	switch {
	case p.used == 0 && (p.class == extents || p.draining || len(c.open) > 1):
		h.giveBack(r.page()) // a class keeps one page with gaps: the next cell may come at once
	case p.open < 0 && !p.draining:
		h.openUp(c, r.page(), p)
	}
	h.watch(int(p.class), c)
}

func (h *Heap) allocExtent(n int) (Ref, []byte) {
	c := &h.classes[extents]
	if len(c.open) == 0 {
		number := h.addNumber()
		h.pages[number] = page{runs: make([][]byte, pageRuns), live: make([]uint64, pageRuns/64), cells: pageRuns, open: -1, class: extents}
		h.openUp(c, number, &h.pages[number])
	}
	run := h.source.Alloc(roundUp(n))
	r := h.take(c.open[len(c.open)-1])
	h.pages[r.page()].runs[r.cell()] = run
	c.cells++
	c.reserved += len(run)
	h.stats.Used += int64(len(run))
	h.stats.Reserved += int64(len(run))
	h.stats.Pages++
	return r, run
}

// freeRun gives an extent's memory back.
func (h *Heap) freeRun(p *page, cell int) {
	run := p.runs[cell]
	p.runs[cell] = nil
	c := &h.classes[extents]
	c.cells--
	c.reserved -= len(run)
	h.stats.Used -= int64(len(run))
	h.stats.Reserved -= int64(len(run))
	h.stats.Pages--
	h.source.Free(run)
}

func roundUp(n int) int { return (n + Block - 1) / Block * Block }

// grow adds a page to a class.
func (h *Heap) grow(number int) {
	size := sizeOf(number)
	page := h.addPage(number, size, pageOf(size, h.classes[number].reserved))
	h.openUp(&h.classes[number], page, &h.pages[page])
}

// addNumber returns the number of a page to come.
func (h *Heap) addNumber() (at uint32) {
	if n := len(h.spare); n > 0 {
		at, h.spare = h.spare[n-1], h.spare[:n-1]
		return at
	}
	at = uint32(len(h.pages))
	invariant.Check(at < pagesMax, "slab: a heap has %d pages, more than a Ref can name: use more shards", at)
	h.pages = append(h.pages, page{})
	return at
}

func (h *Heap) addPage(number, size, length int) uint32 {
	at := h.addNumber()
	cells := length / size
	words := (cells + 63) / 64
	p := page{mem: h.source.Alloc(length), live: make([]uint64, words), size: size, cells: int32(cells), open: -1, class: uint8(number)}
	if cells&63 != 0 {
		p.live[words-1] = ^uint64(0) << (cells & 63) // no cells, so no gaps
	}
	h.pages[at] = p
	c := &h.classes[number]
	c.cells += cells
	c.reserved += length
	h.stats.Reserved += int64(length)
	h.stats.Pages++
	return at
}

// giveBack returns a page without cells in use to the source.
func (h *Heap) giveBack(number uint32) {
	p := &h.pages[number]
	c := &h.classes[p.class]
	if p.open >= 0 {
		h.shut(c, p)
	}
	if p.runs == nil {
		c.cells -= int(p.cells)
		c.reserved -= len(p.mem)
		h.stats.Reserved -= int64(len(p.mem))
		h.stats.Pages--
		h.source.Free(p.mem)
	}
	class := p.class
	*p = page{open: -1, class: class}
	h.spare = append(h.spare, number)
	if h.victim == number {
		h.victim = 0
	}
}

// openUp lists a page among those with gaps.
func (h *Heap) openUp(c *class, number uint32, p *page) {
	p.open = int32(len(c.open))
	c.open = append(c.open, number)
}

// shut takes a page off that list.
func (h *Heap) shut(c *class, p *page) {
	last := len(c.open) - 1
	moved := c.open[last]
	c.open[p.open] = moved
	h.pages[moved].open = p.open
	c.open = c.open[:last]
	p.open = -1
}

// releaseLeast is what giving back a page costs at least, in bytes of a longer one.
const releaseLeast = 8 << 10

// Release gives back pages, whatever is in use, about budget bytes of them, and returns how many those were
// and whether none is left. The heap is of no other use from its first call on.
func (h *Heap) Release(budget int) (spent int, done bool) {
	giveBack := func(mem []byte) {
		spent += max(releaseLeast, len(mem))
		h.stats.Reserved -= int64(len(mem))
		h.stats.Pages--
		h.source.Free(mem)
	}
	for i := len(h.pages) - 1; i > 0; i-- {
		p := &h.pages[i]
		for ; len(p.runs) > 0; p.runs = p.runs[:len(p.runs)-1] {
			if run := p.runs[len(p.runs)-1]; run != nil {
				if spent >= budget {
					return spent, false
				}
				giveBack(run)
			}
		}
		if p.mem != nil {
			if spent >= budget {
				return spent, false
			}
			giveBack(p.mem)
		}
		h.pages = h.pages[:i]
	}
	*h = Heap{source: h.source, pages: make([]page, 1)}
	return spent, true
}
