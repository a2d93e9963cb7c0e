package client

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"torc/core/wire"
)

// LoadOption refines a GetOrLoad.
type LoadOption func(*load)

// Stale lets a value be served for so long after its time to live, while one caller in the whole cluster loads it anew
// in the background: nobody waits for a value that was there.
func Stale(d time.Duration) LoadOption { return func(l *load) { l.stale = d } }

// Absent remembers for so long that there is no such value, when load says so by ErrNotFound: until then, or
// until somebody sets the key, GetOrLoad answers ErrNotFound and loads nothing.
func Absent(d time.Duration) LoadOption { return func(l *load) { l.absent = d } }

// Background has f told of every load in the background (Stale) that has failed: no caller gets its error, and the value stays what it was
// until its time is over for good. Without it Options.Logger is told. An answer of load's that there is no such value (ErrNotFound) is no failure.
func Background(f func(error)) LoadOption { return func(l *load) { l.told = f } }

// LoadWithin says how long a load may take. Default 10 s. When it is over, another caller may load.
func LoadWithin(d time.Duration) LoadOption { return func(l *load) { l.within = d } }

// LoadAnyway loads when the cluster cannot be asked, too: then nothing keeps many callers from loading the same. Without
// it they get the cluster's error.
func LoadAnyway() LoadOption { return func(l *load) { l.anyway = true } }

type load struct {
	ttl, stale, absent, within time.Duration
	anyway                     bool
	told                       func(error)
	do                         func(context.Context) ([]byte, error)
}

func (l *load) check(who call) error {
	switch {
	case l.ttl < 0 || l.ttl > 0 && l.ttl < time.Millisecond:
		return who.invalid("a TTL below 1 ms")
	case l.stale != 0 && (l.ttl == 0 || l.stale < time.Millisecond):
		return who.invalid("stale values need a TTL, and at least 1 ms after it")
	case l.absent < 0 || l.absent > 0 && l.absent < time.Millisecond || l.within < time.Millisecond:
		return who.invalid("a duration below 1 ms")
	}
	return nil
}

// GetOrLoad reads a key, or, if it is absent, loads its value and sets it with a time to live (0: it lives for ever).
// However many callers in however many processes miss the key at the same time, one of them loads it; the others wait
// for what it brings.
//
// What is loaded never takes the place of anything newer: if the key is set or deleted while it is being loaded, the loaded
// value is returned to its caller (with version 0: it is not in the cache) and not stored. So deleting a key when
// the database has changed is enough: what had been read from the database before cannot come back.
//
// An error of load is returned as it is, and the next caller loads; but see Absent for ErrNotFound. The context that
// load is given ends with the caller's, and with LoadWithin; in the background (Stale) it has the caller's values, but does not end with it.
func (c *Client) GetOrLoad(ctx context.Context, key string, ttl time.Duration, loader func(context.Context) ([]byte, error), options ...LoadOption) (Value, error) {
	who := call{op: "getorload", key: key}
	l := load{ttl: ttl, within: 10 * time.Second, do: loader}
	for _, option := range options {
		option(&l)
	}
	if err := l.check(who); err != nil {
		return Value{}, err
	}
	// The longest durations mean "for ever"; what is added to them must not make them negative.
	l.stale, l.within = min(l.stale, math.MaxInt64-l.ttl), min(l.within, math.MaxInt64/2)
	for poll := pollMin; ; poll = min(2*poll, pollMax) {
		v, next, err := c.getOrLease(ctx, who, &l)
		switch {
		case err != nil && l.anyway && !isNotFound(err) && ctx.Err() == nil:
			return loadPlainly(ctx, &l)
		case next == nil:
			return v, err
		case next.token != 0:
			v, _, err := c.loadAndFill(ctx, who, &l, next)
			return v, err
		}
		if err := next.wait(ctx, poll); err != nil {
			return Value{}, who.fail(err, "", ErrRefused)
		}
	}
}

// How often a caller looks whether somebody else has loaded what it waits for.
const (
	pollMin = 2 * time.Millisecond
	pollMax = 50 * time.Millisecond
)

// nextStep is what a caller of GetOrLoad does next, unless it is done (nil): load under a lease, wait for another one
// of this process that does, or look again a little later.
type nextStep struct {
	token  uint64
	leave  func()          // with a token: gives this process's turn back
	flight <-chan struct{} // closed when another caller's turn is over
}

