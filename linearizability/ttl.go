package linearizability

import (
	"cmp"
	"math"
	"slices"
	"sort"
)

// The TTL checker.
//
// An operation took effect at some instant of its interval, so what a TTL of d promised is
// an interval too. Say a setter (a write, or a touch that was applied) ran in [c, r]:
//
//	    c        r                  c+d-eps           r+d+eps
//	----[~setter~]---- alive -----------[~~~ either ~~~]------ gone ------
//
// A read that begins after the last instant at which the value could be alive must not
// return it; a read during which the value must be alive must not find nothing. Between the
// two the checker accepts; and where an operation of unknown outcome could be the reason, once (vanish.go). A write whose
// outcome is unknown and whose value was seen has happened by then. Versions tell which setter left what was read (stamped.go).
//
// Deletes and touches are looks at the key as well: one that was applied found it there, and
// one that was refused did not. A touch with TTL 0 (PERSIST) is also refused where there is no TTL to take away: then
// something that had none must be the reason.
//
// A sure loss is an instant at which nothing was there, too.
//
// A setter is superseded, for a read, once another one was called after it returned and
// itself returned before the read began.

// never is an expiry that does not come.
const never int64 = math.MaxInt64

// lives is a key's history as the TTL checker sees it.
type lives struct {
	k      KeyHistory
	eps    int64
	lost   []Loss
	writes map[string][]*Operation // by value, without failed ones
	order  []*Operation            // the same, by call
	seen   map[string]int64        // the earliest return of a read of each value
	stamps stamps
	// Setters that were acknowledged, or whose value was seen, by return, and the latest call among each prefix.
	acked         []*Operation
	ackedCalls    []int64
	ackedVersions []uint64 // and the greatest version that the prefix told
	// Operations after which, or at which, nothing was there: the same two.
	absent      []*Operation
	absentCalls []int64
	touches     latest // applied touches
	removers    latest // applied deletes, evictions, and acknowledged setters with a TTL
	vanished    []gone // what only operations of unknown outcome explain
	// Touches and removers of unknown outcome are few and never end.
	openTouches, openRemovers []*Operation
}

// latest is operations by call, with the latest return among each prefix: it answers "which
// overlap [from, to]" by walking back from to.
type latest struct {
	ops     []*Operation
	returns []int64
}

func (l *latest) add(op *Operation) {
	l.ops = append(l.ops, op)
	last := op.Return
	if n := len(l.returns); n > 0 {
		last = max(last, l.returns[n-1])
	}
	l.returns = append(l.returns, last)
}

// overlapping calls f for each operation called by to and returned at from or later, latest
// call first, until f says stop.
func (l *latest) overlapping(from, to int64, f func(*Operation) (stop bool)) {
	i, _ := slices.BinarySearchFunc(l.ops, to, func(op *Operation, to int64) int {
		return cmp.Compare(op.Call, to+1) // the first that was called after to
	})
	for i--; i >= 0 && l.returns[i] >= from; i-- {
		if l.ops[i].Return >= from && f(l.ops[i]) {
			return
		}
	}
}

// CheckTTL checks a key that is only read, written, deleted, touched and evicted, with or without
// TTLs: no value is served after its expiry (plus epsilon), none is lost before it (minus
// epsilon). It is sound and not complete: resurrection and the order of values are the zone
// checker's part (see Check). ok is false, and nothing is checked, if there are other kinds.
func CheckTTL(k KeyHistory, o Options) (verdicts []Verdict, ok bool) {
	o = o.withDefaults()
	l := newLives(k, o)
	if l == nil {
		return nil, false
	}
	for _, op := range k.Ops {
		if op.Outcome != OK || len(verdicts) >= o.ViolationsMax {
			continue
		}
		v, wrong := Verdict{}, false
		switch {
		case op.Kind == Read && op.Out.Value.Found:
			v, wrong = l.checkServed(op)
		case op.missed():
			v, wrong = l.checkGone(op)
		case op.Kind == Touch && op.In.TTL == 0 && !op.Out.Applied:
			v, wrong = l.checkKept(op)
		case (op.Kind == Delete || op.Kind == Touch) && op.Out.Applied:
			v, wrong = l.checkThere(op)
		}
		if wrong {
			verdicts = append(verdicts, v)
		}
	}
	if v, wrong := l.checkRemovals(); wrong && len(verdicts) == 0 {
		verdicts = append(verdicts, v)
	}
	return verdicts, true
}

