package client_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/client"
)

// two clients stand for two processes.
func two(t *testing.T) (a, b *client.Client) {
	t.Helper()
	for _, c := range []**client.Client{&a, &b} {
		made, err := client.New(ctx, client.Options{Seeds: seeds(), Timeout: 20 * time.Second})
		require.NoError(t, err)
		t.Cleanup(func() { _ = made.Close() })
		*c = made
	}
	return a, b
}

// A herd of callers in two clients makes one load.
func TestGetOrLoadLoadsOnce(t *testing.T) {
	a, b := two(t)
	for round := range 3 {
		key := fmt.Sprint("herd:", round)
		var loads, there atomic.Int32
		var herd sync.WaitGroup
		for i := range 200 {
			herd.Go(func() {
				c := []*client.Client{a, b}[i%2]
				there.Add(1)
				v, err := c.GetOrLoad(ctx, key, time.Minute, func(context.Context) ([]byte, error) {
					loads.Add(1)
					for there.Load() < 200 { // it takes until everybody has come
						time.Sleep(time.Millisecond)
					}
					return []byte("value"), nil
				})
				if err != nil || string(v.Bytes) != "value" {
					t.Errorf("got %q, %v", v.Bytes, err)
				}
			})
		}
		herd.Wait()
		require.EqualValues(t, 1, loads.Load(), "200 callers in two clients")
	}
}

// What was loaded before a delete is not stored after it, though nothing was there to be deleted.
func TestGetOrLoadDoesNotBringBackWhatIsOld(t *testing.T) {
	a, b := two(t)
	for _, meanwhile := range []struct {
		name string
		do   func() error
		then string
	}{
		{"delete", func() error { _, err := b.Delete(ctx, "race:delete"); return err }, ""},
		{"set", func() error { _, err := b.Set(ctx, "race:set", []byte("new")); return err }, "new"},
	} {
		key := "race:" + meanwhile.name
		v, err := a.GetOrLoad(ctx, key, time.Minute, func(context.Context) ([]byte, error) {
			require.NoError(t, meanwhile.do())
			return []byte("old"), nil
		})
		require.NoError(t, err)
		require.Equal(t, "old", string(v.Bytes), "the caller has what it loaded")
		require.Zero(t, v.Version, "and is told that it is not in the cache")
		v, err = b.Get(ctx, key)
		if meanwhile.then == "" {
			require.ErrorIs(t, err, client.ErrNotFound)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, meanwhile.then, string(v.Bytes))
	}
}

// A stale value is served at once, and loaded anew by one.
func TestGetOrLoadStale(t *testing.T) {
	a, b := two(t)
	var loads atomic.Int32
	served := make(chan struct{}) // all that are to be served with the stale value were
	type tenant struct{}
	get := func(c *client.Client) string {
		caller, leaves := context.WithCancel(context.WithValue(ctx, tenant{}, "hers"))
		defer leaves()
		v, err := c.GetOrLoad(caller, "stale", 300*time.Millisecond, func(ctx context.Context) ([]byte, error) {
			n := loads.Add(1)
			if n > 1 {
				<-served
			}
			if ctx.Value(tenant{}) != "hers" || ctx.Err() != nil {
				return nil, errors.New("a load without its caller's values, or that ended with it")
			}
			return fmt.Append(nil, n), nil
		}, client.Stale(time.Minute))
		require.NoError(t, err)
		return string(v.Bytes)
	}
	require.Equal(t, "1", get(a))
	require.Eventually(t, func() bool {
		left, err := a.TTL(ctx, "stale")
		return err == nil && left <= time.Minute // what is left is its time as a stale value
	}, 5*time.Second, 5*time.Millisecond)
	for range 20 {
		require.Equal(t, "1", get(a))
		require.Equal(t, "1", get(b))
	}
	close(served)
	require.Eventually(t, func() bool {
		v, err := a.Get(ctx, "stale")
		return err == nil && string(v.Bytes) == "2"
	}, 5*time.Second, 5*time.Millisecond, "it is loaded anew")
	require.EqualValues(t, 2, loads.Load(), "by one of both clients, once")
}

