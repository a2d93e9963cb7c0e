package client

import (
	"context"
	"math"
	"time"

	"torc/core/wire"
)

// Value is what a key holds. Version changes with every write of the key; it is never 0 for
// a key that is present.
type Value struct {
	Bytes   []byte
	Version uint64
}

// NoExpiry is what TTL returns for a key that does not expire.
const NoExpiry time.Duration = -1

// Get reads a key. An absent one is ErrNotFound.
func (c *Client) Get(ctx context.Context, key string) (Value, error) {
	if r, who, ok := c.kept(ctx, key, nil, false); ok {
		return valueOf(who, r)
	}
	r, who, err := c.one(ctx, "get", key, c.reading(), false)
	if err != nil {
		return Value{}, err
	}
	return valueOf(who, r)
}

// GetInto is Get for hot paths: the value is written over buf, whose memory it takes if it fits there. What buf was is
// lost, also when the call fails; so keep what is returned, and give that to the next call:
//
//	v, err := c.GetInto(ctx, key, buf)
//	buf = v.Bytes[:0]
func (c *Client) GetInto(ctx context.Context, key string, buf []byte) (Value, error) {
	if r, who, ok := c.kept(ctx, key, buf, true); ok {
		return valueOf(who, r)
	}
	r, who, err := c.oneInto(ctx, "get", key, c.reading(), false, buf, true)
	if err != nil {
		return Value{}, err
	}
	return valueOf(who, r)
}

func valueOf(who call, r wire.Result) (Value, error) {
	if r.Kind != wire.KindBytes {
		return Value{}, who.notFound()
	}
	if r.Value == nil {
		r.Value = []byte{}
	}
	return Value{r.Value, r.Version}, nil
}

// Set writes a key and returns its new version. A condition that does not hold is
// ErrConflict.
func (c *Client) Set(ctx context.Context, key string, value []byte, options ...SetOption) (version uint64, err error) {
	cmd, noCopy, err := setCommand(call{op: "set", key: key}, value, options)
	if err != nil {
		return 0, err
	}
	r, who, err := c.one(ctx, "set", key, cmd, noCopy)
	if err != nil {
		return 0, err
	}
	return versionOf(who, r)
}

func versionOf(who call, r wire.Result) (uint64, error) {
	if r.Kind != wire.KindOK {
		return 0, who.conflict()
	}
	return r.Version, nil
}

// setCommand makes the command of a Set, with the value as it is: unless noCopy it must be copied.
func setCommand(who call, value []byte, options []SetOption) (cmd wire.Command, noCopy bool, err error) {
	cmd = wire.Command{Op: wire.OpSet, Value: value}
	if len(options) == 0 {
		return cmd, false, nil
	}
	return refine(who, cmd, options)
}

