package resp

import (
	"slices"
	"sync"
	"sync/atomic"
)

// Each of a hundred clients that send 60 KB at the same moment holds nothing yet, and so none is over its share (crowd.go): together they would ask for 6 MB. So
// a command that asks its shards to hold more than bufferLeast takes a turn: all together have Options.BuffersMax for such commands until they are answered, and
// who finds no room for its own waits, and is not read meanwhile.
//
//	long commands (unfinished.go)   have had to wait as they came in
//	the others                      first come, first served; one alone may always go on
//
// A turn is over when its command is answered: that takes shards, and no client. So nobody is kept waiting by who does not read, or does not send, and nobody
// has to be cut off.

// room is what bounds the bytes that a command asks its shards to hold.
type room uint8

const (
	roomCommon room = iota // what all buffers have (crowd.go)
	roomTurn               // its turn
	roomClaim              // what it has claimed as it came in (unfinished.go, waves.go)
	rooms
)

// turns is the room for commands that have theirs, and the line of those that wait for one.
type turns struct {
	most    int64        // 0: no bound
	taken   atomic.Int64 // bytes
	waiting atomic.Int64 // the line's length

	mu   sync.Mutex
	line []waiter // the first one first
}

type waiter struct {
	bytes int64
	turn  chan struct{} // closed when it has come
}

// try takes a turn if there is room, and nobody waits.
func (t *turns) try(bytes int64) bool {
	if t.waiting.Load() > 0 {
		return false
	}
	if t.fits(bytes) {
		return true
	}
	t.pass() // who has looked meanwhile saw less room than there is
	return false
}

// fits takes a turn if there is room.
func (t *turns) fits(bytes int64) bool {
	if taken := t.taken.Add(bytes); taken <= t.most || taken == bytes {
		return true
	}
	t.taken.Add(-bytes)
	return false
}

// wait takes a turn when it has come.
func (t *turns) wait(bytes int64) {
	w := waiter{bytes: bytes, turn: make(chan struct{})}
	t.mu.Lock()
	t.line = append(t.line, w)
	t.waiting.Add(1) // before it is looked again: who gives back from here on sees it
	t.mu.Unlock()
	t.pass()
	<-w.turn
}

// give gives back what turns have taken.
func (t *turns) give(bytes int64) {
	if bytes > 0 {
		t.taken.Add(-bytes)
		t.pass()
	}
}

// pass gives the first in the line their turns.
func (t *turns) pass() {
	if t.waiting.Load() == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for n < len(t.line) && t.fits(t.line[n].bytes) {
		close(t.line[n].turn)
		n++
	}
	t.line = slices.Delete(t.line, 0, n)
	t.waiting.Add(-int64(n))
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
	case !t.try(int64(bytes)):
		r.awaitTurn(int64(bytes))
	}
	if r.dead {
		t.give(int64(bytes))
		return roomCommon
	}
	return roomTurn
}

// awaitTurn waits for a turn. Locked, but while it waits.
func (r *request) awaitTurn(bytes int64) {
	r.settle() // nobody waits for the room of what is answered
	r.mu.Unlock()
	r.pump() // who waits for a turn waits for its own answers, too
	r.srv.turns.wait(bytes)
	r.mu.Lock()
	r.gone = r.dead
	r.now = r.srv.now() // it has as long as any command from here on
}

// endTurns gives back the turns of a dead connection: nobody takes its answers. Locked.
func (c *conn) endTurns() {
	c.srv.turns.give(int64(c.asks[roomTurn]))
	c.asks[roomTurn] = 0
}
