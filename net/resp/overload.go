package resp

import (
	"math/rand/v2"
	"time"

	"torc/core/wire"
)

// A shard that has too many requests waiting refuses what comes, at once, and has done nothing. Of a Redis that is merely busy clients expect that they wait, and
// few libraries ask again by themselves. So their connection asks again for them, for as long as the command has time:
//
//	refused -> back to the front of the shard's queue -> pause -> asked again ... -> BUSY
//
// A pause is twice as long as the one before, and in part left to chance: those that were refused together do not come back together. Nothing else of the shard
// leaves meanwhile, so the order stays; and what is asked still counts, so that the connection is not read on and on.
const (
	pauseLeast = 4 * time.Millisecond
	pauseMost  = 256 * time.Millisecond
)

// asksLater puts off what a shard had no room for, and reports whether there is time for that. Locked.
func (c *conn) asksLater(f *flight, resp *wire.Response) bool {
	if resp.Outcome != wire.OutcomeRefused || resp.Reason != wire.ReasonOverloaded || c.doomed.Load() || c.srv.stopping.Load() {
		return false
	}
	q := f.queue
	most := min(pauseLeast<<q.refusals, pauseMost)
	pause := most/2 + rand.N(most/2)
	for _, r := range f.refs {
		if c.srv.now()+int64(pause) >= c.window.at(r.seq).until {
			return false
		}
	}
	q.refusals = min(q.refusals+1, 8)
	c.putBack(f)
	time.AfterFunc(pause, func() { c.askAgain(q) })
	return true
}

// askAgain ends a queue's pause.
func (c *conn) askAgain(q *queue) {
	c.mu.Lock()
	q.busy = false
	c.list(q)
	more := c.submittable()
	c.mu.Unlock()
	if more {
		c.pump()
	}
}
