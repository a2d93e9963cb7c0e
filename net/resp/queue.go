package resp

import (
	"log/slog"

	"torc/core/invariant"
	"torc/core/wire"
)

// Bounds of one Call. The parts of one command on a shard stay together even beyond them.
const (
	callBytesMax    = 1 << 20
	callCommandsMax = 512
)

// ref says which part of which command something is.
type ref struct {
	seq   uint64 // the command's place in the window
	index int    // the part's number within the command
}

// part is one operation on one shard, waiting for its turn.
type part struct {
	ref
	cmd   wire.Command
	alone bool // the command's parts share a Call with no other's
}

func (p *part) size() int { return len(p.cmd.Key) + len(p.cmd.Value) }

// queue holds what one connection wants of one shard: at most one Call is on its way, the
// rest waits here in order. It is guarded by the connection's lock.
type queue struct {
	shard wire.ShardID
	busy  bool // a Call is unanswered, or to be asked again
	ready bool // listed in conn.ready: there are parts and no Call
	parts []part

	refusals int // of the shard, for want of room, since it last answered (overload.go)
}

// run says how many parts at the front may travel in one Call: all reads or all writes,
// within the bounds, and no command's parts torn apart, or one command that travels alone. An answer that is a value counts with as many bytes as
// it is guessed to have: all answers of a Call are in memory at a time.
func (q *queue) run(answer int) int {
	if q.parts[0].alone {
		return q.first()
	}
	write, bytes, whole := q.parts[0].cmd.Op.IsWrite(), 0, 0
	for i := range q.parts {
		p := &q.parts[i]
		size := p.size() + p.answerSize(answer)
		if i > 0 && p.seq != q.parts[i-1].seq {
			whole = i
			if p.alone || i >= callCommandsMax || bytes+size > callBytesMax {
				return whole
			}
		}
		if p.cmd.Op.IsWrite() != write {
			return max(whole, 1)
		}
		bytes += size
	}
	return len(q.parts)
}

// first is how many parts the first command has.
func (q *queue) first() int {
	n := 1
	for n < len(q.parts) && q.parts[n].seq == q.parts[0].seq {
		n++
	}
	return n
}

// takenLeast is what a value that a write answers with counts for at least. An answer to reads that comes out too long is refused,
// and they go again; what GETDEL has taken away cannot be asked for twice.
const takenLeast = 64 << 10

// answerSize is what the part's answer counts for, when a value is guessed to have so many bytes.
func (p *part) answerSize(guess int) int {
	switch {
	case !p.cmd.Op.IsWrite():
		return guess
	case answersValue(&p.cmd):
		return max(guess, takenLeast)
	}
	return 0
}

// answersValue reports whether a command is answered with what its key holds, or with other things that are read.
func answersValue(cmd *wire.Command) bool {
	switch cmd.Op {
	case wire.OpGetDelete, wire.OpGetExpire:
		return true
	case wire.OpSet:
		return cmd.Flags&wire.FlagGet != 0
	}
	return !cmd.Op.IsWrite()
}

// answerSize guesses how long an answer that is a value will be. Before a connection's first one it may be anything: its first
// reads travel alone.
func (c *conn) answerSize() int {
	if !c.hasRead {
		return callBytesMax
	}
	return c.guess
}

// drop takes n parts off the front.
func (q *queue) drop(n int) {
	rest := copy(q.parts, q.parts[n:])
	clear(q.parts[rest:])
	q.parts = q.parts[:rest]
	if rest == 0 && cap(q.parts) > windowMin*4 {
		q.parts = nil
	}
}

// flight is a Call on its way, and the Sink that its response comes to.
type flight struct {
	call     wire.Call
	conn     *conn
	queue    *queue
	refs     []ref // of the call's commands
	answered bool
	atEnd    func(flush func(many bool)) // of the turn that answers it; nil: it is answered by none
}

// Within tells what to call in Deliver so that the connection is flushed at the end of the lane's turn.
func (f *flight) Within(atEnd func(flush func(many bool))) { f.atEnd = atEnd }

// Gone says that the client was cut off. One that asked for much at once, and is cut off at the first answer, would have all the
// others made for nothing, one beside the other in memory.
func (f *flight) Gone() bool { return f.conn.doomed.Load() }

