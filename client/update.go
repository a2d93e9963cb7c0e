package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// Snapshot is what Update has read: the keys as they were at one instant.
type Snapshot struct {
	keys  map[string]*Pending[Value]
	wrong error // the function has asked for a key that was not read
}

// Get returns what a key holds, and whether it is there. It must be one of the keys that were given to Update: of any other nothing is
// known, so that Update commits nothing then, and its error is ErrInvalid.
func (s *Snapshot) Get(key string) (v Value, found bool) {
	p := s.keys[key]
	if p == nil {
		if s.wrong == nil {
			s.wrong = call{op: "update", key: key}.invalid("it is looked at, but was not read: name it among the keys of Update")
		}
		return Value{}, false
	}
	v, err := p.Result()
	return v, err == nil
}

// Update reads keys, which must be of one hash slot (see Tx), at one instant, has change make a transaction of what they hold, and commits that if none of the keys was changed
// meanwhile. If one was it begins again, after a pause, for as long as the context allows; so change may be called several times, and should do
// nothing but add to its transaction. The transaction may write other keys of the slot, too.
//
// An error of change ends it, and is returned as it is; nothing was done then. Nor is anything when change adds nothing: then Update returns nil. Otherwise the error is that of
// Get, or of Commit, but no ErrConflict: when the context ends while others are faster each time, it is ErrRefused, and the context's error.
//
// Options.Timeout bounds each read and each commit, and the context the whole.
func (c *Client) Update(ctx context.Context, keys []string, change func(tx *Tx, now *Snapshot) error) error {
	for pause := updatePauseMin; ; pause = min(2*pause, updatePauseMax) {
		again, err := c.updateOnce(ctx, keys, change)
		if !again {
			return err
		}
		if err := rest(ctx, pause); err != nil {
			return call{op: "update"}.fail(err, "others changed the keys each time", ErrRefused)
		}
	}
}

// updateOnce reads, changes and commits, and reports whether to begin again, because somebody was faster.
func (c *Client) updateOnce(ctx context.Context, keys []string, change func(*Tx, *Snapshot) error) (again bool, err error) {
	now, err := c.snapshot(ctx, keys)
	if err != nil {
		return false, nothingDone(err)
	}
	tx := NewTx()
	for _, key := range keys {
		v, _ := now.keys[key].Result()
		tx.IfVersion(key, v.Version)
	}
	tx.update = true
	err = change(tx, now)
	switch {
	case now.wrong != nil:
		return false, now.wrong
	case err != nil:
		return false, err
	case tx.fault == nil && len(tx.commands) == len(keys):
		return false, nil
	}
	err = c.commit(ctx, call{op: "commit"}, tx)
	return isConflict(err), err
}

func (c *Client) snapshot(ctx context.Context, keys []string) (*Snapshot, error) {
	reads, now := NewTx(), &Snapshot{keys: make(map[string]*Pending[Value], len(keys))}
	for _, key := range keys {
		now.keys[key] = reads.Get(key)
	}
	return now, c.commit(ctx, call{op: "get"}, reads)
}

// nothingDone makes of a read's error that of a change that did not come to be: a read of which nothing is known has done nothing.
func nothingDone(err error) error {
	var e *Error
	if !MaybeApplied(err) || !errors.As(err, &e) {
		return err
	}
	refused := *e
	refused.kinds = append([]error{ErrRefused}, e.kinds[1:]...)
	return &refused
}

// How long Update waits before it begins again: at random up to this, and longer each time, so that many who want the same keys go one after the other.
const (
	updatePauseMin = 2 * time.Millisecond
	updatePauseMax = 128 * time.Millisecond
)

// rest waits for a time up to d, or until the context ends.
func rest(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(rand.N(d))
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}
