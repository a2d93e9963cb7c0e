package linearizability

import (
	"cmp"
	"slices"
	"strconv"
)

// The ladder: linearizability of quantities that only grow, exactly and in O(n log n).
//
// An increment by a positive amount that returned 7 moved the counter from 7-delta to 7. So
// its answer is its place in the order: acknowledged moves are rungs on a ladder of values, a
// read stands on the rung it returned, and all that is left to ask is whether
//
//  1. no two moves cover the same stretch (one was lost, or an old state answered),
//  2. no read stands in the middle of a move,
//  3. each stretch that no acknowledged move covers is covered by moves of unknown outcome
//     that had been called in time (else something was applied twice, or by nobody), and
//  4. whoever stands higher did not return before someone lower was called.
//
// Appends are the same with length in bytes for value. Concurrency costs nothing here, while
// the general search needs time exponential in it.
//
// Evictions part a key's history into eras, in each of which the quantity grows from nothing. The eras stand
// one on the other, with a step of 1 between them that is the eviction's.

// rung is an acknowledged move (from < to), or a read (from == to).
type rung struct {
	op       *Operation
	from, to int64
	base     int64 // where its era begins
}

func (r rung) moves() bool { return r.from < r.to }

// ladder is what climb judges.
type ladder struct {
	k      KeyHistory
	oracle string
	noun   string // "value" or "length"
	rungs  []rung
	spare  []spares // by size
}

// spares are the moves of one size whose outcome and place are not known, by call.
type spares struct {
	size int64
	ops  []*Operation
}

// gap is a stretch that no acknowledged move covers, below rungs[above].
type gap struct {
	from, to int64
	above    int
}

// stack puts the rungs of eras one on the other.
func (l *ladder) stack(parts [][]rung, ends []*Operation) {
	base := int64(0)
	for era, rungs := range parts {
		top := base
		for _, r := range rungs {
			r.from, r.to, r.base = r.from+base, r.to+base, base
			l.rungs = append(l.rungs, r)
			top = max(top, r.to)
		}
		if era < len(ends) {
			l.rungs = append(l.rungs, rung{ends[era], top, top + 1, top})
			base = top + 1
		}
	}
}

// climb looks for a violation. exact is false if it is too hard to say whether spare moves of different
// sizes fill the gaps: that is a knapsack, and left to the model checker.
func (l *ladder) climb() (v Verdict, wrong, exact bool) {
	slices.SortFunc(l.rungs, func(a, b rung) int {
		if a.to != b.to {
			return cmp.Compare(a.to, b.to)
		}
		if a.moves() != b.moves() {
			if a.moves() {
				return -1
			}
			return 1
		}
		return byCall(a.op, b.op)
	})
	gaps, v, wrong := l.cover()
	if wrong {
		return v, true, true
	}
	if v, wrong = l.order(); wrong {
		return v, true, true
	}
	return l.fill(gaps)
}

// cover checks 1 and 2 and collects the gaps.
func (l *ladder) cover() (gaps []gap, v Verdict, wrong bool) {
	var at int64
	for i, r := range l.rungs {
		if r.from < r.base {
			return nil, violation(l.oracle, l.k, who(r.op)+" "+answer(r.op)+", which is less than it added itself", r.op), true
		}
		if r.from < at {
			return nil, l.clash(l.rungs[i-1], r), true
		}
		if r.from > at {
			gaps = append(gaps, gap{at, r.from, i})
		}
		at = r.to
	}
	return gaps, v, false
}

func (l *ladder) clash(a, b rung) Verdict {
	var s string
	switch {
	case a.moves() && a.to == b.to:
		s = who(a.op) + " and " + who(b.op) + " both returned " + strconv.FormatInt(a.to-a.base, 10) +
			": one of them was lost, or was answered from an old state"
	case a.moves():
		s = who(b.op) + " " + answer(b.op) + ", so it started from " + l.noun + " " + strconv.FormatInt(b.from-b.base, 10) +
			", but " + deed(a.op) + by(a.op) + " had moved it from " + strconv.FormatInt(a.from-a.base, 10) + " to " + strconv.FormatInt(a.to-a.base, 10) + ": one of them was lost"
	default:
		s = who(a.op) + " " + answer(a.op) + ", but " + deed(b.op) + by(b.op) + " moved the " + l.noun +
			" from " + strconv.FormatInt(b.from-b.base, 10) + " to " + strconv.FormatInt(b.to-b.base, 10) + " in one step"
	}
	return violation(l.oracle, l.k, s, a.op, b.op)
}

