package sim

import "torc/core/wire"

// doubt is a guarded batch of which nothing was done, as if a key had changed. To the history it has failed, which explains everything; so a store whose guards
// forbid what they should not would pass. But a version is given out once: when each guarded key is read afterwards with the version that its guard named, it
// has had that all the time, and the guards were met.
type doubt struct {
	number int               // of the batch's first operation
	since  int64             // when it was answered
	left   map[string]uint64 // the versions that were named, by key, of keys that nobody has read since
}

// doubts notes a batch of which nothing was done. Absent keys have no version: one may have come and gone.
func (l *workload) doubts(k *call) {
	d := &doubt{number: k.ops[0].number, since: l.w.now, left: map[string]uint64{}}
	for i := range k.ops {
		if op := &k.ops[i]; op.guard() {
			if op.known.version == 0 {
				return
			}
			d.left[op.Key] = op.known.version
		}
	}
	for i := range k.ops {
		if k.ops[i].guard() {
			l.doubted[k.ops[i].Key] = append(l.doubted[k.ops[i].Key], d)
		}
	}
}

// readSince holds the doubts about a key against what a read that began later has found.
func (l *workload) readSince(op *operation, r *wire.Result) {
	var kept []*doubt
	for _, d := range l.doubted[op.Key] {
		version, open := d.left[op.Key]
		switch {
		case !open: // it is settled
		case op.began <= d.since:
			kept = append(kept, d)
		case r.Version != version:
			clear(d.left) // it may have been changed before: there is nothing to be said against the batch
		case len(d.left) == 1:
			clear(d.left)
			l.w.violate(OracleLinearizable, "operation %d: nothing of its batch was done, as if a key had changed, but all that it guards were read later with the versions of before, the last one by operation %d",
				d.number, op.number)
		default:
			delete(d.left, op.Key)
		}
	}
	if l.doubted[op.Key] = kept; len(kept) == 0 {
		delete(l.doubted, op.Key)
	}
}
