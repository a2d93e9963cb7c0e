package client

import (
	"context"

	"torc/core/wire"
)

// A call on many keys makes a request for each shard, or several where there is much. Of one node no more than half of
// MaxInFlight are taken at a time, so a call that makes more than that goes in turns, one after the other: otherwise it would be
// refused in part, by its own requests, and again whenever it is made.

// Bounds of one request, not above the brain's: what is counted here is never too little.
const (
	turnCommands = 512
	turnBytes    = 512 << 10
)

// turns deals out a call's commands, by their numbers; nil: they can go together.
func (c *Client) turns(cmds []wire.Command) (turns [][]int) {
	most := max(c.opts.MaxInFlight/2, 1)
	m := c.engine.cmap.Load()
	if len(cmds) <= most || m == nil || m.Shards == 0 {
		return nil
	}
	type request struct {
		index []int
		bytes int
	}
	var requests []request         // in the order of their first commands
	open := map[wire.ShardID]int{} // which of them a shard's next command goes to
	for i := range cmds {
		shard := wire.ShardOf(wire.Slot(cmds[i].Key), int(m.Shards))
		size := len(cmds[i].Key) + len(cmds[i].Value)
		at, there := open[shard]
		if !there || len(requests[at].index) == turnCommands || requests[at].bytes+size > turnBytes {
			at = len(requests)
			open[shard] = at
			requests = append(requests, request{})
		}
		requests[at].index, requests[at].bytes = append(requests[at].index, i), requests[at].bytes+size
	}
	if len(requests) <= most {
		return nil
	}
	for i, r := range requests {
		if i%most == 0 {
			turns = append(turns, nil)
		}
		last := len(turns) - 1
		turns[last] = append(turns[last], r.index...)
	}
	return turns
}

// inTurns runs a call's commands turn by turn, within the time of one call, and tells what each came to. The observer is told of one call.
func (c *Client) inTurns(ctx context.Context, op string, cmds []wire.Command, turns [][]int, each func(i int, w *waiter, at int, err error)) {
	ctx, cancel := context.WithTimeout(ctx, c.opts.Timeout)
	defer cancel()
	var failure error
	if c.opts.Observer != nil {
		var end func(error)
		ctx, end = c.opts.Observer.Begin(ctx, Call{Op: op, Commands: len(cmds)})
		defer func() { end(failure) }()
	}
	for _, turn := range turns {
		some := make([]wire.Command, len(turn))
		for at, i := range turn {
			some[at] = cmds[i]
		}
		w := c.engine.waiter()
		w.many(some)
		err := c.submit(ctx, call{op: op}, w)
		if failure == nil {
			failure = firstFailure(call{op: op}, w, err)
		}
		for at, i := range turn {
			each(i, w, at, err)
		}
		if err == nil {
			w.free()
		}
	}
}
