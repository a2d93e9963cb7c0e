package linearizability

import (
	"cmp"
	"slices"
)

// What a key held before a sure loss and what it holds after have nothing to do with each other, so
// the history falls into generations, each of which begins with an absent key and can be checked by
// itself, by the fast checkers. An answered operation belongs to the generation in which its answer came:
// it could have taken effect right after the loss that came last before it. That is a guess (its answer may
// have been under way through the loss), so only its yes counts: if every generation is fine then so
// is the whole (all that came after a loss can be put right behind it, in the same order). If one is not
// the model checker has to look, which tries all instants.
//
// An operation of unknown outcome may take effect in its own generation or in any later one, so
// each has it.

// generations splits a key's history at its losses, if all of them are sure.
func generations(k KeyHistory, losses []Loss) (list []KeyHistory, ok bool) {
	if !sureLoss(losses) {
		return nil, false
	}
	losses = slices.Clone(losses)
	slices.SortFunc(losses, func(a, b Loss) int { return cmp.Compare(a.To, b.To) })
	lossesBefore := func(at int64) (n int) {
		for n < len(losses) && losses[n].To < at {
			n++
		}
		return n
	}
	list = make([]KeyHistory, len(losses)+1)
	for i := range list {
		list[i].Key = k.Key
	}
	for _, op := range k.Ops {
		first, last := lossesBefore(op.Call), len(losses)
		if op.Outcome == OK {
			last = lossesBefore(op.Return)
			first = last
		}
		for i := first; i <= last; i++ {
			list[i].Ops = append(list[i].Ops, op)
		}
	}
	return list, true
}

// fineByGenerations reports whether every generation of a key is fine.
func fineByGenerations(k KeyHistory, o Options) bool {
	list, ok := generations(k, o.lossesOf(k.Key))
	if !ok {
		return false
	}
	o.Losses = nil
	for _, g := range list {
		if len(checkOrder(g, o)) > 0 {
			return false
		}
	}
	return true
}

// sureLoss reports whether there are losses, and all of them are sure.
func sureLoss(losses []Loss) bool {
	return len(losses) > 0 && !slices.ContainsFunc(losses, func(l Loss) bool { return !l.Sure })
}

// missesSure reports whether a choice of losses leaves out one that is sure.
func missesSure(losses []Loss, choice int) bool {
	for i, l := range losses {
		if l.Sure && choice>>i&1 == 0 {
			return true
		}
	}
	return false
}
