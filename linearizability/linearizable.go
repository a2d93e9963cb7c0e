package linearizability

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// The model checker: any mix of commands on one key, by exhaustive search (walk.go).
//
// Linearizability is prefix-closed: if the history up to some moment cannot be explained,
// the whole cannot. So the search runs on prefixes that double in length. On a good history
// this costs twice the last run; on a bad one it stops soon after the error, where few
// operations are open, instead of proving over and over that a long history is beyond help.
// The shortest bad prefix also names the culprit: the answer that completes it.
//
// Operations of unknown outcome are what makes it slow. They stay open for ever, the search
// tries each set of them at each step, and twenty of them are a million sets. Three
// thoughts keep most of them out of its way:
//
//  1. An unknown write whose value somebody saw did happen, before that answer: it ends there.
//  2. Guess first that no other unknown operation happened. If a prefix fails, look for one
//     that, had it happened by then, would explain it; keep it and go on. A guess only narrows
//     the choice, so a history explained by guesses is explained.
//  3. Where no single guess helps, and only there, all of them are let loose: that run is
//     exact. It is rarely reached by good histories, and by bad ones just at the culprit.

// firstPrefix is the number of completed operations in the first prefix tried.
const firstPrefix = 64

// fewOpen is how many open operations a key may have for the search for better answers,
// which costs as much as several exact runs.
const fewOpen = 6

// search looks for an order of one key's operations.
type search struct {
	k    KeyHistory
	o    Options
	ends []*Operation // the answered ones, and losses, in order of return
	rank map[*Operation]int
	open []*Operation // those without an end, in order of call
	// guessed are the open operations taken to have happened, and by when; exact says that
	// instead anything may have become of them.
	guessed map[*Operation]int64
	exact   bool
	steps   int64 // of the model, that all runs together may still take
}

// CheckModel checks any mix of commands but Touch and writes with a TTL for
// linearizability. Verdicts are exact, or Undecided if the history is over the bounds of the
// options, has a kind that the model does not know, or takes too long.
func CheckModel(k KeyHistory, o Options) []Verdict {
	o = o.withDefaults()
	k.Ops = endObserved(effective(k.Ops))
	if v, over := overBounds(k, o); over {
		return []Verdict{v}
	}
	var verdicts []Verdict
	for _, ops := range lossCases(k, o) {
		s := newSearch(KeyHistory{k.Key, ops}, o)
		v := s.run()
		o.StepsMax = max(0, s.steps) // the bounds are for the key, not for each way of losing it
		if v.Result == Fine {
			return nil
		}
		verdicts = append(verdicts, v)
	}
	// Every way of taking the losses failed. If one of them is undecided so is the whole;
	// otherwise the first, which takes no loss, tells the story best.
	for _, v := range verdicts {
		if v.Result == Undecided {
			return []Verdict{v}
		}
	}
	return verdicts[:1]
}

// effective leaves out what cannot have had an effect and tells nothing. Nobody knows the number of a lease
// whose grant was not answered, so nobody fills under it; and a fill does nothing but under a lease.
func effective(ops []*Operation) (kept []*Operation) {
	leases := map[uint64]bool{}
	for _, op := range ops {
		if op.grants() {
			leases[uint64(op.Out.Number)] = true
		}
	}
	for _, op := range ops {
		idle := op.Kind == Read || op.Kind == Lease || op.Kind == Fill && !leases[op.In.Version]
		if op.Outcome == OK || op.Outcome == Unknown && !idle {
			kept = append(kept, op)
		}
	}
	return kept
}

// endObserved gives an unknown operation that set a value which somebody saw an end: the
// first answer that shows it. That needs values set once, and never built by other means.
func endObserved(ops []*Operation) []*Operation {
	setters, seen := map[string]int{}, map[string]int64{}
	for _, op := range ops {
		var value Value
		switch {
		case op.Kind == Increment || op.Kind == Append:
			return ops
		case op.observes():
			value = op.Out.Value
		case op.Kind == CAS && op.acknowledged() && !op.In.ByVersion:
			value = op.In.Expect
		}
		if first, again := seen[value.Text]; value.Found && (!again || op.Return < first) {
			seen[value.Text] = op.Return
		}
		if op.Kind.setsWhole() {
			setters[op.In.Value]++
		}
	}
	ended := slices.Clone(ops)
	for i, op := range ended {
		end, observed := seen[op.In.Value]
		if op.Outcome == Unknown && op.Kind.setsWhole() && setters[op.In.Value] == 1 && observed && end >= op.Call {
			known := *op
			known.Return = end
			ended[i] = &known
		}
	}
	return ended
}

