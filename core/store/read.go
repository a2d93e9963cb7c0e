package store

import (
	"torc/core/mutant"
	"torc/core/wire"
)

// Read answers commands that change nothing. now is the leader's estimate of the time in Unix
// milliseconds; below log time it counts as log time. Commands that are writes are answered with
// CodeUnsupported.
//
// When a command looks at a key that is alive by log time but whose expiry is not after now,
// needsTick is true and results is nil: the caller must advance log time to now by a batch
// (OpTick), apply it, and read again. So a key is never served later than its expiry by the
// leader's clock, and never comes back under a leader whose clock is behind.
//
// When the answers together are longer than wire.AnswerMax, for a request may name a large value many times, results is nil and
// needsTick false: there would be no bound on the memory for them, and no frame carries them.
//
// Results are copies.
func (s *Store) Read(cmds []wire.Command, now int64) (results []wire.Result, needsTick bool) {
	now = max(now, s.time)
	v := view{Store: s, expired: s.time, now: now}
	if mutant.On(mutant.TTLLocalClock) {
		v.expired = now
	}
	if v.guarded(cmds) && !v.needsTick {
		results = make([]wire.Result, len(cmds))
		unmet(results)
		return results, false
	}
	if v.needsTick {
		return nil, true
	}
	results = make([]wire.Result, len(cmds))
	size := 0
	var orders [aheadMax]uint64
	for from := 0; from < len(cmds); from += aheadMax {
		some := cmds[from:min(from+aheadMax, len(cmds))]
		for i := range some {
			orders[i] = s.cfg.Seed.order(some[i].Key)
		}
		s.peek(orders[:len(some)])
		for i := range some {
			results[from+i] = v.read(&some[i], orders[i])
			if v.needsTick {
				return nil, true
			}
			if size += results[from+i].Size(); size > wire.AnswerMax {
				return nil, false
			}
		}
	}
	return results, false
}

// view is how reads see the keys.
type view struct {
	*Store
	expired   int64 // keys that expire at or before it are absent: log time
	now       int64 // what time to live is counted from
	needsTick bool  // a key was met that is absent by now, but not by log time
}

// sees reports whether an entry is there for this view.
func (v *view) sees(e *entry) bool {
	if e == nil || e.expiredBy(v.expired) {
		return false
	}
	if e.expiredBy(v.now) {
		v.needsTick = true
	}
	return true
}

// read answers a command whose key, if it has one, is of that order.
func (v *view) read(c *wire.Command, order uint64) wire.Result {
	switch c.Op {
	case wire.OpScan:
		return v.scan(uint64(c.Start), c.End, c.Value)
	case wire.OpCount:
		return wire.Result{Kind: wire.KindInt, Int: int64(v.keys.count), Version: uint64(v.keys.due.count)}
	case wire.OpCountInSlot:
		return integer(v.countInSlot(c.Start))
	case wire.OpSlotKeys:
		return v.slotKeys(c.Start, c.End)
	}
	if !v.owns(order) {
		return failure(wire.CodeUnsupported)
	}
	e := v.find(c.Key, order)
	if !v.sees(e) {
		e = nil
	}
	return v.answer(c, e)
}

// answer answers a command on one key; e is nil when the key is absent.
func (v *view) answer(c *wire.Command, e *entry) wire.Result {
	switch c.Op {
	case wire.OpGet:
		r := held(e)
		if e != nil {
			r.Version = e.version
		}
		if c.Flags&wire.FlagLoad != 0 {
			r.Int = v.toLoad(c.Key, e)
		}
		return r
	case wire.OpStrLen:
		return integer(int64(len(valueOf(e))))
	case wire.OpGetRange:
		return text(getRange(valueOf(e), c.Start, c.End))
	case wire.OpExists:
		r := boolean(e != nil)
		if e != nil {
			r.Version = e.version
		}
		return r
	case wire.OpTouch:
		return boolean(e != nil)
	case wire.OpType:
		if e == nil {
			return text([]byte("none"))
		}
		return text([]byte("string"))
	case wire.OpTTL:
		return integer(timeToLive(e, v.now))
	case wire.OpExpireTime:
		return integer(expireTime(e))
	case wire.OpGuard:
		return wire.Result{Kind: wire.KindOK} // it is met, or nothing of its request is done
	}
	return failure(wire.CodeUnsupported)
}
