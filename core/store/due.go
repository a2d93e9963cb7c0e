package store

import (
	"bytes"
	"cmp"
	"slices"
	"unsafe"

	"torc/core/slab"
)

// due holds the entries that expire, the first to expire first: a hierarchical timing wheel over log time, of which a
// slot is divided only when it is full.
//
//	node:   sixteen children, one for each value of four bits of the expiry, and how many entries are below each
//	bucket: up to 61 entries, by their Refs, in any order until somebody asks for the first
//
//	expiry 0x0192_a3b4_c5d6_e7f8:  0 -> 1 -> 9 -> 2 -> a -> 3 -> bucket
//
// A plain wheel empties a slot of its second level into the first when its time has come: a storm, when a million
// keys expire in one second, and replicas of which one has restored a snapshot would hold them in different order.
// Here a full bucket is divided as the entry comes that is too much, 61 at a time, and time needs no more work. Where the expiry's bits
// end, the version's go on (the last ones first, so that neighbours part at once): so the order is total, (expiry, version) by digits,
// and which keys leave first depends on what is stored and not on how it came there. Every change is a walk of as many
// steps as the keys' expiries need digits to differ (five or six for an hour of them, after those that all have in common), whatever their number.
//
// Nodes and buckets lie in the same slab as the entries.
type due struct {
	cells *slab.Heap
	root  slab.Ref // node or bucket; 0: nothing expires
	count int
	seen  uint8 // that the compiler cannot leave out a look ahead
}

const (
	digitBits   = 4
	digits      = 1 << digitBits
	timeLevels  = 64 / digitBits
	dueLevels   = 2 * timeLevels // the last ones are of the version
	bucketStep  = 32             // cells of buckets are multiples of it,
	bucketBytes = 256            // up to this; longer only for entries that no digit parts
	bucketMax   = (bucketBytes - dueHeadSize) / 4
	bucketJoin  = bucketMax / 4 // a node with so few entries becomes a bucket
	dueHeadSize = 12
	nodeBytes   = dueHeadSize + 2*4*digits
)

// dueHead begins a node's or bucket's cell.
type dueHead struct {
	kind   uint8 // flagNode or flagBucket
	digit  uint8 // which of its parent's children it is
	level  uint8 // whose digit tells its children, or would
	sorted bool  // a bucket: the first to expire is the last
	parent slab.Ref
	count  uint32 // entries of a bucket
}

var _ [dueHeadSize - unsafe.Sizeof(dueHead{})]struct{}
var _ [unsafe.Sizeof(dueHead{}) - dueHeadSize]struct{}

// dueNode is what lies in a node's cell.
type dueNode struct {
	dueHead
	kids   [digits]slab.Ref
	counts [digits]uint32 // entries below each
}

func (d *due) head(r slab.Ref) *dueHead {
	return (*dueHead)(unsafe.Pointer(unsafe.SliceData(d.cells.Bytes(r))))
}

func (d *due) node(r slab.Ref) *dueNode {
	return (*dueNode)(unsafe.Pointer(unsafe.SliceData(d.cells.Bytes(r))))
}

// bucket is a bucket's header and its whole room.
func (d *due) bucket(r slab.Ref) (*dueHead, []slab.Ref) {
	b := d.cells.Bytes(r)
	return d.head(r), unsafe.Slice((*slab.Ref)(unsafe.Pointer(unsafe.SliceData(b[dueHeadSize:]))), (len(b)-dueHeadSize)/4)
}

// moment is an entry's place in the order.
type moment struct {
	at      int64
	version uint64
}

func (m moment) digit(level uint8) uint8 {
	if level < timeLevels {
		return uint8(uint64(m.at)>>(64-digitBits*(level+1))) & (digits - 1)
	}
	return uint8(m.version>>(digitBits*(level-timeLevels))) & (digits - 1)
}

func (d *due) momentOf(r slab.Ref) moment {
	var e entry
	e.read(r, d.cells.Bytes(r))
	return moment{e.expireAt, e.version}
}

// compare orders entries: by expiry, then by the digits of their versions. Keys decide between equal ones, of which there
// are some only in a snapshot that somebody made up.
func (d *due) compare(a, b slab.Ref) int {
	var x, y entry
	x.read(a, d.cells.Bytes(a))
	y.read(b, d.cells.Bytes(b))
	if c := cmp.Compare(x.expireAt, y.expireAt); c != 0 {
		return c
	}
	if x.version != y.version {
		level := uint8(timeLevels)
		p, q := moment{0, x.version}, moment{0, y.version}
		for p.digit(level) == q.digit(level) {
			level++
		}
		return cmp.Compare(p.digit(level), q.digit(level))
	}
	return bytes.Compare(x.key, y.key)
}

