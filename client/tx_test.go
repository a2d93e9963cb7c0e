package client

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// counted is an observer that keeps what it was told.
type counted struct {
	calls []Call
	ends  []error
}

func (o *counted) Begin(ctx context.Context, call Call) (context.Context, func(error)) {
	o.calls = append(o.calls, call)
	return ctx, func(err error) { o.ends = append(o.ends, err) }
}

// requests are those that a fake gets from here on.
func (f *fake) requests() *[]wire.Request {
	var got []wire.Request
	f.locked(func() {
		f.respond = func(_ *fakeNode, _ uint64, req *wire.Request, _ func(*wire.Response)) bool {
			got = append(got, *req)
			return false
		}
	})
	return &got
}

func TestATransactionOfEverything(t *testing.T) {
	f := newFake(t, 1)
	seen := &counted{}
	c := f.client(func(o *Options) { o.Observer = seen })
	got := f.requests()

	tx := NewTx()
	tx.IfAbsent("{u}a")
	absent := tx.Get("{u}a")
	set := tx.Set("{u}a", []byte("one"), WithTTL(time.Minute))
	found := tx.Get("{u}a")
	left := tx.TTL("{u}a")
	persisted := tx.Persist("{u}a")
	forever := tx.TTL("{u}a")
	length := tx.Append("{u}a", []byte(", two"))
	sum := tx.Increment("{u}n", 3)
	expires := tx.Expire("{u}n", time.Second)
	nothing := tx.Expire("{u}x", time.Second)
	taken := tx.GetDelete("{u}n")
	deleted := tx.Delete("{u}a")
	gone := tx.Delete("{u}a")
	_, err := set.Result()
	require.ErrorIs(t, err, ErrInvalid, "it has not been committed")
	require.NotErrorIs(t, err, ErrRefused, "nobody knows")
	require.NoError(t, c.Commit(ctx, tx))

	require.Len(t, *got, 1, "it is one request")
	require.NotZero(t, (*got)[0].Session.Client, "that is done once")
	require.Equal(t, []Call{{Op: "commit", Commands: 14}}, seen.calls)
	require.Equal(t, []error{nil}, seen.ends)

	require.EqualError(t, absent.Err(), `torc: get "{u}a": not found`)
	version, err := set.Result()
	require.NoError(t, err)
	value, err := found.Result()
	require.NoError(t, err)
	require.Equal(t, Value{[]byte("one"), version}, value)
	requireResult(t, time.Minute, left)
	requireResult(t, true, persisted)
	requireResult(t, NoExpiry, forever)
	requireResult(t, 8, length)
	requireResult(t, 3, sum)
	require.NoError(t, expires.Err())
	require.ErrorIs(t, nothing.Err(), ErrNotFound)
	value, err = taken.Result()
	require.NoError(t, err)
	require.Equal(t, "3", string(value.Bytes))
	requireResult(t, true, deleted)
	requireResult(t, false, gone)
}

func requireResult[T any](t *testing.T, want T, p *Pending[T]) {
	t.Helper()
	got, err := p.Result()
	require.NoError(t, err)
	require.Equal(t, want, got)
}

