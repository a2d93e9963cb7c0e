package store

import (
	"bytes"
	"cmp"
	"math/bits"
	"slices"
	"unsafe"

	"torc/core/slab"
)

// due holds the entries that expire, the first to expire first: a hierarchical timing wheel over log time, of which a
// slot is divided only when it is full.
//
//	node:   sixteen children, one for each value of four bits of the expiry, and how many entries are below
//	bucket: up to 61 entries, by their Refs, in any order until somebody asks for the first; it is the child of one value,
//	        or of 2, 4 or 8 neighbours
//
//	expiry 0x0192_a3b4_c5d6_e7f8:  0 -> 1 -> 9 -> 2 -> a -> 3 -> bucket
//
// A plain wheel empties a slot of its second level into the first when its time has come: a storm, when a million
// keys expire in one second, and replicas of which one has restored a snapshot would hold them in different order.
// Here a full bucket is divided as the entry comes that is too much, 61 at a time, by one more bit: so buckets are two thirds full on
// average, and an entry takes five bytes in all. Time needs no more work. Where the expiry's bits
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
	bucketStep  = 16             // cells of buckets are multiples of it,
	bucketBytes = 256            // up to this; longer only for entries that no digit parts
	bucketMax   = (bucketBytes - dueHeadSize) / 4
	bucketJoin  = bucketMax * 2 / 3 // two buckets with so few entries become one, and a node with so few a bucket
	bucketSpare = 24                // a bucket has less room than for so many more
	dueHeadSize = 12
	nodeBytes   = dueHeadSize + 4*digits
)

// dueHead begins a node's or bucket's cell.
type dueHead struct {
	kind   uint8 // flagNode or flagBucket
	run          // which of its parent's children it is; a node is one
	level  uint8 // whose digit tells its children, or would
	sorted bool  // a bucket: the first to expire is the last
	parent slab.Ref
	count  uint32 // entries in it or below it
}

// run is a node's children that are one: the first, and how many bits of the digit do not matter.
type run uint8

func runOf(digit, wide uint8) run { return run(wide<<digitBits | digit) }

func (r run) first() uint8 { return uint8(r) & (digits - 1) }
func (r run) wide() uint8  { return uint8(r) >> digitBits }
func (r run) long() uint8  { return 1 << r.wide() }

// wider is the run that this one and its other half make.
func (r run) wider() run { return runOf(r.first()&^r.long(), r.wide()+1) }

// other is that other half.
func (r run) other() run { return runOf(r.first()^r.long(), r.wide()) }

var _ [dueHeadSize - unsafe.Sizeof(dueHead{})]struct{}
var _ [unsafe.Sizeof(dueHead{}) - dueHeadSize]struct{}

// dueNode is what lies in a node's cell.
type dueNode struct {
	dueHead
	kids [digits]slab.Ref // neighbours may be the same bucket
}

