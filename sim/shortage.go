package sim

import (
	"time"

	"torc/core/evict"
)

// drawShortage lets most runs have a policy for what is given up when memory is short, and a time at which it
// is short on all nodes, so that no run is without evictions that has a policy for them. What was given up is excused
// by key and moment, so every other check holds as before.
func (s *Settings) drawShortage(seed uint64) {
	r := NewStream(seed, "settings, shortage")
	switch roll := r.IntN(100); {
	case roll < 70:
		s.Evict = evict.Adaptive
	case roll < 90:
		s.Evict = evict.Kind(r.IntN(evict.Kinds)) // noeviction, too
	}
}

// runShort makes memory short on all nodes, for a while.
func (f *nemesis) runShort() {
	if f.w.settings.Evict == evict.NoEviction {
		return
	}
	r := NewStream(f.w.seed, "shortage")
	bytes, long := int64(64+r.IntN(1000)), r.Neat(time.Second, 4*time.Second)
	f.w.after(r.Duration(f.w.torturedFor/8, f.w.torturedFor*7/8), func() {
		for i := range f.w.nodes {
			if f.on {
				f.strike(For{long, Squeeze{Node(i + 1), bytes}})
			}
		}
	})
}
