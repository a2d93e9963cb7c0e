package slab

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestClasses(t *testing.T) {
	for n := 1; n <= CellMax; n++ {
		class := classOf(n)
		require.GreaterOrEqual(t, sizeOf(class), n)
		if class > 0 {
			require.Less(t, sizeOf(class-1), n, "a smaller class would do for %d", n)
		}
	}
	require.Equal(t, extents, classOf(CellMax+1))
	require.Less(t, extents, 256, "a class is kept in a byte")
	for class := range classes {
		for _, reserved := range []int{0, 1 << 20, 1 << 30} {
			page := pageOf(sizeOf(class), reserved)
			require.LessOrEqual(t, page/sizeOf(class), 1<<cellBits, "a Ref cannot name the page's last cell")
			require.GreaterOrEqual(t, page/sizeOf(class), pageCells)
			require.Zero(t, page%Block)
		}
	}
}

// strict is a source that spoils what is taken back, and notices what is given back twice.
type strict struct {
	t    require.TestingT
	out  map[*byte]int
	held int
}

func (s *strict) Alloc(n int) []byte {
	require.Zero(s.t, n%Block)
	page := bytes.Repeat([]byte{0xEE}, n)
	s.out[&page[0]] = n
	s.held += n
	return page
}

func (s *strict) Free(page []byte) {
	require.Equal(s.t, s.out[&page[0]], len(page), "given back twice, or in part")
	delete(s.out, &page[0])
	s.held -= len(page)
	for i := range page {
		page[i] = 0xDD
	}
}

// owner knows its cells' lengths and contents.
type owner struct {
	heap   *Heap
	source *strict
	cells  map[Ref]cell
	refs   []Ref // for choosing one
	serial uint64
}

type cell struct {
	n, at  int
	serial uint64
}

func newOwner(t require.TestingT) *owner {
	source := &strict{t: t, out: map[*byte]int{}}
	return &owner{heap: New(source), source: source, cells: map[Ref]cell{}}
}

func (o *owner) alloc(t require.TestingT, n int) {
	r, b := o.heap.Alloc(n)
	_, taken := o.cells[r]
	require.False(t, taken, "given out twice")
	require.NotZero(t, r)
	require.Equal(t, Room(n), len(b))
	o.serial++
	fill(b[:n], o.serial)
	o.cells[r] = cell{n, len(o.refs), o.serial}
	o.refs = append(o.refs, r)
}

func (o *owner) free(t require.TestingT, at int) {
	r := o.refs[at]
	o.check(t, r)
	o.heap.Free(r)
	last := o.refs[len(o.refs)-1]
	o.refs[at] = last
	moved := o.cells[last]
	moved.at = at
	o.cells[last] = moved
	o.refs = o.refs[:len(o.refs)-1]
	delete(o.cells, r)
}

func (o *owner) move(t require.TestingT) func(from, to Ref) {
	return func(from, to Ref) {
		c, known := o.cells[from]
		require.True(t, known, "a cell that is free has moved")
		_, taken := o.cells[to]
		require.False(t, taken, "moved into a cell in use")
		delete(o.cells, from)
		o.cells[to], o.refs[c.at] = c, to
		o.check(t, to)
	}
}

func (o *owner) check(t require.TestingT, r Ref) {
	c := o.cells[r]
	want := make([]byte, c.n)
	fill(want, c.serial)
	require.True(t, bytes.Equal(want, o.heap.Bytes(r)[:c.n]), "cell %x is not what was written", r)
}

func (o *owner) checkAll(t require.TestingT) {
	var want Stats
	for r, c := range o.cells {
		o.check(t, r)
		want.Cells++
		want.Used += int64(Room(c.n))
	}
	want.Reserved, want.Pages = int64(o.source.held), int64(len(o.source.out))
	require.Equal(t, want, o.heap.Stats())
	reserved := 0
	for _, c := range o.heap.Classes() {
		reserved += c.Reserved
	}
	require.Equal(t, o.source.held, reserved)
}

func fill(b []byte, serial uint64) {
	for len(b) > 0 {
		var form [8]byte
		binary.LittleEndian.PutUint64(form[:], serial)
		b = b[copy(b, form[:]):]
		serial += 0x9E3779B97F4A7C15
	}
}

