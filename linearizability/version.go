package linearizability

import (
	"cmp"
	"slices"
	"sort"
	"strings"
)

// versions is a key that is only appended to: its tokens in the order in which they were
// appended. An acknowledged append tells its place itself, by the length it returned; one of
// unknown outcome counts if the longest text that was read has it. A key that was evicted has a part for each era, whose
// lists stand one after the other, with the evictions in between.
type versions struct {
	key     string
	number  int32
	ops     []micro      // in order of ID, without evictions, and reads that fit into several eras
	all     []micro      // with those reads
	failed  []*Operation // failed operations
	list    []version    // in order of end
	seen    int          // how many of list are in the longest text that was read
	longest micro        // the read of that text
	// missing are the appends of unknown outcome that are not in list.
	missing   []micro
	culprit   *Operation // an append that failed and was seen
	eras      eras
	parts     []*versions // by era, if there is more than one
	evictions []micro
	begins    []int // where in list each part does
}

// version is a token and where it ends.
type version struct {
	micro
	end int64
}

func (v version) begin() int64 { return v.end - int64(len(v.op.In.Value)) }

// ordering is what becomes of the attempt to order a key's tokens.
type ordering uint8

const (
	ordered     ordering = iota
	foreign              // there are other kinds than read and append
	ambiguous            // tokens of unknown outcome cannot be told apart
	aborted              // a failed append is in the text
	torn                 // texts and answers contradict each other
	unversioned          // the key was evicted, and somebody was not told a version
)

// build finds the order, and marks the transactions that somebody saw.
func (v *versions) build(list []transaction) ordering {
	if result := v.part(); result != ordered {
		return result
	}
	if v.parts == nil {
		v.all = v.ops
		return v.buildPart(list)
	}
	for i, p := range v.parts {
		if result := p.buildPart(list); result != ordered {
			v.longest, v.culprit = p.longest, p.culprit
			return result
		}
		v.begins = append(v.begins, len(v.list))
		v.list = append(v.list, p.list...)
		if i < len(v.eras.ends) {
			v.list = append(v.list, version{micro: v.evictions[i]})
		}
	}
	return ordered
}

// part deals the operations out to the eras.
func (v *versions) part() ordering {
	for _, m := range v.ops {
		if m.op.Kind == Evict {
			v.eras.ends, v.evictions = append(v.eras.ends, m.op), append(v.evictions, m)
		}
	}
	switch {
	case v.eras.ends == nil:
		return ordered
	case !v.eras.inOrder():
		return torn
	}
	for range len(v.eras.ends) + 1 {
		v.parts = append(v.parts, &versions{key: v.key, number: v.number, failed: v.failed})
	}
	var kept []micro
	for _, m := range v.ops {
		first, last := 0, len(v.eras.ends)
		if m.op.Outcome == OK {
			first = v.eras.of(m.op)
			last = first
		}
		switch {
		case m.op.Kind == Evict:
			continue
		case first == unplaced:
			return unversioned
		}
		v.all = append(v.all, m)
		if first == explained {
			continue
		}
		kept = append(kept, m)
		for era := first; era <= last; era++ {
			v.parts[era].ops = append(v.parts[era].ops, m)
		}
	}
	v.ops = kept
	return ordered
}

// buildPart is build of one era.
func (v *versions) buildPart(list []transaction) ordering {
	var acked []version
	var open []micro
	for _, m := range v.ops {
		switch {
		case m.op.Kind == Append && m.op.Outcome == OK:
			acked = append(acked, version{m, m.op.Out.Number})
		case m.op.Kind == Append:
			open = append(open, m)
		case m.op.Kind != Read:
			return foreign
		case v.longest.op == nil || len(m.op.Out.Value.Text) > len(v.longest.op.Out.Value.Text):
			v.longest = m
		}
	}
	if !v.prefixes() {
		return torn
	}
	byEnd := func(a, b version) int { return cmp.Compare(a.end, b.end) }
	if !slices.IsSortedFunc(acked, byEnd) {
		slices.SortStableFunc(acked, byEnd)
	}
	if result := v.merge(acked, open); result != ordered {
		return result
	}
	for _, x := range v.list[:v.seen] {
		list[x.txn].happened = true
	}
	if !v.boundaries() {
		return torn
	}
	return ordered
}

func (v *versions) text() string {
	if v.longest.op == nil {
		return ""
	}
	return v.longest.op.Out.Value.Text
}