// A condition is one of the whole transaction, and counts what was before it, wherever it stands.
func TestAConditionIsOfTheWholeTransaction(t *testing.T) {
	f := newFake(t, 1)
	c := f.client()
	version, err := c.Set(ctx, "{k}a", []byte("1"))
	require.NoError(t, err)
	for name, forbids := range map[string]func(*Tx){
		"another version": func(tx *Tx) { tx.IfVersion("{k}a", version+1) },
		"there":           func(tx *Tx) { tx.IfAbsent("{k}a") },
		"not there":       func(tx *Tx) { tx.IfVersion("{k}c", version) },
		"one of two":      func(tx *Tx) { tx.IfAbsent("{k}c"); tx.IfAbsent("{k}a") },
	} {
		t.Run(name, func(t *testing.T) {
			tx := NewTx()
			b := tx.Set("{k}b", []byte("2"))
			tx.Delete("{k}a")
			forbids(tx)
			err := c.Commit(ctx, tx)
			require.ErrorIs(t, err, ErrConflict)
			require.EqualError(t, err, "torc: commit: condition does not hold")
			require.False(t, MaybeApplied(err))
			require.Equal(t, err, b.Err())
			require.Equal(t, "1", f.has("{k}a"))
			require.Empty(t, f.has("{k}b"))
		})
	}
	tx := NewTx()
	tx.Delete("{k}a")
	tx.Set("{k}b", []byte("2"))
	tx.IfVersion("{k}a", version)
	tx.IfAbsent("{k}b")
	require.NoError(t, c.Commit(ctx, tx))
	require.Equal(t, "2", f.has("{k}b"))
	require.Empty(t, f.has("{k}a"))

	tx = NewTx()
	tx.IfAbsent("{k}a")
	require.NoError(t, c.Commit(ctx, tx), "a transaction may only ask whether conditions hold")
}

// What is wrong with a transaction is said before anything is sent, also when it was added long before.
func TestInvalidTransactionsAreNotSent(t *testing.T) {
	f := newFake(t, 1)
	c := f.client()
	got := f.requests()
	for name, wrong := range map[string]struct {
		add  func(*Tx) error
		says string
	}{
		"two slots": {func(tx *Tx) error { return tx.Get("cart:7:count").Err() },
			`torc: get "cart:7:count": refused: it is in another hash slot than "{cart:7}items" of the same transaction: give both the same {tag}, as in {cart:7}items and {cart:7}count`},
		"a condition in another slot": {func(tx *Tx) error { tx.IfAbsent("other"); return nil }, "another hash slot"},
		"two TTLs":                    {func(tx *Tx) error { return tx.Set("{cart:7}x", nil, WithTTL(time.Hour), KeepTTL()).Err() }, "both WithTTL and KeepTTL"},
		"a short TTL":                 {func(tx *Tx) error { return tx.Expire("{cart:7}x", time.Microsecond).Err() }, "below 1 ms"},
		"IfAbsent of one":             {func(tx *Tx) error { return tx.Set("{cart:7}x", nil, IfAbsent()).Err() }, "Tx.IfAbsent"},
		"IfPresent of one":            {func(tx *Tx) error { return tx.Set("{cart:7}x", nil, IfPresent()).Err() }, "the whole transaction"},
		"IfVersion of one":            {func(tx *Tx) error { return tx.Set("{cart:7}x", nil, IfVersion(1)).Err() }, "Tx.IfVersion"},
		"too many": {func(tx *Tx) error {
			for range wire.RequestCommands {
				tx.Get("{cart:7}n")
			}
			return nil
		}, "65538 commands: a transaction has 65536 at most"},
		"too long": {func(tx *Tx) error {
			half := make([]byte, wire.RequestMax/2)
			tx.Set("{cart:7}n", half, NoCopy())
			tx.Set("{cart:7}n", half, NoCopy())
			return nil
		}, "and a transaction on this cluster 267386880 at most"},
	} {
		t.Run(name, func(t *testing.T) {
			tx := NewTx()
			first := tx.Set("{cart:7}items", []byte("x"))
			own := wrong.add(tx)
			tx.Set("{cart:7}last", []byte("x"))
			err := c.Commit(ctx, tx)
			require.ErrorIs(t, err, ErrInvalid)
			require.ErrorIs(t, err, ErrRefused)
			require.ErrorContains(t, err, wrong.says)
			require.ErrorIs(t, first.Err(), ErrInvalid)
			if own != nil {
				require.Equal(t, own, err)
			}
			require.Equal(t, err, c.Commit(ctx, tx), "it stays so")
		})
	}
	require.NoError(t, c.Commit(ctx, NewTx()), "nothing is done without asking")
	require.Empty(t, *got)
}