// enqueue puts a part into its shard's queue. Locked.
func (c *conn) enqueue(shard wire.ShardID, r ref, cmd wire.Command) {
	q := c.queues[shard]
	if q == nil {
		q = &queue{shard: shard}
		c.queues[shard] = q
	}
	s := c.window.at(r.seq)
	q.parts = append(q.parts, part{ref: r, cmd: cmd, alone: s.alone})
	size, of := len(cmd.Key)+len(cmd.Value), s.room
	c.asked += size
	c.asks[of] += size
	c.parts++
	if of == roomCommon {
		c.carries(size)
	}
	c.list(q)
}

// list notes that a queue's next Call can go.
func (c *conn) list(q *queue) {
	if !q.busy && !q.ready && len(q.parts) > 0 {
		q.ready = true
		c.ready = append(c.ready, q)
	}
}

// pump submits a Call for every shard that owes this connection nothing. Not locked: a
// response may come before Submit returns.
func (c *conn) pump() {
	c.mu.Lock()
	c.gathering = false
	var calls []*wire.Call
	if len(c.ready) > 0 {
		calls = c.depart()
	}
	if len(calls) == 0 {
		c.writeDirectly() // replies that were known at once, or expired
	}
	c.wake()
	c.mu.Unlock()
	if len(calls) > 0 {
		c.srv.backend.Submit(calls...)
	}
}

// depart makes the Calls that can go. What they hold is allocated anew and never used again
// (a backend may hold a request longer than its answer takes), in few pieces.
func (c *conn) depart() []*wire.Call {
	now, total := c.srv.now(), 0
	for _, q := range c.ready {
		if c.dead {
			q.drop(len(q.parts)) // nobody waits for it
		}
		c.expire(q, now)
		total += len(q.parts)
	}
	calls, flights, commands, refs := roomFor(len(c.ready), total)
	for _, q := range c.ready {
		q.ready = false
		if len(q.parts) == 0 {
			continue
		}
		from, n := len(commands), q.run(c.answerSize())
		for i := range n {
			commands = append(commands, q.parts[i].cmd)
			refs = append(refs, q.parts[i].ref)
		}
		left := (c.window.at(q.parts[0].seq).until - now) / 1e6
		q.drop(n)
		q.busy = true
		flights = append(flights, flight{conn: c, queue: q, refs: refs[from:len(refs):len(refs)]})
		f := &flights[len(flights)-1]
		f.call = wire.Call{
			Request: wire.Request{
				Shard:    q.shard,
				Epoch:    c.epoch,
				Commands: commands[from:len(commands):len(commands)],
			},
			TimeoutMillis: max(left, 1),
			Sink:          f,
			Local:         c.srv.opts.Redirect,
		}
		calls = append(calls, &f.call)
	}
	clear(c.ready)
	c.ready = c.ready[:0]
	return calls
}

// roomFor makes room for Calls, and for the parts of all of them. Of one part it is one piece: most clients
// send one command at a time.
func roomFor(calls, parts int) ([]*wire.Call, []flight, []wire.Command, []ref) {
	if calls == 1 && parts == 1 {
		single := new(struct {
			call    [1]*wire.Call
			flight  [1]flight
			command [1]wire.Command
			ref     [1]ref
		})
		return single.call[:0], single.flight[:0], single.command[:0], single.ref[:0]
	}
	return make([]*wire.Call, 0, calls), make([]flight, 0, calls), make([]wire.Command, 0, parts), make([]ref, 0, parts)
}

// expire answers parts that waited behind an earlier Call for longer than a command may
// take: they were never sent. (A command's parts on a shard expire together.)
func (c *conn) expire(q *queue, now int64) {
	n := 0
	for n < len(q.parts) && c.window.at(q.parts[n].seq).until < now {
		n++
	}
	if n == 0 {
		return
	}
	late := failure{outcome: wire.OutcomeRefused, reason: wire.ReasonDeadline}
	for i := range n {
		p := &q.parts[i]
		c.answer(p.ref, &p.cmd, nil, &late)
	}
	q.drop(n)
}