func newLives(k KeyHistory, o Options) *lives {
	l := &lives{k: k, eps: int64(o.TTLEpsilon), lost: o.lossesOf(k.Key), writes: map[string][]*Operation{}, seen: map[string]int64{}}
	for _, op := range endObserved(k.Ops) {
		if op.Outcome == Failed {
			continue
		}
		if op.Outcome == OK && (op.Kind == Delete || op.Kind == Evict || op.missed()) {
			l.absent = append(l.absent, op)
		}
		switch op.Kind {
		case Read:
			l.addRead(op)
		case Write, Touch:
			l.addSetter(op)
		case Delete:
			if op.Outcome == Unknown || op.Out.Applied {
				l.addRemover(op)
			}
		case Evict:
			l.addRemover(op)
		default:
			return nil
		}
	}
	for _, loss := range l.lost {
		if loss.Sure {
			l.absent = append(l.absent, absenceOf(loss))
		}
	}
	l.stamps = stampsOf(l)
	l.ackedCalls = sortWithCalls(l.acked)
	newest := uint64(0)
	for _, op := range l.acked {
		newest = max(newest, op.version())
		l.ackedVersions = append(l.ackedVersions, newest)
	}
	l.absentCalls = sortWithCalls(l.absent)
	return l
}

// sortWithCalls sorts by return and gives the latest call of each prefix.
func sortWithCalls(ops []*Operation) (calls []int64) {
	slices.SortFunc(ops, byReturn)
	call := beginning
	for _, op := range ops {
		call = max(call, op.Call)
		calls = append(calls, call)
	}
	return calls
}

// missed says that an operation on an expiring key found nothing there.
func (op *Operation) missed() bool {
	switch op.Kind {
	case Read:
		return !op.Out.Value.Found
	case Delete:
		return !op.Out.Applied
	case Touch:
		return !op.Out.Applied && op.In.TTL > 0
	}
	return false
}

func (l *lives) addRead(op *Operation) {
	if op.Outcome != OK || !op.Out.Value.Found {
		return
	}
	first, again := l.seen[op.Out.Value.Text]
	if !again || op.Return < first {
		l.seen[op.Out.Value.Text] = op.Return
	}
}

func (l *lives) addSetter(op *Operation) {
	if op.Outcome == OK && !op.acknowledged() {
		return // a touch that found nothing to touch
	}
	if op.Kind == Write {
		l.writes[op.In.Value] = append(l.writes[op.In.Value], op)
		l.order = append(l.order, op)
	}
	if op.Kind == Touch && op.Outcome == OK {
		l.touches.add(op)
	}
	if op.Kind == Touch && op.Outcome == Unknown {
		l.openTouches = append(l.openTouches, op)
	}
	if op.Return != Open {
		l.acked = append(l.acked, op)
	}
	if op.In.TTL > 0 {
		l.addRemover(op)
	}
}

func (l *lives) addRemover(op *Operation) {
	if op.Return != Open {
		l.removers.add(op)
	} else {
		l.openRemovers = append(l.openRemovers, op)
	}
}

// inForce is the latest call among the setters acknowledged before a read began, and that
// setter's index; whatever had returned before that call is superseded.
func (l *lives) inForce(op *Operation) (call int64, i int) {
	i = sort.Search(len(l.acked), func(i int) bool { return l.acked[i].Return >= op.Call }) - 1
	if i < 0 {
		return beginning, -1
	}
	call = l.ackedCalls[i]
	for l.acked[i].Call != call {
		i--
	}
	return call, i
}

// after adds a TTL and a tolerance to a time, without overflow.
func after(at int64, op *Operation, eps int64) int64 {
	if op.In.TTL == 0 || at == Open {
		return never
	}
	return saturated(saturated(at, int64(op.In.TTL)), eps)
}

func saturated(a, b int64) int64 {
	if b > 0 && a > never-b {
		return never
	}
	return a + b
}

// checkServed: the value that a read returned could still be alive when it began.
func (l *lives) checkServed(read *Operation) (v Verdict, wrong bool) {
	until, last := l.stampedUntil(read)
	if last == nil {
		until, last = l.valueUntil(read)
	}
	if until == beginning || read.Call <= until {
		return v, false // a value that nobody wrote, or that was overwritten, is the zone checker's affair
	}
	return violation(OracleTTL, l.k, who(read)+" "+answer(read)+", but it expired by "+seconds(until)+" at the latest: "+
		deed(last)+" with a TTL of "+seconds(int64(last.In.TTL))+" had taken effect by "+seconds(until-l.eps-int64(last.In.TTL))+
		l.tolerance(), read, last), true
}

