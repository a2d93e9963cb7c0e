package env

import (
	"time"

	"torc/core/wire"
)

// Env is all that a lane may know of the world.
type Env interface {
	Clock
	Network
	Rand
}

// Clock is a node's own clock.
type Clock interface {
	// Now is the monotonic time since some origin in this node's life. It advances while the
	// process is stopped: leases rest on that.
	Now() time.Duration
	// Wall is the wall clock in Unix milliseconds. It may be wrong and may jump either way.
	Wall() int64
	// After calls f on the lane's thread once at least d has passed by Now.
	After(d time.Duration, f func())
}

// Network sends frames to other nodes (and to this node itself).
type Network interface {
	// Send hands a frame to the network, for the node that listens at addr. Delivery is best
	// effort. The frame and all it points to belong to the network from then on.
	Send(addr string, frame *wire.Frame)
}

// Rand is a stream of random numbers.
type Rand interface {
	// Uint64 returns a uniformly distributed number.
	Uint64() uint64
}

// IntN returns a number in [0, n) drawn from r. It panics when n <= 0.
func IntN(r Rand, n int) int {
	if n <= 0 {
		panic("env: IntN needs a positive bound")
	}
	return int(r.Uint64() % uint64(n))
}
