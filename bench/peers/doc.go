// Command peers drives Torc and what people would use in its place with one load program, in one run on one machine,
// and writes down what came of it: docs/benchmarks/table.md, pictures beside it, and results.json that both are made of.
//
//	make bench-peers             everything, under 15 minutes
//	make bench-peers QUICK=1     a look, under 2 minutes
//
// It is a module of its own, so that etcd's client stays out of Torc's.
//
//	peer/    starts each peer on loopback, and says what it promises
//	load/    one load program: closed and open loops over a connection of any peer
//	report/  medians, ratios, the aims, the table and the pictures
//	cells.go what is measured: a table
//	run.go   in which order: round by round, peer by peer, so that a slow minute of the machine hits all alike
//
// What must hold:
//
//  1. Every peer is asked the same by the same code; only the bytes on the wire differ.
//  2. Latency in an open loop counts from when a request was due, not from when it could be sent.
//  3. A reply that is not the right answer (a miss, a short value, a WAIT that no replica acknowledged) is an error, and errors are
//     shown beside the figure that they spoil.
package main