// add takes in an entry, whose cell is written.
func (d *due) add(r slab.Ref, m moment) {
	d.count++
	if d.root == 0 {
		d.root = d.newBucket(dueHead{}, nil)
	}
	at := d.root
	for {
		h := d.head(at)
		if h.kind == flagBucket {
			if h.count < bucketMax || h.level == dueLevels {
				d.push(at, r)
				return
			}
			at = d.divide(at)
			continue
		}
		n, digit := d.node(at), m.digit(h.level)
		n.counts[digit]++
		if n.kids[digit] == 0 {
			kid := d.newBucket(dueHead{digit: digit, level: h.level + 1, parent: at}, nil)
			n = d.node(at) // memory may have moved
			n.kids[digit] = kid
		}
		at = n.kids[digit]
	}
}

// push puts an entry into a bucket that has not too many.
func (d *due) push(at, r slab.Ref) {
	h, refs := d.bucket(at)
	n := int(h.count)
	if n == len(refs) {
		at = d.resize(at, n+1)
		h, refs = d.bucket(at)
	}
	place := n
	if h.sorted { // the first to expire is the last
		place, _ = slices.BinarySearchFunc(refs[:n], r, func(x, r slab.Ref) int { return d.compare(r, x) })
	}
	copy(refs[place+1:n+1], refs[place:n])
	refs[place] = r
	h.count++
}

// newBucket makes a bucket of some entries, with a little room.
func (d *due) newBucket(of dueHead, refs []slab.Ref) slab.Ref {
	return d.bucketFor(of, refs, len(refs)+1)
}

func (d *due) bucketFor(of dueHead, refs []slab.Ref, room int) slab.Ref {
	size := (dueHeadSize + 4*room + bucketStep - 1) / bucketStep * bucketStep
	r, _ := d.cells.Alloc(size)
	h, all := d.bucket(r)
	of.kind, of.count = flagBucket, uint32(copy(all, refs))
	*h = of
	return r
}

// resize gives a bucket a cell for so many entries.
func (d *due) resize(at slab.Ref, room int) slab.Ref {
	h, refs := d.bucket(at)
	to := d.bucketFor(*h, refs[:h.count], room)
	d.hang(to)
	d.cells.Free(at)
	return to
}

// hang makes a node's or bucket's parent name it.
func (d *due) hang(r slab.Ref) {
	h := d.head(r)
	if h.parent == 0 {
		d.root = r
	} else {
		d.node(h.parent).kids[h.digit] = r
	}
}

// divide makes a node of a full bucket.
func (d *due) divide(at slab.Ref) slab.Ref {
	h, room := d.bucket(at)
	of := *h
	refs := append(make([]slab.Ref, 0, bucketMax), room[:h.count]...)
	var parts [digits][bucketMax]slab.Ref
	var counts [digits]uint32
	for _, r := range refs {
		digit := d.momentOf(r).digit(of.level)
		parts[digit][counts[digit]] = r
		counts[digit]++
	}
	d.cells.Free(at)
	at, _ = d.cells.Alloc(nodeBytes)
	of.kind, of.sorted, of.count = flagNode, false, 0
	*d.node(at) = dueNode{dueHead: of, counts: counts}
	d.hang(at)
	for digit, count := range counts {
		if count > 0 {
			kid := d.newBucket(dueHead{digit: uint8(digit), level: of.level + 1, parent: at}, parts[digit][:count])
			d.node(at).kids[digit] = kid
		}
	}
	return at
}

// bucketOf is the bucket that holds, or would hold, an entry; 0: there is none.
func (d *due) bucketOf(m moment) slab.Ref {
	at := d.root
	for at != 0 && d.head(at).kind == flagNode {
		n := d.node(at)
		at = n.kids[m.digit(n.level)]
	}
	return at
}

// remove takes out an entry; false: it is not there. Its cell may have been written over.
func (d *due) remove(r slab.Ref, m moment) bool {
	at := d.bucketOf(m)
	if at == 0 {
		return false
	}
	h, refs := d.bucket(at)
	n := int(h.count)
	place := slices.Index(refs[:n], r)
	if place < 0 {
		return false
	}
	if h.sorted {
		copy(refs[place:], refs[place+1:n])
	} else {
		refs[place] = refs[n-1]
	}
	h.count--
	d.count--
	d.uncount(at, h)
	return true
}

