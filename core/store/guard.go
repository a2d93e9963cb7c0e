package store

import "torc/core/wire"

// Guards (wire.OpGuard) are compared before anything of their request is done, and with what was before it: a request that changes a key and guards it too
// is not at its own mercy. Most requests have none.

// guarded reports whether a guard among a request's commands forbids it. The first command is the batch's number at.
func (s *Store) guarded(commands []wire.Command, at int) bool {
	for i := range commands {
		if commands[i].Op == wire.OpGuard {
			v := view{Store: s, expired: s.time, now: s.time}
			if !v.meets(&commands[i], s.order(at+i)) {
				return true
			}
		}
	}
	return false
}

// guarded is the same for what is only read.
func (v *view) guarded(commands []wire.Command) bool {
	for i := range commands {
		if c := &commands[i]; c.Op == wire.OpGuard && !v.meets(c, v.cfg.Seed.order(c.Key)) {
			return true
		}
	}
	return false
}

// meets reports whether a guard's key, which is of that order, has the version that it wants. A key of another shard never has.
func (v *view) meets(c *wire.Command, order uint64) bool {
	if !v.owns(order) {
		return false
	}
	e := v.find(c.Key, order)
	if !v.sees(e) {
		return c.Version == 0
	}
	return c.Version == e.version
}

// unmet answers a request of which nothing was done.
func unmet(results []wire.Result) {
	for i := range results {
		results[i] = failure(wire.CodeGuard)
	}
}
