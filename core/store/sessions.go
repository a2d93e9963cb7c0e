package store

import (
	"encoding/binary"
	"errors"
	"math"

	"torc/core/invariant"
	"torc/core/mutant"
	"torc/core/wire"
)

// The session table makes retries harmless: it remembers, per client, the results of the
// requests whose outcome the client may still be waiting for.
//
//	client -> session   floor: outcomes below it are forgotten, the client has them all
//	                    last use: by log time, and as a running number that orders sessions
//	(client, seq) -> outcome   the encoded results
//
// A session is dropped when it was idle for SessionTTL of log time, or when it is the least
// recently used of more than SessionsMax, or of those that take more than SessionBytes. Outcomes may hold values
// (GETDEL, SET with GET), so their number bounds nothing. A session that would not fit if all others were
// forgotten goes alone: nobody else pays for what it cannot have. When a session is gone nobody can tell any more whether an old request of its client was
// applied, so a client that insists (Retry) is refused for ever, as unknown.

// sessionsExpireMax is how many idle sessions an entry removes at most. The others are treated as
// gone all the same.
const sessionsExpireMax = 16

// session is immutable, but for those that a Restorer or Apply has just made.
type session struct {
	client   uint64
	floor    uint64 // the greatest Floor seen
	use      uint64 // the store's uses at its last use: unique
	usedAt   int64  // log time of its last use
	outcomes int    // how many are remembered
	bytes    int64  // and what they take
}

// outcome is immutable.
type outcome struct {
	client  uint64
	seq     uint64
	results []byte // see appendResults
	hash    uint64
}

func lessClient(a, b *session) bool { return a.client < b.client }

func lessRecent(a, b *session) bool { return a.use < b.use }

func lessOutcome(a, b *outcome) bool {
	if a.client != b.client {
		return a.client < b.client
	}
	return a.seq < b.seq
}

// admit decides whether a request with a session is to be applied. If so it returns the
// session, to be completed by remember; if not, nil and the answer.
func (s *Store) admit(r *wire.Session) (use *session, answer wire.Response) {
	old := s.session(r.Client)
	if old == nil && r.Retry {
		return nil, wire.Response{Outcome: wire.OutcomeUnknown, Reason: wire.ReasonSessionExpired}
	}
	use = s.touch(r, old)
	if r.Seq < use.floor {
		return nil, wire.Response{Outcome: wire.OutcomeUnknown, Reason: wire.ReasonSessionExpired}
	}
	stored, known := s.outcomes.Get(&outcome{client: r.Client, seq: r.Seq})
	if mutant.On(mutant.NoDedupe) {
		known = false
	}
	if known {
		s.repeats++
		return nil, wire.Response{Outcome: wire.OutcomeOK, Results: stored.decode()}
	}
	if use.outcomes >= s.cfg.WindowMax {
		return nil, wire.Response{Outcome: wire.OutcomeRefused, Reason: wire.ReasonOverloaded}
	}
	return use, wire.Response{}
}

// session returns a client's session, unless there is none or it has expired.
func (s *Store) session(client uint64) *session {
	found, ok := s.sessions.Get(&session{client: client})
	if !ok {
		return nil
	}
	if s.idle(found) {
		s.dropSession(found)
		return nil
	}
	return found
}

// touch marks a session (nil: a new one) as the most recently used and forgets the outcomes
// below the request's floor.
func (s *Store) touch(r *wire.Session, old *session) *session {
	s.uses++
	use := &session{client: r.Client, use: s.uses, usedAt: s.time, floor: min(r.Floor, r.Seq)}
	if old != nil {
		use.floor = max(use.floor, old.floor)
		use.outcomes, use.bytes = old.outcomes, old.bytes
		if use.floor > old.floor {
			dropped, bytes := s.dropOutcomes(use.client, use.floor-1)
			use.outcomes, use.bytes = use.outcomes-dropped, use.bytes-bytes
		}
		s.removeSession(old)
	} else if s.sessions.Len() >= s.cfg.SessionsMax {
		least, _ := s.recent.Min()
		s.dropSession(least)
	}
	s.addSession(use)
	return use
}

