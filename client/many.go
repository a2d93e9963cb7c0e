package client

import (
	"context"

	"torc/core/session"
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
// order. The values of one shard's keys (512 at a time) must fit Options.MaxMessage.
func (c *Client) GetMany(ctx context.Context, keys ...string) []GetResult {
	results := make([]GetResult, len(keys))
	cmds := make([]wire.Command, len(keys))
	for i, key := range keys {
		cmds[i] = wire.Command{Op: wire.OpGet, Key: []byte(key)}
	}
	c.many(ctx, "get", cmds, func(i int, who call, r wire.Result, err error) {
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
	var cmds []wire.Command
	var index []int // of the entries that are sent
	for i, e := range entries {
		cmd, err := setCommand(call{"set", e.Key}, e.Value, e.Options)
		if results[i].Err = err; err != nil {
			continue
		}
		cmd.Key = []byte(e.Key)
		cmds, index = append(cmds, cmd), append(index, i)
	}
	c.many(ctx, "set", cmds, func(i int, who call, r wire.Result, err error) {
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
	cmds := make([]wire.Command, len(keys))
	for i, key := range keys {
		cmds[i] = wire.Command{Op: wire.OpDelete, Key: []byte(key)}
	}
	c.many(ctx, "delete", cmds, func(i int, _ call, r wire.Result, err error) {
		results[i] = DeleteResult{Deleted: r.Int > 0, Err: err}
	})
	return results
}

func (c *Client) many(ctx context.Context, op string, cmds []wire.Command, each func(int, call, wire.Result, error)) {
	if len(cmds) == 0 {
		return
	}
	items, err := c.do(ctx, call{op: op}, cmds...)
	for i := range cmds {
		who := call{op, string(cmds[i].Key)}
		var item session.Item
		itemErr := err
		if err == nil {
			item = items[i]
			itemErr = who.check(item)
		}
		each(i, who, item.Result, itemErr)
	}
}
