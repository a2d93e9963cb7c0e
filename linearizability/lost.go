package linearizability

import (
	"cmp"
	"fmt"
	"slices"
)

// Transactions and losses. What a key held before a sure loss is gone after it, so what was asked and answered between two losses is a
// history of its own, which begins with absent keys. An operation that was under way during a loss took effect on one side of it or on the other:
// if it only read, nothing follows from it; if not, it is one of unknown outcome on either. A key that was only perhaps lost is
// left out: nothing follows from what it lacks, or has.

// betweenLosses parts a history: the keys that no loss covers, and for those of each list of losses the times between them.
func betweenLosses(h *History, o Options) (parts []*History) {
	if len(o.Losses) == 0 {
		return []*History{h}
	}
	kept := &History{}
	parts = []*History{kept}
	spans := map[string]*between{}
	byLosses := map[string]*between{}
	for i := range h.Ops {
		op := &h.Ops[i]
		span, known := spans[op.Key]
		if !known {
			span = betweenOf(o.lossesOf(op.Key), byLosses, &parts)
			spans[op.Key] = span
		}
		if span == nil {
			kept.Ops = append(kept.Ops, *op)
			continue
		}
		span.add(op)
	}
	return parts
}

// between is the times between the losses of some keys, and what happened in each.
type between struct {
	losses []Loss // in order; nil: nobody knows whether they were any
	parts  []*History
}

// betweenOf finds the times of keys with some losses, or makes them; nil: there are no losses.
func betweenOf(losses []Loss, known map[string]*between, parts *[]*History) *between {
	if len(losses) == 0 {
		return nil
	}
	name := ""
	for _, loss := range losses {
		name += fmt.Sprint(loss.From, " ", loss.To, " ", loss.Sure, " ")
	}
	if b := known[name]; b != nil {
		return b
	}
	b := &between{}
	known[name] = b
	if sureLoss(losses) {
		b.losses = slices.Clone(losses)
		slices.SortFunc(b.losses, func(x, y Loss) int { return cmp.Compare(x.To, y.To) })
		for range len(losses) + 1 {
			b.parts = append(b.parts, &History{})
		}
		*parts = append(*parts, b.parts...)
	}
	return b
}

// add gives an operation to the times in which it may have taken effect.
func (b *between) add(op *Operation) {
	if b.losses == nil {
		return
	}
	first, last := 0, len(b.losses)
	for i, loss := range b.losses {
		if loss.To < op.Call {
			first = i + 1
		}
		if op.Outcome == OK && op.Return < loss.From {
			last = min(last, i)
		}
	}
	known := *op
	if op.Outcome == OK && first != last {
		if op.Kind == Read || op.Kind == Evict {
			return
		}
		known.Outcome, known.Return, known.Out = Unknown, Open, Output{}
	}
	for i := first; i <= last; i++ {
		b.parts[i].Ops = append(b.parts[i].Ops, known)
	}
}
