package sim

import (
	"math"

	"torc/core/wire"
	"torc/linearizability"
)

// What is refused, or answered with an error, has had no effect: that is all a history says of it, and it explains everything. A store that
// refuses what it should do would pass. So each reason that is given is held to its word here.

// asked is what anybody asked for on a key so far: what its errors can be about.
type asked struct {
	text    bool   // to put something there that may be no number
	expiry  bool   // to let it expire
	removal bool   // to remove it, at once or later
	added   uint64 // to add, taken as positive, in all; as much as there is at most
}

// note takes an operation that is called; bytes are those of all values.
func (a *asked) note(op *operation, bytes *int) {
	*bytes += len(op.In.Value)
	switch op.Kind {
	case linearizability.Write, linearizability.CAS, linearizability.SetNX, linearizability.Fill, linearizability.Append:
		a.text = true
	case linearizability.Delete, linearizability.GetDel:
		a.removal = true
	case linearizability.Increment:
		delta := uint64(op.In.Delta)
		if op.In.Delta < 0 {
			delta = -delta
		}
		a.added = min(a.added, math.MaxUint64-delta) + delta
	}
	if op.In.TTL != 0 {
		a.expiry, a.removal = true, true
	}
}

// refused holds a refusal to its reason.
func (l *workload) refused(op *operation, outcome wire.Outcome, reason wire.Reason) {
	switch {
	case outcome != wire.OutcomeRefused:
	case reason == wire.ReasonOutOfMemory:
		l.refusedForMemory(op)
	case reason == wire.ReasonTooLarge && !l.large():
		l.w.violate(OracleLinearizable, "operation %d (%v %s): refused as too large, and nothing that was ever asked for is", op.number, op.Kind, op.Key)
	}
}

// large reports whether all values together are longer than one may be.
func (l *workload) large() bool { return l.bytes > l.w.nodes[0].config.MaxValue }

// refusedForMemory: only what could grow is refused.
// Reads and removals go on, or a full node could never be emptied.
func (l *workload) refusedForMemory(op *operation) {
	l.w.reached(branchMemoryRefused)
	switch op.Kind {
	case linearizability.Read, linearizability.Delete, linearizability.GetDel, linearizability.Touch:
		if op.alone {
			l.w.violate(OracleSanity, "operation %d (%v %s): refused for want of memory, though it takes none", op.number, op.Kind, op.Key)
		}
	}
}

// answeredError holds an error that was answered to its reason: it says what the key holds, or that it is not of this shard.
func (l *workload) answeredError(op *operation, r *wire.Result) {
	if r.Kind == wire.KindError && !l.warranted(op, r.Code) {
		l.w.violate(OracleLinearizable, "operation %d (%v %s): answered %q, and nothing that was done to the key is a reason", op.number, op.Kind, op.Key, r.Code.Text())
	}
}

// warranted reports whether what was asked for is a reason for an error.
func (l *workload) warranted(op *operation, code wire.ErrorCode) bool {
	of := &l.keys[l.known[op.Key]].asked
	switch code {
	case wire.CodeVersion:
		return op.Kind == linearizability.CAS
	case wire.CodeGuard:
		return op.guarded
	case wire.CodeNotInteger:
		return op.Kind == linearizability.Increment && of.text
	case wire.CodeOverflow:
		return op.Kind == linearizability.Increment && (of.text || of.added > math.MaxInt64)
	case wire.CodeTooLong:
		return l.large()
	}
	return false
}

// answeredVersion: whoever has read what is there is told its version. Without one the checkers would know less. Writes are not held to it: one that is acknowledged
// before anybody knows its version (the planted bug ack-early) is to be found by what is lost, as the tour tells.
func (l *workload) answeredVersion(op *operation, word linearizability.Outcome, out *linearizability.Output) {
	if op.Kind == linearizability.Read && word == linearizability.OK && out.Value.Found && out.Version == 0 {
		l.w.violate(OracleLinearizable, "operation %d (%v %s): answered without the key's version", op.number, op.Kind, op.Key)
	}
}
