package client

import (
	"context"
	"fmt"

	"torc/core/session"
	"torc/core/wire"
)

// Commit has a transaction done: all of its commands as one, or nothing.
//
//   - nil: all was done.
//   - ErrConflict: a condition (Tx.IfVersion, Tx.IfAbsent) did not hold, and nothing was done.
//   - ErrRefused: nothing was done.
//   - ErrUnknown: all may have been done, or nothing, or all may yet be. The client has retried as long as it was given time, and it is done once at
//     most; the same Tx is not committed again.
//   - ErrPartial: all was done but the commands that fail by what their key holds, as an Increment of something that is no integer. Each one's Result says. Nothing is rolled
//     back, so where that may happen read first, compute, and Set under a condition: Update does so.
//
// Keys of two slots, and what Set or Expire does not take, are ErrInvalid (and ErrRefused), before anything is sent. A transaction is one request, so its commands may
// together be as large as two of the largest values that the nodes take (--max-value), and its answers are bounded together (Options.MaxMessage). What one that writes
// reads besides is kept by the shard for as long as the client might ask again: read large values by a transaction that only reads, or by Update. An empty
// transaction is done without asking anybody.
func (c *Client) Commit(ctx context.Context, tx *Tx) error {
	who := call{op: "commit"}
	if tx.update {
		return who.invalid("Update commits it, when the function that was given to Update has returned nil")
	}
	return c.commit(ctx, who, tx)
}

func (c *Client) commit(ctx context.Context, who call, tx *Tx) error {
	if tx.fault == nil && len(tx.commands) == 0 {
		return nil
	}
	if err := tx.begin(who, c.requestMax()); err != nil {
		return err
	}
	w := c.engine.waiter()
	w.many(tx.commands)
	w.call.Atomic = true
	err := c.run(ctx, who, w)
	if err == nil {
		who.ended = w.ended
		err = tx.take(who, w.call.Items)
		w.free()
	}
	tx.conclude(err)
	return err
}

// requestMax is how many bytes one request may have. A longer one would break the stream to a node, with all that others have asked there; and of what was sent
// again after that nobody could say that it was not taken.
func (c *Client) requestMax() int {
	if m := c.engine.cmap.Load(); m != nil && m.Limits.MaxValue > 0 {
		return 2 * int(min(wire.RequestMax/2, m.Limits.MaxValue))
	}
	return wire.RequestMax
}

// begin says what forbids that a transaction is committed, or makes the caller the only one who does so.
func (tx *Tx) begin(who call, most int) error {
	size := (&wire.Request{Commands: tx.commands}).Size()
	switch state := tx.state.Load(); {
	case state == txDone:
		return who.fail(nil, "the transaction has been done: another one is another Tx", ErrInvalid)
	case state != txOpen:
		return who.again()
	case tx.fault != nil:
		return tx.fault
	case len(tx.commands) > wire.RequestCommands:
		return who.invalid(fmt.Sprintf("%d commands: a transaction has %d at most", len(tx.commands), wire.RequestCommands))
	case size > most:
		return who.invalid(fmt.Sprintf("too large: it has %d bytes, and a transaction on this cluster %d at most (twice --max-value)", size, most))
	case !tx.state.CompareAndSwap(txOpen, txRunning):
		return who.again()
	}
	return nil
}

// again is the error of a commit that comes after one in doubt, or beside one. It is no refusal: that would be taken for a word on the other.
func (c call) again() error {
	return c.fail(nil, "the transaction has been committed before, and may have been done: look at its keys, and make another Tx", ErrUnknown, ErrInvalid)
}

// take takes the answers.
func (tx *Tx) take(who call, items []session.Item) error {
	for i := range items {
		if item := &items[i]; item.Outcome != wire.OutcomeOK || item.Result.Kind == wire.KindError && item.Result.Code == wire.CodeGuard {
			return who.check(item)
		}
	}
	tx.results = make([]wire.Result, len(items))
	var partial error
	for i := range items {
		r := &items[i].Result
		tx.results[i] = *r
		if r.Kind == wire.KindError && partial == nil {
			partial = call{op: who.op, key: string(tx.commands[i].Key)}.fail(nil, r.Code.Text(), ErrPartial, ErrInvalid)
		}
	}
	return partial
}

// conclude notes what came of it. What was surely not done may be committed again.
func (tx *Tx) conclude(err error) {
	tx.failure = err
	switch {
	case tx.results != nil:
		tx.state.Store(txDone)
	case MaybeApplied(err) && tx.writes:
		tx.state.Store(txUnknown)
	default:
		tx.state.Store(txOpen)
	}
}
