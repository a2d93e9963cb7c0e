package client

import (
	"context"
	"fmt"
	"time"

	"torc/core/session"
	"torc/core/wire"
)

// Client speaks to one cluster. Make it with New, share it, Close it.
type Client struct {
	opts  Options
	loop  *loop
	loads *loads
}

// New connects to a cluster: it returns when one of the seeds has told it the cluster's map.
// The wait is bounded by ctx and by Options.Timeout; the context does not outlive New.
func New(ctx context.Context, opts Options) (*Client, error) {
	opts, err := opts.defaults()
	if err != nil {
		return nil, err
	}
	c := &Client{opts: opts, loop: newLoop(opts), loads: newLoads()}
	ctx, cancel := context.WithTimeout(ctx, opts.Timeout)
	defer cancel()
	select {
	case <-c.loop.ready:
		return c, nil
	case <-ctx.Done():
		cause := ctx.Err()
		if last := c.loop.net.lastError(); last != nil {
			cause = fmt.Errorf("%w (%w)", cause, last)
		}
		_ = c.Close()
		return nil, fmt.Errorf("client: no node tells the cluster map, asked %v: %w", opts.Seeds, cause)
	}
}

// Close ends the client. Calls under way return an error at once: ErrUnknown when an attempt
// was under way. Later calls are refused with ErrClosed. It never returns an error.
func (c *Client) Close() error {
	c.loop.close()
	c.loads.close()
	return nil
}

// do runs commands and waits for what becomes of them. Nobody may change the commands, or what they point to, any
// more: the brain may still be sending them when the caller has given up.
func (c *Client) do(ctx context.Context, who call, cmds ...wire.Command) ([]session.Item, error) {
	return c.doOn(ctx, who, 0, cmds...)
}

// doOn is do for commands on a whole shard; 0 means the shards of the commands' keys.
func (c *Client) doOn(ctx context.Context, who call, shard wire.ShardID, cmds ...wire.Command) ([]session.Item, error) {
	if c.opts.Observer == nil {
		return c.submit(ctx, who, shard, cmds)
	}
	ctx, end := c.opts.Observer.Begin(ctx, Call{Op: who.op, Key: who.key, Commands: len(cmds)})
	items, err := c.submit(ctx, who, shard, cmds)
	end(firstFailure(who, items, err))
	return items, err
}

func (c *Client) submit(ctx context.Context, who call, shard wire.ShardID, cmds []wire.Command) ([]session.Item, error) {
	if err := ctx.Err(); err != nil {
		return nil, who.fail(err, "", ErrRefused)
	}
	timeout := c.opts.Timeout
	if deadline, ok := ctx.Deadline(); ok {
		// The brain ends a little earlier than the context: it knows more than a context does.
		left := time.Until(deadline)
		timeout = min(timeout, left-min(left/10, 5*time.Millisecond))
	}
	if timeout <= 0 {
		return nil, who.fail(context.DeadlineExceeded, "", ErrRefused)
	}
	answer := make(chan []session.Item, 1)
	submitted := c.loop.post(ctx.Done(), event{kind: evDo, shard: shard, cmds: cmds, timeout: timeout, answer: answer})
	switch submitted {
	case postCancelled:
		return nil, who.fail(ctx.Err(), "", ErrRefused)
	case postClosed:
		return nil, who.fail(nil, "", ErrClosed, ErrRefused)
	}
	select {
	case items := <-answer:
		return items, nil
	case <-ctx.Done():
		select {
		case items := <-answer:
			return items, nil
		default:
			return nil, who.fail(ctx.Err(), "", ErrUnknown)
		}
	case <-c.loop.done:
		select {
		case items := <-answer: // the brain's last words
			return items, nil
		default:
			return nil, who.fail(nil, "", ErrClosed, ErrUnknown)
		}
	}
}

// one runs a single command.
func (c *Client) one(ctx context.Context, op, key string, cmd wire.Command) (wire.Result, call, error) {
	who := call{op, key}
	cmd.Key = []byte(key)
	items, err := c.do(ctx, who, cmd)
	if err == nil {
		err = who.check(items[0])
	}
	if err != nil {
		return wire.Result{}, who, err
	}
	return items[0].Result, who, nil
}
