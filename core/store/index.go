package store

import (
	"bytes"
	"cmp"
	"errors"
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
// Keys that share too many bits to be parted go into a chain of leaves. That is bad luck: to make such keys one must
// know the cluster's Seed (order.go).
type index struct {
	cells   *slab.Heap
	seed    Seed
	base    uint64  // the first slot
	slots   []slot  // made with the first key, and the weights too
	width   int     // of slots
	count   int     // keys
	seen    uint8   // see glance
	weights weights // of the slots
}

type slot struct {
	leaves []slab.Ref // 2^depth of them
	count  uint32
	deep   uint32 // leaves that are as deep as the directory
	depth  uint8
}

const (
	leafHead = 16
	leafStep = 64 // leaves are 64, 128, 192 or 256 bytes long
	leafSize = 256
	leafMax  = (leafSize - leafHead) / 8
	leafJoin = leafMax * 2 / 3 // two leaves with so few keys become one

	leafSpare = 1 // keys that a new leaf has room for at least
	tagShift  = slotShift - 32
)

// leaf is what lies in a cell of 64 to 256 bytes: a header, and as many keys as there is room for.
type leaf struct {
	*leafHeader
	keys []spot
}

type leafHeader struct {
	kind   uint8 // flagLeaf
	depth  uint8
	count  uint8
	_      uint8
	slot   uint16 // counted from base
	_      uint16
	next   slab.Ref // more keys of the same bits
	prefix uint32   // the bits that all its tags begin with
}

// spot is a key's tag and, in the lower half, its Ref; a leaf's are sorted.
type spot uint64

func spotOf(tag uint32, r slab.Ref) spot { return spot(tag)<<32 | spot(r) }
func (p spot) tag() uint32               { return uint32(p >> 32) }
func (p spot) ref() slab.Ref             { return slab.Ref(p) }

// Compile-time: a header is as long as is said.
var _ [leafHead - unsafe.Sizeof(leafHeader{})]struct{}
var _ [unsafe.Sizeof(leafHeader{}) - leafHead]struct{}

func tagOf(order uint64) uint32 { return uint32(order >> tagShift) }

func newIndex(cells *slab.Heap, seed Seed, first, last uint64) index {
	return index{cells: cells, seed: seed, base: first >> slotShift, width: int(last>>slotShift-first>>slotShift) + 1}
}

func (x *index) slot(order uint64) *slot {
	if x.slots == nil {
		x.slots = make([]slot, min(x.width, wire.SlotCount))
		x.weights = make(weights, len(x.slots))
	}
	return &x.slots[order>>slotShift-x.base]
}

func (x *index) leaf(r slab.Ref) leaf {
	b := x.cells.Bytes(r)
	first := unsafe.Pointer(unsafe.SliceData(b))
	return leaf{(*leafHeader)(first), unsafe.Slice((*spot)(unsafe.Add(first, leafHead)), (len(b)-leafHead)/8)}
}

// header is a leaf's header alone.
func (x *index) header(r slab.Ref) *leafHeader {
	return (*leafHeader)(unsafe.Pointer(unsafe.SliceData(x.cells.Bytes(r))))
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
		x.glance(x.cells.Bytes(r), leafSize)
		l := x.leaf(r)
		for i := l.search(tag); i < int(l.count) && l.keys[i].tag() == tag; i++ {
			at := l.keys[i].ref()
			cell := x.cells.Bytes(at)
			x.glance(cell, aheadCell*aheadLine)
			if e.read(at, cell); bytes.Equal(e.key, key) {
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
func (l leaf) search(tag uint32) int {
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
	x.weights.add(int(order>>slotShift-x.base), 1)
	if s.leaves == nil {
		s.leaves = []slab.Ref{x.newLeaf(leafHeader{slot: uint16(order>>slotShift - x.base)}, nil, 1)}
		s.deep = 1
	}
	for {
		first := s.leaves[s.bucket(tag)]
		for at := first; at != 0; {
			l := x.leaf(at)
			if l.count < leafMax {
				x.roomy(at, int(l.count)+1).insert(tag, r)
				return
			}
			at = l.next
		}
		if !x.split(s, first) {
			l := x.leaf(first)
			longer := x.newLeaf(*l.leafHeader, nil, 1)
			l.next = longer
		}
	}
}

// roomy returns a leaf that has room for so many keys: the one given, or a longer one in its place.
func (x *index) roomy(r slab.Ref, keys int) leaf {
	l := x.leaf(r)
	if keys <= len(l.keys) {
		return l
	}
	longer := x.newLeaf(*l.leafHeader, l.keys[:l.count], keys-int(l.count))
	x.moved(r, longer)
	x.cells.Free(r)
	return x.leaf(longer)
}

func (l leaf) insert(tag uint32, r slab.Ref) {
	i := l.search(tag)
	copy(l.keys[i+1:l.count+1], l.keys[i:l.count])
	l.keys[i] = spotOf(tag, r)
	l.count++
}

// newLeaf makes a leaf of the same bucket as another, with the same next, of sorted keys and some room.
func (x *index) newLeaf(of leafHeader, keys []spot, room int) slab.Ref {
	size := leafHead + 8*(len(keys)+room)
	r, _ := x.cells.Alloc((size + leafStep - 1) / leafStep * leafStep)
	l := x.leaf(r)
	*l.leafHeader = of
	l.kind, l.count = flagLeaf, uint8(copy(l.keys[:], keys))
	return r
}

// split parts a bucket by one more bit; false: the directory would become too long for that.
func (x *index) split(s *slot, first slab.Ref) bool {
	of := *x.header(first)
	if of.depth == s.depth {
		if s.depth >= 31 || s.count < 4<<(s.depth+1) {
			return false
		}
		s.double()
	}
	var space [2 * leafMax]spot
	all := x.unchain(first, space[:0])
	of.depth++
	half := uint32(1) << (32 - of.depth)
	cut, _ := slices.BinarySearchFunc(all, of.prefix|half, func(p spot, tag uint32) int { return cmp.Compare(p.tag(), tag) })
	x.point(s, of, x.chain(of, all[:cut]))
	of.prefix |= half
	x.point(s, of, x.chain(of, all[cut:]))
	if of.depth == s.depth {
		s.deep += 2
	}
	return true
}

// point makes the directory name a bucket's first leaf.
func (x *index) point(s *slot, of leafHeader, first slab.Ref) {
	from := s.bucket(of.prefix)
	for i := range uint32(1) << (s.depth - of.depth) {
		s.leaves[from+i] = first
	}
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

// unchain gives up a bucket's leaves and appends what was in them, sorted by tag.
func (x *index) unchain(first slab.Ref, all []spot) []spot {
	for r := first; r != 0; {
		l := x.leaf(r)
		all = append(all, l.keys[:l.count]...)
		next := l.next
		x.cells.Free(r)
		r = next
	}
	slices.Sort(all)
	return all
}

// chain makes a bucket's leaves of what is to be in them.
func (x *index) chain(of leafHeader, all []spot) slab.Ref {
	of.next = 0
	if len(all) > leafMax {
		of.next = x.chain(of, all[leafMax:])
		all = all[:leafMax]
	}
	return x.newLeaf(of, all, min(leafSpare, leafMax-len(all)))
}

// replace puts an entry's new Ref in the old one's place, and reports whether that was there.
func (x *index) replace(order uint64, from, to slab.Ref) bool {
	_, l, i := x.locate(order, from)
	if l.leafHeader == nil {
		return false
	}
	l.keys[i] = spotOf(tagOf(order), to)
	return true
}

// locate finds the leaf that holds a Ref, and the one before it in its chain; nil if none does.
func (x *index) locate(order uint64, r slab.Ref) (before, l leaf, i int) {
	s, tag := x.slot(order), tagOf(order)
	if s.leaves == nil {
		return leaf{}, leaf{}, 0
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
	return leaf{}, leaf{}, 0
}

// remove takes out an entry that is there.
func (x *index) remove(order uint64, r slab.Ref) bool {
	before, l, i := x.locate(order, r)
	if l.leafHeader == nil {
		return false
	}
	copy(l.keys[i:], l.keys[i+1:l.count])
	l.count--
	x.count--
	s := x.slot(order)
	s.count--
	x.weights.add(int(order>>slotShift-x.base), -1)
	switch {
	case s.count == 0:
		x.clear(s)
	case before.leafHeader != nil && l.count == 0:
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
			next := x.header(r).next
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
	if l.depth == 0 || l.count > leafJoin/2 { // its other half is elsewhere in memory: it is looked at only if it is worth it
		return false
	}
	of := *l.leafHeader
	half := uint32(1) << (32 - of.depth)
	of.prefix &^= half
	low, high := s.leaves[s.bucket(of.prefix)], s.leaves[s.bucket(of.prefix|half)]
	a, b := x.leaf(low), x.leaf(high)
	if a.depth != b.depth || a.next != 0 || b.next != 0 || a.count+b.count > leafJoin {
		return false
	}
	if of.depth == s.depth {
		s.deep -= 2
	}
	of.depth--
	var space [2 * leafMax]spot
	all := append(append(space[:0], a.keys[:a.count]...), b.keys[:b.count]...)
	x.cells.Free(low)
	x.cells.Free(high)
	x.point(s, of, x.chain(of, all))
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
		if x.header(shorter[i]).depth == s.depth {
			s.deep++
		}
	}
	s.leaves = shorter
}

// moved takes note that Compact has moved a leaf.
func (x *index) moved(from, to slab.Ref) {
	l := x.header(to)
	s := &x.slots[l.slot]
	at := s.bucket(l.prefix)
	if r := s.leaves[at]; r != from {
		for x.header(r).next != from {
			r = x.header(r).next
		}
		x.header(r).next = to
		return
	}
	x.point(s, *l, to)
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
	l := x.header(s.leaves[s.bucket(tagOf(order))])
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
			e.order = x.seed.order(e.key)
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
	summed := make(weights, len(x.slots))
	for n := range x.slots {
		s := &x.slots[n]
		summed.add(n, int(s.count))
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
	if !slices.Equal(summed, x.weights) {
		return 0, errors.New("the slots' weights are not the sums of what they hold")
	}
	if total != x.count {
		return 0, fmt.Errorf("the slots have %d keys, want %d", total, x.count)
	}
	return leaves, nil
}
