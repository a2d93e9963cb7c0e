package store

import (
	"math"
	"strconv"

	"torc/core/wire"
)

// incr does INCRBY key delta; an absent key counts as 0. It keeps the expiry.
//
// See https://redis.io/docs/latest/commands/incrby/
func (s *Store) incr(p *place, c *wire.Command) wire.Result {
	n := int64(0)
	if p.old != nil {
		var ok bool
		if n, ok = parseInteger(p.old.value); !ok {
			return failure(wire.CodeNotInteger)
		}
	}
	if c.Delta > 0 && n > math.MaxInt64-c.Delta || c.Delta < 0 && n < math.MinInt64-c.Delta {
		return failure(wire.CodeOverflow)
	}
	n += c.Delta
	var digits [20]byte
	s.put(p, strconv.AppendInt(digits[:0], n, 10), nil, p.expireAt())
	return integer(n)
}

// parseInteger reads an integer as Redis's string2ll does: only the form that Redis itself
// would print is one. So "01", "+1", "-0" and " 1" are not.
func parseInteger(b []byte) (n int64, ok bool) {
	negative := len(b) > 0 && b[0] == '-'
	digits := b
	if negative {
		digits = b[1:]
	}
	if len(digits) == 0 || len(digits) > 19 || digits[0] == '0' && len(b) > 1 {
		return 0, false
	}
	magnitude := uint64(0) // of 19 digits: no overflow
	for _, d := range digits {
		if d < '0' || d > '9' {
			return 0, false
		}
		magnitude = magnitude*10 + uint64(d-'0')
	}
	if negative {
		return -int64(magnitude), magnitude <= -math.MinInt64
	}
	return int64(magnitude), magnitude <= math.MaxInt64
}
