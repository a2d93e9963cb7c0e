package store

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"unsafe"

	"torc/core/slab"
	"torc/core/wire"
)

// index finds entries by key. It is a hash table that keeps the order of the keys: a slot has a
// directory of 2^depth leaves, chosen by the first bits of the order below the slot, so that one leaf's
// keys come before the next one's. Several neighbours of the directory share a leaf until it is full and
// splits by one more bit (extendible hashing). No change touches more than two leaves, but for the directory's
// doubling: 4 bytes for some ten keys.
//
//	order:  slot (14 bits) | tag (32) | rest (18)
//	slots[slot] -> directory[first bits of tag] -> leaf: (tag, Ref) (tag, Ref) .. -> cell
//
// Keys that share too many bits to be parted (by bad luck, or made so) go into a chain of leaves.
type index struct {
	cells *slab.Heap
	base  uint64 // the first slot
	slots []slot // made with the first key
	width int    // of slots
	count int    // keys
}

type slot struct {
	leaves []slab.Ref // 2^depth of them
	count  uint32
	deep   uint32 // leaves that are as deep as the directory
	depth  uint8
}

const (
	leafSize = 256
	leafMax  = (leafSize - 16) / 8
	leafJoin = leafMax * 2 / 3 // two leaves with so few keys become one
	tagShift = slotShift - 32
)

// leaf is a cell of the heap. It has no pointers.
type leaf struct {
	kind   uint8 // flagLeaf
	depth  uint8
	count  uint8
	_      uint8
	slot   uint16 // counted from base
	_      uint16
	next   slab.Ref // more keys of the same bits
	prefix uint32   // the bits that all its tags begin with
	keys   [leafMax]spot
}

// spot is a key's tag and, in the lower half, its Ref; a leaf's are sorted.
type spot uint64

func spotOf(tag uint32, r slab.Ref) spot { return spot(tag)<<32 | spot(r) }
func (p spot) tag() uint32               { return uint32(p >> 32) }
func (p spot) ref() slab.Ref             { return slab.Ref(p) }

// Compile-time: a leaf fills its cell.
var _ [leafSize - unsafe.Sizeof(leaf{})]struct{}
var _ [unsafe.Sizeof(leaf{}) - leafSize]struct{}

func tagOf(order uint64) uint32 { return uint32(order >> tagShift) }

func newIndex(cells *slab.Heap, first, last uint64) index {
	return index{cells: cells, base: first >> slotShift, width: int(last>>slotShift-first>>slotShift) + 1}
}

func (x *index) slot(order uint64) *slot {
	if x.slots == nil {
		x.slots = make([]slot, min(x.width, wire.SlotCount))
	}
	return &x.slots[order>>slotShift-x.base]
}

func (x *index) leaf(r slab.Ref) *leaf {
	return (*leaf)(unsafe.Pointer(unsafe.SliceData(x.cells.Bytes(r))))
}

// bucket is which of a slot's leaves holds a tag.
func (s *slot) bucket(tag uint32) uint32 { return tag >> (32 - s.depth) }

// find fills e with the entry under a key.
func (x *index) find(key []byte, order uint64, e *entry) bool {
	s := x.slot(order)
	if s.leaves == nil {
		return false
	}
	tag := tagOf(order)
	for r := s.leaves[s.bucket(tag)]; r != 0; {
		l := x.leaf(r)
		for i := l.search(tag); i < int(l.count) && l.keys[i].tag() == tag; i++ {
			at := l.keys[i].ref()
			if e.read(at, x.cells.Bytes(at)); bytes.Equal(e.key, key) {
				e.order = order
				return true
			}
		}
		r = l.next
	}
	return false
}

// search is the first spot whose tag is not below the given one. Tags are spread evenly, so it is
// near where its bits say.
func (l *leaf) search(tag uint32) int {
	n := int(l.count)
	i := int(uint64(tag<<l.depth) * uint64(n) >> 32)
	for i > 0 && l.keys[i-1].tag() >= tag {
		i--
	}
	for i < n && l.keys[i].tag() < tag {
		i++
	}
	return i
}

// insert adds an entry whose key is not there.
func (x *index) insert(order uint64, r slab.Ref) {
	s, tag := x.slot(order), tagOf(order)
	x.count++
	s.count++
	if s.leaves == nil {
		s.leaves = []slab.Ref{x.newLeaf(leaf{slot: uint16(order>>slotShift - x.base)})}
		s.deep = 1
	}
	for {
		first := s.leaves[s.bucket(tag)]
		for at := first; at != 0; {
			l := x.leaf(at)
			if l.count < leafMax {
				l.insert(tag, r)
				return
			}
			at = l.next
		}
		if !x.split(s, first) {
			l := x.leaf(first)
			longer := x.newLeaf(leaf{slot: l.slot, depth: l.depth, prefix: l.prefix, next: l.next})
			l.next = longer
		}
	}
}

