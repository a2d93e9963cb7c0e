package sim

import (
	"time"

	"torc/core/wire"
)

// Scenario is a named run: what it fixes of the settings, and its script. Everything that
// it does not fix is drawn from the seed.
type Scenario struct {
	Name     string
	Doc      string // what it shows
	Expect   string // what should come out
	Settings func(*Settings)
	Script   []Step
	Swarm    bool          // faults are drawn, too
	Duration time.Duration // of the torture, when Options do not say; 0 = 60 s
	// Loss declares that the script takes the memory of more nodes than the cluster can
	// bear: the nemesis's rule is off, and durability is not judged.
	Loss bool
}

// Step is a fault and when it strikes, counted from the start of the torture.
type Step struct {
	At    time.Duration
	Fault Fault
}

// At plans a fault.
func At(at time.Duration, f Fault) Step { return Step{at, f} }

// Every plans a fault again and again: n times, the first one at a time.
func Every(at, period time.Duration, n int, f Fault) (steps []Step) {
	for range n {
		steps = append(steps, At(at, f))
		at += period
	}
	return steps
}

// Steps joins steps and lists of steps.
func Steps(lists ...[]Step) (all []Step) {
	for _, list := range lists {
		all = append(all, list...)
	}
	return all
}

// Target names a node by its part in the play; which one it is shows when the fault strikes.
type Target func(w *World) *node

// Node is the node with this number, counted from 1.
func Node(number int) Target {
	return func(w *World) *node { return w.nodes[(number-1)%len(w.nodes)] }
}

// Leader is the node that was elected last in a shard.
func Leader(shard wire.ShardID) Target {
	return func(w *World) *node {
		if l := w.watch.newest[min(int(shard), len(w.watch.newest)-1)]; l.term > 0 {
			return w.nodes[l.node-1]
		}
		return w.nodes[0]
	}
}

// Follower is the i-th node, counted from 1, after the shard's leader in the circle of nodes.
func Follower(shard wire.ShardID, i int) Target {
	return func(w *World) *node {
		return w.nodes[(int(Leader(shard)(w).index)+i)%len(w.nodes)]
	}
}

// Random is a node drawn from the stream of faults.
func Random() Target {
	return func(w *World) *node { return w.nodes[w.faults.rand.IntN(len(w.nodes))] }
}

// Remember resolves a target once, at the first fault that uses it, so that a script can
// name the same node again later, whatever became of it.
func Remember(t Target) Target {
	var of *World
	var chosen *node
	return func(w *World) *node {
		if of != w {
			of, chosen = w, t(w)
		}
		return chosen
	}
}
