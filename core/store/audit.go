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
	due, previous := 0, item{}
	var wrong error
	s.keys.Scan(func(i item) bool {
		e := i.entry
		want.keys += e.digest()
		keyBytes += e.size()
		if e.expireAt != 0 {
			due++
			if found, _ := s.due.Get(e); found != e {
				wrong = fmt.Errorf("key %q is not among those that expire", e.key)
			}
		}
		if previous.entry != nil && !lessItem(previous, i) || i.order != orderOf(e.key) || !s.owns(i.order) || e.version > s.version {
			wrong = fmt.Errorf("key %q at %x, version %d, is out of place", e.key, i.order, e.version)
		}
		previous = i
		return wrong == nil
	})
	outcomes := 0
	s.outcomes.Scan(func(o *outcome) bool {
		want.outcomes += o.digest()
		sessionBytes += o.size()
		outcomes++
		return true
	})
	s.sessions.Scan(func(e *session) bool {
		want.sessions += e.digest()
		sessionBytes += sessionOverhead
		outcomes -= e.outcomes
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
	case due != s.due.Len() || outcomes != 0 || s.recent.Len() != s.sessions.Len():
		return errors.New("the indexes hold more than there is, or less")
	}
	return nil
}
