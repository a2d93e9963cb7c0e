package cluster

import (
	"time"

	"torc/core/mutant"
	"torc/core/wire"
)

// forward is a call that was sent to another node.
type forward struct {
	id   uint64
	call *call
	to   wire.NodeID
}

// finish gives a call its response, once.
func (l *Lane) finish(c *call, r *wire.Response) {
	if c.done {
		return
	}
	c.done = true
	l.waiting--
	if l.m != nil {
		r.Epoch = l.m.Epoch
	}
	if r.Outcome == wire.OutcomeOK {
		l.answered++
	} else {
		l.refused++
	}
	c.Sink.Deliver(c.Tag, r)
}

func (l *Lane) refuse(c *call, why wire.Reason) {
	l.finish(c, &wire.Response{Outcome: wire.OutcomeRefused, Reason: why, Leader: l.leaderNode(c.Shard)})
}

func (l *Lane) admit(w *wire.Call) {
	timeout := time.Duration(w.TimeoutMillis) * time.Millisecond
	if timeout <= 0 {
		timeout = l.cfg.Timeout
	}
	c := &call{Call: w, deadline: l.env.Now() + timeout}
	l.waiting++
	switch {
	case l.stopping:
		l.refuse(c, wire.ReasonStopping)
	case l.m == nil:
		l.refuse(c, wire.ReasonNotReady)
	case w.Shard == wire.MetaShard || l.m.Placement(w.Shard) == nil:
		l.refuse(c, wire.ReasonNotOwner)
	case l.waiting > l.cfg.InboxMax:
		l.refuse(c, wire.ReasonOverloaded)
	case l.tooLarge(&w.Request):
		l.refuse(c, wire.ReasonTooLarge)
	default:
		l.calls = append(l.calls, c)
		l.route(c)
	}
}

func (l *Lane) tooLarge(r *wire.Request) bool {
	for i := range r.Commands {
		if len(r.Commands[i].Key) > l.cfg.MaxKey || len(r.Commands[i].Value) > l.cfg.MaxValue {
			return true
		}
	}
	return false
}

// route sends a call on its way: here, to the leader, or to wait for a leader.
func (l *Lane) route(c *call) {
	if c.done {
		return
	}
	g := l.groups[c.Shard]
	if mutant.On(mutant.LocalRead) && g != nil && g.store != nil && !c.IsWrite() {
		g.serve([]*call{c})
		return
	}
	if g != nil && (g.member.IsLeader() || mutant.On(mutant.StaleRoute) && !c.IsWrite() && g.stale()) {
		g.take(c)
		return
	}
	leader := l.leaderNode(c.Shard)
	if c.Local {
		why := wire.ReasonNotLeader
		if g == nil {
			why = wire.ReasonNotOwner
		}
		l.refuse(c, why)
		return
	}
	if leader == 0 || leader == l.cfg.Self.ID {
		l.parked = append(l.parked, c)
		return
	}
	l.forward(c, leader)
}

func (l *Lane) forward(c *call, to wire.NodeID) {
	l.forwardID++
	f := &forward{id: l.forwardID, call: c, to: to}
	r := c.Request
	r.Epoch = l.m.Epoch
	if r.Session.Client == 0 && r.IsWrite() {
		r.Session = l.session(c.Shard)
	}
	c.Request = r
	l.forwards[f.id] = f
	left := (c.deadline - l.env.Now()).Milliseconds()
	l.send(to, &wire.Forward{ID: f.id, TimeoutMillis: max(left, 1), Request: r})
}

// session names a forwarded write, so that a frame that the network doubles applies once.
func (l *Lane) session(shard wire.ShardID) wire.Session {
	l.seqs[shard]++
	seq := l.seqs[shard]
	floor := uint64(1)
	if seq > 512 {
		floor = seq - 512
	}
	return wire.Session{Client: l.sessionID, Seq: seq, Floor: floor}
}

type replySink struct {
	lane  *Lane
	to    wire.NodeID
	shard wire.ShardID
}

func (s replySink) Deliver(tag uint64, r *wire.Response) {
	s.lane.send(s.to, &wire.Reply{ID: tag, Shard: s.shard, Response: *r})
}

func (l *Lane) onForward(from wire.NodeID, m *wire.Forward) {
	l.admit(&wire.Call{Request: m.Request, TimeoutMillis: m.TimeoutMillis, Tag: m.ID, Sink: replySink{l, from, m.Request.Shard}, Local: true})
}

func (l *Lane) onReply(m *wire.Reply) {
	f := l.forwards[m.ID]
	if f == nil {
		return
	}
	delete(l.forwards, m.ID)
	r := m.Response
	if r.Outcome == wire.OutcomeRefused && (r.Reason == wire.ReasonNotLeader || r.Reason == wire.ReasonNotOwner || r.Reason == wire.ReasonNotReady) && !f.call.done {
		l.hints[m.Shard] = r.Leader
		if r.Leader == f.to || r.Leader == l.cfg.Self.ID {
			l.hints[m.Shard] = 0
		}
		l.parked = append(l.parked, f.call)
		return
	}
	l.finish(f.call, &r)
}

// leaderNode is the node that leads a shard as far as this lane knows.
func (l *Lane) leaderNode(shard wire.ShardID) wire.NodeID {
	p := l.m.Placement(shard)
	if p == nil {
		return 0
	}
	if g := l.groups[shard]; g != nil {
		if r := p.Replica(g.member.Leader()); r != nil {
			return r.Node
		}
		return 0
	}
	if hint := l.hints[shard]; hint != 0 {
		return hint
	}
	return p.Preferred
}

func (l *Lane) unpark() {
	parked := l.parked
	l.parked = nil
	for _, c := range parked {
		l.route(c)
	}
}

// expireCalls answers what has waited too long: unknown if it may be applied, refused if not.
func (l *Lane) expireCalls() {
	now := l.env.Now()
	kept := l.calls[:0]
	for _, c := range l.calls {
		if c.done {
			continue
		}
		if c.deadline > now {
			kept = append(kept, c)
			continue
		}
		c.expire(l)
	}
	clear(l.calls[len(kept):])
	l.calls = kept
	for id := l.forwardSeen + 1; id <= l.forwardID; id++ {
		f := l.forwards[id]
		if f != nil && !f.call.done {
			break
		}
		delete(l.forwards, id)
		l.forwardSeen = id
	}
}

func (c *call) expire(l *Lane) {
	outcome, reason := wire.OutcomeUnknown, wire.ReasonDeadline
	g := l.groups[c.Shard]
	waitsHere := contains(l.parked, c) || g != nil && (contains(g.writes, c) || contains(g.reads, c))
	if waitsHere {
		outcome, reason = wire.OutcomeRefused, wire.ReasonNoQuorum
		l.parked = without(l.parked, c)
	}
	l.finish(c, &wire.Response{Outcome: outcome, Reason: reason})
}

func contains(calls []*call, c *call) bool {
	for i := range calls {
		if calls[i] == c {
			return true
		}
	}
	return false
}

func (g *group) stale() bool { return false }
