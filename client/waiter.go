package client

import (
	"bytes"
	"slices"
	"sync"
	"time"

	"torc/core/session"
	"torc/core/wire"
)

// waiter is one call under way, and the memory that it needs: those that have ended are used again.
type waiter struct {
	call   session.Call
	engine *engine
	done   chan struct{} // has room for one

	into  []byte // a reader's own memory for what it reads, or nil
	asked bool   // there is such memory

	ended error // the context's error, when that ended the call before the brain had

	patience time.Duration // how long the call may take, if that is more than Options.Timeout

	command [1]wire.Command
	item    [1]session.Item
	memory  []byte         // what the command is made of
	list    []wire.Command // of a call on many keys
	items   []session.Item
	chunk   []byte // what many small results are made of
}

// Bounds of the memory that values take.
const (
	keepMax   = 4 << 10  // bytes that a small value may keep in memory beside its own
	memoryMax = 64 << 10 // bytes that a waiter keeps for its next call
	listMax   = 1024     // and commands
)

var waiters = sync.Pool{New: func() any { return &waiter{done: make(chan struct{}, 1)} }}

func (e *engine) waiter() *waiter {
	w := waiters.Get().(*waiter)
	w.engine, w.call.Caller = e, w
	return w
}

// single readies a waiter for one command, whose bytes it makes its own: the key, and unless noCopy the value.
func (w *waiter) single(key string, cmd *wire.Command, noCopy bool) {
	w.memory = append(w.memory[:0], key...)
	if !noCopy {
		w.memory = append(w.memory, cmd.Value...)
	}
	w.command[0] = *cmd
	w.command[0].Key = w.memory[:len(key):len(key)]
	if !noCopy && cmd.Value != nil {
		w.command[0].Value = w.memory[len(key):]
	}
	w.call.Commands, w.call.Items = w.command[:], w.item[:]
}

// many readies it for commands that nobody changes any more.
func (w *waiter) many(cmds []wire.Command) {
	w.call.Commands, w.call.Items = cmds, w.items
}

// on readies it for the same command on many keys.
func (w *waiter) on(keys []string, op wire.Op) {
	size := 0
	for _, key := range keys {
		size += len(key)
	}
	w.memory = slices.Grow(w.memory[:0], size) // it must not move any more
	w.list = slices.Grow(w.list[:0], len(keys))
	for _, key := range keys {
		from := len(w.memory)
		w.memory = append(w.memory, key...)
		w.list = append(w.list, wire.Command{Op: op, Key: w.memory[from:len(w.memory):len(w.memory)]})
	}
	w.many(w.list)
}

// free gives the memory back. What was read from the items stays.
func (w *waiter) free() {
	if items := w.call.Items; len(items) > 1 {
		clear(items)
		w.items = items[:0]
	}
	clear(w.list)
	if cap(w.list) > listMax || cap(w.items) > listMax {
		w.list, w.items = nil, nil
	}
	w.call = session.Call{}
	w.engine, w.into, w.asked, w.chunk, w.patience, w.ended = nil, nil, false, nil, 0, nil
	w.command[0], w.item[0] = wire.Command{}, session.Item{}
	if cap(w.memory) > memoryMax {
		w.memory = nil
	}
	waiters.Put(w)
}

// Keep copies what a result points to out of the memory that it was received in. A large value is left where it is, with
// the memory around it.
func (w *waiter) Keep(r *wire.Result) {
	switch {
	case w.asked && r.Kind == wire.KindBytes:
		w.into = append(w.into[:0], r.Value...)
		r.Value = w.into
	case r.Value == nil:
	case len(r.Value) > keepMax && len(r.Value) > w.engine.size/2:
		w.engine.kept = true
	case len(w.call.Commands) > 1 && len(r.Value) <= keepMax/4:
		r.Value = w.carve(r.Value)
	default:
		r.Value = bytes.Clone(r.Value)
	}
	if len(r.List) > 0 {
		list := make([][]byte, len(r.List))
		for i, b := range r.List {
			list[i] = w.carve(b)
		}
		r.List = list
	}
}

// carve copies a small value into memory that it shares with others.
func (w *waiter) carve(b []byte) []byte {
	if len(b) > cap(w.chunk)-len(w.chunk) {
		w.chunk = make([]byte, 0, max(keepMax, len(b)))
	}
	from := len(w.chunk)
	w.chunk = append(w.chunk, b...)
	return w.chunk[from:len(w.chunk):len(w.chunk)]
}

// Done wakes the caller.
func (w *waiter) Done(*session.Call) { w.done <- struct{}{} }
