package store

import (
	"bytes"
	"encoding/binary"
	"unsafe"

	"torc/core/slab"
)

// due holds the entries that expire, the first to expire at the top: a heap in the sense of the
// textbook, four children to a parent, in chunks of memory without pointers. An entry knows its place, so it can
// leave from the middle. The order is (expireAt, key), a total one: which keys leave first depends
// on what is stored and not on how it came there.
//
// A timing wheel would be O(1) where this is O(log n), but it empties a slot of its second wheel into the
// first all at once, which is a storm when a million keys expire in one second; and two replicas of which one
// has restored a snapshot would hold such a slot's keys in different order.
type due struct {
	cells  *slab.Heap
	source slab.Source
	chunks [][]dueItem
	count  int
}

// dueItem is an expiry in two halves (so that an item is 12 bytes long) and whose it is.
type dueItem struct {
	high, low uint32
	ref       slab.Ref
}

const (
	dueChunk = 1024 // items: three blocks
	dueBytes = dueChunk * 12
)

func (i *dueItem) at() int64 { return int64(uint64(i.high)<<32 | uint64(i.low)) }

func (d *due) item(n int) *dueItem { return &d.chunks[n/dueChunk][n%dueChunk] }

// first returns the entry that expires first, and when.
func (d *due) first() (r slab.Ref, at int64, ok bool) {
	if d.count == 0 {
		return 0, 0, false
	}
	i := d.item(0)
	return i.ref, i.at(), true
}

// add takes in an entry whose cell says when it expires.
func (d *due) add(r slab.Ref, at int64) {
	if d.count == len(d.chunks)*dueChunk {
		page := d.source.Alloc(dueBytes)
		d.chunks = append(d.chunks, unsafe.Slice((*dueItem)(unsafe.Pointer(unsafe.SliceData(page))), dueChunk))
	}
	d.count++
	d.up(d.count-1, dueItem{uint32(uint64(at) >> 32), uint32(at), r})
}

// placeOf is where an entry is that expires.
func (d *due) placeOf(r slab.Ref) int {
	return int(binary.LittleEndian.Uint32(d.cells.Bytes(r)[duePlace:]))
}

// remove takes out the entry in a place.
func (d *due) remove(place int) {
	d.count--
	last := *d.item(d.count)
	if place != d.count {
		d.fix(place, last)
	}
	if spare := len(d.chunks) - 1; spare*dueChunk-dueChunk/2 >= d.count {
		d.source.Free(bytesOf(d.chunks[spare]))
		d.chunks = d.chunks[:spare]
	}
}

func bytesOf(chunk []dueItem) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(chunk))), dueBytes)
}

// change gives the entry in a place a new expiry and a new cell.
func (d *due) change(place int, r slab.Ref, at int64) {
	d.fix(place, dueItem{uint32(uint64(at) >> 32), uint32(at), r})
}

// moved takes note that an entry has a new cell.
func (d *due) moved(to slab.Ref) { d.item(d.placeOf(to)).ref = to }

// fix puts an item in a place and restores the order.
func (d *due) fix(place int, i dueItem) {
	if place > 0 && d.less(&i, d.item((place-1)/4)) {
		d.up(place, i)
	} else {
		d.down(place, i)
	}
}

func (d *due) up(place int, i dueItem) {
	for place > 0 {
		parent := (place - 1) / 4
		if !d.less(&i, d.item(parent)) {
			break
		}
		d.put(place, *d.item(parent))
		place = parent
	}
	d.put(place, i)
}

func (d *due) down(place int, i dueItem) {
	for {
		least := 4*place + 1
		if least >= d.count {
			break
		}
		for child := least + 1; child < min(4*place+5, d.count); child++ {
			if d.less(d.item(child), d.item(least)) {
				least = child
			}
		}
		if !d.less(d.item(least), &i) {
			break
		}
		d.put(place, *d.item(least))
		place = least
	}
	d.put(place, i)
}

// put writes an item into a place, and the place into the item's cell.
func (d *due) put(place int, i dueItem) {
	*d.item(place) = i
	binary.LittleEndian.PutUint32(d.cells.Bytes(i.ref)[duePlace:], uint32(place))
}

func (d *due) less(a, b *dueItem) bool {
	if a.high != b.high {
		return a.high < b.high
	}
	if a.low != b.low {
		return a.low < b.low
	}
	if a.ref == b.ref {
		return false
	}
	var x, y entry
	x.read(a.ref, d.cells.Bytes(a.ref))
	y.read(b.ref, d.cells.Bytes(b.ref))
	return bytes.Compare(x.key, y.key) < 0
}

// release gives back the chunks, and returns how many bytes those were.
func (d *due) release() (bytes int) {
	bytes = len(d.chunks) * dueBytes
	for _, c := range d.chunks {
		d.source.Free(bytesOf(c))
	}
	d.chunks, d.count = nil, 0
	return bytes
}
