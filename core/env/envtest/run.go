package envtest

import (
	"bytes"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// Run runs the suite. mk makes a fresh world for each test.
func Run(t *testing.T, mk func(t *testing.T) World) {
	for _, c := range []struct {
		name string
		test func(*suite)
	}{
		{"1 now never goes back", (*suite).nowNeverGoesBack},
		{"1 now goes on during a stall", (*suite).nowGoesOnDuringAStall},
		{"2 timers are never early and run once", (*suite).timersNeverEarlyAndOnce},
		{"2 timers never run inside After", (*suite).timersNeverInsideAfter},
		{"2 a late timer is run once", (*suite).lateTimerRunsOnce},
		{"2 timers and frames share one thread", (*suite).oneThread},
		{"3 frames arrive unaltered", (*suite).framesArriveUnaltered},
		{"3 a burst never blocks", (*suite).burstNeverBlocks},
		{"3 a node reaches itself", (*suite).sendToSelf},
		{"3 an unknown address harms nobody", (*suite).sendToNobody},
		{"4 random streams differ", (*suite).randomStreamsDiffer},
		{"4 random numbers are spread", (*suite).randomNumbersAreSpread},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(&suite{T: t, world: mk(t), sent: map[string]bool{}}) })
	}
}

type suite struct {
	*testing.T
	world World
	sent  map[string]bool // the frames of arrivesAs in binary form
}

// node is what the suite knows of a node. After start it is touched on the node's thread only.
type node struct {
	Node
	s       *suite
	name    string
	thread  string        // the goroutine that everything must run on
	within  string        // what the suite is in the middle of on this thread, "" for nothing
	last    time.Duration // the newest Now seen
	arrived []*wire.Frame
	onFrame func(*wire.Frame)
}

func (s *suite) start(name string) *node {
	n := &node{s: s, name: name}
	n.Node = s.world.Start(name, func(f *wire.Frame) {
		n.event("a frame", func() {
			n.arrived = append(n.arrived, f)
			if n.onFrame != nil {
				n.onFrame(f)
			}
		})
	})
	return n
}

// do runs f on the node's thread, as the suite's own event.
func (n *node) do(f func()) {
	n.s.Helper()
	n.Do(func() { n.event("a function", f) })
}

// event surrounds all that the world calls on the node's thread with the checks that hold
// always: one thread, one event at a time, a clock that never goes back.
func (n *node) event(what string, f func()) {
	if n.thread == "" {
		n.thread = goroutine()
	}
	if g := goroutine(); g != n.thread {
		n.s.Errorf("%s: %s was called on goroutine %s, what came before on %s", n.name, what, g, n.thread)
	}
	if n.within != "" {
		n.s.Errorf("%s: %s came while %s was not over", n.name, what, n.within)
	}
	outer := n.within
	n.within = what
	n.now()
	f()
	n.now()
	n.within = outer
}

// now reads the node's clock and checks that it did not go back.
func (n *node) now() time.Duration {
	now := n.Env().Now()
	if now < n.last {
		n.s.Errorf("%s: the clock went back from %v to %v", n.name, n.last, now)
	}
	n.last = now
	return now
}

// after sets a timer and checks what every timer must keep to.
func (n *node) after(d time.Duration, f func()) {
	due := n.now() + d
	runs, inside := 0, true
	n.Env().After(d, func() {
		if inside {
			n.s.Errorf("%s: After(%v) ran its function itself", n.name, d)
		}
		n.event("a timer", func() {
			if now := n.now(); now < due {
				n.s.Errorf("%s: After(%v) was %v early", n.name, d, due-now)
			}
			if runs++; runs > 1 {
				n.s.Errorf("%s: After(%v) ran %d times", n.name, d, runs)
			}
			f()
		})
	})
	inside = false
}

// send sends a frame. Being within an event, it is found out if the network calls back.
func (n *node) send(addr string, f *wire.Frame) { n.Env().Send(addr, f) }

// await runs the world until cond, called on n's thread, holds.
func (s *suite) await(n *node, what string, cond func() bool) {
	s.Helper()
	ok := s.world.Until(func() (ok bool) {
		n.do(func() { ok = cond() })
		return ok
	})
	require.True(s, ok, "%s: never came about: %s", n.name, what)
}

// goroutine names the goroutine it is called on: the first line of its stack is
// "goroutine 7 [running]:".
func goroutine() string {
	var buf [64]byte
	return string(bytes.Fields(buf[:runtime.Stack(buf[:], false)])[1])
}