// vacant reports whether a run has no entries.
func (n *dueNode) vacant(r run) bool {
	for _, kid := range n.kids[r.first() : r.first()+r.long()] {
		if kid != 0 {
			return false
		}
	}
	return true
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

// compare orders moments: by expiry, then by the digits of their versions.
func (m moment) compare(o moment) int {
	if c := cmp.Compare(m.at, o.at); c != 0 {
		return c
	}
	return cmp.Compare(turned(m.version), turned(o.version))
}

// turned has a number's digits in reverse.
func turned(v uint64) uint64 {
	const low = 0x0f0f0f0f0f0f0f0f
	v = bits.ReverseBytes64(v)
	return v>>digitBits&low | v&low<<digitBits
}

// compare orders entries: by their moments. Keys decide between equal ones, of which there are some only in a snapshot that somebody made
// up.
func (d *due) compare(a, b slab.Ref) int {
	var x, y entry
	x.read(a, d.cells.Bytes(a))
	y.read(b, d.cells.Bytes(b))
	if c := (moment{x.expireAt, x.version}).compare(moment{y.expireAt, y.version}); c != 0 {
		return c
	}
	return bytes.Compare(x.key, y.key)
}

// add takes in an entry, whose cell is written.
func (d *due) add(r slab.Ref, m moment) {
	d.count++
	if d.root == 0 {
		d.settle(dueHead{}, []slab.Ref{r})
		return
	}
	at := d.root
	for {
		h := d.head(at)
		switch {
		case h.kind == flagNode:
			n, digit := d.node(at), m.digit(h.level)
			if n.kids[digit] == 0 {
				d.tally(d.settle(dueHead{run: n.gap(digit), level: n.level + 1, parent: at}, []slab.Ref{r}), 1)
				return
			}
			at = n.kids[digit]
		case h.count < bucketMax || h.level == dueLevels && h.wide() == 0:
			d.tally(d.push(at, r), 1)
			return
		default:
			at = d.divide(at)
		}
	}
}

// gap is the longest run around a digit that has no entries, but half of all at most.
func (n *dueNode) gap(digit uint8) run {
	r := runOf(digit, 0)
	for r.wide() < digitBits-1 && n.vacant(r.other()) {
		r = r.wider()
	}
	return r
}

// tally counts entries that came to or left a bucket in all nodes above it.
func (d *due) tally(at slab.Ref, by int) {
	for up := d.head(at).parent; up != 0; up = d.head(up).parent {
		d.head(up).count += uint32(by)
	}
}

// push puts an entry into a bucket that has not too many, and returns where that is then.
func (d *due) push(at, r slab.Ref) slab.Ref {
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
	return at
}

// settle makes a bucket of some entries, with a little room, and lets its parent name it.
func (d *due) settle(of dueHead, refs []slab.Ref) slab.Ref {
	return d.settleIn(of, refs, len(refs)+1)
}

func (d *due) settleIn(of dueHead, refs []slab.Ref, room int) slab.Ref {
	size := (dueHeadSize + 4*room + bucketStep - 1) / bucketStep * bucketStep
	r, _ := d.cells.Alloc(size)
	h, all := d.bucket(r)
	of.kind, of.count = flagBucket, uint32(copy(all, refs))
	*h = of
	d.hang(r)
	return r
}

// resize gives a bucket a cell for so many entries.
func (d *due) resize(at slab.Ref, room int) slab.Ref {
	h, refs := d.bucket(at)
	to := d.settleIn(*h, refs[:h.count], room)
	d.cells.Free(at)
	return to
}

// hang makes a node's or bucket's parent name it.
func (d *due) hang(r slab.Ref) {
	h := d.head(r)
	if h.parent == 0 {
		d.root = r
		return
	}
	d.node(h.parent).name(h.run, r)
}

// name makes a part of a node a run's children; 0: it has none.
func (n *dueNode) name(of run, r slab.Ref) {
	for i := range of.long() {
		n.kids[of.first()+i] = r
	}
}

// divide parts a full bucket by one more bit, at a new node if it is one child already, and returns the node.
func (d *due) divide(at slab.Ref) slab.Ref {
	h, room := d.bucket(at)
	of := *h
	refs := append(make([]slab.Ref, 0, bucketMax), room[:h.count]...)
	d.cells.Free(at)
	if of.wide() == 0 {
		node, _ := d.cells.Alloc(nodeBytes)
		*d.node(node) = dueNode{dueHead: dueHead{kind: flagNode, run: of.run, level: of.level, parent: of.parent, count: of.count}}
		d.hang(node)
		of.run, of.level, of.parent = runOf(0, digitBits), of.level+1, node
	}
	d.node(of.parent).name(of.run, 0)
	d.part(of, refs)
	return of.parent
}

// part makes two buckets of the entries of a run, or one of a part of it that has them all.
func (d *due) part(of dueHead, refs []slab.Ref) {
	var moments [bucketMax]moment
	for i, r := range refs {
		moments[i] = d.momentOf(r)
	}
	var high [bucketMax]slab.Ref
	for of.wide() > 0 {
		half := runOf(of.first(), of.wide()-1)
		low, n := 0, 0
		for i, r := range refs { // in order: what is sorted stays so
			if moments[i].digit(of.level-1)&half.long() == 0 {
				refs[low] = r
				low++
			} else {
				high[n] = r
				n++
			}
		}
		switch {
		case n == 0:
			of.run = half
		case low == 0:
			of.run = half.other()
			copy(refs, high[:n])
		default:
			of.run = half
			d.settle(of, refs[:low])
			of.run = half.other()
			d.settle(of, high[:n])
			return
		}
	}
	d.settle(of, refs)
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
	d.tally(at, -1)
	d.shrink(at)
	return true
}

// take takes out the first entries, at most as many as refs has room for, that expire by a time, and returns how many those are. There
// may be more in the next bucket.
func (d *due) take(by int64, refs []slab.Ref) (n int) {
	at := d.root
	for at != 0 && d.head(at).kind == flagNode {
		for _, kid := range d.node(at).kids {
			if kid != 0 {
				at = kid
				break
			}
		}
	}
	if at == 0 {
		return 0
	}
	h, all := d.bucket(at)
	all = all[:h.count]
	d.sort(h, all)
	n = min(len(refs), len(all))
	for i := range n {
		refs[i] = all[len(all)-1-i]
	}
	d.lookAt(refs[:n])
	for i, r := range refs[:n] {
		if d.momentOf(r).at > by {
			n = i
			break
		}
	}
	if n > 0 {
		h.count -= uint32(n)
		d.count -= n
		d.tally(at, -n)
		d.shrink(at)
	}
	return n
}

// shrink gives up what a bucket that has lost an entry does not need.
func (d *due) shrink(at slab.Ref) {
	h, refs := d.bucket(at)
	switch {
	case h.count == 0:
		of := *h
		d.cells.Free(at)
		if at = d.vacate(of); at == 0 {
			return
		}
	case len(refs)-int(h.count) >= bucketSpare:
		at = d.resize(at, int(h.count)+2)
	}
	for at != 0 {
		at = d.join(at)
	}
}

// vacate takes note that a run has no entries any more, gives up nodes without any, and returns the bucket that may now be
// joined with what is empty; 0: there is none.
func (d *due) vacate(of dueHead) slab.Ref {
	for of.parent != 0 {
		n := d.node(of.parent)
		n.name(of.run, 0)
		r := of.run
		for r.wide() < digitBits && n.vacant(r.other()) {
			r = r.wider()
		}
		if r.wide() < digitBits {
			return d.bucketAt(n, r.other())
		}
		up := of.parent
		of = n.dueHead
		d.cells.Free(up)
	}
	d.root = 0
	return 0
}

// bucketAt is the bucket that is exactly a run's; 0: there is none.
func (d *due) bucketAt(n *dueNode, of run) slab.Ref {
	if kid := n.kids[of.first()]; kid != 0 && d.head(kid).kind == flagBucket && d.head(kid).run == of {
		return kid
	}
	return 0
}

// join makes one of a bucket and its other half, if they have few entries, in the place of their node if those are all. It
// returns the bucket; 0: it did nothing.
func (d *due) join(at slab.Ref) slab.Ref {
	h, refs := d.bucket(at)
	if h.parent == 0 {
		return 0
	}
	of, n := *h, d.node(h.parent)
	var space [bucketJoin]slab.Ref
	if of.count > bucketJoin {
		return 0
	}
	all := append(space[:0], refs[:of.count]...)
	if other := of.run.other(); !n.vacant(other) {
		kid := d.bucketAt(n, other)
		if kid == 0 {
			return 0
		}
		h, refs := d.bucket(kid)
		if h.count+of.count > bucketJoin {
			return 0
		}
		all, of.sorted = append(all, refs[:h.count]...), false
		d.cells.Free(kid)
	}
	d.cells.Free(at)
	if of.run = of.run.wider(); of.wide() == digitBits {
		node := of.parent
		of.run, of.level, of.parent = n.run, n.level, n.parent
		d.cells.Free(node)
		return d.settle(of, all)
	}
	return d.settle(of, all)
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
	last := slab.Ref(0)
	for _, kid := range d.node(at).kids {
		if kid != 0 && kid != last && n > 0 {
			n = d.show(kid, n, visit)
		}
		last = kid
	}
	return n
}

// sort puts a bucket's entries in order, the first to expire last.
func (d *due) sort(h *dueHead, refs []slab.Ref) {
	if h.sorted {
		return
	}
	type timed struct {
		moment
		ref slab.Ref
	}
	d.lookAt(refs)
	all := make([]timed, 0, bucketMax)
	for _, r := range refs {
		all = append(all, timed{d.momentOf(r), r})
	}
	slices.SortFunc(all, func(a, b timed) int {
		if c := b.moment.compare(a.moment); c != 0 {
			return c
		}
		return d.compare(b.ref, a.ref)
	})
	for i := range all {
		refs[i] = all[i].ref
	}
	h.sorted = true
}

// lookAt looks at some cells: all are waited for at once, see ahead.go.
func (d *due) lookAt(refs []slab.Ref) {
	seen := uint8(0)
	for _, r := range refs {
		seen += d.cells.Bytes(r)[0]
	}
	d.seen = seen
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
		last := slab.Ref(0)
		for _, kid := range d.node(at).kids {
			if kid == 0 || kid == last {
				continue
			}
			last = kid
			count := d.head(kid).count
			if rank < count {
				break
			}
			rank -= count
		}
		at = last
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