func overBounds(k KeyHistory, o Options) (v Verdict, over bool) {
	for _, op := range k.Ops {
		if op.Kind == Touch || op.In.TTL != 0 {
			return undecided(OracleModel, k, "the key mixes TTLs with "+kindsOf(k.Ops)+
				", and no checker knows that mix: use TTLs on keys that are only read, written, deleted and touched"), true
		}
	}
	if len(k.Ops) > o.OperationsMax {
		return undecided(OracleModel, k, count(len(k.Ops), "operation")+" on one key are more than the "+
			strconv.Itoa(o.OperationsMax)+" that are searched: spread the load over more keys"), true
	}
	if n := concurrency(k.Ops); n > o.ConcurrencyMax {
		return undecided(OracleModel, k, strconv.Itoa(n)+" operations are open at the same time (those of unknown outcome stay open), more than the "+
			strconv.Itoa(o.ConcurrencyMax)+" that are searched: rotate the keys"), true
	}
	return v, false
}

func kindsOf(ops []*Operation) string {
	var names []string
	for kind := Read; kind < kindEnd; kind++ {
		if slices.ContainsFunc(ops, func(op *Operation) bool { return op.Kind == kind }) {
			names = append(names, kind.String())
		}
	}
	return strings.Join(names, ", ")
}

// concurrency is the largest number of operations open at one instant.
func concurrency(ops []*Operation) (most int) {
	ends := slices.Clone(ops)
	slices.SortFunc(ends, byReturn)
	open := 0
	for _, op := range ops { // in order of call
		for ends[0].before(op) {
			ends = ends[1:]
			open--
		}
		open++
		most = max(most, open)
	}
	return most
}

// lossCases is the history once without and once with each choice of the declared losses,
// a loss being a delete that surely happened. Beyond four losses of one key each is taken as
// a delete that may come at any later time, or never, which accepts more.
func lossCases(k KeyHistory, o Options) (cases [][]*Operation) {
	losses := o.lossesOf(k.Key)
	if len(losses) > 4 {
		return [][]*Operation{withLosses(k, losses, 1<<len(losses)-1, true)}
	}
	for choice := range 1 << len(losses) {
		if missesSure(losses, choice) {
			continue
		}
		cases = append(cases, withLosses(k, losses, choice, false))
	}
	return cases
}

func withLosses(k KeyHistory, losses []Loss, choice int, open bool) []*Operation {
	ops := slices.Clone(k.Ops)
	for i, loss := range losses {
		if choice>>i&1 == 0 {
			continue
		}
		op := &Operation{Client: -1, Call: loss.From, Return: loss.To, Kind: Delete, Key: k.Key, Outcome: Unknown}
		if open {
			op.Return = Open
		}
		ops = append(ops, op)
	}
	slices.SortStableFunc(ops, byCall)
	return ops
}

func newSearch(k KeyHistory, o Options) *search {
	s := &search{k: k, o: o, rank: map[*Operation]int{}, guessed: map[*Operation]int64{}, steps: o.StepsMax - o.StepsMax/keptBack}
	for _, op := range k.Ops {
		switch {
		case op.Return == Open:
			s.open = append(s.open, op)
		case op.Outcome == OK || op.Client < 0:
			s.ends = append(s.ends, op)
		}
	}
	slices.SortStableFunc(s.ends, func(a, b *Operation) int { return cmp.Compare(a.Return, b.Return) })
	for i, op := range s.ends {
		s.rank[op] = i
	}
	return s
}

func (s *search) run() Verdict {
	good := 0
	for {
		n := s.firstBad(good)
		if n == 0 {
			return s.check(Verdict{Oracle: OracleModel, Key: s.k.Key}, len(s.ends))
		}
		if good = n - 1; s.guess(n) {
			continue
		}
		s.exact = true
		switch s.try(n, nil) {
		case excluded:
			return s.check(s.accuse(n), n)
		case tired:
			if s.wholeAtOnce() {
				return s.check(Verdict{Oracle: OracleModel, Key: s.k.Key}, len(s.ends))
			}
			return undecided(OracleModel, s.k, who(s.ends[n-1])+" "+answer(s.ends[n-1])+
				", and an order that explains this answer was neither found nor excluded within the bound on steps"+
				": look at it, and use fewer clients per key or a larger bound")
		}
		good = n // the guesses were wrong; from here on the search stays exact
	}
}

// keptBack is the part of the steps that is kept for the whole at once.
const keptBack = 16

// wholeAtOnce is the last resort, when a prefix took too many steps: whether there is an order for the whole history. It has more
// operations than the prefix, but more answers, too. Where clients waited together and were answered within a few
// milliseconds, a prefix that ends among those answers does not know what the others were, and tries everything; the whole of 47 answers
// took 770 steps, where for half of them three million were not enough.
func (s *search) wholeAtOnce() bool {
	s.steps, s.exact = max(0, s.steps)+s.o.StepsMax/keptBack, true
	return s.try(len(s.ends), nil) == found
}

