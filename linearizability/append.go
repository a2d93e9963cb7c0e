package linearizability

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// CheckAppend checks a key that is only appended to and read: every acknowledged token is in
// the text exactly once, every unknown one at most once, failed ones never; every read is a
// prefix of every longer one; and the order is the ladder's. exact and ok are as for
// CheckCounter.
//
// It knows tokens by their text. So they should be unique and none a prefix of another, as
// in "c3-17;". Of other tokens only the prefix rule is checked, and exact is false.
func CheckAppend(k KeyHistory, o Options) (verdicts []Verdict, exact, ok bool) {
	a := appends{k: k, tokens: map[string]*Operation{}, place: map[*Operation]int64{}}
	if !a.sort() {
		return nil, false, false
	}
	v, wrong := a.prefixes()
	exact = true
	if !wrong && !a.distinct() {
		return nil, false, true
	}
	if !wrong {
		v, wrong = a.read()
	}
	if !wrong {
		v, wrong = a.lost()
	}
	if !wrong {
		v, wrong, exact = a.ladder().climb()
	}
	if _, lossy := o.lostUntil(k.Key); wrong && lossy {
		return nil, false, true // the loss may be the reason
	}
	if wrong {
		verdicts = append(verdicts, v)
	}
	return verdicts, exact, true
}

// appends is the history of a key that is only appended to and read.
type appends struct {
	k       KeyHistory
	ops     []*Operation // appends, by call, failed ones included
	reads   []*Operation // by length of what they returned
	tokens  map[string]*Operation
	lengths []int                // the lengths of tokens, ascending
	place   map[*Operation]int64 // where each token that was read ends
	longest *Operation           // the read that returned most, nil if none found anything
}

func (a *appends) sort() bool {
	for _, op := range a.k.Ops {
		switch {
		case op.Kind == Append:
			a.ops = append(a.ops, op)
		case op.Kind == Read && op.Outcome == OK:
			a.reads = append(a.reads, op)
		case op.Kind != Read && op.Outcome != Failed:
			return false
		}
	}
	slices.SortStableFunc(a.reads, func(x, y *Operation) int {
		return cmp.Compare(len(x.Out.Value.Text), len(y.Out.Value.Text))
	})
	if n := len(a.reads); n > 0 && a.reads[n-1].Out.Value.Found {
		a.longest = a.reads[n-1]
	}
	return true
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

func (a *appends) ladder() *ladder {
	l := &ladder{k: a.k, oracle: OracleAppend, noun: "length"}
	var spare []*Operation
	for _, op := range a.ops {
		end, size := op.Out.Number, int64(len(op.In.Value))
		if op.Outcome != OK {
			end = a.place[op]
		}
		switch {
		case op.Outcome == Failed:
		case op.Outcome == Unknown && end == 0:
			spare = append(spare, op)
		default:
			l.rungs = append(l.rungs, rung{op, end - size, end})
		}
	}
	for _, op := range a.reads {
		n := int64(len(op.Out.Value.Text))
		l.rungs = append(l.rungs, rung{op, n, n})
	}
	l.setSpare(spare, func(op *Operation) int64 { return int64(len(op.In.Value)) })
	return l
}
