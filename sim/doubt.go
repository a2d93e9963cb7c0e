package sim

import "torc/core/wire"

// doubt is a guarded batch of which nothing was done, as if a key had changed. To the history it has failed, which explains everything; so a store whose guards
// forbid what they should not would pass. But a version is given out once: when each guarded key is read afterwards with the version that its guard named, it
// has had that all the time, and the guards were met. A key that was to be absent, and is, was absent all the time if nothing has ever removed it.
type doubt struct {
	number int               // of the batch's first operation
	since  int64             // when it was answered
	left   map[string]uint64 // the versions that were named, by key, of keys that nobody has read since
}

// doubts notes a batch of which nothing was done.
func (l *workload) doubts(k *call) {
	d := &doubt{number: k.ops[0].number, since: l.w.now, left: map[string]uint64{}}
	for i := range k.ops {
		if op := &k.ops[i]; op.guard() {
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
		case r.Version != version, version == 0 && l.comesAndGoes(op.Key):
			clear(d.left) // it may have been changed before: there is nothing to be said against the batch
		case len(d.left) == 1:
			clear(d.left)
			l.w.violate(OracleLinearizable, "operation %d: nothing of its batch was done, as if a key had changed, but all that it guards were read later as they were before, the last one by operation %d",
				d.number, op.number)
		default:
			delete(d.left, op.Key)
		}
	}
	if l.doubted[op.Key] = kept; len(kept) == 0 {
		delete(l.doubted, op.Key)
	}
}

// comesAndGoes reports whether a key that is absent may have been there meanwhile: somebody asked to remove it, it was given up, or its shard was begun anew.
func (l *workload) comesAndGoes(key string) bool {
	k := &l.keys[l.known[key]]
	return k.asked.removal || l.w.evictions.of[key] || l.begunAnew(k.shard)
}
