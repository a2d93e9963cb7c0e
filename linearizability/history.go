package linearizability

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// History is what a set of clients did and saw, on any number of keys that were all absent
// when it began.
type History struct {
	Ops []Operation // in order of ID
}

// KeyHistory is the part of a history that concerns one key. Keys are independent for
// linearizability (Herlihy and Wing 1990, "locality"), so every checker works on one key.
type KeyHistory struct {
	Key string
	Ops []*Operation // in order of Call, then ID; shared with the History, never changed
}

// ByKey splits a history by key, keys in ascending order.
func (h *History) ByKey() []KeyHistory {
	index := make(map[string]int)
	keys := make([]int, len(h.Ops))
	var parts []KeyHistory
	var sizes []int
	for i := range h.Ops {
		k, seen := index[h.Ops[i].Key]
		if !seen {
			k = len(parts)
			index[h.Ops[i].Key] = k
			parts = append(parts, KeyHistory{Key: h.Ops[i].Key})
			sizes = append(sizes, 0)
		}
		keys[i] = k
		sizes[k]++
	}
	backing := make([]*Operation, len(h.Ops))
	for k := range parts {
		parts[k].Ops, backing = backing[:0:sizes[k]], backing[sizes[k]:]
	}
	for i := range h.Ops {
		part := &parts[keys[i]]
		part.Ops = append(part.Ops, &h.Ops[i])
	}
	for k := range parts {
		slices.SortFunc(parts[k].Ops, byCall)
	}
	slices.SortFunc(parts, func(a, b KeyHistory) int { return strings.Compare(a.Key, b.Key) })
	return parts
}

func byCall(a, b *Operation) int {
	if a.Call != b.Call {
		return cmp.Compare(a.Call, b.Call)
	}
	return cmp.Compare(a.ID, b.ID)
}

func byReturn(a, b *Operation) int {
	if a.Return != b.Return {
		return cmp.Compare(a.Return, b.Return)
	}
	return cmp.Compare(a.ID, b.ID)
}

// The ways in which an operation can be malformed.
var (
	errOrder   = errors.New("IDs must be positive and increase")
	errKind    = errors.New("unknown kind")
	errOutcome = errors.New("unknown outcome")
	errTimes   = errors.New("returns before its call")
	errOpen    = errors.New("an operation has no return time if and only if its outcome is unknown")
	errToken   = errors.New("appends nothing")
	errTTL     = errors.New("negative TTL")
	errEvict   = errors.New("an eviction has happened, at an instant, to a version")
	errBatch   = errors.New("a batch has a positive number, one client, and all its calls before any return")
)

// Validate reports the first operation that no recorder would have written. Checkers rely
// on a valid history.
func (h *History) Validate() error {
	last := 0
	batches := newBatchRule()
	for i := range h.Ops {
		op := &h.Ops[i]
		if op.ID <= last {
			return fmt.Errorf("operation %s: %w", op.Name(), errOrder)
		}
		last = op.ID
		if err := op.validate(); err != nil {
			return fmt.Errorf("operation %s: %w", op.Name(), err)
		}
		if !batches.admit(op) {
			return fmt.Errorf("operation %s: %w", op.Name(), errBatch)
		}
	}
	return nil
}

// batchRule holds what is true of batches, operation by operation: one client sent each as
// one message, so none of its answers can come before one of its calls.
type batchRule struct {
	seen  map[int]*message
	last  *message // operations of a batch mostly stand together
	batch int
}

type message struct {
	client             int
	lastCall, firstEnd int64
}

func newBatchRule() batchRule { return batchRule{seen: map[int]*message{}} }

func (r *batchRule) admit(op *Operation) bool {
	if op.Batch == 0 {
		return true
	}
	if op.Batch != r.batch {
		r.batch, r.last = op.Batch, r.seen[op.Batch]
	}
	if r.last == nil {
		r.last = &message{op.Client, op.Call, op.Return}
		r.seen[op.Batch] = r.last
	}
	m := r.last
	m.lastCall, m.firstEnd = max(m.lastCall, op.Call), min(m.firstEnd, op.Return)
	return op.Batch > 0 && op.Client == m.client && m.lastCall <= m.firstEnd
}

func (op *Operation) validate() error {
	switch {
	case op.Kind == 0 || op.Kind >= kindEnd:
		return errKind
	case op.Outcome == 0 || op.Outcome >= outcomeEnd:
		return errOutcome
	case (op.Outcome == Unknown) != (op.Return == Open):
		return errOpen
	case op.Return < op.Call:
		return errTimes
	case op.Kind == Append && op.In.Value == "":
		return errToken
	case op.In.TTL < 0:
		return errTTL
	case op.Kind == Evict && (op.Outcome != OK || op.Call != op.Return || op.In.Version == 0):
		return errEvict
	}
	return nil
}
