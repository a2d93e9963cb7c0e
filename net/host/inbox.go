package host

import (
	"sync"
	"time"

	"torc/core/wire"
)

// event is one thing for a lane to do; exactly one of call, frame and do is set.
type event struct {
	call  *wire.Call
	came  time.Time // the call
	frame *wire.Frame
	do    func()
}

// inbox is where other goroutines leave events for a lane. The lane takes all of them at
// once, so that it is woken once however many there are.
type inbox struct {
	callsMax, callBytesMax, frameBytesMax int

	wake chan struct{} // holds one token while the inbox may be non-empty

	mu         sync.Mutex
	events     []event
	calls      int
	callBytes  int
	frameBytes int
	closed     bool
}

// admission is what became of an event.
type admission uint8

const (
	admitted admission = iota
	full
	closed
)

func newInbox(cfg *Config) *inbox {
	return &inbox{
		callsMax: cfg.CallsMax, callBytesMax: cfg.CallBytesMax, frameBytesMax: cfg.FrameMax,
		wake: make(chan struct{}, 1),
	}
}

// rejection is a request that was not taken.
type rejection struct {
	call *wire.Call
	why  admission
}

// putCalls takes those of some requests that are for the lane of a number, so that the lane finds them together. It
// returns those that it did not take.
func (b *inbox) putCalls(calls []*wire.Call, lane, lanes int, now time.Time) (rejected []rejection) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range calls {
		if laneOf(c.Shard, lanes) != lane {
			continue
		}
		if why := b.putCall(c, now); why != admitted {
			rejected = append(rejected, rejection{c, why})
		}
	}
	return rejected
}

// putCall takes a request. One alone is taken whatever its size. Locked.
func (b *inbox) putCall(c *wire.Call, now time.Time) admission {
	size := c.Size()
	switch {
	case b.closed:
		return closed
	case b.calls >= b.callsMax || b.calls > 0 && b.callBytes+size > b.callBytesMax:
		return full
	}
	b.calls++
	b.callBytes += size
	b.put(event{call: c, came: now})
	return admitted
}

// putFrame takes a frame. One alone is taken whatever its size.
func (b *inbox) putFrame(f *wire.Frame) admission {
	size := f.Size()
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return closed
	case b.frameBytes > 0 && b.frameBytes+size > b.frameBytesMax:
		return full
	}
	b.frameBytes += size
	b.put(event{frame: f})
	return admitted
}

// putDo takes a function. There are few of these (maps, gossip, questions about the status),
// and none may be lost: they have no bound.
func (b *inbox) putDo(f func()) admission {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return closed
	}
	b.put(event{do: f})
	return admitted
}

func (b *inbox) put(e event) {
	b.events = append(b.events, e)
	if len(b.events) == 1 {
		select {
		case b.wake <- struct{}{}:
		default:
		}
	}
}

// drain takes everything and leaves an empty slice of the caller's in its place.
func (b *inbox) drain(empty []event) []event {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.swap(empty)
}

// close takes everything and lets nothing in any more.
func (b *inbox) close() []event {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	return b.swap(nil)
}

func (b *inbox) swap(empty []event) []event {
	events := b.events
	b.events = empty
	b.calls, b.callBytes, b.frameBytes = 0, 0, 0
	return events
}

// waiting is the number of requests in the inbox.
func (b *inbox) waiting() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.calls
}