func (l *leaf) insert(tag uint32, r slab.Ref) {
	i := l.search(tag)
	copy(l.keys[i+1:l.count+1], l.keys[i:l.count])
	l.keys[i] = spotOf(tag, r)
	l.count++
}

func (x *index) newLeaf(with leaf) slab.Ref {
	r, _ := x.cells.Alloc(leafSize)
	with.kind = flagLeaf
	*x.leaf(r) = with
	return r
}

// split parts a bucket by one more bit; false: the directory would become too long for that.
func (x *index) split(s *slot, first slab.Ref) bool {
	l := x.leaf(first)
	if l.depth == s.depth {
		if s.depth >= 31 || s.count < 4<<(s.depth+1) {
			return false
		}
		s.double()
	}
	var space [2 * leafMax]spot
	all := x.unchain(first, space[:0])
	depth := l.depth + 1
	half := uint32(1) << (32 - depth)
	cut, _ := slices.BinarySearchFunc(all, l.prefix|half, func(p spot, tag uint32) int { return cmp.Compare(p.tag(), tag) })
	high := x.newLeaf(leaf{slot: l.slot, depth: depth, prefix: l.prefix | half})
	l.depth = depth
	x.fill(first, all[:cut])
	x.fill(high, all[cut:])
	from := s.bucket(l.prefix | half)
	for i := range uint32(1) << (s.depth - depth) {
		s.leaves[from+i] = high
	}
	if depth == s.depth {
		s.deep += 2
	}
	return true
}

// double makes the directory twice as long.
func (s *slot) double() {
	longer := make([]slab.Ref, 2*len(s.leaves))
	for i, r := range s.leaves {
		longer[2*i], longer[2*i+1] = r, r
	}
	s.leaves, s.deep = longer, 0
	s.depth++
}

// unchain takes all spots out of a bucket, sorted by tag, and leaves its first leaf only.
func (x *index) unchain(first slab.Ref, all []spot) []spot {
	l := x.leaf(first)
	all = append(all, l.keys[:l.count]...)
	for r := l.next; r != 0; {
		more := x.leaf(r)
		all = append(all, more.keys[:more.count]...)
		next := more.next
		x.cells.Free(r)
		r = next
	}
	if l.next != 0 {
		slices.Sort(all)
	}
	l.next, l.count = 0, 0
	return all
}

// fill puts sorted spots into an empty bucket.
func (x *index) fill(first slab.Ref, all []spot) {
	l := x.leaf(first)
	n := copy(l.keys[:], all)
	l.count = uint8(n)
	if n < len(all) {
		l.next = x.newLeaf(leaf{slot: l.slot, depth: l.depth, prefix: l.prefix})
		x.fill(l.next, all[n:])
	}
}

// replace puts an entry's new Ref in the old one's place, and reports whether that was there.
func (x *index) replace(order uint64, from, to slab.Ref) bool {
	_, l, i := x.locate(order, from)
	if l == nil {
		return false
	}
	l.keys[i] = spotOf(tagOf(order), to)
	return true
}

// locate finds the leaf that holds a Ref, and the one before it in its chain; nil if none does.
func (x *index) locate(order uint64, r slab.Ref) (before, l *leaf, i int) {
	s, tag := x.slot(order), tagOf(order)
	if s.leaves == nil {
		return nil, nil, 0
	}
	for at := s.leaves[s.bucket(tag)]; at != 0; {
		l = x.leaf(at)
		for i = l.search(tag); i < int(l.count) && l.keys[i].tag() == tag; i++ {
			if l.keys[i].ref() == r {
				return before, l, i
			}
		}
		before, at = l, l.next
	}
	return nil, nil, 0
}

// remove takes out an entry that is there.
func (x *index) remove(order uint64, r slab.Ref) bool {
	before, l, i := x.locate(order, r)
	if l == nil {
		return false
	}
	copy(l.keys[i:], l.keys[i+1:l.count])
	l.count--
	x.count--
	s := x.slot(order)
	s.count--
	switch {
	case s.count == 0:
		x.clear(s)
	case before != nil && l.count == 0:
		empty := before.next
		before.next = l.next
		x.cells.Free(empty)
	default:
		for x.join(s, tagOf(order)) {
		}
	}
	return true
}

// clear gives up a slot without keys.
func (x *index) clear(s *slot) {
	for i, r := range s.leaves {
		if i > 0 && r == s.leaves[i-1] {
			continue
		}
		for r != 0 {
			next := x.leaf(r).next
			x.cells.Free(r)
			r = next
		}
	}
	*s = slot{}
}

