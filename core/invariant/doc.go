// Package invariant turns a belief about the state into code beside the state it guards.
//
// Check is always on: it guards beliefs whose failure means that this node's memory can no
// longer be trusted, and it stops the node (by panic) rather than let it answer. Expensive
// guards checks whose cost shows; they run only with the build tag "invariants", which CI
// and the simulator always set.
//
// A failed belief is a bug in Torc. What a user, a client or a network can cause is an
// error, never a failed invariant.
package invariant