// That there is no such value is remembered, for all clients, until somebody sets it.
func TestGetOrLoadAbsent(t *testing.T) {
	a, b := two(t)
	loads := 0
	get := func(c *client.Client, ttl time.Duration) error {
		_, err := c.GetOrLoad(ctx, "absent", time.Minute, func(context.Context) ([]byte, error) {
			loads++
			return nil, fmt.Errorf("no such row: %w", client.ErrNotFound)
		}, client.Absent(ttl))
		return err
	}
	require.ErrorIs(t, get(a, time.Minute), client.ErrNotFound)
	require.ErrorIs(t, get(b, time.Minute), client.ErrNotFound)
	require.Equal(t, 1, loads)
	_, err := b.Set(ctx, "absent", []byte("here"))
	require.NoError(t, err)
	require.NoError(t, get(a, time.Minute))
	require.Equal(t, 1, loads)

	_, err = b.Delete(ctx, "absent")
	require.NoError(t, err)
	require.ErrorIs(t, get(a, 100*time.Millisecond), client.ErrNotFound)
	require.Equal(t, 2, loads, "a delete ends what was known")
	require.Eventually(t, func() bool {
		require.ErrorIs(t, get(b, time.Minute), client.ErrNotFound)
		return loads == 3
	}, 5*time.Second, 5*time.Millisecond, "it is known for a while only")
}

// An error is the caller's own, and the next one loads at once. So it is after a panic.
func TestGetOrLoadErrors(t *testing.T) {
	a, b := two(t)
	broken := errors.New("the database is down")
	_, err := a.GetOrLoad(ctx, "broken", time.Minute, func(context.Context) ([]byte, error) { return nil, broken })
	require.Equal(t, broken, err)
	_, err = a.GetOrLoad(ctx, "broken", time.Minute, func(context.Context) ([]byte, error) { panic("oh") })
	require.ErrorContains(t, err, "the loader panicked: oh")
	began := time.Now()
	v, err := b.GetOrLoad(ctx, "broken", 0, func(context.Context) ([]byte, error) { return []byte("up"), nil })
	require.NoError(t, err)
	require.Equal(t, "up", string(v.Bytes))
	require.NotZero(t, v.Version)
	require.Less(t, time.Since(began), 5*time.Second, "the lease was given back")

	_, err = a.GetOrLoad(ctx, "k", time.Microsecond, nil)
	require.ErrorIs(t, err, client.ErrInvalid)
	_, err = a.GetOrLoad(ctx, "k", 0, nil, client.Stale(time.Second))
	require.ErrorIs(t, err, client.ErrInvalid)
}

// A value that the cluster does not take keeps nobody waiting: the lease is given back, and the next caller loads.
func TestGetOrLoadGivesBackWhatItCannotFill(t *testing.T) {
	c := alone(t, "--max-value=1KiB")
	for range 3 {
		began := time.Now()
		v, err := c.GetOrLoad(ctx, "large", time.Minute, func(context.Context) ([]byte, error) { return make([]byte, 2048), nil })
		require.NoError(t, err)
		require.Len(t, v.Bytes, 2048)
		require.Zero(t, v.Version, "it is not in the cache")
		require.Less(t, time.Since(began), 5*time.Second, "it waited for a lease that nobody uses")
	}
}

