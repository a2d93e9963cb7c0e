package linearizability

import (
	"cmp"
	"slices"
	"sort"
	"strconv"
)

// Evictions. A cache gives keys up when memory is short. No client asks for that, but the system knows what it gave up and
// when, and a recorder notes it (Evict): which version was removed, at which instant. So an eviction is an operation like
// any other, and excuses nothing but itself: it comes right after all that saw the version it removed and
// before all that made a later one. A value that is there after it, or gone without one, is as wrong as ever.
//
// Evictions part a key's history into eras, each of which begins with an absent key. Versions say of every answer to which
// era it belongs. Only who found nothing was told no version; if an eviction happened meanwhile, then
// the instant right after it explains that, and nothing follows from it.

// eras are the parts of a key's history between its evictions.
type eras struct {
	ends []*Operation // the evictions, in order
}

// What is said of an operation that belongs to no era for certain.
const (
	explained = -1 // it found nothing while an eviction happened
	unplaced  = -2 // it was not told a version, and should have been
)

// erasOf finds a key's evictions. It is not ok if versions and time put them into different orders.
func erasOf(k KeyHistory) (e eras, ok bool) {
	for _, op := range k.Ops {
		if op.Kind == Evict {
			e.ends = append(e.ends, op)
		}
	}
	return e, e.inOrder()
}

// inOrder reports whether the versions of evictions grow with time.
func (e *eras) inOrder() bool {
	return slices.IsSortedFunc(e.ends, func(a, b *Operation) int { return cmp.Compare(a.In.Version, b.In.Version) })
}

// of is the era of an answered operation, or one of the words above.
func (e *eras) of(op *Operation) int {
	switch version := op.version(); {
	case len(e.ends) == 0:
		return 0
	case version != 0:
		return sort.Search(len(e.ends), func(i int) bool { return e.ends[i].In.Version >= version })
	case op.Kind != Read || op.Out.Value.Found:
		return unplaced
	}
	began := sort.Search(len(e.ends), func(i int) bool { return e.ends[i].Return >= op.Call })
	if began < len(e.ends) && e.ends[began].Call <= op.Return {
		return explained
	}
	return began
}

// split parts a history into the eras'. What has no answer is in all of them: it may have taken effect in any.
// It is not ok if some answer belongs to none.
func (e *eras) split(k KeyHistory) (parts []KeyHistory, ok bool) {
	if len(e.ends) == 0 {
		return []KeyHistory{k}, true
	}
	parts = make([]KeyHistory, len(e.ends)+1)
	for i := range parts {
		parts[i].Key = k.Key
	}
	for _, op := range k.Ops {
		first, last := 0, len(e.ends)
		if op.Outcome == OK {
			first = e.of(op)
			last = first
		}
		switch {
		case op.Kind == Evict || first == explained:
			continue
		case first == unplaced:
			return nil, false
		}
		for i := first; i <= last; i++ {
			parts[i].Ops = append(parts[i].Ops, op)
		}
	}
	return parts, true
}

// outOfEra finds an operation that was told the version of an era that had ended when it was called, or that
// began only after it had returned.
func outOfEra(k KeyHistory) (v Verdict, wrong bool) {
	e, ok := erasOf(k)
	if !ok || len(e.ends) == 0 {
		return v, false
	}
	for _, op := range k.Ops {
		if op.version() == 0 || op.Kind == Evict {
			continue
		}
		switch era := e.of(op); {
		case era < len(e.ends) && e.ends[era].before(op):
			end := e.ends[era]
			return violation(OracleModel, k, who(op)+" "+answer(op)+" with version "+strconv.FormatUint(op.version(), 10)+", but "+evidence(end)+" "+
				seconds(op.Call-end.Return)+" before it began: what was given up came back", op, end), true
		case era > 0 && op.before(e.ends[era-1]):
			end := e.ends[era-1]
			return violation(OracleModel, k, who(op)+" "+answer(op)+" with version "+strconv.FormatUint(op.version(), 10)+", but "+deed(end)+", an older one, came only "+
				seconds(end.Call-op.Return)+" later", op, end), true
		}
	}
	return v, false
}

// evictedUntil is the instant of a key's last eviction.
func evictedUntil(k KeyHistory) (until int64, any bool) {
	for _, op := range k.Ops {
		if op.Kind == Evict {
			until, any = op.Return, true
		}
	}
	return until, any
}

// goneUntil is the last instant at which a key may have vanished, by a declared loss or by an eviction.
func (o Options) goneUntil(k KeyHistory) (until int64, any bool) {
	until, any = o.lostUntil(k.Key)
	if evicted, too := evictedUntil(k); too && (!any || evicted > until) {
		return evicted, true
	}
	return until, any
}
