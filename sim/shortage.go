package sim

import (
	"time"

	"torc/core/evict"
)

// Most swarm runs have a policy for what is given up when memory is short, and times at which it is: each node is bound to what
// it holds at that time, less a share of its keys. So keys are given up at once, and then one for nearly every new one,
// under all that the run does to the cluster meanwhile. To the checkers an eviction is an operation like others (evicted.go).

// drawShortage draws the policy.
func (s *Settings) drawShortage(seed uint64) {
	r := NewStream(seed, "settings, shortage")
	switch roll := r.IntN(100); {
	case roll < 70:
		s.Evict = evict.Adaptive
	case roll < 90:
		s.Evict = evict.Kind(r.IntN(evict.Kinds)) // noeviction, too
	}
}

// runShort makes memory short now and then.
func (f *nemesis) runShort() {
	if f.w.settings.Evict == evict.NoEviction {
		return
	}
	r := NewStream(f.w.seed, "shortage")
	var again func()
	again = func() {
		if !f.on {
			return
		}
		share, long := int64(5+r.IntN(60)), r.Neat(2*time.Second, 10*time.Second)
		for i, n := range f.w.nodes {
			if bytes := n.holds(share); bytes > 0 {
				f.strike(For{long, Squeeze{Node(i + 1), bytes}})
			}
		}
		f.w.after(long+r.Around(8*time.Second), again)
	}
	f.w.after(r.Duration(time.Second, 10*time.Second), again)
}

// keyBytes is about what a key of the workloads takes (core/store: what is counted for a key, a short name and a value).
const keyBytes = 150

// holds is a bound for the node's memory under which it has to give up a share of its keys, in hundredths; 0 if it holds nothing.
func (n *node) holds(share int64) (bound int64) {
	for _, l := range n.lanes {
		held := int64(0)
		for _, g := range l.core.Status().Groups {
			held += g.Bytes - int64(g.Keys)*keyBytes*share/100
		}
		bound = max(bound, held)
	}
	return bound * int64(len(n.lanes))
}
