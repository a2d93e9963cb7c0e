package store

import (
	"slices"

	"torc/core/invariant"
	"torc/core/wire"
)

// Apply applies one log entry: it takes the batch's time, removes some of the keys and sessions
// that have expired by it, and the batch's victims, and applies the requests in order. It returns one response per
// request, in order.
//
// A request is atomic in that nothing comes between its commands; a command that fails has no
// effect itself and does not undo the others. A guard that is not met undoes all (guard.go). Nothing of the batch is kept.
func (s *Store) Apply(b *wire.Batch) []wire.Response {
	s.ahead.plan(b.Requests)
	responses := make([]wire.Response, len(b.Requests))
	s.applyInto(b, responses, make([]wire.Result, len(s.ahead.commands)))
	return responses
}

// Follow is Apply where nobody waits for the responses.
func (s *Store) Follow(b *wire.Batch) {
	s.ahead.plan(b.Requests)
	s.applyInto(b, nil, nil)
}

// unreadKept is for how many results room is kept.
const unreadKept = 64

// follow applies a request whose response nobody waits for. What it says is forgotten before the next one is applied: of a large value each
// request of a batch may say as much as one answer holds.
func (s *Store) follow(r *wire.Request, at int) {
	n := len(r.Commands)
	s.unread = slices.Grow(s.unread[:0], n)[:n]
	s.applyRequest(r, at, s.unread)
	clear(s.unread)
	if n > unreadKept {
		s.unread = nil
	}
}

// applyInto fills responses and results, one for each request and one for each command; responses are nil where nobody waits for them. The
// batch is planned.
func (s *Store) applyInto(b *wire.Batch, responses []wire.Response, results []wire.Result) {
	s.time = max(s.time, b.Time)
	commands, at := len(s.ahead.commands), 0
	expired := s.expireKeys(expireMost(s.ahead.commands))
	s.expireSessions()
	s.expireLeases()
	s.evict(b.Victims)

	for i := range b.Requests {
		r := &b.Requests[i]
		n := len(r.Commands)
		if responses == nil {
			s.follow(r, at)
		} else {
			responses[i] = s.applyRequest(r, at, results[:n:n])
			results = results[n:]
		}
		at += n
	}
	s.ahead.done()
	if s.keyBytes < 0 || s.sessionBytes < 0 || s.leaseBytes < 0 {
		invariant.Check(false, "%d bytes of keys, %d bytes of sessions, %d bytes of leases", s.keyBytes, s.sessionBytes, s.leaseBytes)
	}
	s.Tend(tending(commands, expired))
}

// applyRequest fills results and answers with them, unless the session forbids. The request's first command is the
// batch's number at.
func (s *Store) applyRequest(r *wire.Request, at int, results []wire.Result) wire.Response {
	var use *session
	if r.Session.Client != 0 {
		var answer wire.Response
		if use, answer = s.admit(&r.Session); use == nil {
			return answer
		}
	}
	if s.guarded(r.Commands, at) {
		unmet(results)
	} else {
		s.applyCommands(r.Commands, at, results)
	}
	if use != nil {
		s.remember(use, r.Session.Seq, results)
	}
	return wire.Response{Outcome: wire.OutcomeOK, Results: results}
}

func (s *Store) applyCommands(commands []wire.Command, at int, results []wire.Result) {
	room := wire.AnswerMax
	for i := range commands {
		results[i] = s.apply(&commands[i], at+i, room)
		room -= results[i].Size()
	}
}

// apply applies a command whose answer may have so many bytes. One that would say more of a value has no effect.
func (s *Store) apply(c *wire.Command, at, room int) wire.Result {
	switch {
	case c.Op == wire.OpFlush:
		s.clearKeys()
		return wire.Result{Kind: wire.KindOK}
	case c.Op == wire.OpCaching:
		s.caching = max(0, c.Delta)
		return wire.Result{Kind: wire.KindOK}
	case c.Op == wire.OpTick:
		return wire.Result{Kind: wire.KindOK} // its batch has advanced the time
	case !c.Op.IsWrite():
		v := view{Store: s, expired: s.time, now: s.time}
		if r := v.read(c, s.order(at)); r.Size() <= room {
			return r
		}
		return failure(wire.CodeTooLong)
	}
	order := s.order(at)
	if !s.owns(order) {
		return failure(wire.CodeUnsupported)
	}
	p := s.locate(c.Key, order)
	if c.Flags&wire.FlagVersion != 0 && c.Version != p.version() {
		return p.result(failure(wire.CodeVersion))
	}
	if tellsValue(c) && len(valueOf(p.old)) > room {
		return p.result(failure(wire.CodeTooLong))
	}
	return p.result(s.write(&p, c))
}

func (s *Store) write(p *place, c *wire.Command) wire.Result {
	switch c.Op {
	case wire.OpSet:
		return s.set(p, c)
	case wire.OpDelete:
		return s.delete(p)
	case wire.OpGetDelete:
		return s.getDelete(p)
	case wire.OpGetExpire:
		return s.getExpire(p, c)
	case wire.OpAppend:
		return s.appendValue(p, c)
	case wire.OpSetRange:
		return s.setRange(p, c)
	case wire.OpIncr:
		return s.incr(p, c)
	case wire.OpIncrFloat:
		return s.incrFloat(p, c)
	case wire.OpExpire:
		return s.expire(p, c)
	case wire.OpPersist:
		return s.persist(p)
	case wire.OpLease:
		return s.lease(p, c)
	case wire.OpFill:
		return s.fill(p, c)
	}
	return failure(wire.CodeUnsupported)
}

// tellsValue reports whether a write may answer with what its key holds.
func tellsValue(c *wire.Command) bool {
	switch c.Op {
	case wire.OpGetDelete, wire.OpGetExpire, wire.OpIncrFloat, wire.OpLease:
		return true
	}
	return c.Flags&wire.FlagGet != 0
}

// version is the version of what is at a place; 0 = nothing.
func (p *place) version() uint64 {
	if p.old == nil {
		return 0
	}
	return p.old.version
}

// result completes the result of a write with the version after it.
func (p *place) result(r wire.Result) wire.Result {
	r.Version = p.version()
	return r
}

func failure(code wire.ErrorCode) wire.Result {
	return wire.Result{Kind: wire.KindError, Code: code}
}

func integer(n int64) wire.Result { return wire.Result{Kind: wire.KindInt, Int: n} }

func boolean(ok bool) wire.Result {
	if ok {
		return integer(1)
	}
	return integer(0)
}

// text is a copy of a value as a result.
func text(value []byte) wire.Result {
	return wire.Result{Kind: wire.KindBytes, Value: append([]byte{}, value...)}
}

// held is what an entry holds, copied, as a result: KindNil for nothing.
func held(e *entry) wire.Result {
	if e == nil {
		return wire.Result{Kind: wire.KindNil}
	}
	return text(e.value)
}

// valueOf is what an entry holds; nothing for nil.
func valueOf(e *entry) []byte {
	if e == nil {
		return nil
	}
	return e.value
}
