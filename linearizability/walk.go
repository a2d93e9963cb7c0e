package linearizability

import (
	"cmp"
	"slices"
)

// The search itself: depth first through the orders of one key's operations (Wing and Gong 1993), with the
// states that led nowhere remembered (Lowe 2017), as porcupine does it. What porcupine cannot know makes it cheap:
//
//  1. Looks come at once. An operation that, by its answer, changed nothing and fits the present state is taken
//     without trying anything else: whatever order explains the rest explains it with the look moved here, too.
//     So the reads of a key with forty operations open at a time cost nothing, where each set of them was a case.
//  2. Versions and the numbers of leases tell the order of most changes (turns, below).
//  3. Of open operations that ask the same only the first called is tried, and none has to be placed at all: the
//     search is over as soon as all answers are explained.

// entry is an operation's call or its return, in a list by time.
type entry struct {
	op         *Operation
	index      int
	ends       bool   // it is a return
	end        *entry // of a call: its return; nil if it is open
	prev, next *entry
}

// span is an operation with the end that a search gives it.
type span struct {
	op  *Operation
	end int64
}

// walk is one search. It runs once.
type walk struct {
	head   entry
	turns  map[*Operation]turn
	twin   []int // of an open operation: the one called before it that asks the same, or -1
	taken  bits
	print  fingerprint // of taken
	left   int         // operations with an end that are not taken
	done   turn
	failed map[place]struct{}
	steps  int64 // that it may still take
	tired  bool  // there were too many
}

// place is where a search has been in vain. The set of operations taken stands here as its fingerprint: the set itself is as
// long as the key's history, and a hopeless key has millions of places. Should two of them be alike by accident (one
// in 10^25), an order is missed, and porcupine's second opinion contradicts.
type place struct {
	taken fingerprint
	at    state
}

// fingerprint identifies a set of operations: the sum, without carries, of one number of 128 bits for each (Zobrist 1970).
type fingerprint [2]uint64

func (p *fingerprint) flip(i int) {
	p[0] ^= mix(2 * uint64(i))
	p[1] ^= mix(2*uint64(i) + 1)
}

// mix is the finish of SplitMix64 (Steele, Lea and Flood 2014).
func mix(x uint64) uint64 {
	x = (x + 1) * 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// bits is a set of operations.
type bits []uint64

func (b bits) has(i int) bool { return b[i/64]>>(i%64)&1 != 0 }
func (b bits) flip(i int)     { b[i/64] ^= 1 << (i % 64) }

func newWalk(list []span, steps int64) *walk {
	w := &walk{turns: turnsOf(list), twin: make([]int, len(list)), taken: make(bits, len(list)/64+1), failed: map[place]struct{}{}, steps: steps}
	type event struct {
		at    int64
		entry *entry
	}
	var events []event
	twins := map[twinKey]int{}
	for i, s := range list {
		call := &entry{op: s.op, index: i}
		events = append(events, event{s.op.Call, call})
		w.twin[i] = -1
		if s.end != Open {
			call.end = &entry{op: s.op, index: i, ends: true}
			events = append(events, event{s.end, call.end})
			w.left++
			continue
		}
		key := twinKey{s.op.Kind, s.op.In}
		if before, again := twins[key]; again {
			w.twin[i] = before
		}
		twins[key] = i
	}
	slices.SortStableFunc(events, func(a, b event) int {
		switch {
		case a.at != b.at || a.entry.ends == b.entry.ends:
			return cmp.Compare(a.at, b.at)
		case a.entry.ends:
			return 1 // intervals are closed: what is called at the instant of a return overlaps it
		}
		return -1
	})
	last := &w.head
	for _, e := range events {
		e.entry.prev, last.next = last, e.entry
		last = e.entry
	}
	return w
}

type twinKey struct {
	kind Kind
	in   Input
}

// from reports whether an order of what is left explains all answers.
func (w *walk) from(at state) bool {
	looks := w.look(&at)
	if w.left == 0 {
		return true
	}
	if !w.seen(at) {
		for e := w.head.next; e != nil && !e.ends; e = e.next {
			if twin := w.twin[e.index]; twin >= 0 && !w.taken.has(twin) {
				continue
			}
			ok, next := w.step(at, e.op)
			if w.tired {
				return false
			}
			if !ok {
				continue
			}
			w.take(e)
			if w.from(next) {
				return true
			}
			if w.tired {
				return false
			}
			w.putBack(e)
		}
	}
	for _, e := range slices.Backward(looks) {
		w.putBack(e)
	}
	return false
}

// look takes all looks that fit.
func (w *walk) look(at *state) (taken []*entry) {
	for again := !at.fuzzy; again; {
		again = false
		for e := w.head.next; e != nil && !e.ends; e = e.next {
			if e.op.Outcome != OK || !e.op.looks() {
				continue
			}
			ok, next := w.step(*at, e.op)
			if w.tired {
				return taken
			}
			if !ok || next.value != at.value || next.version != at.version || next.lease != at.lease {
				continue
			}
			*at, again = next, true
			w.take(e)
			taken = append(taken, e)
		}
	}
	return taken
}

// looks reports whether an answered operation has left its key as it was, as its answer says. (A
// delete that found nothing ends a lease all the same, which only ever rules fills out.)
func (op *Operation) looks() bool {
	switch op.Kind {
	case Read:
		return true
	case GetDel:
		return !op.Out.Value.Found
	case Delete, SetNX, CAS, Fill, Lease:
		return !op.Out.Applied
	}
	return false
}

func (w *walk) step(at state, op *Operation) (bool, state) {
	if w.steps--; w.steps < 0 {
		w.tired = true
		return false, at
	}
	if !w.turns[op].come(op, &w.done) {
		return false, at
	}
	return step(at, op)
}

// take puts an operation behind those already taken.
func (w *walk) take(e *entry) {
	w.taken.flip(e.index)
	w.print.flip(e.index)
	w.done.add(e.op, 1)
	e.cut()
	if e.end != nil {
		e.end.cut()
		w.left--
	}
}

// putBack undoes the last take.
func (w *walk) putBack(e *entry) {
	w.taken.flip(e.index)
	w.print.flip(e.index)
	w.done.add(e.op, -1)
	if e.end != nil {
		e.end.mend()
		w.left++
	}
	e.mend()
}

func (e *entry) cut() {
	e.prev.next = e.next
	if e.next != nil {
		e.next.prev = e.prev
	}
}

func (e *entry) mend() {
	e.prev.next = e
	if e.next != nil {
		e.next.prev = e
	}
}

// seen reports whether the search was here before, and notes that it is.
func (w *walk) seen(at state) bool {
	here := place{w.print, at}
	if _, again := w.failed[here]; again {
		return true
	}
	w.failed[here] = struct{}{}
	return false
}
