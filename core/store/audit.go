package store

import (
	"errors"
	"fmt"

	"torc/core/invariant"
)

// audit stops the node when what is kept incrementally is not what the trees say. It walks the
// whole state, so it runs only with expensive checks, where the state is walked anyway.
func (s *Store) audit() {
	if invariant.Expensive {
		if err := s.verify(); err != nil {
			invariant.Check(false, "shard %d: %v", s.cfg.Shard, err)
		}
	}
}

// verify computes from the trees all that is kept beside them.
func (s *Store) verify() error {
	var want sums
	var keyBytes, sessionBytes, leaseBytes int64
	due, count, cells := 0, 0, int64(s.keys.retired.Len())
	var wrong error
	var previous entry
	s.keys.ascend(s.first, s.last, func(e *entry) bool {
		want.keys += e.digest()
		keyBytes += e.size()
		count++
		if e.expireAt != 0 {
			due++
			if !s.keys.due.moved(e.ref, e.ref) {
				wrong = fmt.Errorf("key %q is not among those that expire", e.key)
			}
		}
		if count > 1 && compareEntries(previous, *e) >= 0 || e.order != s.cfg.Seed.order(e.key) || !s.owns(e.order) || e.version > s.version || e.retired {
			wrong = fmt.Errorf("key %q at %x, version %d, is out of place", e.key, e.order, e.version)
		}
		var found entry
		if !s.keys.find(e.key, e.order, &found) || found.ref != e.ref {
			wrong = fmt.Errorf("key %q at %x is not found", e.key, e.order)
		}
		previous = *e
		return wrong == nil
	})
	leaves, err := s.keys.verify()
	if wrong == nil {
		wrong = err
	}
	cells += int64(count + leaves)
	parts, err := s.keys.due.verify()
	if wrong == nil {
		wrong = err
	}
	cells += int64(parts)
	outcomes, outcomeBytes := 0, int64(0)
	s.outcomes.Scan(func(o *outcome) bool {
		want.outcomes += o.digest()
		sessionBytes += o.size()
		outcomes, outcomeBytes = outcomes+1, outcomeBytes+o.size()
		return true
	})
	s.sessions.Scan(func(e *session) bool {
		want.sessions += e.digest()
		sessionBytes += sessionOverhead
		outcomes, outcomeBytes = outcomes-e.outcomes, outcomeBytes-e.bytes
		if found, _ := s.recent.Get(e); found != e {
			wrong = fmt.Errorf("session %d is not among the recent ones", e.client)
		}
		return wrong == nil
	})
	s.leases.Scan(func(l *lease) bool {
		want.leases += l.digest()
		leaseBytes += l.size()
		if found, _ := s.ending.Get(l); found != l {
			wrong = fmt.Errorf("the lease of key %q is not among those that end", l.key)
		}
		return wrong == nil
	})
	switch {
	case wrong != nil:
		return wrong
	case want != s.sums:
		return fmt.Errorf("sums are %v, want %v", s.sums, want)
	case keyBytes != s.keyBytes || sessionBytes != s.sessionBytes:
		return fmt.Errorf("bytes are %d and %d, want %d and %d", s.keyBytes, s.sessionBytes, keyBytes, sessionBytes)
	case leaseBytes != s.leaseBytes || s.leases.Len() != s.ending.Len():
		return fmt.Errorf("%d leases of %d bytes, want %d of %d", s.leases.Len(), s.leaseBytes, s.ending.Len(), leaseBytes)
	case due != s.keys.due.count || count != s.keys.count || cells != s.keys.cells.Stats().Cells || outcomes != 0 || outcomeBytes != 0 || s.recent.Len() != s.sessions.Len():
		return errors.New("the indexes hold more than there is, or less")
	}
	return nil
}
