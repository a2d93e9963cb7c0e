package linearizability

import (
	"cmp"
	"slices"
)

// Every change gives a key a version greater than all before it, and a lease's number is one of the same sequence
// (core/store promises that). So what answers tell of versions puts most operations of a key in order:
//
//	a change that told version v      after all that told a smaller one, and between the leases around v
//	a look that told version v        after all that told a smaller one, the change to v, and the leases below v
//	a grant of lease n                after the leases and changes below n, and before those above
//
// A look at v may come after the grant of a later lease, which leaves the key as it is.

// turn counts operations that told their places: of an operation those that must come before it, of a
// search those that have been taken.
type turn struct {
	told    int // a version
	changed int // that they gave the key a version
	granted int // the number of a lease
	never   bool
}

func (t *turn) add(op *Operation, n int) {
	if op.tells() {
		t.told += n
		if op.changes() {
			t.changed += n
		}
	}
	if op.grants() {
		t.granted += n
	}
}

// come reports whether it is an operation's turn.
func (t turn) come(op *Operation, done *turn) bool {
	switch {
	case t.never:
		return false
	case op.grants():
		return done.granted == t.granted && done.changed == t.changed && done.told >= t.told
	case !op.tells():
		return true
	case op.changes():
		return done.told >= t.told && done.granted == t.granted
	}
	return done.told >= t.told && done.granted >= t.granted
}

// turnsOf gives the turns of the operations of a search.
func turnsOf(list []span) map[*Operation]turn {
	var told, granted []*Operation
	for _, s := range list {
		if s.op.tells() {
			told = append(told, s.op)
		}
		if s.op.grants() {
			granted = append(granted, s.op)
		}
	}
	slices.SortFunc(told, func(a, b *Operation) int {
		switch {
		case a.version() != b.version() || a.changes() == b.changes():
			return cmp.Compare(a.version(), b.version())
		case a.changes():
			return -1
		}
		return 1
	})
	slices.SortFunc(granted, func(a, b *Operation) int { return cmp.Compare(a.Out.Number, b.Out.Number) })

	turns := make(map[*Operation]turn, len(told)+len(granted))
	changed, leases := 0, 0
	for i, op := range told {
		for leases < len(granted) && uint64(granted[leases].Out.Number) < op.version() {
			leases++
		}
		t := turn{told: i, granted: leases}
		if i > 0 && told[i-1].version() == op.version() && told[i-1].changes() == op.changes() {
			t = turns[told[i-1]] // looks at the same
			t.never = op.changes()
		}
		turns[op] = t
	}
	for i, op := range granted {
		for changed < len(told) && told[changed].version() < uint64(op.Out.Number) {
			changed++
		}
		t := turns[op]
		t.granted = i
		for _, before := range told[:changed] {
			if before.changes() {
				t.changed++
			}
		}
		turns[op] = t
	}
	return turns
}
