package client

import (
	"bytes"
	"context"

	"torc/core/wire"
)

// GetResult is one of GetMany's results: a value, or why there is none (ErrNotFound for an
// absent key).
type GetResult struct {
	Value
	Err error
}

// Entry is one of SetMany's writes.
type Entry struct {
	Key     string
	Value   []byte
	Options []SetOption
}

// SetResult is one of SetMany's results, as Set returns it.
type SetResult struct {
	Version uint64
	Err     error
}

// GetMany reads keys, all shards at the same time, and returns one result per key in their
// order. The values of one shard's keys (512 at a time) must fit Options.MaxMessage, and 255 MiB.
func (c *Client) GetMany(ctx context.Context, keys ...string) []GetResult {
	results := make([]GetResult, len(keys))
	c.many(ctx, "get", c.on(keys, wire.OpGet), keyOf(keys), func(i int, who call, r wire.Result, err error) {
		if err == nil {
			results[i].Value, err = valueOf(who, r)
		}
		results[i].Err = err
	})
	return results
}

// SetMany writes entries, all shards at the same time, and returns one result per entry in
// their order. Entries are independent of each other: some may be written and others not.
func (c *Client) SetMany(ctx context.Context, entries ...Entry) []SetResult {
	results := make([]SetResult, len(entries))
	cmds := make([]wire.Command, 0, len(entries))
	index := make([]int, 0, len(entries)) // of the entries that are sent
	var memory arena
	for i := range entries {
		e := &entries[i]
		cmd, noCopy, err := setCommand(call{op: "set", key: e.Key}, e.Value, e.Options)
		if results[i].Err = err; err != nil {
			continue
		}
		if !noCopy {
			cmd.Value = memory.copy(cmd.Value)
		}
		cmd.Key = memory.copyString(e.Key)
		cmds, index = append(cmds, cmd), append(index, i)
	}
	w := c.engine.waiter()
	w.many(cmds)
	c.many(ctx, "set", w, func(i int) string { return entries[index[i]].Key }, func(i int, who call, r wire.Result, err error) {
		if err == nil {
			results[index[i]].Version, err = versionOf(who, r)
		}
		results[index[i]].Err = err
	})
	return results
}

// DeleteResult is one of DeleteMany's results, as Delete returns it.
type DeleteResult struct {
	Deleted bool
	Err     error
}

// DeleteMany removes keys, all shards at the same time, and returns one result per key in their order.
func (c *Client) DeleteMany(ctx context.Context, keys ...string) []DeleteResult {
	results := make([]DeleteResult, len(keys))
	c.many(ctx, "delete", c.on(keys, wire.OpDelete), keyOf(keys), func(i int, _ call, r wire.Result, err error) {
		results[i] = DeleteResult{Deleted: r.Int > 0, Err: err}
	})
	return results
}

// many runs a waiter's commands and tells what each came to; key names the i-th one's key.
func (c *Client) many(ctx context.Context, op string, w *waiter, key func(int) string, each func(int, call, wire.Result, error)) {
	count := len(w.call.Commands)
	tell := func(i int, w *waiter, at int, err error) {
		who := call{op: op, key: key(i), ended: w.ended}
		if err != nil {
			each(i, who, wire.Result{}, err)
			return
		}
		item := &w.call.Items[at]
		each(i, who, item.Result, who.check(item))
	}
	if turns := c.turns(w.call.Commands); turns != nil {
		c.inTurns(ctx, op, w.call.Commands, turns, tell)
		return
	}
	var err error
	if count > 0 {
		err = c.run(ctx, call{op: op}, w)
	}
	for i := range count {
		tell(i, w, i, err)
	}
	if err == nil {
		w.free()
	}
}

// on is a waiter for the same command on many keys.
func (c *Client) on(keys []string, op wire.Op) *waiter {
	w := c.engine.waiter()
	w.on(keys, op)
	return w
}

func keyOf(keys []string) func(int) string { return func(i int) string { return keys[i] } }

// arena is memory that many small copies share.
type arena struct{ free []byte }

const arenaChunk = 16 << 10

func (a *arena) copy(b []byte) []byte {
	if b == nil {
		return nil
	}
	if len(b) > arenaChunk/4 {
		return bytes.Clone(b)
	}
	if len(b) > cap(a.free)-len(a.free) {
		a.free = make([]byte, 0, arenaChunk)
	}
	from := len(a.free)
	a.free = append(a.free, b...)
	return a.free[from:len(a.free):len(a.free)]
}

func (a *arena) copyString(s string) []byte { return a.copy([]byte(s)) }
