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

// overflows says that the shard had no room for what it was asked.
func (f *flight) overflows(resp *wire.Response) bool {
	return resp.Outcome == wire.OutcomeRefused && resp.Reason == wire.ReasonOverloaded
}

// asksLater puts off what a shard had no room for, but for commands that have no time left: those are answered. It reports whether the others wait. Locked.
func (c *conn) asksLater(f *flight) (waits bool) {
	q := f.queue
	most := min(pauseLeast<<q.refusals, pauseMost)
	pause := most/2 + rand.N(most/2)
	late := len(f.refs)
	if !c.doomed.Load() && !c.srv.stopping.Load() {
		late = f.late(c.srv.now() + int64(pause))
	}
	for i, r := range f.refs[:late] {
		c.answer(r, &f.call.Commands[i], nil, &failure{outcome: wire.OutcomeRefused, reason: wire.ReasonOverloaded})
	}
	if late == len(f.refs) {
		return false
	}
	q.refusals = min(q.refusals+1, 8)
	c.putBack(f, late)
	time.AfterFunc(pause, func() { c.askAgain(q) })
	return true
}

// late is how many parts have no time left at some time: the first ones, for what came later has longer.
func (f *flight) late(now int64) (n int) {
	for n < len(f.refs) && now >= f.conn.window.at(f.refs[n].seq).until {
		n++
	}
	return n
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