func (s *nextStep) wait(ctx context.Context, poll time.Duration) error {
	t := time.NewTimer(poll)
	defer t.Stop()
	timer := t.C
	if s.flight != nil {
		timer = nil
	}
	select {
	case <-s.flight:
		return nil
	case <-timer:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// getOrLease reads the key; when it must be loaded it asks for the lease, if no other caller of this process does.
func (c *Client) getOrLease(ctx context.Context, who call, l *load) (Value, *nextStep, error) {
	r, _, err := c.one(ctx, who.op, who.key, wire.Command{Op: wire.OpGet, Flags: wire.FlagLoad}, false)
	switch {
	case err != nil:
		return Value{}, nil, err
	case r.Kind == wire.KindBytes:
		v, err := valueOf(who, r)
		if left := millis(r.Int); l.stale > 0 && left > 0 && left <= l.stale {
			c.loads.refresh(ctx, c, who, l, v.Version)
		}
		return v, nil, err
	case r.Int > 0:
		return Value{}, nil, who.notFound()
	case r.Int < 0:
		return Value{}, &nextStep{}, nil // somebody else loads it
	}
	leave, flight := c.loads.enter(who.key)
	if flight != nil {
		return Value{}, &nextStep{flight: flight}, nil
	}
	v, token, err := c.lease(ctx, who, l, 0)
	switch {
	case err != nil || v.Version != 0:
		leave()
		return v, nil, err
	case token == 0:
		leave()
		return Value{}, &nextStep{}, nil
	}
	return Value{}, &nextStep{token: token, leave: leave}, nil
}

// lease asks for the right to fill a key of which this version was seen. It returns what is there instead, or the lease, or
// neither: somebody else has it.
//
// The question goes on when its caller has gone, or does not wait any more. Otherwise the lease might be granted to nobody, and whoever wants
// the key would wait until it is over: so it is given back.
func (c *Client) lease(ctx context.Context, who call, l *load, seen uint64) (Value, uint64, error) {
	if !c.loads.begin() {
		return Value{}, 0, who.fail(nil, "", ErrClosed, ErrRefused)
	}
	waits, cancel := context.WithTimeout(ctx, c.opts.Timeout)
	defer cancel()
	type answer struct {
		value Value
		token uint64
		err   error
	}
	answers := make(chan answer)
	go func() { // ends with the question, which is bounded, or with the client
		defer c.loads.running.Done()
		var a answer
		a.value, a.token, a.err = c.askLease(context.WithoutCancel(ctx), who, l, seen)
		select {
		case answers <- a:
		case <-waits.Done():
			if a.token != 0 {
				c.giveBack(ctx, who, a.token)
			}
		}
	}()
	select {
	case a := <-answers:
		return a.value, a.token, a.err
	case <-waits.Done():
		return Value{}, 0, who.fail(waits.Err(), "", ErrUnknown)
	}
}

// leaseWithin is how long the question for a lease may go on when nobody waits for it any more.
const leaseWithin = 30 * time.Second

// giveBack ends a lease that nobody uses.
func (c *Client) giveBack(ctx context.Context, who call, token uint64) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fillWithin)
	defer cancel()
	_, _, _ = c.one(ctx, who.op, who.key, wire.Command{Op: wire.OpFill, Version: token, Flags: wire.FlagAbsent}, false)
}

func (c *Client) askLease(ctx context.Context, who call, l *load, seen uint64) (Value, uint64, error) {
	// The lease outlasts the load, for the fill that follows it.
	ttl := l.within + l.within/4 + time.Second
	r, _, err := c.patient(ctx, who, wire.Command{Op: wire.OpLease, Version: seen, TTL: ttl.Milliseconds()}, min(ttl, leaseWithin))
	switch {
	case err != nil:
		return Value{}, 0, err
	case r.Kind == wire.KindBytes:
		v, err := valueOf(who, r)
		return v, 0, err
	case r.Kind == wire.KindNil:
		return Value{}, 0, who.notFound()
	}
	return Value{}, uint64(max(r.Int, 0)), nil
}

// loadAndFill loads a value under a lease and offers it to the cluster. unfilled is why that has not taken it, or perhaps not; a caller that waits
// has what it wanted all the same.
func (c *Client) loadAndFill(ctx context.Context, who call, l *load, step *nextStep) (v Value, unfilled, err error) {
	defer step.leave()
	cmd := wire.Command{Op: wire.OpFill, Version: step.token}
	value, err := run(ctx, l)
	switch {
	case errors.Is(err, ErrNotFound):
		cmd.Flags, cmd.TTL = wire.FlagAbsent, l.absent.Milliseconds()
	case err != nil:
		cmd.Flags = wire.FlagAbsent // the lease is given back
	default:
		cmd.Value = value
		if l.ttl > 0 {
			cmd.TTLKind, cmd.TTL = wire.TTLRelative, (l.ttl + l.stale).Milliseconds()
		}
	}
	// The caller's time may be over; what it has loaded is of use to the others all the same.
	fillCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fillWithin)
	defer cancel()
	r, _, fillErr := c.one(fillCtx, who.op, who.key, cmd, false)
	if errors.Is(fillErr, ErrRefused) && cmd.Flags&wire.FlagAbsent == 0 {
		// It is too large, or there is no room for it. The lease still stands, and nobody else loads until it is over: it is given back.
		c.giveBack(ctx, who, step.token)
	}
	switch {
	case errors.Is(err, ErrNotFound):
		return Value{}, fillErr, who.notFound()
	case err != nil:
		return Value{}, fillErr, err
	case fillErr != nil || r.Kind != wire.KindOK:
		return Value{Bytes: value}, fillErr, nil // it is not in the cache, or perhaps not
	}
	return Value{Bytes: value, Version: r.Version}, nil, nil
}

