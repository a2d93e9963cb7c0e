package sim

import "time"

// Scenario is a named run: what it fixes of the settings, and its script. Everything that
// it does not fix is drawn from the seed.
type Scenario struct {
	Name     string
	Doc      string // what it shows
	Expect   string // what should come out
	Settings func(*Settings)
	Script   []Step
	Calls    []Call        // what clients do, and when, besides what they draw
	Quiet    bool          // clients draw nothing
	Swarm    bool          // faults are drawn, too
	Duration time.Duration // of the torture, when Options do not say; 0 = 60 s
	// Loss declares that the script takes the memory of more nodes than the cluster can
	// bear: the nemesis's rule is off, and shards that have lost a majority owe nothing.
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