// valueUntil is the last instant at which the value that a read returned could be alive, and the setter that says so.
func (l *lives) valueUntil(read *Operation) (until int64, last *Operation) {
	until = beginning
	for _, w := range l.writes[read.Out.Value.Text] {
		if w.Call > read.Return {
			continue
		}
		end, setter := l.aliveUntil(w, read)
		if end >= until {
			until, last = end, setter
		}
	}
	return until, last
}

// checkThere: some value could still be alive when a delete or touch that was applied began.
func (l *lives) checkThere(op *Operation) (v Verdict, wrong bool) {
	var last *Operation
	until := beginning
	cleared := l.clearedBy(op)
	called := sort.Search(len(l.order), func(i int) bool { return l.order[i].Call > op.Return })
	for _, w := range slices.Backward(l.order[:called]) {
		if w.Return < cleared {
			continue // nothing was there in between
		}
		end, setter := l.aliveUntil(w, op)
		if end >= op.Call {
			return v, false
		}
		if end > until {
			until, last = end, setter
		}
	}
	if last == nil {
		return violation(OracleTTL, l.k, who(op)+" "+answer(op)+", but nothing was there: no write that could have taken effect by then is left, or had yet been called", op), true
	}
	return violation(OracleTTL, l.k, who(op)+" "+answer(op)+", but what was there expired by "+seconds(until)+" at the latest: "+
		deed(last)+" with a TTL of "+seconds(int64(last.In.TTL))+" had taken effect by "+seconds(until-l.eps-int64(last.In.TTL))+l.tolerance(), op, last), true
}

// clearedBy is the latest call among the operations that left or found nothing there and had
// returned before op began.
func (l *lives) clearedBy(op *Operation) int64 {
	i := sort.Search(len(l.absent), func(i int) bool { return l.absent[i].Return >= op.Call })
	if i == 0 {
		return beginning
	}
	return l.absentCalls[i-1]
}

// aliveUntil is the last instant at which a write's value could be alive as far as a read
// can tell, and the setter that says so.
func (l *lives) aliveUntil(w, read *Operation) (until int64, setter *Operation) {
	superseded, _ := l.inForce(read)
	until, setter = beginning, w
	if w.Return >= superseded {
		end := w.Return
		if len(l.writes[w.In.Value]) == 1 {
			if first, seen := l.seen[w.In.Value]; seen {
				end = min(end, first) // it had taken effect when it was first seen
			}
		}
		until = after(end, w, l.eps)
	}
	l.touches.overlapping(max(superseded, w.Call), read.Return, func(t *Operation) bool {
		if end := after(t.Return, t, l.eps); t != read && end > until {
			until, setter = end, t
		}
		return until == never
	})
	for _, t := range l.openTouches { // by call: each may have come once, in time to prolong the life
		if t.Call > until {
			break
		}
		until, setter = after(until, t, l.eps), t
	}
	return until, setter
}

// checkGone: something explains that a read found nothing.
func (l *lives) checkGone(read *Operation) (v Verdict, wrong bool) {
	superseded, i := l.inForce(read)
	if i < 0 {
		return v, false // nothing had been acknowledged yet
	}
	if l.explained(read, superseded) {
		return v, false
	}
	setter := l.acked[i]
	s := who(read) + " " + answer(read) + ", but " + evidence(setter) + " " + seconds(read.Call-setter.Return) + " before it began"
	if setter.In.TTL > 0 {
		s += " with a TTL of " + seconds(int64(setter.In.TTL)) + ", so it had to live until " +
			seconds(after(setter.Call, setter, -l.eps)) + l.tolerance()
	} else {
		s += " and left the key without a TTL"
	}
	return violation(OracleTTL, l.k, s+"; no delete, expiry or declared loss explains its absence", read, setter), true
}

// checkKept: something explains that a PERSIST found no TTL to take away.
func (l *lives) checkKept(op *Operation) (v Verdict, wrong bool) {
	superseded, i := l.inForce(op)
	if i < 0 || l.lasting(op, superseded) || l.explained(op, superseded) {
		return v, false
	}
	setter := l.acked[i]
	return violation(OracleTTL, l.k, who(op)+" "+answer(op)+", but "+evidence(setter)+" "+seconds(op.Call-setter.Return)+" before it began with a TTL of "+
		seconds(int64(setter.In.TTL))+", so it had one to take away until "+seconds(after(setter.Call, setter, -l.eps))+l.tolerance(), op, setter), true
}

func (l *lives) tolerance() string {
	if l.eps == 0 {
		return ""
	}
	return " (" + seconds(l.eps) + " of clock tolerance included)"
}
