package grpcapi

import (
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/credentials"
)

// A message that has not come whole is held by gRPC until its rest comes, which may be never, before anybody of ours hears of it, and before a password is asked
// for. What all connections hold of those is bounded (arrivingPart times Options.BuffersMax; arrivingFree of each is not counted), as it is for Redis clients
// (net/resp, unfinished.go). The unit is the connection: it is what can be left unread.
//
//	held > most        a connection that brings more is not read until there is room
//	... but the one that has been in the line for longest, until one of its messages has come whole, if others wait
//	that alone > most  beside its longest message: it is closed, for none of its messages could come whole without the others'
//	somebody waits     who keeps the others waiting for what does not come is closed: silent for stallMax, or slower than restRate

const (
	arrivingPart = 4
	arrivingFree = 64 << 10

	stallMax  = 10 * time.Second // silence of who holds something that others need
	restMax   = 30 * time.Second // a connection may hold something that others need for so long in any case,
	restRate  = 1 << 20          // and a second more for each of these bytes
	watchTime = time.Second      // who waits looks so often who keeps it waiting
)

// arrivals is what all connections hold of messages that have come in part.
type arrivals struct {
	log         *slog.Logger
	stall, rest time.Duration
	closed      atomic.Int64 // connections, for want of room

	mu      sync.Mutex
	changed sync.Cond
	most    int64
	held    int64
	waiting int
	watched bool       // somebody looks who keeps the others waiting
	line    []*arrival // who holds something, the first one first
}

func newArrivals(buffersMax int, log *slog.Logger) *arrivals {
	u := &arrivals{log: log, stall: stallMax, rest: restMax, most: arrivingPart * int64(buffersMax)}
	u.changed.L = &u.mu
	return u
}

// Held is how many bytes of messages that have come in part are counted.
func (u *arrivals) Held() int64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.held
}

// arrival is a connection whose messages are counted as they come.
type arrival struct {
	net.Conn
	of      *arrivals
	endings endings // the writer's own

	follows sync.Mutex // after of.mu
	frames  frames

	// Guarded by of.mu.
	holds int64
	waits bool
	ended bool
	since time.Time // when it began to hold what others need, and later by as long as it has waited
	read  time.Time // when something came last, or it ceased to wait
}

// Read is net.Conn's.
func (a *arrival) Read(b []byte) (int, error) {
	n, err := a.Conn.Read(b)
	if a.follow(func(f *frames) { f.scan(b[:n]) }) && !a.of.turn(a) {
		return 0, net.ErrClosed
	}
	return n, err
}

// Write is net.Conn's.
func (a *arrival) Write(b []byte) (int, error) {
	a.endings.scan(b, func(stream uint32) {
		if a.follow(func(f *frames) { f.forget(stream) }) {
			a.of.recount(a)
		}
	})
	return a.Conn.Write(b)
}

// follow lets something change what has come, and reports whether that counts for others.
func (a *arrival) follow(change func(*frames)) bool {
	a.follows.Lock()
	defer a.follows.Unlock()
	before := a.frames.bytes
	change(&a.frames)
	return before > arrivingFree || a.frames.bytes > arrivingFree
}

// came is what has come in part now, and whether a long message has come whole since that was asked.
func (a *arrival) came() (bytes int, completed bool) {
	a.follows.Lock()
	defer a.follows.Unlock()
	completed, a.frames.completed = a.frames.completed, false
	return a.frames.bytes, completed
}

// besideLongest is what has come in part beside the longest message.
func (a *arrival) besideLongest() int {
	a.follows.Lock()
	defer a.follows.Unlock()
	return a.frames.bytes - a.frames.longest()
}

// Close is net.Conn's.
func (a *arrival) Close() error {
	a.of.leave(a)
	return a.Conn.Close()
}

// turn counts what a connection holds now, and waits until there is room for it. It returns false when the connection is over.
func (u *arrivals) turn(a *arrival) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if a.ended {
		return false
	}
	now := time.Now()
	a.read = now
	u.count(a, now)
	for u.held > u.most && len(u.line) > 0 && u.line[0] != a && a.holds > 0 && !a.ended {
		u.wait(a)
	}
	if int64(a.besideLongest())-arrivingFree > u.most {
		u.end(a, "its messages that have come in part are more together than this node holds of all clients': send fewer long ones at a time, or give the node more --max-memory")
	}
	return !a.ended
}

