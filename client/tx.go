package client

import (
	"fmt"
	"sync/atomic"
	"time"

	"torc/core/wire"
)

// Tx is a transaction: commands on keys of one hash slot that Client.Commit has done as one, in the order in which they were added, with nothing
// of anybody else's in between. A {tag} that keys have in common puts them into one slot: {cart:7}items and {cart:7}count.
//
// A Tx is done once at most. After ErrConflict and ErrRefused, when nothing of it was done, it may be committed again as it is; when it was done, or that is unknown, it is
// of no more use but for its results. It is not safe for use by several goroutines at a time.
type Tx struct {
	commands []wire.Command
	memory   arena // of their keys and values
	writes   bool

	slotKey string // the first one, whose slot is that of all
	slot    uint16
	fault   error // the first thing that was wrong with what was added
	update  bool  // it is Update's to commit, and to guard

	state   atomic.Int32  // a txState
	failure error         // of the last time it was committed, when nothing was done or that is unknown
	results []wire.Result // of the commands, when they were done
}

type txState = int32

const (
	txOpen    txState = iota // it may be added to, and committed
	txRunning                // it is being committed
	txDone                   // all was done
	txUnknown                // or perhaps
)

// NewTx returns an empty transaction.
func NewTx() *Tx { return &Tx{} }

// IfVersion makes the whole transaction conditional: a key must have this version (see Value; 0: it must be absent) when the transaction is done.
// Otherwise nothing of it is done, and Commit's error is ErrConflict. It counts what was before the transaction, wherever it is added.
func (tx *Tx) IfVersion(key string, version uint64) {
	who := call{op: "ifversion", key: key}
	if tx.update {
		tx.fail(who.invalid("Update makes the conditions: name the key among its keys, and look at what it holds"))
		return
	}
	_, _ = tx.add(who, wire.Command{Op: wire.OpGuard, Version: version}, false) // Commit tells what is wrong
}

// IfAbsent is IfVersion with version 0: the key must be absent.
func (tx *Tx) IfAbsent(key string) { tx.IfVersion(key, 0) }

// Get reads a key, as Client.Get does: with what the transaction has done to it before.
func (tx *Tx) Get(key string) *Pending[Value] {
	return pend(tx, call{op: "get", key: key}, wire.Command{Op: wire.OpGet}, valueOf)
}

// Set writes a key; its result is the new version. A condition (IfAbsent, IfPresent, IfVersion) is none of its options here, for it would leave the rest of the
// transaction unconditional: Tx.IfVersion and Tx.IfAbsent are for all of it.
func (tx *Tx) Set(key string, value []byte, options ...SetOption) *Pending[uint64] {
	who := call{op: "set", key: key}
	cmd, noCopy, err := setCommand(who, value, options)
	if err == nil && cmd.Flags != 0 {
		err = who.invalid("a condition is one of the whole transaction: Tx.IfVersion, Tx.IfAbsent")
	}
	if err != nil {
		tx.fail(err)
		return &Pending[uint64]{fault: err}
	}
	return pended(tx, who, cmd, noCopy, versionOf)
}

// Delete removes a key; its result is whether it was there.
func (tx *Tx) Delete(key string) *Pending[bool] {
	return pend(tx, call{op: "delete", key: key}, wire.Command{Op: wire.OpDelete}, boolOf)
}

// GetDelete reads a key and removes it.
func (tx *Tx) GetDelete(key string) *Pending[Value] {
	return pend(tx, call{op: "getdelete", key: key}, wire.Command{Op: wire.OpGetDelete}, valueOf)
}

// Append adds text at the end of what a key holds; its result is the new length in bytes.
func (tx *Tx) Append(key string, text []byte) *Pending[int64] {
	return pend(tx, call{op: "append", key: key}, wire.Command{Op: wire.OpAppend, Value: text}, intOf)
}

// Increment adds delta to the integer that a key holds; its result is the sum. What the key holds may be no integer, or the sum too large: then this command alone
// is not done, and Commit's error is ErrPartial.
func (tx *Tx) Increment(key string, delta int64) *Pending[int64] {
	return pend(tx, call{op: "increment", key: key}, wire.Command{Op: wire.OpIncr, Delta: delta}, intOf)
}