// The longest durations mean "for ever".
func TestGetOrLoadForEver(t *testing.T) {
	a, _ := two(t)
	for name, option := range map[string]client.LoadOption{"stale": client.Stale(math.MaxInt64), "within": client.LoadWithin(math.MaxInt64)} {
		_, err := a.Delete(ctx, "for ever:"+name)
		require.NoError(t, err)
		var loads atomic.Int32
		get := func() client.Value {
			v, err := a.GetOrLoad(ctx, "for ever:"+name, time.Minute, func(context.Context) ([]byte, error) {
				loads.Add(1)
				time.Sleep(10 * time.Millisecond) // longer than the shortest lease
				return []byte("value"), nil
			}, option)
			require.NoError(t, err)
			return v
		}
		require.NotZero(t, get().Version, "%s: it is not in the cache", name)
		for range 20 {
			get()
			time.Sleep(time.Millisecond)
		}
		require.EqualValues(t, 1, loads.Load(), "%s: it is new, and loaded all the same", name)
	}
}

// Whoever waits for another's load is bound by its own context.
func TestGetOrLoadWaitIsBounded(t *testing.T) {
	a, b := two(t)
	_, err := a.Delete(ctx, "slow")
	require.NoError(t, err)
	loading, release := make(chan struct{}), make(chan struct{})
	var loader sync.WaitGroup
	loader.Go(func() {
		_, _ = a.GetOrLoad(ctx, "slow", time.Minute, func(context.Context) ([]byte, error) {
			close(loading)
			<-release
			return []byte("at last"), nil
		})
	})
	<-loading
	short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	for _, c := range []*client.Client{a, b} {
		_, err := c.GetOrLoad(short, "slow", time.Minute, func(context.Context) ([]byte, error) { panic("not twice") })
		require.ErrorIs(t, err, context.DeadlineExceeded)
	}
	close(release)
	loader.Wait()
	v, err := b.Get(ctx, "slow")
	require.NoError(t, err)
	require.Equal(t, "at last", string(v.Bytes))
}

// A value so large that the node's gRPC does not take its message is refused like one that is a little too large: at once, and for what it is.
func TestAValueFarTooLargeIsInvalid(t *testing.T) {
	c := alone(t, "--max-value=1KiB")
	for _, size := range []int{2 << 10, 4 << 20} {
		_, err := c.Set(ctx, "large", make([]byte, size))
		require.ErrorIs(t, err, client.ErrInvalid, "%d bytes", size)
		require.ErrorIs(t, err, client.ErrRefused)
	}
	_, err := c.Set(ctx, "small", nil)
	require.NoError(t, err)
}