// fillWithin bounds how long a caller that has what it wanted waits for the cluster to take it.
const fillWithin = time.Second

func loadPlainly(ctx context.Context, l *load) (Value, error) {
	value, err := run(ctx, l)
	return Value{Bytes: value}, err
}

// run loads. A panic of the loader is an error of it: the lease is given back, and the client lives on.
func run(ctx context.Context, l *load) (value []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, l.within)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("client: the loader panicked: %v", p)
		}
	}()
	return l.do(ctx)
}

// loads are the keys that callers of this process load now.
type loads struct {
	mu      sync.Mutex
	flights map[string]chan struct{}

	failures int       // of loads in the background, since the log was told
	said     time.Time // when that was

	ctx     context.Context // of what is loaded in the background
	cancel  context.CancelFunc
	running sync.WaitGroup
	closed  bool
}

// refreshesMax bounds the loads in the background. Past it, stale values are served a little longer.
const refreshesMax = 64

func newLoads() *loads {
	l := &loads{flights: map[string]chan struct{}{}}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

// enter takes this process's turn to load a key, or returns the channel that closes when the turn of whoever has it
// is over.
func (l *loads) enter(key string) (leave func(), other <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if there := l.flights[key]; there != nil {
		return nil, there
	}
	mine := make(chan struct{})
	l.flights[key] = mine
	return func() {
		l.mu.Lock()
		delete(l.flights, key)
		l.mu.Unlock()
		close(mine)
	}, nil
}

// begin counts a goroutine in, or returns false when the client is closed.
func (l *loads) begin() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.running.Add(1)
	}
	return !l.closed
}

// refresh loads a stale value anew in the background, if nobody does. The load's context has what the caller's has, but ends with the client.
func (l *loads) refresh(ctx context.Context, c *Client, who call, how *load, version uint64) {
	l.mu.Lock()
	full := len(l.flights) >= refreshesMax || l.closed
	if !full {
		l.running.Add(1)
	}
	l.mu.Unlock()
	if full {
		return
	}
	leave, other := l.enter(who.key)
	if other != nil {
		l.running.Done()
		return
	}
	go func() { // ends with the load, which is bounded, or with the client
		err := l.anew(ctx, c, who, how, version, leave)
		if err != nil && !isNotFound(err) && l.ctx.Err() == nil {
			how.failed(c, err)
		}
	}()
}

// anew loads a stale value anew, if no other process does. With it ends what Close waits for: who is told of an error may want to close the client.
func (l *loads) anew(ctx context.Context, c *Client, who call, how *load, version uint64, leave func()) error {
	defer l.running.Done()
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(l.ctx, cancel)()
	_, token, err := c.lease(ctx, who, how, version)
	if err != nil || token == 0 {
		leave()
		return err
	}
	_, unfilled, err := c.loadAndFill(ctx, who, how, &nextStep{token: token, leave: leave})
	if err == nil {
		err = unfilled
	}
	return err
}

// sayEvery is how often at most the log is told of loads in the background.
const sayEvery = time.Second

// failed tells of a load in the background that came to nothing. The log does not show the key, and has a line a second at most.
func (l *load) failed(c *Client, err error) {
	if l.told != nil {
		l.told(err)
		return
	}
	c.loads.mu.Lock()
	c.loads.failures++
	failures, now := c.loads.failures, time.Now()
	says := c.loads.said.IsZero() || now.Sub(c.loads.said) >= sayEvery
	if says {
		c.loads.said, c.loads.failures = now, 0
	}
	c.loads.mu.Unlock()
	if !says {
		return
	}
	var e *Error
	if errors.As(err, &e) {
		err = &Error{Op: e.Op, Reason: e.Reason, kinds: e.kinds, cause: e.cause}
	}
	c.opts.Logger.Warn("a value was not loaded anew in the background", "error", err, "failures", failures)
}

// close ends what is loaded in the background, and waits for it: but for loaders that take no notice of their context's end, or wait for this
// themselves, because they close the client, no longer than patience.
func (l *loads) close(patience time.Duration) (ended bool) {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.cancel()
	over := make(chan struct{})
	go func() { // ends with the last loader
		l.running.Wait()
		close(over)
	}()
	select {
	case <-over:
		return true
	case <-time.After(patience):
		return false
	}
}
