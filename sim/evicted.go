package sim

import (
	"strings"

	"torc/core/evict"
	"torc/core/trace"
	"torc/core/wire"
)

// evictions are the keys that were given up for want of memory, as the nodes tell it (trace.Evict). Each is an operation
// of the history (linearizability.Evict): at the instant at which the first replica applied the entry that gave the key
// up, with the version that it removed. That is exact:
//
//   - A victim is a key in one version, chosen by the leader and written into the log, and versions are given out once. So
//     whoever applies the entry removes the same, and only the first to do so counts: later ones, after a restart or on
//     a node that lags, change nothing that anybody could not have seen before.
//   - All entries before it had been applied somewhere by then, and whoever asks later is answered by a replica that has applied
//     it, or that knows nothing of its shard at all (a loss, which is declared).
//
// A replica tells the entry's victims, not what it removes itself: one that chooses on its own is excused by nothing.
//
// Nor is a key given up for nothing: some node's memory must have been bound, and the policy must allow it.
type evictions struct {
	known map[wire.Victim]bool
	of    map[string]bool // keys
	bound bool            // the memory of some node is, or was
}

func (o *evictions) see(w *World, e *trace.Event) {
	if e.Term == 1 {
		w.reached(branchVictimStays)
		return
	}
	w.reached(branchEvicted)
	v := wire.Victim{Hash: e.A, Version: e.B}
	key, ours := w.work.hashes[v.Hash]
	if !ours || o.known[v] {
		return
	}
	if o.known == nil {
		o.known, o.of = map[wire.Victim]bool{}, map[string]bool{}
	}
	o.known[v], o.of[key] = true, true
	o.justify(w, key)
	w.work.record.Evict(w.now, key, v.Version)
}

// justify holds that there was a reason to give a key up.
func (o *evictions) justify(w *World, key string) {
	policy := w.settings.Evict
	switch {
	case !o.bound:
		w.violate(OracleDurability, "key %s was given up for want of memory, and no node's memory was ever bound", key)
	case policy == evict.NoEviction:
		w.violate(OracleDurability, "key %s was given up for want of memory, though the policy is %v", key, policy)
	case strings.HasPrefix(policy.String(), "volatile") && !w.work.keys[w.work.known[key]].asked.expiry:
		w.violate(OracleDurability, "key %s was given up for want of memory, though the policy is %v and nobody ever gave it a TTL", key, policy)
	}
}