// prefixes checks that the longest text continues all others.
func (v *versions) prefixes() bool {
	text := v.text()
	for _, m := range v.ops {
		value := m.op.Out.Value
		if m.op.Kind == Read && (value.Found != (value.Text != "") || !strings.HasPrefix(text, value.Text)) {
			return false
		}
	}
	return true
}

// merge takes the text apart: at each place stands the acknowledged append that said so, or
// one of unknown outcome. Acknowledged ones beyond the text follow.
func (v *versions) merge(acked []version, open []micro) ordering {
	text := v.text()
	tokens := newTokens(open)
	at, next := int64(0), 0
	list := acked[:0] // in place, unless some need room between them
	if len(open) > 0 {
		list = make([]version, 0, len(acked)+len(open))
	}
	for at < int64(len(text)) {
		rest := text[at:]
		if next < len(acked) && acked[next].begin() == at && strings.HasPrefix(rest, acked[next].op.In.Value) {
			list = append(list, acked[next])
			at = acked[next].end
			next++
			continue
		}
		m, result := tokens.at(rest)
		switch {
		case result == ambiguous:
			return ambiguous
		case m.op == nil && v.failedAt(rest):
			return aborted
		case m.op == nil || tokens.taken[m.op]:
			return torn
		}
		tokens.taken[m.op] = true
		at += int64(len(m.op.In.Value))
		list = append(list, version{m, at})
	}
	v.seen = len(list)
	for _, x := range acked[next:] {
		if x.begin() < at {
			return torn
		}
		list, at = append(list, x), x.end
	}
	v.list = list
	for _, m := range open {
		if !tokens.taken[m.op] {
			v.missing = append(v.missing, m)
		}
	}
	return ordered
}

func (v *versions) failedAt(text string) bool {
	for _, op := range v.failed {
		if op.Kind == Append && strings.HasPrefix(text, op.In.Value) {
			v.culprit = op
			return true
		}
	}
	return false
}

// boundaries checks that every read ended where a token does.
func (v *versions) boundaries() bool {
	for _, m := range v.ops {
		if m.op.Kind == Read {
			if n := v.sees(m.op); n > 0 && v.list[n-1].end != int64(len(m.op.Out.Value.Text)) || n == 0 && m.op.Out.Value.Found {
				return false
			}
		}
	}
	return true
}

// sees is how many tokens of the list a read returned.
func (v *versions) sees(read *Operation) int {
	if v.parts != nil {
		era := v.eras.of(read)
		return v.begins[era] + v.parts[era].sees(read)
	}
	length := int64(len(read.Out.Value.Text))
	if length == int64(len(v.text())) {
		return v.seen
	}
	return sort.Search(v.seen, func(i int) bool { return v.list[i].end > length })
}

func (v *versions) operations() (ops []*Operation) {
	for _, m := range v.ops {
		ops = append(ops, m.op)
	}
	return ops
}

func (v *versions) abortedRead(t *transactions) Verdict {
	s := "G1a: " + who(v.longest.op) + " " + answer(v.longest.op) + ", but " + deed(v.culprit)
	if i := slices.IndexFunc(t.h.Ops, func(op Operation) bool { return op.ID == v.culprit.ID }); t.many[i] {
		s += ", part of " + batchName(v.culprit) + ","
	}
	return violation(OracleTransaction, KeyHistory{Key: v.key}, s+" had been reported as failed: it must never be seen", v.longest.op, v.culprit)
}

// tokens knows the appends of unknown outcome by their text.
type tokens struct {
	byText  map[string]micro
	lengths []int
	twice   map[string]bool
	taken   map[*Operation]bool
}

func newTokens(open []micro) (k tokens) {
	if len(open) == 0 {
		return k
	}
	k = tokens{byText: make(map[string]micro, len(open)), twice: map[string]bool{}, taken: map[*Operation]bool{}}
	for _, m := range open {
		text := m.op.In.Value
		if _, again := k.byText[text]; again {
			k.twice[text] = true
		}
		k.byText[text] = m
		if i, found := slices.BinarySearch(k.lengths, len(text)); !found {
			k.lengths = slices.Insert(k.lengths, i, len(text))
		}
	}
	return k
}

// at finds the token that a text begins with: none, one, or ambiguous.
func (k *tokens) at(text string) (found micro, result ordering) {
	for _, n := range k.lengths {
		if n > len(text) {
			break
		}
		m, known := k.byText[text[:n]]
		switch {
		case !known:
			continue
		case found.op != nil || k.twice[text[:n]]:
			return micro{}, ambiguous
		}
		found = m
	}
	return found, ordered
}
