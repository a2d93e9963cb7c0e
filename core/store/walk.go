package store

import "bytes"

// walk is a snapshot's way through the keys, in order. It pauses after each chunk; then the store may change
// what it likes, and the walk finds on by the last key that it has passed.
type walk struct {
	keys    *keyspace
	number  uint64 // of the snapshot
	version uint64 // the last version that is in it

	begun bool
	order uint64 // of the last key that was passed,
	key   []byte // and that key
	ended bool   // every key was passed

	batch   []entry // of one bucket, valid until the keyspace changes
	taken   int     // of the batch
	changes uint64  // of the keyspace when the batch was gathered
	from    uint64  // where the next bucket begins
	over    bool    // there is no next bucket
	halfway bool    // of the last entry that was taken
	out     int     // so many bytes of its value are handed out, and not all
}

// wants reports whether an entry that was there when the snapshot began is still to be passed.
func (w *walk) wants(e *entry) bool { return e.version <= w.version && w.ahead(e) }

func (w *walk) ahead(e *entry) bool {
	switch {
	case w.ended:
		return false
	case !w.begun || e.order > w.order:
		return true
	}
	return e.order == w.order && bytes.Compare(e.key, w.key) > 0
}

// next takes the next entry; nil: there is none.
func (w *walk) next() *entry {
	for w.taken == len(w.batch) {
		if w.over {
			return nil
		}
		w.gather()
	}
	w.taken++
	return &w.batch[w.taken-1]
}

// gather fills the batch from the next bucket.
func (w *walk) gather() {
	k := w.keys
	w.pass(len(w.batch))
	from := max(w.from, k.base<<slotShift)
	w.batch, w.taken, w.changes = k.gather(from, w.batch[:0]), 0, k.changes
	last := k.span(from).last
	k.retired.Ascend(retired{order: from}, func(r retired) bool {
		if r.order > last {
			return false
		}
		if w.number <= r.until {
			w.batch = append(w.batch, k.get(r.ref))
		}
		return true
	})
	kept := w.batch[:0]
	for _, e := range w.batch {
		if w.wants(&e) {
			kept = append(kept, e)
		}
	}
	w.batch = kept
	sortEntries(w.batch)
	w.from, w.over = last+1, last >= k.last
}

// pass notes that the batch's first entries were passed.
func (w *walk) pass(n int) {
	if n > 0 {
		e := &w.batch[n-1]
		w.begun, w.order, w.key = true, e.order, append(w.key[:0], e.key...)
	}
}

// pause is called when a chunk is full, with what is left of the value that was taken last.
func (w *walk) pause(left int) {
	w.halfway = left > 0
	if w.halfway {
		w.out = len(w.batch[w.taken-1].value) - left
		w.pass(w.taken - 1)
	} else {
		w.pass(w.taken)
	}
	if w.begun {
		w.keys.passed(w.order)
	}
}

// end is called when every key was handed out.
func (w *walk) end() {
	if !w.ended {
		w.ended, w.batch, w.taken = true, nil, 0
		w.keys.passed(^uint64(0))
	}
}

// resume is called before the next chunk. It returns what is left of the value that was taken last, or what
// it was given if that is still there.
func (w *walk) resume(left []byte) []byte {
	if w.changes == w.keys.changes {
		return left
	}
	w.batch, w.taken, w.from, w.over = w.batch[:0], 0, 0, false
	if w.begun {
		w.from = w.order
	}
	if w.halfway {
		left = w.next().value[w.out:]
	}
	return left
}