// order checks 4, from the top down: low is the earliest return among the rungs above.
func (l *ladder) order() (v Verdict, wrong bool) {
	var low *Operation
	for top := len(l.rungs); top > 0; {
		bottom := top - 1
		for bottom > 0 && l.rungs[bottom-1].to == l.rungs[top-1].to {
			bottom--
		}
		reads := l.rungs[bottom:top] // of one value, and first of all the move that led to it
		var move *Operation
		if reads[0].moves() {
			move, reads = reads[0].op, reads[1:]
		}
		for _, r := range reads {
			if low != nil && low.before(r.op) {
				return l.backwards(r.op, low), true
			}
		}
		for _, r := range reads {
			low = earlier(low, r.op)
		}
		if move != nil {
			if low != nil && low.before(move) {
				return l.backwards(move, low), true
			}
			low = earlier(low, move)
		}
		top = bottom
	}
	return v, false
}

func earlier(a, b *Operation) *Operation {
	if a == nil || b.Return < a.Return {
		return b
	}
	return a
}

func (l *ladder) backwards(low, high *Operation) Verdict {
	if low.Outcome != OK { // an unknown move whose place was read off the value
		return violation(l.oracle, l.k, who(high)+" "+answer(high)+", but "+deed(low)+", which must come before that, was only called "+
			seconds(low.Call-high.Return)+" later", high, low)
	}
	why := ", and the " + l.noun + " only grows"
	if low.Kind == Evict || high.Kind == Evict {
		why = ": by the versions the other way round"
	}
	return violation(l.oracle, l.k, who(low)+" "+answer(low)+", but "+evidence(high)+" "+seconds(low.Call-high.Return)+
		" before it began"+why, low, high)
}

// fill checks 3. Moves of one size are interchangeable but for their calls; the lower a gap,
// the sooner it must be filled (deadlines only grow upwards), so of each size the earliest calls go to
// the lowest gaps. What is left to try is how many of each size fill a gap: exact is false if that
// takes too many tries.
func (l *ladder) fill(gaps []gap) (v Verdict, wrong, exact bool) {
	if len(gaps) == 0 {
		return v, false, true
	}
	f := filling{gaps: gaps, deadlines: l.deadlines(gaps), spare: l.spare, used: make([]int, len(l.spare)), hopeless: map[string]bool{}, tries: triesOfFill}
	switch {
	case f.from(0, gaps[0].to-gaps[0].from, 0):
		return v, false, true
	case f.tries <= 0:
		return v, false, false
	}
	return l.unfilled(gaps[f.deepest]), true, true
}

// deadlines are, of each gap, the earliest return above it.
func (l *ladder) deadlines(gaps []gap) []int64 {
	list := make([]int64, len(gaps))
	deadline, next := Open, len(gaps)-1
	for i, r := range slices.Backward(l.rungs) {
		deadline = min(deadline, r.op.Return)
		for ; next >= 0 && gaps[next].above == i; next-- {
			list[next] = deadline
		}
	}
	return list
}

func (l *ladder) unfilled(g gap) Verdict {
	above, base := l.rungs[g.above].op, l.rungs[g.above].base
	s := who(above) + " " + answer(above) + ", so the " + l.noun + " must have gone from " + strconv.FormatInt(g.from-base, 10) +
		" to " + strconv.FormatInt(g.to-base, 10) + " before it, but no acknowledged operation made that step and those of unknown outcome do not suffice: something was applied twice, or by nobody"
	ops := []*Operation{above}
	if g.above > 0 {
		ops = append(ops, l.rungs[g.above-1].op)
	}
	return violation(l.oracle, l.k, s, ops...)
}

// setSpare sorts the spare moves by size, each size by call.
func (l *ladder) setSpare(ops []*Operation, size func(*Operation) int64) {
	slices.SortFunc(ops, byCall)
	for _, op := range ops {
		i, known := slices.BinarySearchFunc(l.spare, size(op), func(s spares, size int64) int { return cmp.Compare(s.size, size) })
		if !known {
			l.spare = slices.Insert(l.spare, i, spares{size: size(op)})
		}
		l.spare[i].ops = append(l.spare[i].ops, op)
	}
}
