package store

import (
	"math"
	"slices"

	"github.com/tidwall/btree"

	"torc/core/invariant"
	"torc/core/slab"
)

// keyspace is the keys of a store from one FLUSH to the next, with the memory they lie in.
//
// A snapshot sees the keys as they were when it began, however long it takes. An entry never
// changes while a snapshot may still want it: a write puts a new entry into the index, and the old one is
// retired: it stays in its cell, out of the index, until the snapshots that knew it have passed it.
type keyspace struct {
	index
	due       due
	changes   uint64 // grows with whatever moves or frees a cell
	snapshots []*walk
	begun     uint64 // snapshots, ever
	retired   *btree.BTreeG[retired]
	kept      int64   // bytes of their cells
	sweeping  retired // where sweep goes on
	last      uint64  // the greatest order
	closed    bool    // its store is: memory goes back with the last snapshot
	scratch   []entry
}

// retired is an entry that only snapshots know. Versions are unique, so the order and the version name it.
type retired struct {
	order   uint64
	version uint64
	until   uint64 // the last snapshot that was begun before it was retired
	ref     slab.Ref
}

func lessRetired(a, b retired) bool {
	if a.order != b.order {
		return a.order < b.order
	}
	return a.version < b.version
}

func newKeyspace(source slab.Source, seed Seed, first, last uint64) *keyspace {
	cells := slab.New(source)
	return &keyspace{index: newIndex(cells, seed, first, last), due: due{cells: cells}, retired: newTree(lessRetired), last: last}
}

// get reads the entry in a cell, its order included.
func (k *keyspace) get(r slab.Ref) (e entry) {
	e.read(r, k.cells.Bytes(r))
	e.order = k.seed.order(e.key)
	return e
}

// growPart is the part of a large value that is left free behind it when it is appended to: else it would be copied
// every 4 KiB.
const growPart = 8

// put stores an entry, in the place of old unless that is nil, and leaves it in e, which may be old. The
// value is in two parts, of which the first may be old's, or how that begins.
func (k *keyspace) put(e, old *entry, key []byte, order uint64, value, more []byte, version uint64, expireAt int64) {
	k.changes++
	size := cellSize(len(key), len(value)+len(more), version, expireAt)
	if old == nil {
		r, b := k.cells.Alloc(size)
		e.write(r, b, key, value, more, false, version, expireAt)
		e.order = order
		k.insert(order, r)
		if expireAt != 0 {
			k.due.add(r, moment{expireAt, version})
		}
		return
	}
	was := *old
	k.endures(&was) // before its cell is written over
	r, b := was.ref, k.cells.Bytes(was.ref)
	kept := k.wanted(&was)
	if grows := len(more) > 0; kept || len(b) != slab.Room(size) && !(grows && size <= len(b)) {
		room := size
		if grows && size > slab.CellMax {
			room += size / growPart
		}
		r, b = k.cells.Alloc(room)
	}
	own := r == was.ref && len(value) > 0 && len(was.value) > 0 && &value[0] == &was.value[0]
	e.write(r, b, key, value, more, own, version, expireAt)
	e.order = order
	if r != was.ref && !k.replace(order, was.ref, r) {
		invariant.Check(false, "key %q is not where it was found", key)
	}
	if expireAt != 0 {
		k.due.add(r, moment{expireAt, version})
	}
	switch {
	case kept:
		k.retire(&was)
	case r != was.ref:
		k.cells.Free(was.ref)
	}
}

// drop removes an entry.
func (k *keyspace) drop(e *entry) {
	k.endures(e)
	k.dropped(e)
}

// dropped removes an entry that is not among those that expire any more.
func (k *keyspace) dropped(e *entry) {
	k.changes++
	if !k.index.remove(e.order, e.ref) {
		invariant.Check(false, "key %q is not where it was found", e.key)
	}
	if k.wanted(e) {
		k.retire(e)
	} else {
		k.cells.Free(e.ref)
	}
}

// endures takes an entry out of those that expire, if it does.
func (k *keyspace) endures(e *entry) {
	if e.expireAt != 0 && !k.due.remove(e.ref, moment{e.expireAt, e.version}) {
		invariant.Check(false, "key %q is not among those that expire", e.key)
	}
}

