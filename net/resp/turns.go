package resp

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Each of a hundred clients that send 60 KB at the same moment holds nothing yet, and so none is over its share (crowd.go): together they would ask for 6 MB. So
// a command that asks its shards to hold more than bufferLeast takes a turn: all together have Options.BuffersMax for such commands until they are answered, and
// who finds no room for its own waits, and is not read meanwhile.
//
//	long commands (unfinished.go)   have had to wait as they came in
//	the others                      first come, first served; one alone may always go on
//	who has a turn already          has another one only in the first half of the room, behind those that have none
//	who has waited for lineMax      is refused, and so is what it sent meanwhile: the client may be gone, and nobody reads there
//
// A turn is over when its command is answered: that takes shards, and no client. So nobody is kept waiting by who does not read, or does not send, and nobody
// has to be cut off. Nor do others wait for the shards of one client that asks for a lot at once: half of the room is for those that have no turn.

// room is what bounds the bytes that a command asks its shards to hold.
type room uint8

const (
	roomCommon room = iota // what all buffers have (crowd.go)
	roomTurn               // its turn
	roomClaim              // what it has claimed as it came in (unfinished.go, waves.go)
	rooms
)

// turns is the room for commands that have theirs, and the lines of those that wait for one.
type turns struct {
	most  int64        // 0: no bound
	taken atomic.Int64 // bytes

	mu    sync.Mutex
	lines [2]line // of connections that have no turn, and of those that have one
}

// line is who waits, the first one first.
type line struct {
	length  atomic.Int64
	waiters []*waiter
}

type waiter struct {
	bytes int64
	turn  chan struct{} // closed when it has come, or will not come in time
	since int64         // Server.now when it joined
	late  bool          // it has waited for too long; written before turn is closed
}

func (l *line) add(w *waiter) {
	l.waiters = append(l.waiters, w)
	l.length.Add(1) // before it is looked again: who gives back from here on sees it
}

func (l *line) remove(from, n int) {
	l.waiters = slices.Delete(l.waiters, from, from+n)
	l.length.Add(-int64(n))
}

// lineOf says in which line a connection stands.
func lineOf(hasTurn bool) int {
	if hasTurn {
		return 1
	}
	return 0
}

// waits reports whether somebody stands in one of the lines up to one.
func (t *turns) waits(last int) bool {
	return t.lines[0].length.Load() > 0 || last > 0 && t.lines[1].length.Load() > 0
}

// try takes a turn if there is room, and nobody waits who comes first.
func (t *turns) try(bytes int64, of int) bool {
	if t.waits(of) {
		return false
	}
	if t.fits(bytes, of) {
		return true
	}
	t.pass() // who has looked meanwhile saw less room than there is
	return false
}

// fits takes a turn if there is room.
func (t *turns) fits(bytes int64, of int) bool {
	if taken := t.taken.Add(bytes); taken <= t.most>>of || taken == bytes {
		return true
	}
	t.taken.Add(-bytes)
	return false
}

// join lets somebody wait for a turn.
func (t *turns) join(bytes, now int64, of int) *waiter {
	w := &waiter{bytes: bytes, since: now, turn: make(chan struct{})}
	t.mu.Lock()
	t.lines[of].add(w)
	t.mu.Unlock()
	t.pass()
	return w
}

// advance puts who has no turn any more into the line of those that have none.
func (t *turns) advance(w *waiter) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if at := slices.Index(t.lines[1].waiters, w); at >= 0 {
		t.lines[1].remove(at, 1)
		t.lines[0].add(w)
	}
}

// leave takes a waiter out of the lines, if it is there still: it has no turn and gets none. Locked.
func (t *turns) leave(w *waiter) {
	for of := range t.lines {
		if at := slices.Index(t.lines[of].waiters, w); at >= 0 {
			t.lines[of].remove(at, 1)
			w.late = true
			close(w.turn)
		}
	}
}

// giveUp ends the waiting of one.
func (t *turns) giveUp(w *waiter) {
	t.mu.Lock()
	t.leave(w)
	t.mu.Unlock()
	t.pass() // it may have been what the others waited for
}

// endLate ends the waiting of those that joined before a time.
func (t *turns) endLate(before int64) {
	if !t.waits(1) {
		return
	}
	t.mu.Lock()
	for of := range t.lines {
		for _, w := range slices.Clone(t.lines[of].waiters) {
			if w.since < before {
				t.leave(w)
			}
		}
	}
	t.mu.Unlock()
	t.pass()
}

// give gives back what turns have taken.
func (t *turns) give(bytes int64) {
	if bytes > 0 {
		t.taken.Add(-bytes)
		t.pass()
	}
}

// pass gives the first in the lines their turns.
func (t *turns) pass() {
	if !t.waits(1) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for of := range t.lines {
		l, n := &t.lines[of], 0
		for n < len(l.waiters) && t.fits(l.waiters[n].bytes, of) {
			close(l.waiters[n].turn)
			n++
		}
		l.remove(0, n)
		if len(l.waiters) > 0 {
			return // whoever has a turn comes behind those that have none
		}
	}
}

// roomFor finds room for a command of so many bytes that is about to be asked, and says of which kind it is. It may wait. Locked.
func (r *request) roomFor(bytes int) room {
	t := &r.srv.turns
	switch {
	case t.most <= 0 || r.dead:
		return roomCommon
	case r.heavy || r.in.claim.coming > 0:
		return roomClaim
	case bytes <= bufferLeast:
		return roomCommon
	case r.late():
		return roomCommon // it will not be asked
	case !t.try(int64(bytes), lineOf(r.asks[roomTurn] > 0)) && !r.awaitTurn(int64(bytes)):
		return roomCommon
	}
	if r.dead {
		t.give(int64(bytes))
		return roomCommon
	}
	return roomTurn
}

// late says that what is left of the batch has waited for longer than a command may.
func (r *request) late() bool { return r.srv.now() > r.now+int64(r.patience) }

// awaitTurn waits for a turn, and reports whether it has come. If not, the command is late already, and answered so as if it had waited for its shard
// (expire). Locked, but while it waits.
func (r *request) awaitTurn(bytes int64) bool {
	r.settle() // nobody waits for the room of what is answered
	w := r.srv.turns.join(bytes, r.srv.now(), lineOf(r.asks[roomTurn] > 0))
	r.inLine = w
	r.mu.Unlock()
	r.pump() // who waits for a turn waits for its own answers, too
	<-w.turn
	r.mu.Lock()
	r.inLine = nil
	r.gone = r.dead
	if !w.late {
		r.now = r.srv.now() // it has as long as any command from here on
	}
	return !w.late
}

// lineMax is how long one may stand in the lines: as long as a client may keep others waiting, and longer than its commands may wait for their shards. Most
// clients have given up by then.
func (s *Server) lineMax() time.Duration { return max(stallMax, 2*s.opts.Timeout) }

// endTurn gives back so much of the connection's turns. Locked.
func (c *conn) endTurn(bytes int) {
	if c.asks[roomTurn] -= bytes; c.asks[roomTurn] == 0 && c.inLine != nil {
		c.srv.turns.advance(c.inLine)
	}
	c.srv.turns.give(int64(bytes))
}

// endTurns gives back the turns of a dead connection: nobody takes its answers. Locked.
func (c *conn) endTurns() { c.endTurn(c.asks[roomTurn]) }
