package router

import (
	"torc/core/mutant"
	"torc/core/wire"
)

// A write that comes without a session, as those of Redis clients do, is forwarded under one of the lane's, of which each shard has its own.
// It is begun as core/session's window is, which tells why: if any first try might begin a session, one that the shard has forgotten would
// be begun anew by the next write, and the retry of an older one, applied long ago, would be applied again. So one write opens a
// session, and whatever else goes under it insists that the shard knows it (Retry). Nobody waits for the opener: what comes behind it finds
// the session there; and what does not had no effect, and is sent again, under the next session.

// session is the lane's with a shard. The zero session is to be begun.
type session struct {
	client uint64
	number uint64  // of sessions begun
	opener *Call   // until one under it was answered OK
	seq    uint64  // of the newest forwarded write
	writes []*Call // forwarded writes from the oldest unanswered one on; writes[i] has seq-len+1+i
}

// enrol sees to it that a write goes under a session: its caller's, or the lane's own.
func (h *Hall) enrol(c *Call) {
	s := &h.shard(c.Shard).session
	if c.Session.Client == 0 {
		if s.client == 0 {
			h.begin(s, c)
		}
		s.seq++
		s.writes = append(s.writes, c)
		c.own, c.Session = true, wire.Session{Client: s.client, Seq: s.seq, Floor: s.seq, Retry: c != s.opener}
	}
	if c.own && c.Session.Client == s.client {
		c.Session.Floor = s.floor()
	}
}

// begin begins a session with the write that opens it.
func (h *Hall) begin(s *session, opener *Call) {
	if h.client == 0 {
		h.client = h.port.Uint64() | 1
	}
	*s = session{client: h.client + 2*s.number, number: s.number + 1, opener: opener}
}

// end ends a session: the next write begins another.
func (s *session) end() { *s = session{number: s.number} }

// floor is the lowest number whose outcome is waited for.
func (s *session) floor() uint64 { return s.seq + 1 - uint64(len(s.writes)) }

// over forgets a write that is answered, and those behind it that were answered before: they hold what they were to write, which may be
// much, and perhaps nothing is forwarded to this shard any more. An opener without a word of the shard's may yet begin its session, so
// that one ends.
func (s *session) over(c *Call) {
	if s.opener == c {
		s.end()
	}
	for len(s.writes) > 0 && s.writes[0].place == done {
		s.writes[0] = nil
		s.writes = s.writes[1:]
	}
	if len(s.writes) == 0 {
		s.writes = nil
	}
}

// leave takes a write out that surely was not applied.
func (s *session) leave(c *Call) {
	if c.Session.Client == s.client {
		s.writes[c.Session.Seq-s.floor()] = &Call{place: done}
		s.over(c)
	}
	c.own, c.Session = false, wire.Session{}
}

// known notes that the shard knows the session that a call was forwarded under.
func (h *Hall) known(c *Call) {
	if s := &h.shard(c.Shard).session; c.own && c.Session.Client == s.client {
		s.opener = nil
	}
}

// forgotten notes that the shard does not know the session that a call was forwarded under, so that this try had no effect, and
// reports whether the call goes on. Not if an earlier try may have had one: then nobody can tell any more.
func (h *Hall) forgotten(c *Call) bool {
	if !c.own {
		return false
	}
	s := &h.shard(c.Shard).session
	if c.Session.Client == s.client {
		s.end()
	}
	if c.place != sent {
		return true // this node's own replica has it now, or it waits
	}
	if c.doubt && !mutant.On(mutant.SessionReborn) {
		return false
	}
	c.exposed = false
	s.leave(c)
	h.Route(c)
	return true
}

// withdraw takes a write that this node's own replica has now out of the lane's session, if no try of it may have been applied:
// under an old number it would open a session that was forgotten.
func (h *Hall) withdraw(c *Call) {
	if c.own && !c.exposed && c.place != done {
		h.shard(c.Shard).session.leave(c)
	}
}
