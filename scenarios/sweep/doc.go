// Package sweep makes many runs of one scenario, seed after seed, in worker processes, and keeps
// those that fail. It is the host's business: goroutines, processes and wall clocks are fine here,
// and nothing of them reaches a world or a file that tells of one.
//
//	Sweep --- Process 1: one world after the other    question {"seed":7}       on its stdin
//	   |  \__ Process 2: ...                          answer   {"seed":7, ...}  on its stdout
//	   |
//	   +--> Journal (OUT/progress.jsonl): a line for each seed that is done; --resume reads it
//	   +--> OUT/seed-N/: repro.json, trace.txt.gz, report.txt; or crash.txt where a process died
//
// cmd/torc calls Sweep and Check, and is the worker (Work), too.
//
// What must hold:
//
//  1. One world at a time in a process, and any number one after the other: what ran before in the
//     process changes no hash. Check holds it to that.
//  2. A worker that dies, hangs or talks nonsense costs its seed's verdict and nothing else: it is
//     replaced, and what it said last is kept.
//  3. A seed is done when its line stands in the journal, whole. A sweep that was killed at any point
//     and goes on ends as one that was not.
//  4. Equal runs write equal folders.
//
// It leaves running to sim, keeping a run to repro, and showing progress to cmd/torc.
package sweep
