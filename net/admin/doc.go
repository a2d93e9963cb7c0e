// Package admin is a node's small HTTP server for operators and their machinery: health,
// readiness, metrics and status. It is off unless the node is told to listen
// (Options.Addr); cmd/torcd starts it and gives it the functions it asks.
//
//	/         what there is
//	/healthz  200 while the process runs its loops; for restarting a node that hangs
//	/readyz   200 while the node can serve, else 503 with the reason; for load balancers
//	/metrics  Prometheus text format
//	/status   JSON: the node as it sees itself and the others; `torc status --json` puts all of them together
//	/debug/pprof/  profiles of the Go runtime, only with Options.Profiles
//	/debug/flight  the last seconds as a Go execution trace, only with Options.Flight
//
// What must hold:
//
//  1. Nothing here changes the node: every path only answers GET and HEAD.
//  2. Nothing here is secret, and nothing is asked for: listen on loopback, or on a network
//     that operators have to themselves. Keys and values never appear; but
//     whoever may ask for profiles can slow the node down, so they are off unless wanted.
//  3. A question has a time limit: a node that hangs answers 503, not never.
package admin
