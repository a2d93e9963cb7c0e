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
//	... but the one that has been in the line for longest: so one command always comes in, however long it is, and then the next
//	somebody waits        who keeps the others waiting for what does not come is cut off: silent for stallMax, or slower than restRate

const (
	stallMax = 10 * time.Second // silence of who holds something that others need
	restMax  = 30 * time.Second // it may hold for so long in any case,
	restRate = 1 << 20          // and a second more for each of these bytes
)

// unfinished is what all connections hold of commands that have not come whole.
type unfinished struct {
	mu      sync.Mutex
	changed sync.Cond
	most    int64 // 0: no bound
	held    int64
	flying  int64 // of that: in commands that have come whole, which count as what is in flight, too
	waiting int
	stall   time.Duration
	line    []*claim // who holds something or waits, the first one first
}

// claim is one connection's part: what it has received of a command, and the commands since it last owed nothing, until they are answered.
type claim struct {
	of     *unfinished
	conn   *conn
	coming int64
	flying int64
	since  int64       // Server.now when it came into the line
	lines  atomic.Bool // it stands there
	waits  bool
}

func (u *unfinished) bound(most int) {
	u.changed.L = &u.mu
	u.most, u.stall = int64(most), stallMax
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
		c.since = c.conn.srv.now()
		u.line = append(u.line, c)
	}
	for u.held+more > u.most && u.line[0] != c {
		c.waits = true
		u.waiting++
		u.changed.Wait()
		u.waiting--
		c.waits = false
		u.mu.Unlock()
		over := c.conn.over()
		u.mu.Lock()
		if over {
			return false
		}
	}
	u.held += more
	c.coming = int64(bytes)
	return true
}

// came notes that a command has come whole.
func (c *claim) came() {
	u := c.of
	u.mu.Lock()
	defer u.mu.Unlock()
	u.flying += c.coming
	c.coming, c.flying = 0, c.flying+c.coming
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
	u.held -= c.flying
	u.flying -= c.flying
	if c.flying = 0; all {
		u.held -= c.coming
		c.coming = 0
	}
	if c.coming == 0 && !c.waits {
		c.lines.Store(false)
		at := slices.Index(u.line, c)
		u.line = slices.Delete(u.line, at, at+1)
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
		if c.waits || c.coming == 0 {
			continue
		}
		silent, holds := time.Duration(now-c.conn.active.Load()), time.Duration(now-c.since)
		if silent > u.stall || holds > restMax+time.Duration(c.coming/restRate)*time.Second {
			list = append(list, c.conn)
		}
	}
	u.changed.Broadcast()
	return list
}

// over says that nothing more is to be read.
func (c *conn) over() bool {
	if c.srv.stopping.Load() {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dead
}