// uncount notes in all nodes above a bucket that it has one entry less, and gives up what is not needed.
func (d *due) uncount(at slab.Ref, h *dueHead) {
	small := slab.Ref(0) // the highest node that has become small
	for up, digit := h.parent, h.digit; up != 0; {
		n := d.node(up)
		n.counts[digit]--
		up, digit = n.parent, n.digit
	}
	switch _, refs := d.bucket(at); {
	case h.count == 0 && h.parent == 0:
		d.cells.Free(at)
		d.root = 0
		return
	case h.count == 0:
		n := d.node(h.parent)
		n.kids[h.digit] = 0
		small = h.parent
		d.cells.Free(at)
	case h.parent != 0:
		small = h.parent
		fallthrough
	default:
		if len(refs)-int(h.count) >= 3*bucketStep/4 {
			d.resize(at, int(h.count)+2)
		}
	}
	for small != 0 && d.total(small) <= bucketJoin {
		up := d.node(small).parent
		d.join(small)
		small = up
	}
}

// total is how many entries are below a node.
func (d *due) total(at slab.Ref) int {
	n := d.node(at)
	if n.parent == 0 {
		return d.count
	}
	return int(d.node(n.parent).counts[n.digit])
}

// join makes a bucket of a node with few entries, whose children are buckets.
func (d *due) join(at slab.Ref) {
	n := *d.node(at)
	var space [bucketJoin]slab.Ref
	all := space[:0]
	for _, kid := range n.kids {
		if kid != 0 {
			h, refs := d.bucket(kid)
			all = append(all, refs[:h.count]...)
			d.cells.Free(kid)
		}
	}
	d.cells.Free(at)
	switch {
	case len(all) > 0:
		d.hang(d.newBucket(n.dueHead, all))
	case n.parent == 0:
		d.root = 0
	default:
		d.node(n.parent).kids[n.digit] = 0
	}
}

// first returns the entry that expires first, and when.
func (d *due) first() (r slab.Ref, at int64, ok bool) {
	d.soonest(1, func(first slab.Ref) { r, ok = first, true })
	if !ok {
		return 0, 0, false
	}
	return r, d.momentOf(r).at, true
}

// soonest shows the first n to expire, in order.
func (d *due) soonest(n int, visit func(slab.Ref)) {
	if d.root != 0 {
		d.show(d.root, n, visit)
	}
}

// show shows the first n of what is below, and returns how many are still wanted.
func (d *due) show(at slab.Ref, n int, visit func(slab.Ref)) int {
	if d.head(at).kind == flagBucket {
		h, refs := d.bucket(at)
		d.sort(h, refs[:h.count])
		for i := int(h.count) - 1; i >= 0 && n > 0; i-- {
			visit(refs[i])
			n--
		}
		return n
	}
	for _, kid := range d.node(at).kids {
		if kid != 0 && n > 0 {
			n = d.show(kid, n, visit)
		}
	}
	return n
}

func (d *due) sort(h *dueHead, refs []slab.Ref) {
	if !h.sorted {
		seen := uint8(0)
		for _, r := range refs {
			seen += d.cells.Bytes(r)[0] // all are waited for at once, see ahead.go
		}
		d.seen = seen
		slices.SortFunc(refs, func(a, b slab.Ref) int { return d.compare(b, a) })
		h.sorted = true
	}
}

// sample shows n entries, evenly spread over all from a place on that chance chooses.
func (d *due) sample(at uint64, n int, visit func(slab.Ref)) {
	n = min(n, d.count)
	for i := range n {
		visit(d.nth(uint32((scatter(at)%uint64(d.count) + uint64(i*(d.count/n))) % uint64(d.count))))
	}
}

// nth is the entry with so many before it, but for the order within its bucket.
func (d *due) nth(rank uint32) slab.Ref {
	at := d.root
	for d.head(at).kind == flagNode {
		n, digit := d.node(at), 0
		for ; rank >= n.counts[digit]; digit++ {
			rank -= n.counts[digit]
		}
		at = n.kids[digit]
	}
	_, refs := d.bucket(at)
	return refs[rank]
}

// moved takes note that an entry has a new cell.
func (d *due) moved(from, to slab.Ref) bool {
	at := d.bucketOf(d.momentOf(to))
	if at == 0 {
		return false
	}
	h, refs := d.bucket(at)
	place := slices.Index(refs[:h.count], from)
	if place >= 0 {
		refs[place] = to
	}
	return place >= 0
}

// movedCell takes note that a node or a bucket has a new cell.
func (d *due) movedCell(to slab.Ref) {
	d.hang(to)
	if d.head(to).kind == flagNode {
		for _, kid := range d.node(to).kids {
			if kid != 0 {
				d.head(kid).parent = to
			}
		}
	}
}
