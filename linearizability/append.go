package linearizability

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// CheckAppend checks a key that is only appended to and read, and evicted: every acknowledged token is in
// the text exactly once, every unknown one at most once, failed ones never; every read is a
// prefix of every longer one; and the order is the ladder's. exact and ok are as for
// CheckCounter.
//
// It knows tokens by their text. So they should be unique and none a prefix of another, as
// in "c3-17;". Of other tokens only the prefix rule is checked, and exact is false.
func CheckAppend(k KeyHistory, o Options) (verdicts []Verdict, exact, ok bool) {
	if !onlyAppended(k) {
		return nil, false, false
	}
	v, wrong, exact := checkTexts(k)
	if _, lossy := o.lostUntil(k.Key); wrong && lossy {
		return nil, false, true // the loss may be the reason
	}
	if wrong {
		verdicts = append(verdicts, v)
	}
	return verdicts, exact, true
}

func onlyAppended(k KeyHistory) bool {
	return !slices.ContainsFunc(k.Ops, func(op *Operation) bool {
		return op.Kind != Read && op.Kind != Append && op.Kind != Evict && op.Outcome != Failed
	})
}

// checkTexts checks the texts of each era, and then the ladder of all.
func checkTexts(k KeyHistory) (v Verdict, wrong, exact bool) {
	eras, ordered := erasOf(k)
	histories, told := eras.split(k)
	if !ordered || !told {
		return v, false, false
	}
	l := &ladder{k: k, oracle: OracleAppend, noun: "length"}
	var parts [][]rung
	placed := map[*Operation]*appends{}
	for _, history := range histories {
		a := newAppends(history)
		if v, wrong, exact = a.check(); wrong || !exact {
			return v, wrong, exact
		}
		if v, wrong = a.twice(placed); wrong {
			return v, true, true
		}
		parts = append(parts, a.rungs())
	}
	var spare []*Operation
	for _, op := range k.Ops {
		if op.Kind == Append && op.Outcome == Unknown && placed[op] == nil {
			spare = append(spare, op)
		}
	}
	l.stack(parts, eras.ends)
	l.setSpare(spare, func(op *Operation) int64 { return int64(len(op.In.Value)) })
	return l.climb()
}

// twice finds a token of unknown outcome that an era before had, too, and notes those of this one.
func (a *appends) twice(placed map[*Operation]*appends) (v Verdict, wrong bool) {
	for _, op := range a.ops {
		if a.place[op] == 0 || op.Outcome == OK {
			continue
		}
		if before := placed[op]; before != nil {
			return a.accuse(", but "+who(before.longest)+" "+answer(before.longest)+" before the key was evicted, so "+shown(op.In.Value)+
				" was there before and after that, but "+deed(op)+" was asked for once: it was applied twice", op), true
		}
		placed[op] = a
	}
	return v, false
}

// appends is the history, or one era of it, of a key that is only appended to and read.
type appends struct {
	k       KeyHistory
	ops     []*Operation // appends, by call, failed ones included
	reads   []*Operation // by length of what they returned
	tokens  map[string]*Operation
	lengths []int                // the lengths of tokens, ascending
	place   map[*Operation]int64 // where each token that was read ends
	longest *Operation           // the read that returned most, nil if none found anything
}

func newAppends(k KeyHistory) *appends {
	a := &appends{k: k, tokens: map[string]*Operation{}, place: map[*Operation]int64{}}
	for _, op := range k.Ops {
		switch {
		case op.Kind == Append:
			a.ops = append(a.ops, op)
		case op.Kind == Read && op.Outcome == OK:
			a.reads = append(a.reads, op)
		}
	}
	slices.SortStableFunc(a.reads, func(x, y *Operation) int {
		return cmp.Compare(len(x.Out.Value.Text), len(y.Out.Value.Text))
	})
	if n := len(a.reads); n > 0 && a.reads[n-1].Out.Value.Found {
		a.longest = a.reads[n-1]
	}
	return a
}

// check is what can be said without the ladder. exact is false if tokens cannot be told apart.
func (a *appends) check() (v Verdict, wrong, exact bool) {
	if v, wrong = a.prefixes(); wrong {
		return v, true, true
	}
	if !a.distinct() {
		return v, false, false
	}
	if v, wrong = a.read(); wrong {
		return v, true, true
	}
	v, wrong = a.lost()
	return v, wrong, true
}

