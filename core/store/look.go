package store

import "torc/core/wire"

// Look answers one read as Read does, without a copy: the result's value is the store's own memory, and good only until
// anything else is done to the store. ok is false for what must be read in the ordinary way: commands that go over many keys
// or change something, keys that are due by now but not by log time (Read's needsTick), keys of other shards.
func (s *Store) Look(c *wire.Command, now int64) (r wire.Result, ok bool) {
	switch c.Op {
	case wire.OpGet, wire.OpStrLen, wire.OpExists, wire.OpType, wire.OpTTL, wire.OpExpireTime, wire.OpGetRange:
	default:
		return r, false
	}
	order := s.cfg.Seed.order(c.Key)
	if c.Flags != 0 || !s.owns(order) {
		return r, false
	}
	v := view{Store: s, expired: s.time, now: max(now, s.time)}
	e := s.find(c.Key, order)
	if !v.sees(e) {
		e = nil
	}
	switch {
	case v.needsTick:
		return r, false
	case c.Op != wire.OpGet:
		return v.answer(c, e), true
	case e == nil:
		return wire.Result{Kind: wire.KindNil}, true
	}
	return wire.Result{Kind: wire.KindBytes, Value: e.value, Version: e.version}, true
}