// recount notes that a connection holds less.
func (u *arrivals) recount(a *arrival) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !a.ended {
		u.count(a, time.Now())
	}
}

// count notes what a connection holds, and puts it in its place in the line.
func (u *arrivals) count(a *arrival, now time.Time) {
	bytes, completed := a.came()
	holds := max(0, int64(bytes)-arrivingFree)
	less := holds < a.holds
	u.held += holds - a.holds
	before := a.holds
	a.holds = holds
	switch at := slices.Index(u.line, a); {
	case at < 0 && holds > 0:
		u.line = append(u.line, a)
		a.since = now
	case at >= 0 && holds == 0:
		u.line = slices.Delete(u.line, at, at+1)
	case at == 0 && completed && u.waiting > 0: // its turn is over
		u.line = append(slices.Delete(u.line, 0, 1), a)
		a.since = now
		less = true
	}
	if less || before > 0 && holds == 0 {
		u.changed.Broadcast()
	}
}

// wait sleeps until something has changed.
func (u *arrivals) wait(a *arrival) {
	from := time.Now()
	if !u.watched {
		u.watched = true
		time.AfterFunc(watchTime, u.watch)
	}
	a.waits = true
	u.waiting++
	u.changed.Wait()
	u.waiting--
	a.waits = false
	a.read = time.Now()
	a.since = a.since.Add(a.read.Sub(from))
}

// watch closes those that keep others waiting for what does not come, as long as anybody waits.
func (u *arrivals) watch() {
	u.mu.Lock()
	defer u.mu.Unlock()
	now := time.Now()
	for _, a := range slices.Clone(u.line) {
		if u.waiting == 0 || a.waits {
			continue
		}
		if now.Sub(a.read) > u.stall || now.Sub(a.since) > u.rest+time.Duration(a.holds/restRate)*time.Second {
			u.end(a, "others wait for the room that its messages take, and the rest of those does not come")
		}
	}
	if u.watched = u.waiting > 0; u.watched {
		time.AfterFunc(watchTime, u.watch)
	}
}

// end closes a connection. Locked.
func (u *arrivals) end(a *arrival, why string) {
	if a.ended {
		return
	}
	u.closed.Add(1)
	u.log.Warn("connection closed: "+why, slog.String("client", a.RemoteAddr().String()), slog.Int64("bytes", a.holds))
	u.forget(a)
	go func() { _ = a.Conn.Close() }() // TLS says farewell, which may take its five seconds
}

// leave gives back what a connection holds.
func (u *arrivals) leave(a *arrival) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.forget(a)
}

func (u *arrivals) forget(a *arrival) {
	a.ended = true
	u.held -= a.holds
	a.holds = 0
	if at := slices.Index(u.line, a); at >= 0 {
		u.line = slices.Delete(u.line, at, at+1)
	}
	u.changed.Broadcast()
}

// conn counts what comes on a connection.
func (u *arrivals) conn(nc net.Conn) net.Conn { return &arrival{Conn: nc, of: u, frames: newFrames()} }

// arrivalListener counts what comes on connections as they are.
type arrivalListener struct {
	net.Listener
	of *arrivals
}

// Accept is net.Listener's.
func (l arrivalListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.of.conn(nc), nil
}

// arrivalCreds counts what comes out of TLS.
type arrivalCreds struct {
	credentials.TransportCredentials
	of *arrivals
}

// ServerHandshake is credentials.TransportCredentials's.
func (c arrivalCreds) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	nc, info, err := c.TransportCredentials.ServerHandshake(raw)
	if err != nil {
		return nil, nil, err
	}
	return c.of.conn(nc), info, nil
}

// Clone is credentials.TransportCredentials's.
func (c arrivalCreds) Clone() credentials.TransportCredentials {
	return arrivalCreds{c.TransportCredentials.Clone(), c.of}
}
