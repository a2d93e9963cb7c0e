package host

import (
	"log/slog"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"

	"torc/core/wire"
)

// loop drives one lane.
type loop struct {
	index int
	host  *Host
	world *world
	inbox *inbox
	lane  Lane
	gate  gate

	started atomic.Bool // and not ended: others may look

	quit     chan struct{}               // closed: end after this turn
	ended    chan struct{}               // closed: the loop is over
	flushers []func(many bool)           // what sinks have to do at the end of this turn
	atEnd    func(flush func(many bool)) // adds one
	wide     bool                        // others can do it meanwhile
}

func newLoop(h *Host, index int) *loop {
	l := &loop{
		index: index, host: h, world: newWorld(h), inbox: newInbox(&h.cfg),
		quit: make(chan struct{}), ended: make(chan struct{}),
	}
	l.wide = runtime.GOMAXPROCS(0) > wideMin
	l.atEnd = func(flush func(many bool)) { l.flushers = append(l.flushers, flush) }
	return l
}

// run is the lane's goroutine.
func (l *loop) run() {
	defer close(l.ended)
	defer l.fatal()
	sleep := time.NewTimer(time.Hour)
	defer sleep.Stop()

	l.begin()
	var events []event
	for l.wait(sleep) {
		events = l.inbox.drain(events[:0])
		l.turn(events)
		clear(events) // what was handled must not live on in the reused slice
		if cap(events) > 4*l.host.cfg.CallsMax {
			events = nil
		}
	}
	l.end()
	l.refuse(l.inbox.close())
}

// begin is the first turn, and end the last.
func (l *loop) begin() {
	l.gate.enter()
	l.world.clock.refresh()
	l.lane.Start()
	l.flush()
	l.started.Store(true)
}

func (l *loop) end() {
	l.started.Store(false)
	l.gate.enter()
	l.flush()
}

// turn gives the lane what has come. The clock is read after the drain: see invariant 2.
func (l *loop) turn(events []event) {
	l.gate.enter()
	l.world.clock.refresh()
	now := time.Now()
	for i := range events {
		switch e := &events[i]; {
		case e.call != nil:
			l.call(e.call, now.Sub(e.came))
		case e.frame != nil:
			l.lane.OnFrame(e.frame)
		default:
			e.do()
		}
	}
	ran := l.world.timers.run(l.world.clock.now())
	l.flush()
	l.host.stats.turns.Add(1)
	l.host.stats.events.Add(uint64(len(events)))
	l.host.stats.timers.Add(uint64(ran))
}

// call hands a request to the lane, if there is still time for it: what its sender waits no more for is refused before
// anything is done for it. A caller's time runs from when the request came, not from when its turn has come.
func (l *loop) call(c *wire.Call, waited time.Duration) {
	if c.TimeoutMillis > 0 {
		left := c.TimeoutMillis - waited.Milliseconds()
		if left <= 0 {
			l.host.stats.callsLate.Add(1)
			refuse(c, wire.ReasonDeadline)
			return
		}
		c.TimeoutMillis = left
	}
	l.lane.OnCall(c)
}

// With more than wideMin processors others can do what sinks have to do at the end of a turn, while the lane goes
// on. For up to flushAlone sinks it is not worth waking anybody.
const (
	wideMin    = 4
	flushAlone = 4
)

// flush ends a turn, and tells the sinks that asked for it: the lane's memory can be looked at meanwhile.
func (l *loop) flush() {
	l.lane.Flush()
	l.gate.leave()
	many := l.wide && len(l.flushers) > flushAlone
	for i, flush := range l.flushers {
		flush(many)
		l.flushers[i] = nil
	}
	l.flushers = l.flushers[:0]
}

// wait sleeps until there is something to do, and reports whether to go on.
func (l *loop) wait(sleep *time.Timer) bool {
	d := l.idle()
	if d == 0 {
		select {
		case <-l.quit:
			return false
		default:
			return true
		}
	}
	sleep.Reset(d)
	select {
	case <-l.inbox.wake:
		// Whoever woke the lane has made it the next to run. The others whose connections have something for it
		// come first: then all of that is one turn. When there is nobody else this costs nothing.
		runtime.Gosched()
	case <-sleep.C:
	case <-l.quit:
		return false
	}
	return true
}

// idle is how long there is nothing to do, if nothing comes.
func (l *loop) idle() time.Duration {
	l.gate.enter() // the clock is also brought up to date by those who look
	defer l.gate.leave()
	if at, ok := l.world.timers.next(); ok {
		return max(at-l.world.clock.now(), 0)
	}
	return time.Hour
}

// fatal ends the process after a panic in the lane.
func (l *loop) fatal() {
	reason := recover()
	if reason == nil {
		return
	}
	l.host.cfg.Logger.Error("a lane broke: the node stops",
		slog.Int("lane", l.index), slog.Any("reason", reason), slog.String("stack", string(debug.Stack())))
	l.inbox.close() // nobody may be told anything about requests that a broken lane holds
	l.host.cfg.OnFatal(l.index, reason)
}

// refuse answers requests that never reached the lane.
func (l *loop) refuse(events []event) {
	for i := range events {
		if c := events[i].call; c != nil {
			refuse(c, wire.ReasonStopping)
		}
	}
}
