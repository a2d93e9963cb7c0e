// Package scenarios holds the named runs: readable scripts, what each shows and what must
// come of it; and for each planted bug (core/mutant) the run that exposes it.
//
// cmd/torc and the tests use it. A scenario fixes what matters to it and leaves the rest to
// the seed:
//
//	r, err := scenarios.Run("split-brain", sim.Options{Seed: 7})
//	r.Report(os.Stdout, false)
//
// What must hold:
//
//  1. Every scenario passes on every seed as long as no planted bug is switched on. A
//     violation found by one is a bug of Torc or of the simulator, never noise.
//  2. Every planted bug is caught by its directed scenario within a few seeds, by an oracle
//     it names, and wakes none that it says must stay silent.
//  3. The controls, which tempt a checker to cry wolf, find nothing.
//  4. A seed that once found something stays in seeds.go, with a line on what it found.
//
// It leaves to sim how faults are made and judged.
package scenarios
