package envtest

import (
	"time"

	"torc/core/env"
	"torc/core/wire"
)

// World is a few nodes of one lane each, in good health: the network between them loses
// little, no clock is stopped. It ends by what mk gave to t.Cleanup; nothing of it may run
// after that.
type World interface {
	// Start starts a node. receive is called on the node's thread with each frame that arrives
	// for it, whichever shards its messages are for.
	Start(name string, receive func(*wire.Frame)) Node
	// Until runs the world until cond holds and reports whether it ever did within the world's
	// patience: in production by asking every few milliseconds for some ten seconds, in the
	// simulator by stepping through some minutes of virtual time. cond is called on the
	// caller's goroutine, between the world's events; it may call Do.
	Until(cond func() bool) bool
	// Stall keeps the node from running anything for d, at least, by its own clock, which goes
	// on meanwhile. It returns when the stall is over; what came due or arrived during it may
	// run then. (Production: a Do that sleeps. Simulator: pause, run for d and a bit, resume.)
	Stall(n Node, d time.Duration)
}

// Node is one node of a World.
type Node interface {
	// Env is the node's door to the world. The suite uses it on the node's thread only.
	Env() env.Env
	// Self says who the node is: ID, Incarnation and the PeerAddr for env.Network.Send.
	Self() wire.Member
	// Do runs f once on the node's thread, as an event of its own, and returns when it is done.
	// The suite calls it from the test's goroutine only.
	Do(f func())
}
