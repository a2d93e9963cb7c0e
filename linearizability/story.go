package linearizability

import (
	"slices"
	"strconv"
	"strings"
)

// A cycle is told from its most telling side: a reader that saw one thing and missed another.

// local says that a cycle is about one key and the time, which that key's own checker sees.
// A cycle on one key without the time is about the unity of a batch.
func (t *transactions) local(cycle []arrow) bool {
	key, timed := int32(-1), false
	for _, s := range cycle {
		switch {
		case s.kind == clock:
			timed = true
		case key >= 0 && s.key != key:
			return false
		default:
			key = s.key
		}
	}
	return timed
}

// name is the cycle's name in the literature.
func (t *transactions) name(cycle []arrow, level edgeKind) string {
	reads, timed := 0, level&clock != 0
	for _, s := range cycle {
		if s.kind == rw {
			reads++
		}
	}
	name := "G2-item"
	switch {
	case t.halved(cycle):
		return "G1b"
	case reads == 1:
		name = "G-single"
	case reads == 0 && level&wr != 0:
		name = "G1c"
	case reads == 0:
		name = "G0"
	}
	if timed {
		name += "-realtime"
	}
	return name
}

// halved says that a cycle is a reader that saw one part of a batch but not another.
func (t *transactions) halved(cycle []arrow) bool {
	if len(cycle) != 2 || cycle[0].kind|cycle[1].kind != wr|rw {
		return false
	}
	writer := cycle[0].from
	if cycle[0].kind == rw {
		writer = cycle[0].to
	}
	return t.list[writer].many
}

// story words a cycle.
func (t *transactions) story(cycle []arrow, level edgeKind) Verdict {
	cycle = turned(cycle)
	first, last := cycle[0], cycle[len(cycle)-1]
	var s string
	var ops []*Operation
	see := func(list ...*Operation) { ops = append(ops, list...) }
	middle := cycle
	switch {
	case first.kind == rw && last.kind == wr:
		missed, seen := t.token(first), t.token(last)
		readMissed, readSeen := t.reader(first), t.reader(last)
		see(readMissed, readSeen, seen, missed)
		s = t.title(first.from) + " saw " + t.tokenName(last, seen) + t.by(first.from, readSeen) + " but not " + t.tokenName(first, missed) + t.by(first.from, readMissed)
		middle = cycle[1 : len(cycle)-1]
	case first.kind == rw:
		missed, read := t.token(first), t.reader(first)
		see(read, missed)
		s = t.title(first.from) + " did not see " + t.tokenName(first, missed) + t.by(first.from, read)
		middle = cycle[1:]
	}
	clauses := []string{}
	if s != "" {
		clauses = append(clauses, s)
	}
	for _, st := range middle {
		clause, about := t.clause(st)
		clauses = append(clauses, clause)
		see(about...)
	}
	s = t.name(cycle, level) + ": " + strings.Join(clauses, ", and ")
	switch {
	case t.halved(cycle):
		s += ": half of a batch"
	case level&clock == 0 && len(cycle) == 2:
		s += ": each would have to come before the other"
	case level&clock == 0 || len(cycle) > 3:
		s += ": they cannot have been done in any order, one at a time"
	}
	key := ""
	for _, st := range cycle {
		if st.kind != clock {
			key = t.keys[st.key].key
			break
		}
	}
	return violation(OracleTransaction, KeyHistory{Key: key}, s, distinct(ops...)...)
}

// turned begins a cycle at an rw arrow, best at one whose transaction was reached by wr.
func turned(cycle []arrow) []arrow {
	best, rank := 0, 0
	for i, s := range cycle {
		r := 0
		if s.kind == rw {
			r = 1
			if cycle[(i+len(cycle)-1)%len(cycle)].kind == wr {
				r = 2
			}
		}
		if r > rank {
			best, rank = i, r
		}
	}
	return slices.Concat(cycle[best:], cycle[:best])
}

// clause words one arrow, and names the operations that prove it.
func (t *transactions) clause(s arrow) (text string, about []*Operation) {
	switch s.kind {
	case ww:
		token := t.token(s)
		if s.at <= 0 {
			return t.title(s.from) + " wrote in " + quoted(token.Key) + " before " + t.tokenName(s, token), []*Operation{token}
		}
		before := t.keys[s.key].list[s.at-1].op
		if before.Kind == Evict || token.Kind == Evict {
			return deed(before) + " comes before " + deed(token) + " in " + quoted(token.Key), []*Operation{before, token}
		}
		return shown(before.In.Value) + " (" + before.Name() + t.of(s.from) + ") stands before " + t.tokenName(s, token), []*Operation{before, token}
	case wr:
		token, read := t.token(s), t.reader(s)
		return t.title(s.to) + " saw " + t.tokenName(s, token) + t.by(s.to, read), []*Operation{read, token}
	case rw:
		token, read := t.token(s), t.reader(s)
		return t.title(s.from) + " did not see " + t.tokenName(s, token) + t.by(s.from, read), []*Operation{read, token}
	}
	return t.title(s.from) + " had finished " + seconds(t.list[s.to].call-t.list[s.from].end) + " before " + t.title(s.to) + " began",
		[]*Operation{t.list[s.from].head, t.list[s.to].head}
}

// token is the append that an arrow is about.
func (t *transactions) token(s arrow) *Operation {
	v := t.keys[s.key]
	if s.at < 0 {
		return v.missing[-1-s.at].op
	}
	return v.list[s.at].op
}

// tokenName is `"4;" (a4 of batch 3) in x`.
func (t *transactions) tokenName(s arrow, token *Operation) string {
	if token.Kind == Evict {
		return deed(token) + " in " + quoted(token.Key)
	}
	owner := s.to
	if s.kind == wr {
		owner = s.from
	}
	return shown(token.In.Value) + " (" + token.Name() + t.of(owner) + ") in " + quoted(token.Key)
}

func (t *transactions) of(txn int32) string {
	if t.list[txn].many {
		return " of " + batchName(t.list[txn].head)
	}
	return ""
}

// reader is the read that an arrow is about: of the transaction that saw, or did not see.
func (t *transactions) reader(s arrow) *Operation {
	v, txn, want := t.keys[s.key], s.from, int(s.at)
	switch {
	case s.kind == wr:
		txn, want = s.to, int(s.at)+1
	case s.at < 0:
		want = v.seen
	}
	for _, m := range v.ops {
		if m.txn == txn && m.op.Kind == Read && v.sees(m.op) == want {
			return m.op
		}
	}
	return nil
}

// by names the read of a batch that saw something, or missed it.
func (t *transactions) by(txn int32, read *Operation) string {
	if read == nil || !t.list[txn].many {
		return ""
	}
	return " (" + read.Name() + ")"
}

func batchName(op *Operation) string { return "batch " + strconv.Itoa(op.Batch) }

// title names a transaction and its client.
func (t *transactions) title(txn int32) string {
	head := t.list[txn].head
	if t.list[txn].many {
		return batchName(head) + " by client " + strconv.Itoa(head.Client)
	}
	return who(head)
}