// wanted reports whether a snapshot has still to pass an entry.
func (k *keyspace) wanted(e *entry) bool {
	for _, s := range k.snapshots {
		if s.wants(e) {
			return true
		}
	}
	return false
}

// retire keeps an entry that leaves the index.
func (k *keyspace) retire(e *entry) {
	cell := k.cells.Bytes(e.ref)
	cell[0] |= flagRetired
	k.kept += int64(len(cell))
	k.retired.Set(retired{e.order, e.version, k.begun, e.ref})
}

// wants reports whether a retired entry is still to be passed by some snapshot.
func (k *keyspace) wants(r retired) bool {
	for _, s := range k.snapshots {
		if s.number <= r.until && r.version <= s.version {
			if e := k.get(r.ref); s.wants(&e) {
				return true
			}
		}
	}
	return false
}

// sweep frees retired entries that nobody wants any more, looking at some.
func (k *keyspace) sweep(most int) {
	for most > 0 && k.retired.Len() > 0 {
		var gone [32]retired
		looked, n := 0, 0
		last := k.sweeping
		k.retired.Ascend(k.sweeping, func(r retired) bool {
			if looked == most || n == len(gone) {
				return false
			}
			looked++
			if last = r; !k.wants(r) {
				gone[n] = r
				n++
			}
			return true
		})
		most -= looked
		if k.sweeping = last; most > 0 && n < len(gone) {
			k.sweeping, most = retired{}, 0 // the end was reached
		}
		k.free(gone[:n])
	}
}

// passed frees the retired entries up to an order, as far as nobody else wants them.
func (k *keyspace) passed(order uint64) {
	for {
		r, ok := k.retired.Min()
		if !ok || r.order > order || k.wants(r) {
			return
		}
		k.free([]retired{r})
	}
}

func (k *keyspace) free(gone []retired) {
	for _, r := range gone {
		k.changes++
		k.retired.Delete(r)
		k.kept -= int64(len(k.cells.Bytes(r.ref)))
		k.cells.Free(r.ref)
	}
}

// moved takes note that Compact has moved a cell.
func (k *keyspace) moved(from, to slab.Ref) {
	k.changes++
	b := k.cells.Bytes(to)
	switch {
	case b[0]&flagLeaf != 0:
		k.index.moved(from, to)
		return
	case b[0]&(flagNode|flagBucket) != 0:
		k.due.movedCell(to)
		return
	}
	var e entry
	e.read(to, b)
	e.order = k.seed.order(e.key)
	if e.retired {
		r, known := k.retired.Get(retired{order: e.order, version: e.version})
		invariant.Check(known && r.ref == from, "a retired entry of key %q is not known", e.key)
		r.ref = to
		k.retired.Set(r)
		return
	}
	if !k.replace(e.order, from, to) {
		invariant.Check(false, "key %q is not in the index", e.key)
	}
	if e.expireAt != 0 && !k.due.moved(from, to) {
		invariant.Check(false, "key %q is not among those that expire", e.key)
	}
}

// ascend shows the entries from one order to another, in order, until told to stop. There are none where a
// cursor or a slot of another shard begins, which is as good as any number: clients make them up.
func (k *keyspace) ascend(from, to uint64, visit func(*entry) bool) {
	for from <= to {
		k.scratch = k.gather(from, k.scratch[:0])
		for i := range k.scratch {
			e := &k.scratch[i]
			if e.order < from {
				continue
			}
			if e.order > to || !visit(e) {
				return
			}
		}
		last := k.span(from).last
		if last >= to || k.count == 0 {
			return
		}
		from = last + 1
	}
}

// begin and end count a snapshot among those that run.
func (k *keyspace) begin(s *walk) {
	k.begun++
	s.number = k.begun
	k.snapshots = append(k.snapshots, s)
}

func (k *keyspace) end(s *walk) {
	k.snapshots = slices.DeleteFunc(k.snapshots, func(x *walk) bool { return x == s })
	if k.closed && len(k.snapshots) == 0 {
		k.release(math.MaxInt)
	}
}

// release gives back memory, about budget bytes, and returns how many those were and whether none is left.
func (k *keyspace) release(budget int) (spent int, done bool) {
	return k.cells.Release(budget)
}
