package linearizability

import (
	"hash/fnv"
	"strconv"

	"github.com/anishathalye/porcupine"
)

// state is a key as the sequential specification sees it.
type state struct {
	value   Value
	version uint64 // 0 = absent, or not known (no answer has told it yet)
	// fuzzy means that the value is not known: a CAS by version of unknown outcome met a
	// version that is not known either. The next operation that observes the value is
	// believed. This accepts too much, never too little, and keeps the model deterministic.
	fuzzy bool
	// floor is the greatest version that an answer has told so far, of this value or an older one.
	floor uint64
	// lease is the number of the lease that was granted since anything was done to the key; 0 = none. It may be
	// over in truth: leases end by themselves, so a fill may always be refused.
	lease int64
}

// step is the sequential specification of all kinds but Touch: whether op, with the answer
// it got, can take effect on a key in state s, and what the key is afterwards. An operation
// of unknown outcome got no answer, so any answer of the state's is accepted.
//
// Every change gives a key a version greater than all before it (core/store promises that, and CAS by
// version rests on it). So the versions that were told give the order of most operations away (turns.go), and
// what is left to search is where those of unknown outcome took effect.
func step(s state, op *Operation) (bool, state) {
	ok, next := stepKind(s, op)
	next.floor = s.floor
	if op.Kind == Read || next.fuzzy {
		next.lease = s.lease // nothing was done to the key, or perhaps not
	}
	version := op.version()
	switch {
	case !ok || !op.tells():
		return ok, next
	case version < s.floor || op.changes() && version == s.floor:
		return false, s
	case !op.changes() && !s.fuzzy && (!s.value.Found || s.version != 0 && s.version != version):
		return false, s
	case !op.changes() && next.value.Found:
		next.version = version
	}
	next.floor = version
	return true, next
}

// tells reports whether an operation's answer told the key's version.
func (op *Operation) tells() bool { return op.version() != 0 }

// changes reports whether an operation that was answered has given its key a new version.
func (op *Operation) changes() bool {
	switch op.Kind {
	case Read, GetDel, Lease, Evict:
		return false
	case CAS, SetNX, Fill:
		return op.Out.Applied
	}
	return true
}

// grants reports whether an operation's answer told the number of a lease.
func (op *Operation) grants() bool { return op.Outcome == OK && op.Kind == Lease && op.Out.Applied }

func stepKind(s state, op *Operation) (bool, state) {
	answered := op.Outcome == OK
	switch op.Kind {
	case Read:
		return stepRead(s, op)
	case Write:
		return true, state{value: Some(op.In.Value), version: op.Out.Version}
	case Delete:
		return !answered || s.fuzzy || op.Out.Applied == s.value.Found, state{}
	case GetDel:
		ok, _ := stepRead(s, op)
		return ok, state{}
	case SetNX:
		return stepConditional(s, op, s.absent())
	case CAS:
		return stepConditional(s, op, s.meets(op.In))
	case Increment:
		return stepIncrement(s, op)
	case Append:
		return stepAppend(s, op)
	case Lease:
		return stepLease(s, op)
	case Fill:
		return stepFill(s, op)
	case Evict:
		return true, state{lease: s.lease} // leases are none of its business
	}
	return false, s
}

func stepRead(s state, op *Operation) (bool, state) {
	if op.Outcome != OK {
		return true, s
	}
	if s.fuzzy {
		return true, state{value: op.Out.Value, version: op.Out.Version}
	}
	if s.value != op.Out.Value || s.version != 0 && op.Out.Version != 0 && s.version != op.Out.Version {
		return false, s
	}
	if s.version == 0 && s.value.Found {
		s.version = op.Out.Version
	}
	return true, s
}

// maybe is the answer to a question about a state that is not wholly known.
type maybe uint8

const (
	no maybe = iota
	perhaps
	yes
)

func sure(b bool) maybe {
	if b {
		return yes
	}
	return no
}

