package host

import (
	"crypto/rand"
	"fmt"
	randv2 "math/rand/v2"
	"time"

	"torc/core/wire"
)

// world is one lane's env.Env. Only that lane's goroutine uses it.
type world struct {
	host   *Host
	clock  clock
	timers timers
	random *randv2.ChaCha8
}

func newWorld(h *Host) *world {
	var seed [32]byte
	if _, err := rand.Read(seed[:]); err != nil {
		panic(fmt.Errorf("host: seed a lane's random numbers: %w", err)) // crypto/rand never fails on supported systems
	}
	return &world{host: h, clock: newClock(h.origin), random: randv2.NewChaCha8(seed)}
}

// Now is the monotonic time since the host was made. It advances in suspension.
func (w *world) Now() time.Duration { return w.clock.now() }

// Wall is the wall clock in Unix milliseconds.
func (w *world) Wall() int64 { return time.Now().UnixMilli() }

// After calls f in a turn of the lane, d or more from now.
func (w *world) After(d time.Duration, f func()) { w.timers.add(w.clock.now()+max(d, 0), f) }

// Send hands a frame to the peers' network, or to this node's own lanes.
func (w *world) Send(addr string, f *wire.Frame) {
	if addr == w.host.cfg.Self.PeerAddr {
		w.host.OnFrame(f)
		return
	}
	w.host.transport.Send(addr, f)
}

// Uint64 returns a uniformly distributed number.
func (w *world) Uint64() uint64 { return w.random.Uint64() }
