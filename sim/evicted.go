package sim

import (
	"torc/core/store"
	"torc/core/trace"
	"torc/core/wire"
	"torc/linearizability"
)

// evictions are the keys that were given up for want of memory, as the nodes tell it (trace.Evict). A checker that
// does not know of them would take them for lost: each excuses that its key vanishes, once, about when the first replica
// applied it.
type evictions struct {
	known map[wire.Victim]bool
	list  []eviction
}

type eviction struct {
	hash uint64
	at   int64
}

func (o *evictions) see(w *World, e *trace.Event) {
	v := wire.Victim{Hash: e.A, Version: e.B}
	if o.known[v] {
		return
	}
	if o.known == nil {
		o.known = map[wire.Victim]bool{}
	}
	o.known[v] = true
	o.list = append(o.list, eviction{e.A, w.now})
}

// excuses are the evictions as the history's checkers take them.
func (o *evictions) excuses(w *World) (list []linearizability.Loss) {
	keys := map[uint64]string{}
	for _, k := range w.work.keys {
		keys[store.HashOf([]byte(k.key))] = k.key
	}
	about := int64(w.settings.Tick)
	for _, e := range o.list {
		if key, ours := keys[e.hash]; ours {
			list = append(list, linearizability.Loss{Keys: []string{key}, From: e.at - about, To: e.at + about})
		}
	}
	return list
}