func TestScanFindsEverythingOnce(t *testing.T) {
	a, _ := two(t)
	var entries []client.Entry
	want := map[string]bool{}
	for i := range 3000 {
		key := fmt.Sprint("scan:", i)
		entries, want[key] = append(entries, client.Entry{Key: key}), true
	}
	for _, r := range a.SetMany(ctx, entries...) {
		require.NoError(t, r.Err)
	}
	for key, err := range a.Scan(ctx, client.ScanMatch("scan:*"), client.ScanPage(100)) {
		require.NoError(t, err)
		require.True(t, want[key], "%s, or twice", key)
		delete(want, key)
	}
	require.Empty(t, want)
	for range a.Scan(ctx) {
		break // a walk may be left
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	for key, err := range a.Scan(ended) {
		require.Empty(t, key)
		require.ErrorIs(t, err, context.Canceled)
	}
}

func TestTypedCodecs(t *testing.T) {
	a, _ := two(t)
	type point struct{ X, Y int }
	gobs := client.NewTyped(a, client.Gob[point]())
	version, err := gobs.Set(ctx, "point", point{1, 2})
	require.NoError(t, err)
	item, err := gobs.Get(ctx, "point")
	require.NoError(t, err)
	require.Equal(t, client.Item[point]{Value: point{1, 2}, Version: version}, item)
	_, err = client.NewTyped(a, client.JSON[point]()).Get(ctx, "point")
	require.ErrorIs(t, err, client.ErrInvalid, "it is no JSON")
	_, err = client.NewTyped(a, client.JSON[func()]()).Set(ctx, "point", func() {})
	require.ErrorIs(t, err, client.ErrRefused)

	texts := client.NewTyped(a, client.String())
	_, err = texts.CompareAndSwap(ctx, "text", 0, "")
	require.NoError(t, err)
	_, err = texts.CompareAndSwap(ctx, "text", 0, "again")
	require.ErrorIs(t, err, client.ErrConflict)
	many := texts.GetMany(ctx, "text", "no text")
	require.NoError(t, many[0].Err)
	require.ErrorIs(t, many[1].Err, client.ErrNotFound)
	raw, err := client.NewTyped(a, client.Bytes()).GetOrLoad(ctx, "raw", time.Minute, func(context.Context) ([]byte, error) { return []byte("x"), nil })
	require.NoError(t, err)
	require.Equal(t, []byte("x"), raw.Value)
}

// Values of several types in one transaction; what does not encode keeps it from being done, and what does not decode is no more than one result.
func TestTypedTransactions(t *testing.T) {
	a, _ := two(t)
	type point struct{ X, Y int }
	points, texts := client.NewTyped(a, client.JSON[point]()), client.NewTyped(a, client.String())
	tx := client.NewTx()
	version := points.SetIn(tx, "{t}point", point{1, 2}, client.WithTTL(time.Hour))
	point1, none, wrong := points.GetIn(tx, "{t}point"), points.GetIn(tx, "{t}none"), points.GetIn(tx, "{t}text")
	texts.SetIn(tx, "{t}text", "no json")
	wrongLater := points.GetIn(tx, "{t}text")
	require.NoError(t, a.Commit(ctx, tx))
	item, err := point1.Result()
	require.NoError(t, err)
	require.Equal(t, point{1, 2}, item.Value)
	seen, err := version.Result()
	require.NoError(t, err)
	require.Equal(t, seen, item.Version)
	require.ErrorIs(t, none.Err(), client.ErrNotFound)
	require.ErrorIs(t, wrong.Err(), client.ErrNotFound, "it was written after that")
	require.ErrorIs(t, wrongLater.Err(), client.ErrInvalid)

	tx = client.NewTx()
	tx.Delete("{t}point")
	require.ErrorIs(t, client.NewTyped(a, client.JSON[func()]()).SetIn(tx, "{t}text", func() {}).Err(), client.ErrRefused)
	require.ErrorIs(t, a.Commit(ctx, tx), client.ErrInvalid)
	_, err = points.Get(ctx, "{t}point")
	require.NoError(t, err, "nothing of it was done")

	require.NoError(t, a.Update(ctx, []string{"{t}point", "{t}text", "{t}none"}, func(tx *client.Tx, now *client.Snapshot) error {
		p, found, err := points.GetAt(now, "{t}point")
		require.True(t, found)
		require.NoError(t, err)
		_, found, err = points.GetAt(now, "{t}text")
		require.True(t, found)
		require.ErrorIs(t, err, client.ErrInvalid)
		_, found, err = points.GetAt(now, "{t}none")
		require.False(t, found)
		require.NoError(t, err)
		p.Value.X = 7
		points.SetIn(tx, "{t}point", p.Value)
		return nil
	}))
	item, err = points.Get(ctx, "{t}point")
	require.NoError(t, err)
	require.Equal(t, point{7, 2}, item.Value)
}

func TestDebugTellsWhatIsBelieved(t *testing.T) {
	a, _ := two(t)
	for i := range 100 {
		_, err := a.Set(ctx, fmt.Sprint("debug:", i), nil)
		require.NoError(t, err)
	}
	var text strings.Builder
	require.NoError(t, a.Debug(ctx, &text))
	for _, addr := range seeds() {
		require.Contains(t, text.String(), addr)
	}
	require.Contains(t, text.String(), "closed")
	require.Contains(t, text.String(), "shard 8")
	s, err := a.Stats(ctx)
	require.NoError(t, err)
	require.Positive(t, s.Sent)
	require.NoError(t, a.Close())
	require.ErrorIs(t, a.Debug(ctx, &text), client.ErrClosed)
}