func (s state) absent() maybe {
	if s.fuzzy {
		return perhaps
	}
	return sure(!s.value.Found)
}

// meets says whether a CAS finds what it expects.
func (s state) meets(in Input) maybe {
	switch {
	case s.fuzzy:
		return perhaps
	case !in.ByVersion:
		return sure(s.value == in.Expect)
	case in.Version == 0 || !s.value.Found:
		return sure(in.Version == 0 && !s.value.Found)
	case s.version == 0:
		return perhaps
	}
	return sure(s.version == in.Version)
}

func stepConditional(s state, op *Operation, met maybe) (bool, state) {
	done := state{value: Some(op.In.Value), version: op.Out.Version}
	switch {
	case op.Outcome == OK && op.Out.Applied:
		return met != no, done
	case op.Outcome == OK:
		return met != yes, s
	case met == yes:
		return true, done
	case met == perhaps:
		return true, state{fuzzy: true}
	}
	return true, s
}

func stepIncrement(s state, op *Operation) (bool, state) {
	answered := op.Outcome == OK
	if s.fuzzy {
		if !answered {
			return true, s
		}
		return true, state{value: Some(strconv.FormatInt(op.Out.Number, 10)), version: op.Out.Version}
	}
	old, ok := number(s.value)
	sum := old + op.In.Delta
	if !ok || (sum > old) != (op.In.Delta > 0) && op.In.Delta != 0 {
		return !answered, s // the command fails and changes nothing
	}
	return !answered || sum == op.Out.Number, state{value: Some(strconv.FormatInt(sum, 10)), version: op.Out.Version}
}

// number is a value as Redis reads integers: decimal, in the one shortest form; absence is 0.
func number(v Value) (int64, bool) {
	if !v.Found {
		return 0, true
	}
	n, err := strconv.ParseInt(v.Text, 10, 64)
	return n, err == nil && strconv.FormatInt(n, 10) == v.Text
}

func stepAppend(s state, op *Operation) (bool, state) {
	if s.fuzzy {
		return true, s
	}
	text := s.value.Text + op.In.Value
	return op.Outcome != OK || op.Out.Number == int64(len(text)), state{value: Some(text), version: op.Out.Version}
}

// stepLease: a lease is granted to whoever has seen what is there. Otherwise it is answered with that, or with
// nothing (somebody else has one).
func stepLease(s state, op *Operation) (bool, state) {
	switch {
	case op.Outcome != OK:
		return true, s // nobody knows its number, so nobody fills under it
	case op.Out.Applied:
		seen := s.fuzzy || !s.value.Found || s.version == 0 || s.version == op.In.Version
		s.lease = op.Out.Number
		return seen, s
	case op.Out.Value.Found:
		return s.fuzzy || s.value == op.Out.Value, s
	}
	return true, s
}

// stepFill: a fill is taken only under a lease that nothing has been done to the key since.
func stepFill(s state, op *Operation) (bool, state) {
	done := state{value: Some(op.In.Value), version: op.Out.Version}
	held := s.lease != 0 && uint64(s.lease) == op.In.Version
	switch {
	case op.Outcome == OK && op.Out.Applied:
		return held, done
	case op.Outcome != OK && held:
		return true, done
	}
	return true, s
}

// porcupineModel is step in porcupine's clothes. The input is the *Operation, answer
// included; porcupine's output is not used.
func porcupineModel() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return state{} },
		Step: func(s, input, _ any) (bool, any) { return step(s.(state), input.(*Operation)) },
		Hash: func(s any) uint64 { return s.(state).hash() },
		DescribeOperation: func(input, _ any) string {
			op := input.(*Operation)
			return deed(op) + " " + answer(op)
		},
		DescribeState: func(s any) string { return s.(state).String() },
	}
}

func (s state) hash() uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s.value.Text)) // a hash never fails
	return h.Sum64() + s.version*0x9e3779b97f4a7c15
}

func (s state) String() string {
	if s.fuzzy {
		return "not known"
	}
	return s.value.String()
}
