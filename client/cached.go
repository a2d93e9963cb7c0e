package client

import (
	"bytes"
	"context"
	"time"

	"torc/core/wire"
)

// reading is the command of a Get.
func (c *Client) reading() wire.Command {
	cmd := wire.Command{Op: wire.OpGet}
	if c.opts.Cache.On {
		cmd.Flags = wire.FlagCache
	}
	return cmd
}

// kept answers a Get from the cache, if it is on and has the key. The value is a copy, in buf if asked says so.
func (c *Client) kept(ctx context.Context, key string, buf []byte, asked bool) (r wire.Result, who call, ok bool) {
	who = call{op: "get", key: key}
	if !c.opts.Cache.On || ctx.Err() != nil || !c.engine.enter() {
		return r, who, false
	}
	r, ok = c.engine.brain.Cached(key)
	c.engine.mu.Unlock() // the brain has nothing to send
	if !ok {
		return r, who, false
	}
	if c.opts.Observer != nil {
		_, end := c.opts.Observer.Begin(ctx, Call{Op: who.op, Key: key, Commands: 1})
		end(nil)
	}
	switch {
	case asked:
		r.Value = append(buf[:0], r.Value...)
	case r.Kind == wire.KindBytes:
		r.Value = bytes.Clone(r.Value)
	}
	return r, who, true
}

// sleepLeast is what the wall clock must gain on the monotonic one at once to be taken for a suspension.
const sleepLeast = 20 * time.Millisecond

// wake looks whether the machine has slept since the client was last at work. Promises run out meanwhile, but Go's monotonic clock
// stands still; the wall clock does not. When it has jumped for another reason nothing is lost but what was kept.
func (e *engine) wake(now time.Time) {
	ahead := time.Duration(now.UnixNano()-e.origin.UnixNano()) - e.now
	if ahead-e.ahead > sleepLeast {
		e.brain.ForgetCached()
	}
	e.ahead = ahead
}
