package host

import (
	"sync"
	"sync/atomic"
)

// gate lets one goroutine at a time into a lane: its loop, for a turn, or somebody who looks at it between two turns. The loop
// waits for its turn and goes first; who looks never waits.
type gate struct {
	mu     sync.Mutex
	wanted atomic.Bool // the loop waits
}

func (g *gate) enter() {
	if g.mu.TryLock() {
		return
	}
	g.wanted.Store(true)
	g.mu.Lock()
	g.wanted.Store(false)
}

func (g *gate) tryEnter() bool { return !g.wanted.Load() && g.mu.TryLock() }

func (g *gate) leave() { g.mu.Unlock() }
