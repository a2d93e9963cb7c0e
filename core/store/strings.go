package store

import "torc/core/wire"

// set does SET key value [NX | XX] [GET] [EX .. | KEEPTTL].
//
// See https://redis.io/docs/latest/commands/set/
func (s *Store) set(p *place, c *wire.Command) wire.Result {
	expireAt, ok := s.expiryOf(c, p.old)
	if !ok {
		return failure(wire.CodeInvalidExpire)
	}
	reply := wire.Result{Kind: wire.KindOK}
	if c.Flags&wire.FlagGet != 0 {
		reply = held(p.old)
	}
	if p.old != nil && c.Flags&wire.FlagNX != 0 || p.old == nil && c.Flags&wire.FlagXX != 0 {
		if c.Flags&wire.FlagGet == 0 {
			reply.Kind = wire.KindNil
		}
		return reply
	}
	if expireAt == 0 || expireAt > s.time {
		s.put(p, c.Value, nil, expireAt)
	} else if p.old != nil {
		s.drop(p) // set with a time in the past: gone as soon as it is there
	} else {
		s.revoke(p)
	}
	return reply
}

// delete does DEL key, for one key.
func (s *Store) delete(p *place) wire.Result {
	if p.old == nil {
		s.revoke(p) // what is being loaded may be what the caller wants gone
		return boolean(false)
	}
	s.drop(p)
	return boolean(true)
}

// getDelete does GETDEL key.
func (s *Store) getDelete(p *place) wire.Result {
	reply := held(p.old)
	if p.old == nil {
		s.revoke(p)
		return reply
	}
	s.drop(p)
	return reply
}

// appendValue does APPEND key value. It keeps the expiry.
func (s *Store) appendValue(p *place, c *wire.Command) wire.Result {
	old := valueOf(p.old)
	if len(c.Value) > s.cfg.MaxValue-len(old) {
		return failure(wire.CodeTooLong)
	}
	s.put(p, old, c.Value, p.expireAt())
	return integer(int64(len(p.old.value)))
}

// setRange does SETRANGE key offset value: zero bytes fill the gap before the offset. An empty
// value changes nothing. It keeps the expiry.
func (s *Store) setRange(p *place, c *wire.Command) wire.Result {
	if c.Start < 0 {
		return failure(wire.CodeOffset)
	}
	old := valueOf(p.old)
	if len(c.Value) == 0 {
		return integer(int64(len(old)))
	}
	if c.Start > int64(s.cfg.MaxValue)-int64(len(c.Value)) {
		return failure(wire.CodeTooLong)
	}
	value := make([]byte, max(len(old), int(c.Start)+len(c.Value)))
	copy(value, old)
	copy(value[c.Start:], c.Value)
	s.put(p, value, nil, p.expireAt())
	return integer(int64(len(value)))
}

// getRange does GETRANGE key start end: both ends are inside, negative ones count from the
// value's end. As in Redis 7 an end before the value's beginning means its first byte.
func getRange(value []byte, start, end int64) []byte {
	n := int64(len(value))
	if start < 0 && end < 0 && start > end {
		return nil
	}
	if start < 0 {
		start = max(0, n+start)
	}
	if end < 0 {
		end = max(0, n+end)
	}
	end = min(end, n-1)
	if start > end {
		return nil
	}
	return value[start : end+1]
}
