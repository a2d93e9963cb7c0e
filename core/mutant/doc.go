// Package mutant holds the planted bugs: faults that are put into Torc's own code on purpose
// so that the simulator can show it would have found them.
//
// A mutant is one guarded line:
//
//	if mutant.On(mutant.LocalRead) { ... the fault ... }
//
// Without the build tag "mutants" On is a constant false, the compiler drops the line, and CI
// proves that no mutant's name is in the release binary. With the tag one mutant at a time is
// switched on by Enable.
package mutant
