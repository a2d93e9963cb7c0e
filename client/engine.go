package client

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"torc/core/session"
	"torc/core/wire"
)

// engine is the brain and its world, under one lock: its clock, its randomness and (through network) its transport. Whoever
// has something for the brain, a caller with a call or a link with answers, works on it itself: a goroutine of the
// brain's own would be two more to wake for each call.
type engine struct {
	opts   Options
	origin time.Time
	cmap   atomic.Pointer[wire.ClusterMap]
	ready  chan struct{} // closed when there is a map

	mu     sync.Mutex // of what follows
	brain  *session.Brain
	net    *network
	now    time.Duration // since origin: the brain's time stands still while it is at work
	closed bool
	alarms []alarm       // few: the brain asks for one at a time
	due    time.Duration // when the timer goes off
	timer  *time.Timer   // for the earliest alarm
	failed []uint64      // questions of which nothing comes, to be told when the brain is at rest

	answer wire.Response // the one that is being read
	size   int           // of the memory that it lies in
	kept   bool          // somebody has kept a part of that

	ahead time.Duration // of the wall clock before the monotonic one, when last seen; see wake
}

type alarm struct {
	at time.Duration
	f  func()
}

// never is when a timer goes off that nobody waits for.
const never = time.Duration(1<<63 - 1)

func newEngine(opts Options) *engine {
	e := &engine{opts: opts, origin: time.Now(), ready: make(chan struct{}), due: never}
	e.mu.Lock()
	e.timer = time.AfterFunc(time.Hour, e.ring)
	e.net = newNetwork(opts, e)
	e.brain = session.New(session.Config{
		Seeds: opts.Seeds, Timeout: opts.Timeout, AttemptLimit: opts.AttemptTimeout, MaxInFlight: opts.MaxInFlight,
		Hedge: session.Hedge(opts.Hedge), Cache: session.Cache{MaxBytes: opts.Cache.bytes()},
	}, e, e, e.net)
	e.brain.Start()
	e.leave()
	return e
}

// enter takes the lock, or returns false when the client is closed.
func (e *engine) enter() bool {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return false
	}
	if !e.opts.Cache.On {
		e.now = time.Since(e.origin)
		return true
	}
	now := time.Now()
	e.now = now.Sub(e.origin)
	e.wake(now)
	return true
}

// leave lets go what the brain wants to be sent, and the lock.
func (e *engine) leave() {
	e.net.flush()
	for len(e.failed) > 0 {
		failed := e.failed
		e.failed = nil
		for _, id := range failed {
			e.brain.OnFailure(id, false)
		}
		e.net.flush()
	}
	e.publish()
	e.mu.Unlock()
}

// close ends everything and waits for it. Calls that wait get the brain's last word. It may be called twice.
func (e *engine) close() {
	e.mu.Lock()
	if !e.closed {
		e.now = time.Since(e.origin)
		e.brain.Stop()
		e.closed = true
		e.timer.Stop()
	}
	e.mu.Unlock()
	e.net.close()
}

// publish shows a new map to the callers and lets go of connections to nodes that are gone.
func (e *engine) publish() {
	m := e.brain.Map()
	old := e.cmap.Load()
	if m == old {
		return
	}
	e.cmap.Store(m)
	e.net.keep(m)
	if old == nil {
		close(e.ready)
		return
	}
	if m.ClusterID != old.ClusterID {
		e.opts.Logger.Warn("the cluster is another one: all its nodes were started anew, or the seeds are of two clusters", "is", fmt.Sprintf("%016x", m.ClusterID), "was", fmt.Sprintf("%016x", old.ClusterID))
	}
	e.opts.Logger.Debug("new cluster map", "epoch", m.Epoch, "members", len(m.Members))
}

// Now is the brain's clock.
func (e *engine) Now() time.Duration { return e.now }

// Wall is the wall clock in Unix milliseconds.
func (e *engine) Wall() int64 { return time.Now().UnixMilli() }

// Uint64 is the brain's randomness: client numbers come from it, so it must never repeat
// itself in another process.
func (e *engine) Uint64() uint64 { return rand.Uint64() }

// After calls f, under the lock, once d has passed.
func (e *engine) After(d time.Duration, f func()) {
	e.alarms = append(e.alarms, alarm{e.now + d, f})
	e.arm(e.now + d)
}

func (e *engine) arm(at time.Duration) {
	if at < e.due {
		e.due = at
		e.timer.Reset(at - e.now)
	}
}

// ring runs the alarms that are due.
func (e *engine) ring() {
	if !e.enter() {
		return
	}
	defer e.leave()
	e.due = never
	var due []func()
	left := e.alarms[:0]
	for _, a := range e.alarms {
		if a.at <= e.now {
			due = append(due, a.f)
		} else {
			left = append(left, a)
		}
	}
	clear(e.alarms[len(left):])
	e.alarms = left
	for _, f := range due {
		f()
	}
	for _, a := range e.alarms {
		e.arm(a.at)
	}
}
