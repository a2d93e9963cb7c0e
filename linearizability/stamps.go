package linearizability

import (
	"slices"
	"strconv"
)

// Versions. Every change gives a key a version greater than all before it: compare-and-set by version rests on that, whoever made the
// change that it must notice, and no version is given out twice, not even after a loss. The search holds to it (step), but only on the
// keys that it judges; the faster checkers know values alone. So what was told of versions is held against time here, on every key:
//
//  1. no two changes told the same version,
//  2. no two answers tell different values of one version, and
//  3. nobody is told an older version than was told before the question; a change tells a greater one.

// CheckVersions checks what a key's answers tell of its versions, whatever is done to the key. Answers without a version say nothing.
func CheckVersions(k KeyHistory, o Options) (verdicts []Verdict) {
	var told []*Operation
	for _, op := range k.Ops { // in order of call
		if op.tells() {
			told = append(told, op)
		}
	}
	o = o.withDefaults()
	returned := slices.Clone(told)
	slices.SortFunc(returned, byReturn)
	var newest *Operation // told the greatest version of those that returned before
	makers, sights := map[uint64]*Operation{}, map[uint64]*Operation{}
	for _, op := range told {
		for ; returned[0].before(op); returned = returned[1:] {
			if newest == nil || returned[0].version() >= newest.version() {
				newest = returned[0]
			}
		}
		other, why := stampClash(op, newest, makers, sights)
		if other == nil {
			continue
		}
		if verdicts = append(verdicts, violation(OracleVersion, k, who(op)+" "+answer(op)+stamp(op)+", but "+evidence(other)+stamp(other)+why, op, other)); len(verdicts) == o.ViolationsMax {
			break
		}
	}
	return verdicts
}

// stampClash is what an operation's version contradicts, if anything, and why; it notes the version.
func stampClash(op, newest *Operation, makers, sights map[uint64]*Operation) (other *Operation, why string) {
	version := op.version()
	if newest != nil && (version < newest.version() || op.renews() && version == newest.version()) {
		return newest, " " + seconds(op.Call-newest.Return) + " before it began: versions only grow"
	}
	if op.renews() {
		if maker := makers[version]; maker != nil {
			return maker, ": two changes have one version"
		}
		makers[version] = op
	}
	if value, known := op.stamped(); known {
		if sight := sights[version]; sight == nil {
			sights[version] = op
		} else if before, _ := sight.stamped(); before != value {
			return sight, ": one version has two values"
		}
	}
	return nil, ""
}

// renews reports whether an operation has given its key the version that it tells.
func (op *Operation) renews() bool { return op.Kind != Delete && op.acknowledged() && op.changes() }

// stamped is the value that had the version which an operation tells, if it tells both.
func (op *Operation) stamped() (v Value, known bool) {
	switch {
	case op.Kind == Read:
		return op.Out.Value, true
	case op.Kind.setsWhole() && op.acknowledged():
		return Some(op.In.Value), true
	case op.Kind == Increment:
		return Some(strconv.FormatInt(op.Out.Number, 10)), true
	}
	return v, false
}

func stamp(op *Operation) string { return " with version " + strconv.FormatUint(op.version(), 10) }