func refine(who call, cmd wire.Command, options []SetOption) (wire.Command, bool, error) {
	var s set
	for _, option := range options {
		option(&s)
	}
	switch {
	case s.hasTTL && s.keepTTL:
		return cmd, false, who.invalid("both WithTTL and KeepTTL")
	case truth(s.absent)+truth(s.present)+truth(s.hasVersion) > 1:
		return cmd, false, who.invalid("more than one condition")
	case s.hasTTL && s.ttl < time.Millisecond:
		return cmd, false, who.invalid("a TTL below 1 ms")
	}
	switch {
	case s.hasTTL:
		cmd.TTLKind, cmd.TTL = wire.TTLRelative, s.ttl.Milliseconds()
	case s.keepTTL:
		cmd.TTLKind = wire.TTLKeep
	}
	switch {
	case s.absent:
		cmd.Flags = wire.FlagNX
	case s.present:
		cmd.Flags = wire.FlagXX
	case s.hasVersion:
		cmd.Flags, cmd.Version = wire.FlagVersion, s.version
	}
	return cmd, s.noCopy, nil
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// CompareAndSwap writes a key if its version is still the one that was seen (0: if it is absent), and returns the
// new version. Otherwise the error is ErrConflict: read again and decide anew. It is Set with IfVersion.
//
// It may be tried again after ErrUnknown without harm, but its answer then needs care: ErrConflict may mean that
// the first try was applied.
func (c *Client) CompareAndSwap(ctx context.Context, key string, seen uint64, value []byte, options ...SetOption) (version uint64, err error) {
	cmd, noCopy, err := setCommand(call{op: "compareandswap", key: key}, value, append(options[:len(options):len(options)], IfVersion(seen)))
	if err != nil {
		return 0, err
	}
	r, who, err := c.one(ctx, "compareandswap", key, cmd, noCopy)
	if err != nil {
		return 0, err
	}
	return versionOf(who, r)
}

// CompareAndDelete removes a key if its version is still the one that was seen. Otherwise, also when the key is absent, the error is ErrConflict. So
// whoever has made a key removes that, and never what another one has put there since.
//
// It may be tried again after ErrUnknown without harm, but its answer then needs care: ErrConflict may mean that
// the first try was applied.
func (c *Client) CompareAndDelete(ctx context.Context, key string, seen uint64) error {
	if seen == 0 {
		return call{op: "compareanddelete", key: key}.invalid("version 0 is that of an absent key: there is nothing to delete")
	}
	_, _, err := c.one(ctx, "compareanddelete", key, wire.Command{Op: wire.OpDelete, Flags: wire.FlagVersion, Version: seen}, false)
	return err
}

// Delete removes a key and reports whether it was there.
func (c *Client) Delete(ctx context.Context, key string) (bool, error) {
	r, _, err := c.one(ctx, "delete", key, wire.Command{Op: wire.OpDelete}, false)
	return r.Int > 0, err
}

// GetDelete reads a key and removes it. An absent one is ErrNotFound.
func (c *Client) GetDelete(ctx context.Context, key string) (Value, error) {
	r, who, err := c.one(ctx, "getdelete", key, wire.Command{Op: wire.OpGetDelete}, false)
	if err != nil {
		return Value{}, err
	}
	return valueOf(who, r)
}

// Append adds text at the end of what a key holds (an absent key counts as empty) and returns the
// new length in bytes.
func (c *Client) Append(ctx context.Context, key string, text []byte) (int64, error) {
	r, _, err := c.one(ctx, "append", key, wire.Command{Op: wire.OpAppend, Value: text}, false)
	return r.Int, err
}

// Increment adds delta to the integer that a key holds as decimal text (an absent key counts
// as 0) and returns the sum. Something that is no integer, or a sum that is too large, is
// ErrInvalid.
func (c *Client) Increment(ctx context.Context, key string, delta int64) (int64, error) {
	r, _, err := c.one(ctx, "increment", key, wire.Command{Op: wire.OpIncr, Delta: delta}, false)
	return r.Int, err
}

// Touch marks a key as used, for eviction. An absent one is ErrNotFound.
func (c *Client) Touch(ctx context.Context, key string) error {
	return c.present(ctx, "touch", key, wire.Command{Op: wire.OpTouch})
}

// Expire makes a key expire after ttl (at least 1 ms). An absent one is ErrNotFound.
func (c *Client) Expire(ctx context.Context, key string, ttl time.Duration) error {
	cmd, err := expireCommand(call{op: "expire", key: key}, ttl)
	if err != nil {
		return err
	}
	return c.present(ctx, "expire", key, cmd)
}

func expireCommand(who call, ttl time.Duration) (wire.Command, error) {
	if ttl < time.Millisecond {
		return wire.Command{}, who.invalid("a TTL below 1 ms")
	}
	return wire.Command{Op: wire.OpExpire, TTLKind: wire.TTLRelative, TTL: ttl.Milliseconds()}, nil
}

// present runs a command that answers 1 when the key is there and 0 when it is not.
func (c *Client) present(ctx context.Context, op, key string, cmd wire.Command) error {
	r, who, err := c.one(ctx, op, key, cmd, false)
	if err == nil {
		_, err = presentOf(who, r)
	}
	return err
}

func presentOf(who call, r wire.Result) (none struct{}, err error) {
	if r.Int == 0 {
		err = who.notFound()
	}
	return none, err
}

func boolOf(_ call, r wire.Result) (bool, error) { return r.Int > 0, nil }
func intOf(_ call, r wire.Result) (int64, error) { return r.Int, nil }

// Persist takes a key's expiry away and reports whether it had one.
func (c *Client) Persist(ctx context.Context, key string) (bool, error) {
	r, _, err := c.one(ctx, "persist", key, wire.Command{Op: wire.OpPersist}, false)
	return r.Int > 0, err
}

// TTL returns how long a key has to live, or NoExpiry. An absent one is ErrNotFound.
func (c *Client) TTL(ctx context.Context, key string) (time.Duration, error) {
	r, who, err := c.one(ctx, "ttl", key, wire.Command{Op: wire.OpTTL}, false)
	if err != nil {
		return 0, err
	}
	return ttlOf(who, r)
}

func ttlOf(who call, r wire.Result) (time.Duration, error) {
	switch {
	case r.Int == -2:
		return 0, who.notFound()
	case r.Int < 0:
		return NoExpiry, nil
	}
	return millis(r.Int), nil
}

// millis is so many milliseconds, or the longest duration: a Redis client can make a key live longer than the 292 years of that.
func millis(n int64) time.Duration {
	return time.Duration(min(n, math.MaxInt64/int64(time.Millisecond))) * time.Millisecond
}
