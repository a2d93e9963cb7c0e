package session

import "torc/core/wire"

// spares are parts and attempts that are over and done with: the next ones are made of them. What ends while the brain is at
// work is spare only when it has come to rest (see leave): somebody up the stack may still look at it.
type spares struct {
	parts, overParts       []*part
	attempts, overAttempts []*attempt
}

// sparesMax bounds what is kept: a burst must not hold its memory for ever.
const sparesMax = 1024

func (b *Brain) newPart(op *Call, shard wire.ShardID, write bool) *part {
	var p *part
	if last := len(b.spares.parts) - 1; last >= 0 {
		p = b.spares.parts[last]
		b.spares.parts = b.spares.parts[:last]
	} else {
		p = &part{timer: timer{index: -1}}
		p.timer.part = p
	}
	p.op, p.shard, p.write, p.backoff = op, shard, write, b.cfg.RetryMin
	return p
}

// over says that nothing refers to a part any more but those who are at work on it.
func (s *spares) over(p *part) { s.overParts = append(s.overParts, p) }

func (b *Brain) newAttempt() *attempt {
	if last := len(b.spares.attempts) - 1; last >= 0 {
		a := b.spares.attempts[last]
		b.spares.attempts = b.spares.attempts[:last]
		return a
	}
	return &attempt{}
}

func (s *spares) overAttempt(a *attempt) { s.overAttempts = append(s.overAttempts, a) }

// rest makes what is over spare. Slices keep their memory, but not what is in it.
func (s *spares) rest() {
	for i, p := range s.overParts {
		s.overParts[i] = nil
		if len(s.parts) < sparesMax {
			clear(p.pending)
			*p = part{timer: timer{index: -1, part: p}, pending: p.pending[:0], useless: p.useless[:0]}
			s.parts = append(s.parts, p)
		}
	}
	s.overParts = s.overParts[:0]
	for i, a := range s.overAttempts {
		s.overAttempts[i] = nil
		if len(s.attempts) < sparesMax {
			*a = attempt{}
			s.attempts = append(s.attempts, a)
		}
	}
	s.overAttempts = s.overAttempts[:0]
}
