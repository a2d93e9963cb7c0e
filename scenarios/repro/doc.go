// Package repro keeps a run so that it can be made again: its seed, the planted bug that was on, and
// every decision that was made in it, in a repro.json or in a scenario file.
//
// A sweep leaves one for each failing seed; `torc sim replay`, `shrink` and `diff` take either.
//
// What must hold:
//
//  1. A Run read from what was written has the trace hash that stands in it, on any machine, as
//     long as the code is the same (Commit says which it was).
//  2. Nothing in a file comes from a wall clock, a machine or an order of processes: equal runs
//     write equal files.
package repro