// Expire makes a key expire after ttl (at least 1 ms). There is no result but the error: ErrNotFound when the key is absent.
func (tx *Tx) Expire(key string, ttl time.Duration) *Pending[struct{}] {
	who := call{op: "expire", key: key}
	cmd, err := expireCommand(who, ttl)
	if err != nil {
		tx.fail(err)
		return &Pending[struct{}]{fault: err}
	}
	return pend(tx, who, cmd, presentOf)
}

// Persist takes a key's expiry away; its result is whether it had one.
func (tx *Tx) Persist(key string) *Pending[bool] {
	return pend(tx, call{op: "persist", key: key}, wire.Command{Op: wire.OpPersist}, boolOf)
}

// TTL asks how long a key has to live; its result is that, or NoExpiry.
func (tx *Tx) TTL(key string) *Pending[time.Duration] {
	return pend(tx, call{op: "ttl", key: key}, wire.Command{Op: wire.OpTTL}, ttlOf)
}

// add takes a command, whose bytes it makes the transaction's own unless noCopy, and returns its number; or what is wrong with it.
func (tx *Tx) add(who call, cmd wire.Command, noCopy bool) (int, error) {
	if err := tx.refuses(who); err != nil {
		tx.fail(err)
		return 0, err
	}
	cmd.Key = tx.memory.copyString(who.key)
	if !noCopy {
		cmd.Value = tx.memory.copy(cmd.Value)
	}
	tx.writes = tx.writes || cmd.Op.IsWrite()
	tx.commands = append(tx.commands, cmd)
	return len(tx.commands) - 1, nil
}

// refuses says why a command cannot be added.
func (tx *Tx) refuses(who call) error {
	if tx.state.Load() != txOpen {
		return who.fail(nil, "it was added to a transaction that has been committed", ErrInvalid)
	}
	slot := wire.Slot([]byte(who.key))
	switch {
	case len(tx.commands) == 0:
		tx.slotKey, tx.slot = who.key, slot
	case slot != tx.slot:
		return who.invalid(fmt.Sprintf("it is in another hash slot than %q of the same transaction: give both the same {tag}, as in {cart:7}items and {cart:7}count", tx.slotKey))
	}
	return nil
}

// fail remembers the first thing that is wrong, which Commit returns.
func (tx *Tx) fail(err error) {
	if tx.fault == nil {
		tx.fault = err
	}
}

// Pending is what a command of a transaction comes to, once that is committed.
type Pending[T any] struct {
	tx    *Tx
	at    int // among its commands
	who   call
	of    func(call, wire.Result) (T, error)
	fault error // it was not added
}

func pend[T any](tx *Tx, who call, cmd wire.Command, of func(call, wire.Result) (T, error)) *Pending[T] {
	return pended(tx, who, cmd, false, of)
}

func pended[T any](tx *Tx, who call, cmd wire.Command, noCopy bool, of func(call, wire.Result) (T, error)) *Pending[T] {
	at, err := tx.add(who, cmd, noCopy)
	return &Pending[T]{tx: tx, at: at, who: who, of: of, fault: err}
}

// Result is what the command has answered, as the method of Client that has its name would return it. The error is Commit's when nothing was done or that is unknown, and
// ErrInvalid before Commit.
func (p *Pending[T]) Result() (none T, err error) {
	if p.fault != nil {
		return none, p.fault
	}
	r, err := p.tx.result(p.at, p.who)
	if err != nil {
		return none, err
	}
	return p.of(p.who, r)
}

// Err is the error of Result.
func (p *Pending[T]) Err() error {
	_, err := p.Result()
	return err
}

// result is what a command was answered with.
func (tx *Tx) result(at int, who call) (wire.Result, error) {
	switch state := tx.state.Load(); {
	case state == txDone:
		return tx.results[at], who.failed(&tx.results[at])
	case state == txRunning || tx.failure == nil:
		return wire.Result{}, who.fail(nil, "its transaction has not been committed", ErrInvalid)
	}
	return wire.Result{}, tx.failure
}
