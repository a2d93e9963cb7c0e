package client

import (
	"context"
	"fmt"
	"time"

	"torc/core/wire"
)

// Typed is a Client whose values are of one type. Make it with NewTyped; any number of them may share one Client.
type Typed[T any] struct {
	client *Client
	codec  Codec[T]
}

// NewTyped returns a view of a client in which values are of type T, by a codec:
//
//	users := client.NewTyped(c, client.JSON[User]())
func NewTyped[T any](c *Client, codec Codec[T]) *Typed[T] { return &Typed[T]{c, codec} }

// Item is a typed value with its version.
type Item[T any] struct {
	Value   T
	Version uint64
}

// Get reads a key. An absent one is ErrNotFound; what does not decode is ErrInvalid.
func (t *Typed[T]) Get(ctx context.Context, key string) (Item[T], error) {
	v, err := t.client.Get(ctx, key)
	if err != nil {
		return Item[T]{}, err
	}
	return t.decode("get", key, v)
}

func (t *Typed[T]) decode(op, key string, v Value) (item Item[T], err error) {
	if item.Value, err = t.codec.Decode(v.Bytes); err != nil {
		return Item[T]{}, call{op: op, key: key}.fail(err, fmt.Sprintf("the value does not decode as %T", item.Value), ErrInvalid)
	}
	item.Version = v.Version
	return item, nil
}

func (t *Typed[T]) encode(op, key string, value T) ([]byte, error) {
	data, err := t.codec.Encode(value)
	if err != nil {
		return nil, call{op: op, key: key}.fail(err, fmt.Sprintf("the %T does not encode", value), ErrRefused, ErrInvalid)
	}
	return data, nil
}

// Set writes a key, as Client.Set does.
func (t *Typed[T]) Set(ctx context.Context, key string, value T, options ...SetOption) (version uint64, err error) {
	data, err := t.encode("set", key, value)
	if err != nil {
		return 0, err
	}
	return t.client.Set(ctx, key, data, own(options)...)
}

// own adds NoCopy: what a codec has made belongs to nobody else.
func own(options []SetOption) []SetOption {
	return append(options[:len(options):len(options)], NoCopy())
}

// CompareAndSwap writes a key if its version is the one that was seen, as Client.CompareAndSwap does.
func (t *Typed[T]) CompareAndSwap(ctx context.Context, key string, seen uint64, value T, options ...SetOption) (version uint64, err error) {
	data, err := t.encode("compareandswap", key, value)
	if err != nil {
		return 0, err
	}
	return t.client.CompareAndSwap(ctx, key, seen, data, own(options)...)
}

// Update reads a key, gives what it holds to change (the zero value and false when it is absent) and writes what that
// returns, if nobody else has written meanwhile; else it begins again. An error of change ends it.
func (t *Typed[T]) Update(ctx context.Context, key string, change func(old T, found bool) (T, error), options ...SetOption) (Item[T], error) {
	for {
		old, err := t.Get(ctx, key)
		if err != nil && !isNotFound(err) {
			return Item[T]{}, err
		}
		value, err := change(old.Value, err == nil)
		if err != nil {
			return Item[T]{}, err
		}
		version, err := t.CompareAndSwap(ctx, key, old.Version, value, options...)
		if err == nil || !isConflict(err) {
			return Item[T]{value, version}, err
		}
	}
}

// GetIn adds to a transaction, as Tx.Get does, that a key is read. What does not decode is ErrInvalid in its result, and leaves the transaction as it is.
func (t *Typed[T]) GetIn(tx *Tx, key string) *Pending[Item[T]] {
	return pend(tx, call{op: "get", key: key}, wire.Command{Op: wire.OpGet}, func(who call, r wire.Result) (Item[T], error) {
		v, err := valueOf(who, r)
		if err != nil {
			return Item[T]{}, err
		}
		return t.decode("get", key, v)
	})
}

// SetIn adds to a transaction, as Tx.Set does, that a key is written. With a value that does not encode nothing of the transaction is done: it is ErrInvalid, of Commit, too.
func (t *Typed[T]) SetIn(tx *Tx, key string, value T, options ...SetOption) *Pending[uint64] {
	data, err := t.encode("set", key, value)
	if err != nil {
		tx.fail(err)
		return &Pending[uint64]{fault: err}
	}
	return tx.Set(key, data, own(options)...)
}

// GetAt returns what a key holds in what Client.Update has read, as Snapshot.Get does. What does not decode is ErrInvalid.
func (t *Typed[T]) GetAt(now *Snapshot, key string) (item Item[T], found bool, err error) {
	v, found := now.Get(key)
	if !found {
		return Item[T]{}, false, nil
	}
	item, err = t.decode("get", key, v)
	return item, true, err
}

// ItemResult is one of Typed.GetMany's results.
type ItemResult[T any] struct {
	Item[T]
	Err error
}

// GetMany reads keys, as Client.GetMany does.
func (t *Typed[T]) GetMany(ctx context.Context, keys ...string) []ItemResult[T] {
	results := make([]ItemResult[T], len(keys))
	for i, r := range t.client.GetMany(ctx, keys...) {
		if results[i].Err = r.Err; r.Err == nil {
			results[i].Item, results[i].Err = t.decode("get", keys[i], r.Value)
		}
	}
	return results
}

// Delete removes a key and reports whether it was there.
func (t *Typed[T]) Delete(ctx context.Context, key string) (bool, error) {
	return t.client.Delete(ctx, key)
}

// GetOrLoad reads a key, or loads it, as Client.GetOrLoad does.
func (t *Typed[T]) GetOrLoad(ctx context.Context, key string, ttl time.Duration, load func(context.Context) (T, error), options ...LoadOption) (Item[T], error) {
	v, err := t.client.GetOrLoad(ctx, key, ttl, func(ctx context.Context) ([]byte, error) {
		value, err := load(ctx)
		if err != nil {
			return nil, err
		}
		return t.encode("getorload", key, value)
	}, options...)
	if err != nil {
		return Item[T]{}, err
	}
	return t.decode("getorload", key, v)
}
