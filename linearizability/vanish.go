package linearizability

import (
	"slices"
	"sort"
	"strconv"
)

// Why an expiring key may be gone, or have no TTL: what could have removed it, or taken its TTL away, after the setter
// that was in force when an operation began.

// newestBefore is the greatest version that a setter told which had been acknowledged when an operation began.
func (l *lives) newestBefore(op *Operation) uint64 {
	n := sort.Search(len(l.acked), func(i int) bool { return l.acked[i].Return >= op.Call })
	if n == 0 {
		return 0
	}
	return l.ackedVersions[n-1]
}

// outdated says that an operation told, or removed, a version before the newest: it has nothing to do with what came later.
func (op *Operation) outdated(newest uint64) bool {
	version := op.version()
	return version != 0 && version < newest
}

// lasting says whether the key could be without a TTL when an operation took effect.
func (l *lives) lasting(op *Operation, superseded int64) bool {
	newest := l.newestBefore(op)
	leaves := func(setter *Operation) bool {
		return setter.In.TTL == 0 && setter.Call <= op.Return && setter.Return >= superseded && !setter.outdated(newest)
	}
	return slices.ContainsFunc(l.acked, leaves) || slices.ContainsFunc(l.order, leaves) || slices.ContainsFunc(l.openTouches, leaves)
}

// explained says whether an expiry, a delete or a loss that is not superseded could have
// removed the key by the time the read returned.
func (l *lives) explained(read *Operation, superseded int64) (yes bool) {
	newest := l.newestBefore(read)
	l.removers.overlapping(superseded, read.Return, func(op *Operation) bool {
		yes = yes || l.removes(op, read) && !op.outdated(newest)
		return yes
	})
	for _, loss := range l.lost {
		yes = yes || loss.To >= superseded && loss.From <= read.Return
	}
	if !yes && l.openBy(read) > 0 {
		l.vanished = append(l.vanished, gone{superseded, read})
		return true
	}
	return yes
}

// gone is an operation that found nothing, after what a setter had left that was called at some time.
type gone struct {
	since int64
	op    *Operation
}

// openBy is how many operations of unknown outcome could have removed the key by the time a read returned.
func (l *lives) openBy(read *Operation) (n int) {
	for _, op := range l.openRemovers {
		if l.removes(op, read) {
			n++
		}
	}
	return n
}

// checkRemovals: an operation of unknown outcome takes effect once, so it removes the key once. Where the key was set
// between two looks that found nothing, it was removed twice.
func (l *lives) checkRemovals() (v Verdict, wrong bool) {
	slices.SortStableFunc(l.vanished, func(a, b gone) int { return byReturn(a.op, b.op) })
	last, times := beginning, 0
	for _, g := range l.vanished {
		if g.since <= last {
			continue
		}
		last = g.op.Return
		if times++; times > l.openBy(g.op) {
			return violation(OracleTTL, l.k, who(g.op)+" "+answer(g.op)+", as others before it did, each after the key had been set anew: it was removed "+
				count(times, "time")+" for no known reason, and the operations of unknown outcome that could have done that are only "+strconv.Itoa(times-1), g.op), true
		}
	}
	return v, false
}

// removes says that an operation could have removed the key by the time a read returned.
func (l *lives) removes(op, read *Operation) bool {
	return op.Call <= read.Return && (op.Kind == Delete || op.Kind == Evict || after(op.Call, op, -l.eps) <= read.Return)
}
