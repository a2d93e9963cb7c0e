package linearizability

import (
	"cmp"
	"slices"
)

// CheckSession checks what each client may expect of its own past on one key (Terry et al.,
// "Session Guarantees for Weakly Consistent Replicated Data", 1994): a read shows the
// client's own earlier acknowledged write or a later one (read your writes), and never an
// older value than an earlier read did (monotonic reads).
//
// "Older" is only claimed where real time proves it: write v returned before write w was
// called. So every violation found here is also one of linearizability; the use of this
// checker is that it names the client who was wronged. ok is false, and nothing is checked,
// unless the key has only reads and writes of unique values.
func CheckSession(k KeyHistory, o Options) (verdicts []Verdict, ok bool) {
	writers, ok := uniqueWriters(k)
	if !ok {
		return nil, false
	}
	o = o.withDefaults()
	for _, ops := range byClient(k) {
		if v, wronged := checkClient(k, ops, writers); wronged && len(verdicts) < o.ViolationsMax {
			verdicts = append(verdicts, v)
		}
	}
	return verdicts, true
}

// uniqueWriters maps each value to its write; failed writes are left out.
func uniqueWriters(k KeyHistory) (writers map[string]*Operation, ok bool) {
	writers = make(map[string]*Operation, len(k.Ops)/2)
	for _, op := range k.Ops {
		if op.Outcome == Failed || op.Kind == Read {
			continue
		}
		if op.Kind != Write || op.In.TTL != 0 || writers[op.In.Value] != nil {
			return nil, false
		}
		writers[op.In.Value] = op
	}
	return writers, true
}

// byClient splits the answered operations by client, clients in ascending order.
func byClient(k KeyHistory) (parts [][]*Operation) {
	index := make(map[int]int)
	for _, op := range k.Ops {
		if op.Outcome != OK {
			continue
		}
		i, seen := index[op.Client]
		if !seen {
			i = len(parts)
			index[op.Client] = i
			parts = append(parts, nil)
		}
		parts[i] = append(parts[i], op)
	}
	slices.SortFunc(parts, func(a, b []*Operation) int { return cmp.Compare(a[0].Client, b[0].Client) })
	return parts
}

// checkClient walks a client's operations in order of their calls. The floor is the write
// with the latest call that the client is known to have made or seen.
func checkClient(k KeyHistory, ops []*Operation, writers map[string]*Operation) (v Verdict, wronged bool) {
	returned := slices.Clone(ops)
	slices.SortFunc(returned, byReturn)
	var floor, source *Operation
	for _, op := range ops {
		for len(returned) > 0 && returned[0].before(op) {
			if w := writeBehind(returned[0], writers); w != nil && (floor == nil || w.Call > floor.Call) {
				floor, source = w, returned[0]
			}
			returned = returned[1:]
		}
		if op.Kind != Read || floor == nil {
			continue
		}
		w := writeBehind(op, writers)
		if w != nil && w.before(floor) || !op.Out.Value.Found {
			return sessionVerdict(k, op, w, floor, source), true
		}
	}
	return v, false
}

// writeBehind is the write that an operation made or saw, nil if none is known.
func writeBehind(op *Operation, writers map[string]*Operation) *Operation {
	if op.Kind == Write {
		return op
	}
	if !op.Out.Value.Found {
		return nil
	}
	return writers[op.Out.Value.Text]
}

func sessionVerdict(k KeyHistory, op, w, floor, source *Operation) Verdict {
	s := who(op) + " " + answer(op) + ", but "
	if source == floor {
		s += "the same client's own " + deed(floor) + " had been acknowledged"
	} else {
		s += "the same client's " + evidence(source)
	}
	s += " " + seconds(op.Call-source.Return) + " before it began"
	if w != nil {
		s += ", and " + shown(w.In.Value) + " is older: " + deed(w) + " was acknowledged " +
			seconds(floor.Call-w.Return) + " before " + deed(floor) + " began"
	}
	return violation(OracleSession, k, s, distinct(op, source, floor, w)...)
}
