package sim

import (
	"time"

	"torc/core/wire"
	"torc/linearizability"
)

// tenure is what is known of a key's leases. To the history a lease, or a fill, may always be refused: leases end by themselves, and who is
// refused loses a load, never the truth. So a store that refuses all of them would pass. Here each refusal needs a reason that is possible.
type tenure struct {
	asking  int    // leases asked for that are under way, or whose outcome is unknown: one of them may stand
	until   int64  // those that were granted may stand until then
	number  uint64 // of the last one that was granted
	granted int64  // when it was asked for
	changes int    // changes under way, or whose outcome is unknown
	changed int64  // when the last one was over
}

// leaseSlack is how much longer or shorter a lease may be than it should, beside what clocks make of it.
const leaseSlack = time.Second

// called notes that an operation begins.
func (t *tenure) called(op *operation) {
	switch op.Kind {
	case linearizability.Read:
	case linearizability.Lease:
		t.asking++
	default:
		t.changes++
	}
}

// over notes what an operation came to, after it was judged.
func (t *tenure) over(op *operation, word linearizability.Outcome, out *linearizability.Output, now, longest int64) {
	switch {
	case word == linearizability.Unknown, op.Kind == linearizability.Read:
		return // it may take effect at any later time
	case op.Kind != linearizability.Lease:
		t.changes, t.changed = t.changes-1, now
		return
	}
	t.asking--
	if word == linearizability.OK && out.Applied {
		t.until, t.number, t.granted = now+longest, uint64(out.Number), op.began
	}
}

// tenured holds what is said of leases and fills to what is known of the key's leases.
func (l *workload) tenured(op *operation, word linearizability.Outcome, out *linearizability.Output) {
	k := &l.keys[l.known[op.Key]]
	if op.Kind != linearizability.Lease && op.Kind != linearizability.Fill {
		k.over(op, word, out, l.w.now, 0)
		return
	}
	clocks := int64(l.w.ttlTolerance() + leaseSlack)
	if word == linearizability.OK && !l.begunAnew(k.shard) {
		if wrong := k.objection(op, out, l.w.now, int64(leaseFor)-clocks); wrong != "" {
			l.w.violate(OracleQuality, "operation %d (%v %s): %s", op.number, op.Kind, op.Key, wrong)
		}
	}
	k.over(op, word, out, l.w.now, int64(leaseFor)+clocks)
}

// objection says what is wrong with an answer, if anything; a lease stands for so long at least.
func (t *tenure) objection(op *operation, out *linearizability.Output, now, shortest int64) string {
	undisturbed := t.number != 0 && t.changed < min(t.granted, op.began) && now-t.granted < shortest // answers may come in another order
	switch {
	case op.Kind == linearizability.Fill:
		if !out.Applied && op.In.Version == t.number && undisturbed && t.asking == 0 && t.changes == 1 {
			return "refused, though its lease was granted a moment ago and nothing has been done to the key since"
		}
	case out.Applied:
		if undisturbed && t.changes == 0 && uint64(out.Number) != t.number {
			return "granted, though another lease was granted a moment ago and nothing has been done to the key since"
		}
	case !out.Value.Found && t.asking == 1 && op.began > t.until:
		return "refused as if somebody had a lease, and nobody can have one"
	}
	return ""
}

// begunAnew reports whether a shard may have been given up and begun anew, by now.
func (l *workload) begunAnew(shard wire.ShardID) bool {
	o := &l.w.losses
	return len(o.declared) > 0 || int(shard) < len(o.sealed) && o.sealed[shard] != 0 || l.w.faults.lawless
}