// prefixes checks that what was read once is never taken back or changed.
func (a *appends) prefixes() (v Verdict, wrong bool) {
	for _, op := range a.reads {
		if op.Out.Value.Found && op.Out.Value.Text == "" {
			return violation(OracleAppend, a.k, who(op)+" "+answer(op)+", but nothing ever left an empty text there: the key is absent until its first append", op), true
		}
		if a.longest == nil || strings.HasPrefix(a.longest.Out.Value.Text, op.Out.Value.Text) {
			continue
		}
		return violation(OracleAppend, a.k, who(op)+" "+answer(op)+" and "+who(a.longest)+" "+answer(a.longest)+
			": neither continues the other, though the key is only appended to", op, a.longest), true
	}
	return v, false
}

// distinct says whether each token can be known by its text wherever it stands.
func (a *appends) distinct() bool {
	texts := make([]string, 0, len(a.ops))
	for _, op := range a.ops {
		a.tokens[op.In.Value] = op
		texts = append(texts, op.In.Value)
		if i, found := slices.BinarySearch(a.lengths, len(op.In.Value)); !found {
			a.lengths = slices.Insert(a.lengths, i, len(op.In.Value))
		}
	}
	slices.Sort(texts) // puts a prefix right before some text that it begins, and equals side by side
	for i := 1; i < len(texts); i++ {
		if strings.HasPrefix(texts[i], texts[i-1]) {
			return false
		}
	}
	return true
}

// read takes the longest text apart into tokens.
func (a *appends) read() (v Verdict, wrong bool) {
	if a.longest == nil {
		return v, false
	}
	text := a.longest.Out.Value.Text
	for at := 0; at < len(text); {
		op := a.tokenAt(text[at:])
		switch {
		case op == nil:
			return a.accuse(", in which nobody appended what follows byte "+strconv.Itoa(at)+" ("+shown(text[at:min(len(text), at+16)])+")", nil), true
		case op.Outcome == Failed:
			return a.accuse(", but "+deed(op)+" had been reported as failed: a failed append must never be seen", op), true
		case a.place[op] != 0:
			return a.accuse(", in which "+shown(op.In.Value)+" ends at byte "+strconv.FormatInt(a.place[op], 10)+" and again at byte "+
				strconv.Itoa(at+len(op.In.Value))+", but "+deed(op)+" was asked for once: it was applied twice", op), true
		}
		at += len(op.In.Value)
		a.place[op] = int64(at)
		if op.Outcome == OK && op.Out.Number != int64(at) {
			return a.accuse(", in which "+shown(op.In.Value)+" ends at byte "+strconv.Itoa(at)+", but "+deed(op)+" by client "+
				strconv.Itoa(op.Client)+" "+answer(op), op), true
		}
		if a.longest.before(op) {
			return a.accuse(", but "+deed(op)+" was only called "+seconds(op.Call-a.longest.Return)+" later", op), true
		}
	}
	return v, false
}

func (a *appends) tokenAt(text string) *Operation {
	for _, n := range a.lengths {
		if n > len(text) {
			break
		}
		if op := a.tokens[text[:n]]; op != nil {
			return op
		}
	}
	return nil
}

func (a *appends) accuse(what string, op *Operation) Verdict {
	return violation(OracleAppend, a.k, who(a.longest)+" "+answer(a.longest)+what, distinct(a.longest, op)...)
}

// lost finds an acknowledged token whose place is taken by another.
func (a *appends) lost() (v Verdict, wrong bool) {
	for _, op := range a.ops {
		if op.Outcome == OK && a.longest != nil && a.place[op] == 0 && op.Out.Number <= int64(len(a.longest.Out.Value.Text)) {
			return a.accuse(", in which "+shown(op.In.Value)+" is missing, but "+deed(op)+" by client "+strconv.Itoa(op.Client)+" "+answer(op)+
				": it was lost, and others took its place", op), true
		}
	}
	return v, false
}

// rungs are the appends whose places are known, and the reads.
func (a *appends) rungs() (list []rung) {
	for _, op := range a.ops {
		end := op.Out.Number
		if op.Outcome != OK {
			end = a.place[op]
		}
		if op.Outcome == OK || op.Outcome == Unknown && end != 0 {
			list = append(list, rung{op: op, from: end - int64(len(op.In.Value)), to: end})
		}
	}
	for _, op := range a.reads {
		n := int64(len(op.Out.Value.Text))
		list = append(list, rung{op: op, from: n, to: n})
	}
	return list
}
