package client

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"torc/core/session"
	"torc/core/wire"
)

// inboxMax is how many events wait for the loop before those who bring them wait too.
const inboxMax = 4096

type eventKind uint8

const (
	evDo eventKind = iota
	evResponse
	evMap
	evFailure
	evBelief
	evMany
)

// event is something for the brain.
type event struct {
	kind eventKind

	shard   wire.ShardID   // evDo: on this whole shard, if it is not 0
	cmds    []wire.Command // evDo
	timeout time.Duration
	answer  chan<- []session.Item // has room for one

	belief chan<- session.Belief // evBelief; has room for one

	id        uint64 // the others
	response  *wire.Response
	cmap      *wire.ClusterMap
	maybeSent bool

	many []event // evMany
}

// loop is the one goroutine that runs the brain, and its world: it is the brain's clock, its
// randomness and (through network) its transport.
type loop struct {
	opts  Options
	brain *session.Brain
	net   *network
	inbox chan event

	origin time.Time
	alarms []alarm     // few: the brain asks for one at a time
	timer  *time.Timer // for the earliest alarm
	soon   []event     // from the loop to itself: it must not wait for its own inbox
	cmap   atomic.Pointer[wire.ClusterMap]
	ready  chan struct{} // closed when there is a map

	closeOnce sync.Once
	quit      chan struct{} // closed to end the loop
	done      chan struct{} // closed when it has ended
}

type alarm struct {
	at time.Duration
	f  func()
}

func newLoop(opts Options) *loop {
	l := &loop{
		opts: opts, inbox: make(chan event, inboxMax), origin: time.Now(),
		ready: make(chan struct{}), quit: make(chan struct{}), done: make(chan struct{}),
	}
	l.timer = time.NewTimer(time.Hour)
	l.net = newNetwork(opts, l)
	l.brain = session.New(session.Config{
		Seeds: opts.Seeds, Timeout: opts.Timeout, AttemptLimit: opts.AttemptTimeout, MaxInFlight: opts.MaxInFlight,
	}, l, l, l.net)
	go l.run() // ends with close
	return l
}

type postResult uint8

const (
	posted postResult = iota
	postCancelled
	postClosed
)

// post brings an event from another goroutine, waiting for room until cancel is closed.
func (l *loop) post(cancel <-chan struct{}, e event) postResult {
	select {
	case <-l.quit:
		return postClosed
	default:
	}
	select {
	case l.inbox <- e:
		return posted
	case <-cancel:
		return postCancelled
	case <-l.quit:
		return postClosed
	}
}

// close ends the loop and everything below it, and waits for it. It may be called twice.
func (l *loop) close() {
	l.closeOnce.Do(func() { close(l.quit) })
	<-l.done
}

func (l *loop) run() {
	defer close(l.done)
	defer l.net.close()
	defer l.timer.Stop()
	l.brain.Start()
	l.net.flush()
	for {
		l.arm()
		select {
		case e := <-l.inbox:
			l.handle(e)
			l.drain()
		case <-l.timer.C:
		case <-l.quit:
			l.brain.Stop()
			return
		}
		l.ring()
		l.net.flush()
		l.talkToSelf()
		l.publish()
	}
}

// drain handles what has come meanwhile, but not for ever: timers are due too.
func (l *loop) drain() {
	for range inboxMax {
		select {
		case e := <-l.inbox:
			l.handle(e)
		default:
			return
		}
	}
}

func (l *loop) handle(e event) {
	switch e.kind {
	case evDo:
		done := func(items []session.Item) { e.answer <- items }
		if e.shard != 0 {
			l.brain.DoOn(e.shard, e.cmds, e.timeout, done)
			return
		}
		l.brain.Do(e.cmds, e.timeout, done)
	case evResponse:
		l.brain.OnResponse(e.id, e.response)
	case evMap:
		l.brain.OnMap(e.id, e.cmap)
	case evFailure:
		l.brain.OnFailure(e.id, e.maybeSent)
	case evMany:
		for i := range e.many {
			l.handle(e.many[i])
		}
	case evBelief:
		e.belief <- l.brain.Belief()
	}
}

// later is post for the loop itself.
func (l *loop) later(e event) { l.soon = append(l.soon, e) }

func (l *loop) talkToSelf() {
	for len(l.soon) > 0 {
		soon := l.soon
		l.soon = nil
		for _, e := range soon {
			l.handle(e)
		}
		l.net.flush()
	}
}

// publish shows a new map to the callers and lets go of connections to nodes that are gone.
func (l *loop) publish() {
	m := l.brain.Map()
	old := l.cmap.Load()
	if m == old {
		return
	}
	l.cmap.Store(m)
	l.net.keep(m)
	if old == nil {
		close(l.ready)
		return
	}
	l.opts.Logger.Debug("new cluster map", "epoch", m.Epoch, "members", len(m.Members))
}

// Now is the brain's clock.
func (l *loop) Now() time.Duration { return time.Since(l.origin) }

// Wall is the wall clock in Unix milliseconds.
func (l *loop) Wall() int64 { return time.Now().UnixMilli() }

// Uint64 is the brain's randomness: client numbers come from it, so it must never repeat
// itself in another process.
func (l *loop) Uint64() uint64 { return rand.Uint64() }

// After calls f on the loop once d has passed.
func (l *loop) After(d time.Duration, f func()) {
	l.alarms = append(l.alarms, alarm{l.Now() + d, f})
}

// ring runs the alarms that are due.
func (l *loop) ring() {
	now := l.Now()
	var due []func()
	left := l.alarms[:0]
	for _, a := range l.alarms {
		if a.at <= now {
			due = append(due, a.f)
		} else {
			left = append(left, a)
		}
	}
	clear(l.alarms[len(left):])
	l.alarms = left
	for _, f := range due {
		f()
	}
}

// arm sets the timer for the earliest alarm.
func (l *loop) arm() {
	d := time.Hour
	now := l.Now()
	for _, a := range l.alarms {
		d = min(d, max(a.at-now, 0))
	}
	if len(l.soon) > 0 {
		d = 0
	}
	l.timer.Reset(d)
}