// TestHeap allocates, frees and compacts at random: no cell is given out twice, loses its bytes, or is counted wrongly.
func TestHeap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := newOwner(t)
		size := rapid.OneOf(rapid.IntRange(1, 80), rapid.SampledFrom([]int{200, 255, 256, 257, 3000, CellMax, CellMax + 1, 100_000}))
		t.Repeat(map[string]func(*rapid.T){
			"": o.checkAllOf,
			"alloc": func(t *rapid.T) {
				n := size.Draw(t, "size")
				for range rapid.IntRange(1, 20+40_000/(n+200)).Draw(t, "count") {
					o.alloc(t, n)
				}
			},
			"free": func(t *rapid.T) {
				for range min(len(o.refs), rapid.IntRange(1, 300).Draw(t, "count")) {
					o.free(t, rapid.IntRange(0, 1<<30).Draw(t, "which")%len(o.refs))
				}
			},
			"compact": func(t *rapid.T) {
				o.heap.Compact(rapid.IntRange(0, 20_000).Draw(t, "budget"), o.move(t))
			},
		})
		for len(o.refs) > 0 {
			o.free(t, len(o.refs)-1)
		}
		o.heap.Compact(1<<30, o.move(t))
		o.checkAll(t)
		require.Zero(t, o.source.held, "all is free, and pages are kept")
		o.alloc(t, 10)
		o.alloc(t, CellMax+1)
		spent, done := o.heap.Release(1)
		require.False(t, done)
		require.Positive(t, spent)
		require.Equal(t, int64(o.source.held), o.heap.Stats().Reserved)
		require.NotZero(t, o.source.held)
		_, done = o.heap.Release(1)
		require.True(t, done)
		require.Zero(t, o.source.held)
	})
}

func (o *owner) checkAllOf(t *rapid.T) { o.checkAll(t) }

// one is a source of a single page, for as many as do not write to it.
type one struct{ page []byte }

func (o one) Alloc(n int) []byte { return o.page[:n:n] }
func (o one) Free([]byte)        {}

// TestManyExtents: more of them than there are numbers of pages, which is some 20 GiB of the shortest.
func TestManyExtents(t *testing.T) {
	h := New(one{make([]byte, 2*CellMax)})
	const n = pagesMax + pagesMax/8
	var refs []Ref
	for i := range n {
		length := CellMax + 1 + i%2*Block
		r, b := h.Alloc(length)
		if len(b) != Room(length) || len(h.Bytes(r)) != len(b) {
			t.Fatalf("an extent of %d bytes is %d long, and then %d", length, len(b), len(h.Bytes(r)))
		}
		refs = append(refs, r)
	}
	reserved := h.Stats().Reserved
	require.Equal(t, Stats{Cells: n, Used: reserved, Reserved: reserved, Pages: n}, h.Stats())
	require.Equal(t, []ClassStats{{Cells: n, Reserved: int(reserved)}}, h.Classes())
	for _, r := range refs {
		h.Free(r)
	}
	require.Equal(t, Stats{}, h.Stats())
	require.Empty(t, h.Classes())
}

// TestCompactionFollowsAShrink: four cells of five go, at random, and so do the pages.
func TestCompactionFollowsAShrink(t *testing.T) {
	o := newOwner(t)
	random := uint64(1)
	draw := func(n int) int {
		random = random*6364136223846793005 + 1442695040888963407
		return int(random>>33) % n
	}
	for range 60_000 {
		o.alloc(t, 16+draw(1000))
	}
	for len(o.refs) > 12_000 {
		o.free(t, draw(len(o.refs)))
	}
	before := o.heap.Stats()
	require.Greater(t, before.Reserved, 4*before.Used, "nothing is compacted unasked")
	steps := 0
	for o.heap.Sparse() {
		most := 0
		o.heap.Compact(4<<10, func(from, to Ref) {
			o.move(t)(from, to)
			most++
		})
		require.LessOrEqual(t, most, 4<<10/moveCost+1, "a step does no more than its budget")
		steps++
	}
	after := o.heap.Stats()
	require.Equal(t, before.Used, after.Used)
	require.Less(t, after.Reserved*100, after.Used*112, "%d steps left too many gaps", steps)
	o.checkAll(t)
}

func TestFreeTwice(t *testing.T) {
	h := New(Plain{})
	r, _ := h.Alloc(40)
	h.Free(r)
	require.Panics(t, func() { h.Free(r) })
	require.Panics(t, func() { h.Free(0) })
}

func BenchmarkAllocFree(b *testing.B) {
	h := New(Plain{})
	refs := make([]Ref, 1<<16)
	for i := range refs {
		refs[i], _ = h.Alloc(100)
	}
	for i := 0; b.Loop(); i++ {
		at := i * 40503 & (len(refs) - 1)
		h.Free(refs[at])
		refs[at], _ = h.Alloc(100)
	}
}
