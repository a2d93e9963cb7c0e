package client

import (
	"context"
	"fmt"
	"time"

	"torc/core/wire"
)

// Client speaks to one cluster. Make it with New, share it, Close it.
type Client struct {
	opts   Options
	engine *engine
	loads  *loads
}

// New connects to a cluster: it returns when one of the seeds has told it the cluster's map, when none would take the
// password (the error's status code is codes.Unauthenticated then), or when nobody listens at any of them (ErrUnavailable, at once unless
// Options.AwaitNodes). The wait is bounded by ctx and by Options.Timeout; the context does not outlive New.
func New(ctx context.Context, opts Options) (*Client, error) {
	opts, err := opts.defaults()
	if err != nil {
		return nil, err
	}
	c := &Client{opts: opts, engine: newEngine(opts), loads: newLoads()}
	ctx, cancel := context.WithTimeout(ctx, opts.Timeout)
	defer cancel()
	select {
	case <-c.engine.ready:
		return c, nil
	case <-c.engine.net.denied:
		cause := c.engine.net.lastDenial()
		_ = c.Close()
		return nil, fmt.Errorf("client: the password is not taken, asked %v: %w", opts.Seeds, cause)
	case <-c.engine.net.deserted:
		cause := c.engine.net.lastError()
		_ = c.Close()
		return nil, fmt.Errorf("client: %w: nobody listens at any of %v: are these the nodes' gRPC addresses (--grpc, 7401), and do they run? Options.AwaitNodes waits for those that are yet to start: %w", ErrUnavailable, opts.Seeds, cause)
	case <-ctx.Done():
		cause := ctx.Err()
		if last := c.engine.net.lastError(); last != nil {
			cause = fmt.Errorf("%w (%w)", cause, last)
		}
		_ = c.Close()
		return nil, fmt.Errorf("client: no node tells the cluster map, asked %v: %w", opts.Seeds, cause)
	}
}

// Close ends the client. Calls under way return ErrClosed at once, which is ErrUnknown, too, when an attempt
// was under way, and ErrRefused otherwise. Later calls are refused with ErrClosed. It never returns an error. Loads in the background (Stale) are told by their
// contexts, and waited for: no longer than Options.Timeout, for a loader may take no notice, or call Close itself.
func (c *Client) Close() error {
	c.engine.close()
	if !c.loads.close(c.opts.Timeout) {
		c.opts.Logger.Warn("client closed, but a load in the background goes on: its loader takes no notice of its context's end, or has called Close itself")
	}
	return nil
}

// run runs a waiter's call. With an error nothing was begun; what became of it otherwise its items say.
func (c *Client) run(ctx context.Context, who call, w *waiter) error {
	if c.opts.Observer == nil {
		return c.submit(ctx, who, w)
	}
	ctx, end := c.opts.Observer.Begin(ctx, Call{Op: who.op, Key: who.key, Commands: len(w.call.Commands)})
	err := c.submit(ctx, who, w)
	end(firstFailure(who, w, err))
	return err
}

func (c *Client) submit(ctx context.Context, who call, w *waiter) error {
	if err := ctx.Err(); err != nil {
		return who.fail(err, "", ErrRefused)
	}
	w.call.Timeout = max(c.opts.Timeout, w.patience)
	if deadline, ok := ctx.Deadline(); ok {
		// The brain ends a little earlier than the context: it knows more than a context does.
		left := time.Until(deadline)
		w.call.Timeout = min(w.call.Timeout, left-min(left/10, 5*time.Millisecond))
	}
	if w.call.Timeout <= 0 {
		return who.fail(context.DeadlineExceeded, "", ErrRefused)
	}
	if !c.engine.enter() {
		return who.fail(nil, "", ErrClosed, ErrRefused)
	}
	c.engine.brain.Run(&w.call)
	c.engine.leave()
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
	}
	select {
	case <-w.done:
		return nil
	default:
	}
	// A write that goes on without its caller could overwrite what that one writes next.
	w.ended = ctx.Err()
	if c.engine.enter() {
		c.engine.brain.Abandon(&w.call)
		c.engine.leave()
	}
	<-w.done // by that, or by Close
	return nil
}

// one runs a single command on a key.
func (c *Client) one(ctx context.Context, op, key string, cmd wire.Command, noCopy bool) (wire.Result, call, error) {
	return c.oneInto(ctx, op, key, cmd, noCopy, nil, false)
}

// patient is one that may take longer than Options.Timeout.
func (c *Client) patient(ctx context.Context, who call, cmd wire.Command, patience time.Duration) (wire.Result, call, error) {
	w := c.engine.waiter()
	w.single(who.key, &cmd, false)
	w.patience = patience
	return c.finish(ctx, who, w)
}

// oneInto is one for a reader that may have memory of its own for what it reads.
func (c *Client) oneInto(ctx context.Context, op, key string, cmd wire.Command, noCopy bool, into []byte, asked bool) (wire.Result, call, error) {
	who := call{op: op, key: key}
	w := c.engine.waiter()
	w.single(key, &cmd, noCopy)
	w.into, w.asked = into, asked
	return c.finish(ctx, who, w)
}

// finish runs a call of one command.
func (c *Client) finish(ctx context.Context, who call, w *waiter) (wire.Result, call, error) {
	if err := c.run(ctx, who, w); err != nil {
		return wire.Result{}, who, err
	}
	item := w.call.Items[0]
	who.ended = w.ended
	w.free()
	if err := who.check(&item); err != nil {
		return wire.Result{}, who, err
	}
	return item.Result, who, nil
}
