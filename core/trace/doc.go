// Package trace is the one vocabulary of what happens in a Torc node or a simulated world.
// The trace hash, the run report, the pages and the tests all read these events, and nothing
// else tells what a run did.
//
// An event is flat and small so that emitting one costs nanoseconds and hashing it is
// exact. Core emits through a Sink; a nil Sink (production's default) costs a comparison.
// The world that owns the run stamps the virtual time.
package trace