// join makes one leaf of a bucket and its other half, when both are small; false: it did not.
func (x *index) join(s *slot, tag uint32) bool {
	at := s.bucket(tag)
	l := x.leaf(s.leaves[at])
	if l.depth == 0 {
		return false
	}
	half := uint32(1) << (32 - l.depth)
	low := l.prefix &^ half
	lowRef, highRef := s.leaves[s.bucket(low)], s.leaves[s.bucket(low|half)]
	a, b := x.leaf(lowRef), x.leaf(highRef)
	if a.depth != b.depth || a.next != 0 || b.next != 0 || a.count+b.count > leafJoin {
		return false
	}
	copy(a.keys[a.count:], b.keys[:b.count])
	a.count += b.count
	from := s.bucket(low | half)
	for i := range uint32(1) << (s.depth - a.depth) {
		s.leaves[from+i] = lowRef
	}
	if a.depth == s.depth {
		s.deep -= 2
	}
	a.depth--
	x.cells.Free(highRef)
	for s.deep == 0 && s.depth > 0 {
		x.halve(s)
	}
	return true
}

// halve shortens the directory, which no leaf needs as long.
func (x *index) halve(s *slot) {
	shorter := make([]slab.Ref, len(s.leaves)/2)
	s.depth--
	for i := range shorter {
		shorter[i] = s.leaves[2*i]
		if x.leaf(shorter[i]).depth == s.depth {
			s.deep++
		}
	}
	s.leaves = shorter
}

// moved takes note that Compact has moved a leaf.
func (x *index) moved(from, to slab.Ref) {
	l := x.leaf(to)
	s := &x.slots[l.slot]
	at := s.bucket(l.prefix)
	if r := s.leaves[at]; r != from {
		for x.leaf(r).next != from {
			r = x.leaf(r).next
		}
		x.leaf(r).next = to
		return
	}
	for i := range uint32(1) << (s.depth - l.depth) {
		s.leaves[at+i] = to
	}
}

// span is the orders that one bucket holds.
type span struct{ first, last uint64 }

// span returns the bucket that an order belongs to; for a slot without keys all of the slot.
func (x *index) span(order uint64) span {
	if x.slots == nil {
		return span{order, ^uint64(0)}
	}
	s := x.slot(order)
	first := order >> slotShift << slotShift
	if s.leaves == nil {
		return span{first, first | (1<<slotShift - 1)}
	}
	l := x.leaf(s.leaves[s.bucket(tagOf(order))])
	first |= uint64(l.prefix) << tagShift
	return span{first, first + 1<<(slotShift-l.depth) - 1}
}

// gather appends the entries of the bucket that an order belongs to, in order.
func (x *index) gather(order uint64, to []entry) []entry {
	if x.slots == nil {
		return to
	}
	s := x.slot(order)
	if s.leaves == nil {
		return to
	}
	begin, r := len(to), s.leaves[s.bucket(tagOf(order))]
	for r != 0 {
		l := x.leaf(r)
		for _, p := range l.keys[:l.count] {
			var e entry
			e.read(p.ref(), x.cells.Bytes(p.ref()))
			e.order = orderOf(e.key)
			to = append(to, e)
		}
		r = l.next
	}
	sortEntries(to[begin:])
	return to
}

func sortEntries(all []entry) {
	if !slices.IsSortedFunc(all, compareEntries) {
		slices.SortFunc(all, compareEntries)
	}
}

func compareEntries(a, b entry) int {
	if c := cmp.Compare(a.order, b.order); c != 0 {
		return c
	}
	return bytes.Compare(a.key, b.key)
}

// verify checks what a slot's directory and leaves say of each other, and counts the leaves.
func (x *index) verify() (leaves int, err error) {
	total := 0
	for n := range x.slots {
		s := &x.slots[n]
		if s.leaves == nil {
			if s.count != 0 {
				return 0, fmt.Errorf("slot %d has keys and no leaves", n)
			}
			continue
		}
		keys, deep := 0, uint32(0)
		for at := 0; at < len(s.leaves); {
			l := x.leaf(s.leaves[at])
			wide := 1 << (s.depth - l.depth)
			if l.depth == s.depth {
				deep++
			}
			for i := range wide {
				if s.leaves[at+i] != s.leaves[at] || s.bucket(l.prefix)>>(s.depth-l.depth) != uint32(at)>>(s.depth-l.depth) {
					return 0, fmt.Errorf("slot %d: leaf at %d is not where its prefix says", n, at)
				}
			}
			for r := s.leaves[at]; r != 0; r = x.leaf(r).next {
				l := x.leaf(r)
				leaves++
				keys += int(l.count)
				if int(l.slot) != n || l.kind != flagLeaf || !slices.IsSortedFunc(l.keys[:l.count], func(a, b spot) int { return cmp.Compare(a.tag(), b.tag()) }) {
					return 0, fmt.Errorf("slot %d: a leaf at %d is of another slot or not sorted", n, at)
				}
			}
			at += wide
		}
		if keys != int(s.count) || deep != s.deep || len(s.leaves) != 1<<s.depth {
			return 0, fmt.Errorf("slot %d has %d keys and %d deepest leaves, says %d and %d", n, keys, deep, s.count, s.deep)
		}
		total += keys
	}
	if total != x.count {
		return 0, fmt.Errorf("the slots have %d keys, want %d", total, x.count)
	}
	return leaves, nil
}