// What fails by what its key holds fails alone, and Commit says so: the others are done.
func TestATransactionThatIsDoneInPart(t *testing.T) {
	f := newFake(t, 1)
	seen := &counted{}
	c := f.client(func(o *Options) { o.Observer = seen })
	tx := NewTx()
	name := tx.Set("{k}name", []byte("Ada"))
	wrong := tx.Increment("{k}name", 1)
	right := tx.Increment("{k}n", 1)
	err := c.Commit(ctx, tx)
	require.ErrorIs(t, err, ErrPartial)
	require.ErrorIs(t, err, ErrInvalid)
	require.NotErrorIs(t, err, ErrRefused, "some of it was done")
	require.True(t, MaybeApplied(err))
	require.EqualError(t, err, `torc: commit "{k}name": done in part: ERR value is not an integer or out of range`)
	require.NoError(t, name.Err())
	require.ErrorIs(t, wrong.Err(), ErrInvalid)
	require.ErrorIs(t, wrong.Err(), ErrRefused)
	requireResult(t, 1, right)
	require.Equal(t, []error{nil}, seen.ends, "all was answered")
}

// A transaction is done once at most: what was surely not done may be committed again.
func TestATransactionIsDoneOnce(t *testing.T) {
	f := newFake(t, 1)
	c := f.client()
	tx := NewTx()
	tx.IfAbsent("{k}lock")
	n := tx.Increment("{k}n", 1)
	_, err := c.Set(ctx, "{k}lock", nil)
	require.NoError(t, err)
	require.ErrorIs(t, c.Commit(ctx, tx), ErrConflict)
	ended, cancel := context.WithCancel(ctx)
	cancel()
	err = c.Commit(ended, tx)
	require.ErrorIs(t, err, ErrRefused)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, err, n.Err())
	_, err = c.Delete(ctx, "{k}lock")
	require.NoError(t, err)
	require.NoError(t, c.Commit(ctx, tx))
	requireResult(t, 1, n)

	err = c.Commit(ctx, tx)
	require.ErrorIs(t, err, ErrInvalid)
	require.NotErrorIs(t, err, ErrRefused, "it was done")
	require.ErrorIs(t, tx.Increment("{k}n", 1).Err(), ErrInvalid, "nothing is added any more")
	requireResult(t, 1, n)
	require.Equal(t, "1", f.has("{k}n"))
}

// A transaction whose caller goes while it is under way is in doubt, and so it stays: committing it again is no word on the first try. What it
// is made of may be used again at once.
func TestACancelledTransactionIsInDoubt(t *testing.T) {
	f := newFake(t, 1)
	c := f.client()
	during, cancel := context.WithCancel(ctx)
	var late []func()
	f.locked(func() {
		f.respond = func(_ *fakeNode, _ uint64, req *wire.Request, send func(*wire.Response)) bool {
			late = append(late, func() { send(f.apply(req)) })
			cancel()
			return true
		}
	})
	value := []byte("mine")
	tx := NewTx()
	set := tx.Set("{k}a", value)
	copy(value, "else")
	err := c.Commit(during, tx)
	require.ErrorIs(t, err, ErrUnknown)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, err, set.Err())
	again := c.Commit(ctx, tx)
	require.ErrorIs(t, again, ErrUnknown)
	require.ErrorIs(t, again, ErrInvalid)
	f.locked(func() {
		f.respond = nil
		for _, answer := range late {
			answer()
		}
	})
	for i := range 100 { // the memory of what has ended is used by others, while the answer comes
		_, err := c.Set(ctx, fmt.Sprint("k", i), []byte(strings.Repeat("x", 100)))
		require.NoError(t, err)
	}
	require.Equal(t, "mine", f.has("{k}a"))
	require.Equal(t, err, set.Err())
}