// Deliver takes the response of a Call.
func (f *flight) Deliver(_ uint64, resp *wire.Response) {
	c := f.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	invariant.Check(!f.answered, "resp: a call was answered twice")
	f.answered = true
	if c.dead {
		return // and what it asked for is nobody's
	}
	commands, waits := f.call.Commands, false
	switch {
	case resp.Outcome == wire.OutcomeOK && len(resp.Results) != len(f.refs):
		// Another node's answer, of another build or with a bug: this one need not end for it. What became of the commands
		// nobody can say.
		c.srv.log.Error("an answer has not one result for each command: the outcome is unknown", slog.Int("commands", len(f.refs)),
			slog.Int("results", len(resp.Results)), slog.Uint64("shard", uint64(f.call.Shard)))
		fail := failure{outcome: wire.OutcomeUnknown}
		for i, r := range f.refs {
			c.answer(r, &commands[i], nil, &fail)
		}
	case resp.Outcome == wire.OutcomeOK:
		for i, r := range f.refs {
			c.answer(r, &commands[i], &resp.Results[i], nil)
		}
	case f.divides(resp):
		c.again(f)
	case f.overflows(resp):
		waits = c.asksLater(f)
	default:
		fail := failure{outcome: resp.Outcome, reason: resp.Reason, leader: resp.Leader}
		for i, r := range f.refs {
			c.answer(r, &commands[i], nil, &fail)
		}
	}
	if !waits {
		f.queue.busy, f.queue.refusals = false, 0
		c.list(f.queue)
	}
	c.makeRoom()
	switch {
	case f.atEnd == nil:
		c.wake()
	case !c.noted:
		c.noted = true
		f.atEnd(c.flushAtEnd)
	}
}

// divides says that reads of several commands were refused for their length, which may be that of their answers together.
func (f *flight) divides(resp *wire.Response) bool {
	return resp.Outcome == wire.OutcomeRefused && resp.Reason == wire.ReasonTooLarge &&
		!f.call.Commands[0].Op.IsWrite() && f.refs[0].seq != f.refs[len(f.refs)-1].seq
}

// again has a flight's parts travel command by command. Locked.
func (c *conn) again(f *flight) {
	c.putBack(f, 0)
	c.guess = max(c.guess, callBytesMax)
}

// putBack puts a flight's parts, but for some of the first, before all others of their shard. Locked.
func (c *conn) putBack(f *flight, from int) {
	parts := make([]part, 0, len(f.refs)-from+len(f.queue.parts))
	for i := from; i < len(f.refs); i++ {
		r := f.refs[i]
		parts = append(parts, part{ref: r, cmd: f.call.Commands[i], alone: c.window.at(r.seq).alone})
	}
	f.queue.parts = append(parts, f.queue.parts...)
}

// answer notes what one part came to: a result, or a failure. Locked.
func (c *conn) answer(r ref, cmd *wire.Command, res *wire.Result, fail *failure) {
	s := c.window.at(r.seq)
	size := len(cmd.Key) + len(cmd.Value)
	c.asked -= size
	c.parts--
	if s.room == roomTurn {
		c.endTurn(size)
	} else {
		c.asks[s.room] -= size
	}
	if s.room == roomClaim {
		c.heavyParts--
	}
	c.settle()
	if res != nil {
		c.learn(len(res.Value))
		c.hasRead = c.hasRead || answersValue(cmd)
	}
	if s.job != nil {
		s.job.take(c, r, cmd, res, fail)
		s.left--
		if s.left == 0 {
			s.job.render(c.window.target(r.seq, &c.out), s.proto)
			c.window.complete(r.seq, &c.out)
		}
		return
	}
	o := c.window.target(r.seq, &c.out)
	switch {
	case fail != nil:
		o.fail(c.failText(fail, cmd.Key, cmd.Op.IsWrite()))
	case res.Kind == wire.KindError:
		o.fail(codeText(res.Code, s.spec.name))
	default:
		s.render(o, s.proto, res)
	}
	c.window.complete(r.seq, &c.out)
}

// failText words the failure of a command on a key, as a redirect where the mode and the failure call for it.
func (c *conn) failText(fail *failure, key []byte, write bool) string {
	moved := fail.reason == wire.ReasonNotLeader || fail.reason == wire.ReasonNotOwner
	if moved && c.srv.opts.Redirect && fail.outcome == wire.OutcomeRefused && len(key) > 0 {
		if text, ok := c.srv.movedTo(wire.Slot(key), fail.leader); ok {
			return text
		}
	}
	text := fail.text(write)
	if who := c.srv.backend.Map().Member(fail.leader); who != nil && fail.reason == wire.ReasonNoQuorum && who.RESPAddr != "" {
		text += " (its majority may be on the side of " + who.RESPAddr + ")"
	}
	return text
}
