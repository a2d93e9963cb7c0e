package resp

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A command that has not come whole is held until its rest comes, which may be never. What all connections hold of those, and of long ones that are not
// answered, is bounded (twice Options.BuffersMax; up to chunkMax of each is not counted), for the bound of a single one, times ten thousand, is none.
//
//	held + more > most    who needs more waits, and does not read meanwhile
//	... but the one that has been in the line for longest: so one command always comes in, however long it is, and then the next. A connection's
//	turn is over when its commands are answered: what it sends meanwhile waits like all others', and then stands behind them
//	held + more > most/2  whose commands are not answered waits from here on: nobody else has to wait for the shards of one client
//	somebody waits        who keeps the others waiting for what does not come, or for answers that it does not read, is cut off: silent for stallMax, or
//	slower than restRate, but for as long as it has waited itself

const (
	stallMax = 10 * time.Second // silence of who holds something that others need
	restMax  = 30 * time.Second // a command may hold for so long in any case,
	restRate = 1 << 20          // and a second more for each of these bytes

	wakeTime = time.Second // who has waited finds what its client has sent meanwhile, if it has
)

// unfinished is what all connections hold of commands that have not come whole.
type unfinished struct {
	mu      sync.Mutex
	changed sync.Cond
	most    int64 // 0: no bound
	held    int64
	waiting int
	stall   time.Duration
	rest    time.Duration
	line    []*claim // who holds something or waits, the first one first
}

// claim is one connection's part.
type claim struct {
	of     *unfinished
	conn   *conn
	coming int64       // the command that is being received, until it has been dispatched
	flying int64       // the commands since it last owed nothing, until they are answered
	since  int64       // Server.now when the present command first took some, and later by as long as it has waited
	woke   int64       // and when it last ceased to wait
	lines  atomic.Bool // it stands in the line
	waits  bool
}

// bound sets the bounds. A command may wait for its shards for so long as patience: its client is silent then by no fault of its own.
func (u *unfinished) bound(most int, patience time.Duration) {
	u.changed.L = &u.mu
	u.most, u.stall, u.rest = int64(most), max(stallMax, 2*patience), restMax
}

// wake has all that wait look whether they are over.
func (u *unfinished) wake() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.changed.Broadcast()
}

// hold waits until there is room for so many bytes of a command that is coming. It returns false when the connection is over.
func (c *claim) hold(bytes int) bool {
	u := c.of
	if u == nil || u.most <= 0 {
		return true
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	more := int64(bytes) - c.coming
	if more <= 0 {
		return true
	}
	if !c.lines.Load() {
		c.lines.Store(true)
		u.line = append(u.line, c)
	}
	if c.coming == 0 {
		c.since = c.conn.srv.now()
	}
	for !c.fits(more) {
		if !c.wait() {
			return false
		}
	}
	u.held += more
	c.coming = int64(bytes)
	return true
}

// fits reports whether so many bytes more may be held. Locked.
func (c *claim) fits(more int64) bool {
	u := c.of
	if c.flying > 0 {
		return u.held+more <= u.most/2
	}
	return u.held+more <= u.most || u.line[0] == c
}

// wait sleeps until something has been given back, and reports whether the connection goes on. Locked.
func (c *claim) wait() bool {
	u, from := c.of, c.conn.srv.now()
	c.waits = true // until it is locked again, too: it keeps its place in the line
	u.waiting++
	u.changed.Wait()
	u.mu.Unlock()
	over := c.conn.over()
	u.mu.Lock()
	u.waiting--
	c.waits = false
	c.woke = c.conn.srv.now()
	c.since += c.woke - from
	return !over
}

// dispatched notes that the command that has come is carried out, or is under way.
func (c *claim) dispatched() {
	u := c.of
	u.mu.Lock()
	defer u.mu.Unlock()
	c.flying += c.coming
	c.coming = 0
}

// answered gives back what is not coming any more: the connection is owed nothing that is long.
func (c *claim) answered() { c.giveBack(false) }

// release gives everything back.
func (c *claim) release() { c.giveBack(true) }

func (c *claim) giveBack(all bool) {
	u := c.of
	if u == nil || u.most <= 0 {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if !c.lines.Load() {
		return
	}
	given := c.flying
	u.held -= given
	if c.flying = 0; all {
		u.held -= c.coming
		c.coming = 0
	}
	stays := !all && (c.coming > 0 || c.waits)
	if stays && given == 0 {
		return
	}
	at := slices.Index(u.line, c)
	u.line = slices.Delete(u.line, at, at+1)
	if c.lines.Store(stays); stays {
		u.line = append(u.line, c)
	}
	u.changed.Broadcast()
}

// laggards are the connections that keep others waiting. Those that wait look whether they are over themselves.
func (u *unfinished) laggards(now int64) (list []*conn) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.waiting == 0 {
		return nil
	}
	for _, c := range u.line {
		if c.waits || c.coming == 0 || now-c.woke < int64(wakeTime) {
			continue
		}
		silent, holds := time.Duration(now-c.conn.active.Load()), time.Duration(now-c.since)
		if silent > u.stall || holds > u.rest+time.Duration(c.coming/restRate)*time.Second {
			list = append(list, c.conn)
		}
	}
	u.changed.Broadcast()
	return list
}

// over says that nothing more is to be read.
func (c *conn) over() bool {
	if c.srv.stopping.Load() || c.doomed.Load() {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dead
}