// A transaction whose answer is lost is asked for again, and done once.
func TestATransactionIsRetried(t *testing.T) {
	f := newFake(t, 1)
	c := f.client()
	lose := 2
	f.locked(func() {
		f.respond = func(_ *fakeNode, _ uint64, req *wire.Request, _ func(*wire.Response)) bool {
			if lose--; lose < 0 {
				return false
			}
			f.apply(req)
			return true
		}
	})
	tx := NewTx()
	tx.IfAbsent("{k}a")
	tx.Set("{k}a", []byte("1"))
	n := tx.Increment("{k}n", 1)
	require.NoError(t, c.Commit(ctx, tx), "not a conflict with itself")
	requireResult(t, 1, n)
	require.Equal(t, "1", f.has("{k}n"))
}

// Get asks the cache for nothing and leaves nothing there: a transaction reads what is so now.
func TestATransactionIsNotAnsweredFromTheCache(t *testing.T) {
	f := newFake(t, 1)
	c := f.client(func(o *Options) { o.Cache.On = true })
	f.locked(func() {
		f.respond = func(_ *fakeNode, _ uint64, req *wire.Request, send func(*wire.Response)) bool {
			r := f.apply(req)
			if len(req.Commands) == 1 && req.Commands[0].Flags&wire.FlagCache != 0 {
				r.Results[0].Int = 60_000 // a promise
			}
			send(r)
			return true
		}
	})
	read := func() string {
		tx := NewTx()
		v := tx.Get("k")
		require.NoError(t, c.Commit(ctx, tx))
		value, err := v.Result()
		require.NoError(t, err)
		return string(value.Bytes)
	}
	f.locked(func() { f.keys["k"] = stored{"old", 1, 0} })
	require.Equal(t, "old", read())
	f.locked(func() { f.keys["k"] = stored{"kept", 2, 0} })
	for range 2 {
		v, err := c.Get(ctx, "k")
		require.NoError(t, err)
		require.Equal(t, "kept", string(v.Bytes), "what a transaction read is not kept")
	}
	f.locked(func() { f.keys["k"] = stored{"new", 3, 0} }) // although it was promised
	require.Equal(t, "new", read())
	v, err := c.Get(ctx, "k")
	require.NoError(t, err)
	require.Equal(t, "kept", string(v.Bytes), "the cache is at work")
}

func TestUpdate(t *testing.T) {
	f := newFake(t, 1)
	c := f.client()
	keys := []string{"{b}a", "{b}b"}
	require.NoError(t, c.Update(ctx, keys, func(tx *Tx, now *Snapshot) error {
		v, found := now.Get("{b}a")
		require.False(t, found)
		require.Zero(t, v)
		tx.Set("{b}a", []byte("1"))
		return nil
	}))
	require.Equal(t, "1", f.has("{b}a"))

	got := f.requests()
	calls := 0
	require.NoError(t, c.Update(ctx, keys, func(tx *Tx, now *Snapshot) error {
		if calls++; calls < 3 { // somebody is faster: once by a key that is read only, once by one that is not there
			_, err := c.Set(ctx, keys[calls-1], []byte{'0' + byte(calls)})
			require.NoError(t, err)
		}
		a, _ := now.Get("{b}a")
		b, _ := now.Get("{b}b")
		tx.Set("{b}sum", []byte(string(a.Bytes)+"+"+string(b.Bytes)))
		return nil
	}))
	require.Equal(t, 3, calls)
	require.Equal(t, "1+2", f.has("{b}sum"))
	require.Len(t, *got, 3*2+2)

	*got = nil
	require.NoError(t, c.Update(ctx, keys, func(*Tx, *Snapshot) error { return nil }))
	require.Len(t, *got, 1, "where nothing is to be done nothing is committed")
	mine := fmt.Errorf("my own: %w", ErrConflict)
	require.Equal(t, mine, c.Update(ctx, keys, func(tx *Tx, _ *Snapshot) error {
		tx.Delete("{b}a")
		return mine
	}), "an error of its own ends it")
	require.Equal(t, "1", f.has("{b}a"))
}

