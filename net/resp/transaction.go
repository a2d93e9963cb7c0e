package resp

import (
	"fmt"
	"slices"

	"torc/core/wire"
)

// A transaction is what a connection has queued since MULTI. All its keys are of one slot, and so of one shard, where EXEC is one request: one entry of the
// shard's log, with nothing in between. What does not fit is refused when it is queued, as early as its client can know of it. With
// Options.SplitTransactions the keys may be of many slots: then it is one request for each shard, and no transaction any more.
//
// What is queued is copied: a few bytes must not keep the buffer that they came in. It counts as what the connection holds (crowd.go), for it
// may stay for as long as the client likes.

const (
	noSlot      = -1
	queuedBytes = 128 // of a queued command beside its arguments
)

// queued is one command of a transaction.
type queued struct {
	spec *command
	args [][]byte
}

type transaction struct {
	commands []queued
	slot     int  // of its keys; noSlot: there are none
	several  bool // there are keys of several slots
	reads    bool // nothing in it writes
	keys     int  // and commands that have none
	bytes    int
	broken   bool   // a command was refused: EXEC does nothing
	cause    string // why, where Redis has no words for it
}

// aborted is EXEC's answer to a transaction that is broken. Some libraries show their users no other one (go-redis).
func (t *transaction) aborted() string {
	if t.cause != "" {
		return errAbortedFor + t.cause
	}
	return errAborted
}

// breakOff notes that a command was refused. The cause is told if it is none of those that Redis has.
func (c *conn) breakOff(cause string) {
	if c.multi == nil || c.multi.broken {
		return
	}
	c.multi.broken, c.multi.cause = true, cause
	c.multi.commands = nil
	c.holdsMulti(0, 0)
}

// reject replies to a command that is neither carried out nor queued.
func (c *conn) reject(text string) {
	c.breakOff("")
	c.replyError(text)
}

// queue takes a command into the transaction, or refuses it.
func (r *request) queue() {
	switch text, cause := r.unfit(); {
	case text != "":
		r.breakOff(cause)
		r.fail(text)
	default:
		r.keepQueued()
		r.simple("QUEUED")
	}
}

// unfit says why a command cannot be queued, and what EXEC is to tell of it beyond what Redis and its libraries know.
func (r *request) unfit() (text, cause string) {
	if r.spec.has("no_multi") {
		return errNotInMulti, ""
	}
	if text = unfitForMulti(r.spec, r.args); text == "" {
		text = r.overMulti()
	}
	switch {
	case text != "" || r.spec.first == 0:
		return text, text
	case r.notReady() != "":
		return r.notReady(), ""
	case !r.together():
		return r.crossing(), r.crossing()
	}
	return r.moved(), ""
}

// overMulti says that the command is too much for the transaction.
func (r *request) overMulti() string {
	t, o := r.multi, &r.srv.opts
	keys, bytes := 1, queuedSize(r.args)
	if r.spec.first > 0 {
		keys = r.keyCount()
	}
	if t.keys+keys > o.shardKeysMost() || t.bytes+bytes > o.transactionMost() {
		return errTransactionSize(o.shardKeysMost(), o.transactionMost())
	}
	t.keys, t.bytes = t.keys+keys, t.bytes+bytes
	return ""
}

// together notes the slot of the command's keys, and reports whether they can be in the transaction with the others.
func (r *request) together() bool {
	t := r.multi
	slot, same := r.slot()
	if at, watches := r.watchedSlot(); watches && at != slot {
		same = false
	}
	if t.slot != noSlot && t.slot != int(slot) {
		same = false
	}
	if !same && !r.mayCross() {
		return false
	}
	t.slot, t.several = int(slot), t.several || !same
	return true
}

// crossing says what to do about keys of several slots. Whoever uses a library that gives them no choice can only have the nodes allow it, if it would be allowed.
func (r *request) crossing() string {
	if _, watches := r.watchedSlot(); watches || r.srv.opts.SplitTransactions || r.srv.opts.Redirect {
		return errCrossMulti
	}
	return errCrossMulti + ", or start the nodes with --split-transactions"
}

// mayCross reports whether a transaction may have keys of several slots.
func (r *request) mayCross() bool {
	_, watches := r.watchedSlot()
	return r.srv.opts.SplitTransactions && !r.srv.opts.Redirect && !watches
}

// keepQueued adds the command to the transaction.
func (r *request) keepQueued() {
	t := r.multi
	if t.broken {
		return // as in Redis it is said to be queued, and forgotten
	}
	t.commands = append(t.commands, queued{spec: r.spec, args: r.ownArgs()})
	t.reads = t.reads && (r.spec.first == 0 || r.spec.has("readonly"))
	r.holdsMulti(len(t.commands), t.bytes)
}

// ownArgs are the arguments as they can be kept: long ones lie in a buffer of about their size.
func (r *request) ownArgs() [][]byte {
	args, size := slices.Clone(r.args), 0
	for _, a := range args {
		size += len(a)
	}
	if size >= chunkMax {
		r.in.keep()
		return args
	}
	buf := make([]byte, 0, size)
	for i, a := range args {
		from := len(buf)
		buf = append(buf, a...)
		args[i] = buf[from:len(buf):len(buf)]
	}
	return args
}

func queuedSize(args [][]byte) int {
	size := queuedBytes
	for _, a := range args {
		size += len(a) + spanBytes
	}
	return size
}

// transactionMost is how many bytes a transaction may queue: what one request may have.
func (o *Options) transactionMost() int { return min(o.QueryBufferMax, wire.RequestMax) }

func errTransactionSize(keys, bytes int) string {
	return fmt.Sprintf("ERR the transaction has more than %d keys or commands, or %d bytes: nothing of it is done, send less at a time", keys, bytes)
}

// holdsMulti notes how many commands the transaction has, and what they take.
func (c *conn) holdsMulti(commands, bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.carries(bytes - c.multiBytes)
	c.multiCount, c.multiBytes = commands, bytes
	c.makeRoom()
	c.gone = c.dead
}

// endMulti forgets the transaction, and what was watched for it.
func (c *conn) endMulti() {
	c.multi = nil
	c.mu.Lock()
	c.multiCount, c.multiBytes = -1, 0
	c.mu.Unlock()
	c.unwatch()
}

// keyCount is how many keys the command names.
func (r *request) keyCount() int {
	first, last := r.spec.keyRange(len(r.args))
	return (last-first)/r.spec.step + 1
}
