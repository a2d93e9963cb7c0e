package linearizability

import (
	"slices"
	"strconv"
	"strings"
)

// CheckDurability checks that what was acknowledged is there in the end: each successful
// read of the final phase (called at Options.FinalFrom or later, after all faults are
// healed) shows a value that is not surely overwritten, a counter that holds all
// acknowledged increments, a text that holds all acknowledged tokens; unless a declared loss
// covers the time. A key that was changed but not read in the final phase is Undecided.
//
// It looks at reads, writes and deletes of any values, at counters, and at append-only
// texts. Of keys with TTLs, and of all other mixtures, it only asks that somebody could read them: what
// they may show is the affair of CheckTTL, and of CheckModel. ok is false, and nothing is checked, if there is no final phase.
func CheckDurability(k KeyHistory, o Options) (verdicts []Verdict, ok bool) {
	o = o.withDefaults()
	check := finalCheck(k, o)
	if o.FinalFrom == 0 {
		return nil, false
	}
	changed := slices.ContainsFunc(k.Ops, func(op *Operation) bool { return op.acknowledged() })
	answered := false
	for _, op := range k.Ops {
		if op.Kind != Read || op.Outcome != OK || op.Call < o.FinalFrom {
			continue
		}
		answered = true
		if v, wrong := check(op); wrong {
			return []Verdict{v}, true
		}
	}
	if changed && !answered {
		return []Verdict{undecided(OracleDurability, k, "the key was changed, but no read of it succeeded after "+
			seconds(o.FinalFrom)+", when everything had healed: nobody knows whether the changes are still there")}, true
	}
	return nil, true
}

// finalCheck chooses what a final read must show, by the kinds of operations on the key.
func finalCheck(k KeyHistory, o Options) func(*Operation) (Verdict, bool) {
	kinds := kindSet(k)
	lostUntil, lossy := o.lostUntil(k.Key)
	goneUntil, gone := o.goneUntil(k)
	switch {
	case kinds.ttl: // CheckTTL judges what it shows
	case kinds.only(Read, Write, Delete, Evict):
		return func(read *Operation) (Verdict, bool) { return finalValue(k, read, lostUntil, lossy) }
	case kinds.only(Read, Increment, Evict):
		c := counter{k: k, growing: true, lostUntil: goneUntil, lossy: gone}
		c.sort()
		return func(read *Operation) (Verdict, bool) { return c.checkLost(read, OracleDurability) }
	case kinds.only(Read, Append, Evict):
		return func(read *Operation) (Verdict, bool) { return finalText(k, read, goneUntil, gone) }
	}
	return func(*Operation) (Verdict, bool) { return Verdict{}, false }
}

// finalValue: the value was written by a write that no acknowledged write or delete surely
// follows, and absence by such a delete (or there was never anything).
func finalValue(k KeyHistory, read *Operation, lostUntil int64, lossy bool) (v Verdict, wrong bool) {
	var last *Operation // the change with the latest call among those acknowledged in time
	for _, op := range k.Ops {
		if op.Outcome == OK && op.Kind != Read && op.before(read) {
			last = op // in order of call
		}
	}
	if last == nil || lossy && lostUntil >= last.Call && !read.Out.Value.Found {
		return v, false
	}
	for _, op := range k.Ops {
		if op.Kind == Read || op.Outcome == Failed || op.before(last) || op.Call > read.Return {
			continue
		}
		shows := Absent
		if op.Kind == Write {
			shows = Some(op.In.Value)
		}
		if shows == read.Out.Value {
			return v, false
		}
	}
	s := who(read) + " " + answer(read) + " in the final phase, but " + evidence(last) + " at " + seconds(last.Return)
	if last.Kind == Write && !read.Out.Value.Found {
		s += " and nothing removed the key after it: an acknowledged write was lost"
	} else {
		s += " and nothing that came after it explains that answer: an acknowledged " + last.Kind.String() + " was lost"
	}
	return violation(OracleDurability, k, s, read, last), true
}

// finalText: every token acknowledged before the read, and after the last declared loss, is
// somewhere in the text.
func finalText(k KeyHistory, read *Operation, lostUntil int64, lossy bool) (v Verdict, wrong bool) {
	text := read.Out.Value.Text
	for _, op := range k.Ops {
		if op.Kind != Append || op.Outcome != OK || !op.before(read) || lossy && op.Call <= lostUntil {
			continue
		}
		there := strings.Contains(text, op.In.Value)
		if !lossy { // then the answer tells where it stands
			there = 0 <= op.Out.Number && op.Out.Number <= int64(len(text)) && strings.HasSuffix(text[:op.Out.Number], op.In.Value)
		}
		if !there {
			return violation(OracleDurability, k, who(read)+" "+answer(read)+" in the final phase, but "+deed(op)+" by client "+
				strconv.Itoa(op.Client)+" "+answer(op)+" and is not there: an acknowledged append was lost", read, op), true
		}
	}
	return v, false
}
