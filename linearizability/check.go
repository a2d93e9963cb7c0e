package linearizability

// Check judges a history: per key it runs every checker that understands what is done to
// that key, and returns all violations and all indecisions, keys in ascending order, the
// checkers of a key in a fixed order. No verdict at all means that the history is as good as
// the checkers can tell (see the package's doc for what they cannot). Equal histories give
// equal verdicts.
//
//	on a key there are                        linearizability   also
//	reads, writes of unique values            register          session
//	reads, increments                         counter           (model, if deltas are mixed)
//	reads, appends                            append            (model, if tokens are not distinct)
//	reads, writes, deletes, touches, TTLs     register*, ttl    (* sound, not complete)
//	anything else without TTLs                model
//
// evictions (eviction.go) may be among all of these,
// versions wherever they are told, and durability wherever there is a final phase. In the end come the checkers that look at
// several keys: the order of writes as clients saw them, and transactions.
func Check(h *History, o Options) []Verdict {
	if err := h.Validate(); err != nil {
		return []Verdict{undecided(OracleHistory, KeyHistory{}, "the history is malformed: "+err.Error())}
	}
	var verdicts []Verdict
	accused := map[string]bool{}
	keys := h.ByKey()
	for _, k := range keys {
		order := checkOrder(k, o)
		accused[k.Key] = Worst(order) == Violation
		verdicts = append(verdicts, order...)
		if !accused[k.Key] {
			verdicts = append(verdicts, CheckVersions(k, o)...)
		}
		if len(o.lossesOf(k.Key)) == 0 { // a client may well miss what was declared lost
			found, _ := CheckSession(k, o)
			verdicts = append(verdicts, found...)
		}
		found, _ := CheckDurability(k, o)
		verdicts = append(verdicts, found...)
	}
	if Worst(verdicts) == Violation { // else no client can have been wronged
		verdicts = append(verdicts, checkWriteOrder(keys, o, func(key string) bool { return accused[key] })...)
	}
	for _, a := range checkTransactions(h, o) {
		if !a.local || !accused[a.verdict.Key] { // what a key alone shows has been said
			verdicts = append(verdicts, a.verdict)
		}
	}
	return verdicts
}

// checkOrder runs the checkers of linearizability on one key.
func checkOrder(k KeyHistory, o Options) []Verdict {
	kinds := kindSet(k)
	if v, wrong := outOfEra(k); wrong {
		return []Verdict{v}
	}
	if !kinds.ttl && sureLoss(o.lossesOf(k.Key)) {
		if fineByGenerations(k, o) {
			return nil
		}
		return CheckModel(k, o)
	}
	switch {
	case kinds.ttl && kinds.only(Read, Write, Delete, Touch, Evict):
		return checkExpiring(k, o)
	case kinds.ttl:
		return CheckModel(k, o) // which says that nobody knows this mixture
	case kinds.only(Read, Write, Evict):
		if found, ok := checkPlain(k, o); ok {
			return found
		}
	case kinds.only(Read, Increment, Evict):
		if found, exact, _ := CheckCounter(k, o); exact || len(found) > 0 {
			return found
		}
	case kinds.only(Read, Append, Evict):
		if found, exact, _ := CheckAppend(k, o); exact || len(found) > 0 {
			return found
		}
	case kinds.only(Read, Write, Delete, Evict):
		// The zones see most errors around deletes sooner, and word them better.
		if found, _ := checkZones(k, o, true); len(found) > 0 {
			return found
		}
	}
	if v, seen := abortedRead(k, kinds); seen {
		return []Verdict{v}
	}
	return CheckModel(k, o)
}

// checkPlain checks registers. A declared loss may excuse what the zones accuse; only then
// the model checker, which knows losses, has to look.
func checkPlain(k KeyHistory, o Options) (found []Verdict, ok bool) {
	found, ok = CheckRegister(k, o)
	if ok && len(found) > 0 && len(o.lossesOf(k.Key)) > 0 {
		return nil, false
	}
	return found, ok
}

// checkExpiring checks a key with TTLs: the zones for values that come back, after a sure loss too, or are out of
// order; the intervals for those that are late or early.
func checkExpiring(k KeyHistory, o Options) []Verdict {
	found, ok := checkZones(k, o, true)
	if !ok {
		if v, seen := abortedRead(k, kindSet(k)); seen {
			found = []Verdict{v}
		}
	}
	late, _ := CheckTTL(k, o)
	return append(found, late...)
}

// abortedRead finds a value that was observed although the only operations that would have
// set it are known to have failed. It speaks only of keys whose values are always set whole.
func abortedRead(k KeyHistory, kinds kinds) (v Verdict, seen bool) {
	if kinds.has(Increment) || kinds.has(Append) {
		return v, false
	}
	alive, failed := map[string]bool{}, map[string]*Operation{}
	for _, op := range k.Ops {
		switch {
		case !op.Kind.setsWhole():
		case op.Outcome == Failed:
			failed[op.In.Value] = op
		default:
			alive[op.In.Value] = true
		}
	}
	for _, op := range k.Ops {
		if !op.observes() || !op.Out.Value.Found || alive[op.Out.Value.Text] {
			continue
		}
		if culprit := failed[op.Out.Value.Text]; culprit != nil {
			v = orphan(k, op, culprit)
			v.Oracle = OracleModel
			return v, true
		}
	}
	return v, false
}

// kinds is what is done to a key, failed operations and reads without an answer left out;
// unless nothing but reads remains, then what failed tells what the key was for.
type kinds struct {
	set uint32
	ttl bool
}

func kindSet(k KeyHistory) (s kinds) {
	var failed kinds
	for _, op := range k.Ops {
		switch {
		case op.Outcome == Failed:
			failed.add(op)
		case op.Outcome == OK || op.Kind != Read:
			s.add(op)
		}
	}
	if s.only(Read) {
		s.set |= failed.set
		s.ttl = failed.ttl
	}
	return s
}

func (s *kinds) add(op *Operation) {
	s.set |= 1 << op.Kind
	s.ttl = s.ttl || op.Kind == Touch || op.In.TTL != 0
}

func (s kinds) has(kind Kind) bool { return s.set&(1<<kind) != 0 }

// only says that no other kinds than these occur.
func (s kinds) only(list ...Kind) bool {
	rest := s.set
	for _, kind := range list {
		rest &^= 1 << kind
	}
	return rest == 0
}