// firstBad is the length of the shortest prefix, longer than one known to be good, that
// cannot be explained under the present guesses, or not in time; 0 if there is none.
func (s *search) firstBad(good int) int {
	bad := 0
	for step := firstPrefix; bad == 0; step *= 2 {
		n := min(good+step, len(s.ends))
		if n <= good {
			return 0
		}
		if s.try(n, nil) == found {
			good = n
		} else {
			bad = n
		}
	}
	for bad-good > 1 {
		middle := (good + bad) / 2
		if s.try(middle, nil) == found {
			good = middle
		} else {
			bad = middle
		}
	}
	return bad
}

// guess looks for one more open operation that explains the n-th answer, the latest called
// first, and reports whether there is one.
func (s *search) guess(n int) bool {
	if s.exact {
		return false
	}
	now := s.ends[n-1].Return
	for _, op := range slices.Backward(s.open) {
		if _, already := s.guessed[op]; already || op.Call > now {
			continue
		}
		s.guessed[op] = now
		if s.try(n, nil) == found {
			return true
		}
		delete(s.guessed, op)
	}
	return false
}

// attempt is what comes of one search.
type attempt uint8

const (
	found    attempt = iota // an order that explains all answers
	excluded                // there is none
	tired                   // nobody knows: it took too many steps
)

// try looks for an order that explains the first n answers. If other is set it stands for the last of them.
func (s *search) try(n int, other *Operation) attempt {
	if s.steps <= 0 {
		return tired
	}
	w := newWalk(s.prefix(n, other), s.steps)
	explained := w.from(state{})
	s.steps = w.steps
	switch {
	case w.tired:
		return tired
	case explained:
		return found
	}
	return excluded
}

// prefix is the history at the moment at which its n-th operation returned. What had been
// called but not answered by then is open. If other is set it stands for the last answer.
func (s *search) prefix(n int, other *Operation) (list []span) {
	now := s.ends[n-1].Return
	for _, op := range s.k.Ops {
		if op.Call > now {
			break
		}
		end := op.Return
		rank, answered := s.rank[op]
		switch {
		case end == Open && !s.exact:
			by, guessed := s.guessed[op]
			if !guessed {
				continue
			}
			end = by
		case answered && rank == n-1 && other != nil:
			op = other
		case answered && rank >= n:
			if op.Kind == Read {
				continue
			}
			open := *op
			open.Outcome, open.Out = Unknown, Output{}
			op, end = &open, Open
		}
		list = append(list, span{op, end})
	}
	return list
}

// accuse blames the answer that completes the shortest bad prefix.
func (s *search) accuse(n int) Verdict {
	culprit := s.ends[n-1]
	sentence := who(culprit) + " " + answer(culprit) + ", but no order of the " + count(n-1, "operation") +
		" that had returned before, with those under way, explains that answer"
	if culprit.Kind == Read && len(s.open) <= fewOpen {
		sentence += s.alternatives(culprit, n)
	}
	return violation(OracleModel, s.k, sentence, s.witnesses(culprit)...)
}

// alternatives tells what a bad read could have returned instead.
func (s *search) alternatives(culprit *Operation, n int) string {
	var right []string
	for _, value := range s.candidates(culprit) {
		guess := *culprit
		guess.Out.Value, guess.Out.Version = value, 0
		if s.try(n, &guess) == found {
			right = append(right, value.String())
		}
	}
	if len(right) == 0 {
		return ""
	}
	if slices.Contains(right, culprit.Out.Value.String()) {
		return ": the value fits, its version " + strconv.FormatUint(culprit.Out.Version, 10) + " does not"
	}
	return ": it could only have returned " + strings.Join(right, " or ")
}

// candidates are the values a read might have seen: the last few that were set whole before
// it returned, and absence.
func (s *search) candidates(culprit *Operation) (values []Value) {
	const most = 6
	values = append(values, Absent)
	for _, op := range slices.Backward(s.k.Ops) {
		if op.Call > culprit.Return || len(values) > most {
			continue
		}
		seen := Value{}
		switch {
		case op.Kind.setsWhole():
			seen = Some(op.In.Value)
		case op.Kind == Increment && op.Outcome == OK:
			seen = Some(strconv.FormatInt(op.Out.Number, 10))
		}
		if !slices.Contains(values, seen) {
			values = append(values, seen)
		}
	}
	return append(values[1:], Absent)
}

// witnesses are the culprit and the operations around it: those that overlap it and the
// last ones acknowledged before it.
func (s *search) witnesses(culprit *Operation) []*Operation {
	const most = 12
	list := []*Operation{culprit}
	for _, op := range slices.Backward(s.k.Ops) {
		if len(list) < most && op != culprit && op.Call <= culprit.Return && op.Client >= 0 && op.Kind != Read {
			list = append(list, op)
		}
	}
	return list
}