// What is wrong with an update is said, and nothing is done.
func TestInvalidUpdates(t *testing.T) {
	f := newFake(t, 1)
	c := f.client()
	for name, wrong := range map[string]struct {
		keys   []string
		change func(*Tx, *Snapshot)
		says   string
	}{
		"keys of two slots":   {[]string{"{b}a", "c"}, func(*Tx, *Snapshot) {}, "{tag}"},
		"writes another slot": {[]string{"{b}a"}, func(tx *Tx, _ *Snapshot) { tx.Set("c", nil) }, "{tag}"},
		"looks at another":    {[]string{"{b}a"}, func(_ *Tx, now *Snapshot) { now.Get("{b}b") }, `update "{b}b": refused: it is looked at, but was not read`},
		"own conditions":      {[]string{"{b}a"}, func(tx *Tx, _ *Snapshot) { tx.IfAbsent("{b}b") }, "name the key among its keys"},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.Update(ctx, wrong.keys, func(tx *Tx, now *Snapshot) error {
				tx.Set("{b}a", nil)
				wrong.change(tx, now)
				return nil
			})
			require.ErrorIs(t, err, ErrInvalid)
			require.ErrorIs(t, err, ErrRefused)
			require.ErrorContains(t, err, wrong.says)
			require.Zero(t, f.applied)
		})
	}
	err := c.Update(ctx, []string{"{b}a"}, func(tx *Tx, _ *Snapshot) error {
		tx.Set("{b}a", nil)
		return c.Commit(ctx, tx)
	})
	require.ErrorIs(t, err, ErrInvalid, "it is not for the function to commit")
	require.Zero(t, f.applied)
}

// after is an observer that does something when a commit has ended.
type after func()

func (f after) Begin(ctx context.Context, call Call) (context.Context, func(error)) {
	return ctx, func(error) {
		if call.Op == "commit" {
			f()
		}
	}
}

// Update goes on for as long as its context lets it, and says then that nothing was done.
func TestUpdateEndsWithItsContext(t *testing.T) {
	f := newFake(t, 1)
	for name, end := range map[string]struct{ changes, commits int }{ // in which the context ends
		"while somebody is faster": {commits: 5},
		"while it changes":         {changes: 5},
	} {
		t.Run(name, func(t *testing.T) {
			during, cancel := context.WithCancel(ctx)
			defer cancel()
			changes, commits := 0, 0
			c := f.client(func(o *Options) {
				o.Observer = after(func() {
					if commits++; commits == end.commits {
						cancel()
					}
				})
			})
			err := c.Update(during, []string{"k"}, func(tx *Tx, _ *Snapshot) error {
				_, err := c.Set(ctx, "k", nil)
				require.NoError(t, err)
				tx.Delete("k")
				if changes++; changes == end.changes {
					cancel()
				}
				return nil
			})
			require.Equal(t, 5, changes)
			require.ErrorIs(t, err, ErrRefused)
			require.False(t, MaybeApplied(err))
			require.ErrorIs(t, err, context.Canceled)
		})
	}
}

// A read of which nothing is known has changed nothing: an update that got no further is refused, not in doubt.
func TestAnUpdateThatCannotReadIsRefused(t *testing.T) {
	f := newFake(t, 1)
	c := f.client()
	f.locked(func() { f.respond = func(*fakeNode, uint64, *wire.Request, func(*wire.Response)) bool { return true } })
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	err := c.Update(short, []string{"k"}, func(tx *Tx, _ *Snapshot) error {
		tx.Delete("k")
		return errors.New("it was called")
	})
	require.ErrorIs(t, err, ErrRefused)
	require.NotErrorIs(t, err, ErrUnknown)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}