// remember stores the results of the request that use was admitted for, if there is room for them; use is void then.
func (s *Store) remember(use *session, seq uint64, results []wire.Result) {
	s.scratch = appendResults(s.scratch[:0], results)
	defer s.tidyScratch()
	o := &outcome{client: use.client, seq: seq, results: s.scratch}
	if sessionOverhead+use.bytes+o.size() > s.cfg.SessionBytes {
		s.dropSession(use)
		return
	}
	o.results = append([]byte(nil), s.scratch...)
	o.hash = o.digest()
	if old, replaced := s.outcomes.Get(o); replaced { // only by a planted bug
		s.removeOutcome(old)
		use.outcomes, use.bytes = use.outcomes-1, use.bytes-old.size()
	}
	s.addOutcome(o)
	use.outcomes, use.bytes = use.outcomes+1, use.bytes+o.size()
	s.fitSessions()
}

// fitSessions drops the least recently used sessions until the others take no more than they may. The one in use fits alone.
func (s *Store) fitSessions() {
	for s.sessionBytes > s.cfg.SessionBytes {
		least, ok := s.recent.Min()
		if !ok {
			return // a planted bug's sums are wrong
		}
		s.dropSession(least)
	}
}

// tidyScratch gives back what a large result took.
func (s *Store) tidyScratch() {
	if cap(s.scratch) > 1<<16 {
		s.scratch = nil
	}
}

// idle reports whether a session has expired.
func (s *Store) idle(e *session) bool { return s.time-e.usedAt >= s.cfg.SessionTTL }

// expireSessions drops the sessions that were idle longest, if they have expired.
func (s *Store) expireSessions() {
	for range sessionsExpireMax {
		least, ok := s.recent.Min()
		if !ok || !s.idle(least) {
			return
		}
		s.dropSession(least)
	}
}

func (s *Store) dropSession(e *session) {
	s.dropOutcomes(e.client, math.MaxUint64)
	s.removeSession(e)
}

// dropOutcomes forgets a client's outcomes up to a sequence number and returns how many there were, and what they took.
func (s *Store) dropOutcomes(client, last uint64) (dropped int, bytes int64) {
	for {
		var first *outcome
		s.outcomes.Ascend(&outcome{client: client}, func(o *outcome) bool {
			first = o
			return false
		})
		if first == nil || first.client != client || first.seq > last {
			return dropped, bytes
		}
		s.removeOutcome(first)
		dropped, bytes = dropped+1, bytes+first.size()
	}
}

func (s *Store) addSession(e *session) {
	s.sessions.Set(e)
	s.recent.Set(e)
	s.sums.sessions += e.digest()
	s.sessionBytes += sessionOverhead
}

func (s *Store) removeSession(e *session) {
	s.sessions.Delete(e)
	s.recent.Delete(e)
	s.sums.sessions -= e.digest()
	s.sessionBytes -= sessionOverhead
}

func (s *Store) addOutcome(o *outcome) {
	s.outcomes.Set(o)
	s.sums.outcomes += o.hash
	s.sessionBytes += o.size()
}

func (s *Store) removeOutcome(o *outcome) {
	s.outcomes.Delete(o)
	s.sums.outcomes -= o.hash
	s.sessionBytes -= o.size()
}

func (o *outcome) size() int64 { return int64(len(o.results)) + outcomeOverhead }

// appendResults appends the form in which results are remembered: their number, then each
// one's length in four bytes and its binary form.
func appendResults(b []byte, results []wire.Result) []byte {
	b = binary.AppendUvarint(b, uint64(len(results)))
	for i := range results {
		start := len(b)
		b = wire.AppendResult(append(b, 0, 0, 0, 0), &results[i])
		binary.LittleEndian.PutUint32(b[start:], uint32(len(b)-start-4))
	}
	return b
}

// decodeResults undoes appendResults. The results alias b.
func decodeResults(b []byte) ([]wire.Result, error) {
	count, n := binary.Uvarint(b)
	if n <= 0 || count > uint64(len(b)-n)/4 {
		return nil, errors.New("number of results is malformed")
	}
	b = b[n:]
	results := make([]wire.Result, count)
	for i := range results {
		if len(b) < 4 || uint64(binary.LittleEndian.Uint32(b)) > uint64(len(b)-4) {
			return nil, errors.New("a result is cut off")
		}
		end := 4 + int(binary.LittleEndian.Uint32(b))
		r, err := wire.DecodeResult(b[4:end:end])
		if err != nil {
			return nil, err
		}
		results[i], b = *r, b[end:]
	}
	if len(b) > 0 {
		return nil, errors.New("more follows the results")
	}
	return results, nil
}

// decode returns the remembered results. They alias the outcome.
func (o *outcome) decode() []wire.Result {
	results, err := decodeResults(o.results) // we encoded them, or checked them when we restored them
	if err != nil {
		invariant.Check(false, "the outcome of client %d's request %d does not decode: %v", o.client, o.seq, err)
	}
	return results
}
