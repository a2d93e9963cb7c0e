package main

import (
	"bytes"
	"context"
	"errors"
	"math/rand"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/client"
	"torc/cmd/internal/proctest"
	"torc/core/wire"
)

func goClient(t *testing.T, c *proctest.Cluster, options ...func(*client.Options)) *client.Client {
	t.Helper()
	opts := client.Options{Timeout: 10 * time.Second}
	for _, n := range c.Nodes {
		opts.Seeds = append(opts.Seeds, n.GRPC)
	}
	for _, option := range options {
		option(&opts)
	}
	db, err := client.New(context.Background(), opts)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// Torc's client retries with sessions: while leaders are killed, every increment that it calls done
// counts once, and none that it calls refused counts at all.
func TestIncrementsCountOnce(t *testing.T) {
	c := proctest.Start(t, 3, "--shards", "4")
	db := goClient(t, c)
	ctx := context.Background()
	key := proctest.KeyOn(wire.ShardID(1), 4, "counter")
	var done, unknown atomic.Int64
	end := make(chan struct{})
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			for {
				select {
				case <-end:
					return
				default:
				}
				switch _, err := db.Increment(ctx, key, 1); {
				case err == nil:
					done.Add(1)
				case errors.Is(err, client.ErrUnknown):
					unknown.Add(1)
				}
			}
		})
	}
	for range kills(t) {
		victim := leaderOf(t, c, 1)
		from := done.Load()
		victim.Kill()
		proctest.Until(t, proctest.FormsWithin, "increments go on", func() error {
			if done.Load() < from+200 {
				return errors.New("too few")
			}
			return nil
		})
		victim.Start()
		c.WaitWhole(proctest.FormsWithin)
	}
	close(end)
	callers.Wait()
	sum, err := db.Increment(ctx, key, 0)
	require.NoError(t, err)
	t.Logf("%d increments done, %d of unknown outcome, the sum is %d", done.Load(), unknown.Load(), sum)
	require.GreaterOrEqual(t, sum, done.Load())
	require.LessOrEqual(t, sum, done.Load()+unknown.Load())
}

func leaderOf(t *testing.T, c *proctest.Cluster, shard wire.ShardID) (leader *proctest.Node) {
	t.Helper()
	proctest.Until(t, proctest.FormsWithin, "the shard has a leader", func() error {
		for _, n := range c.Nodes {
			for _, led := range c.Leads(n) {
				if led == shard {
					leader = n
					return nil
				}
			}
		}
		return errors.New("none")
	})
	return leader
}

// manyMegabytes is how long a value the machine is asked for. A value is copied sixteen times on its way into three nodes, most of them into memory that nobody has
// touched before. Where that takes ten times as long as to copy (in some virtual machines a page takes 16 us, others 0.5), 32 MiB would be two
// seconds of both processors, and those who elect another leader then were right.
func manyMegabytes() int {
	const probe, page = 32 << 20, 4 << 10
	began := time.Now()
	for memory, at := make([]byte, probe), 0; at < probe; at += page {
		memory[at] = 1
	}
	if time.Since(began) > probe/page*4*time.Microsecond {
		return 8 << 20
	}
	return 32 << 20
}

// Values of many megabytes go through, and nobody loses the leadership over them.
func TestLargeValues(t *testing.T) {
	c := proctest.Start(t, 3, "--shards", "4")
	c.WaitSettled(proctest.FormsWithin) // no shard is about to be handed over
	db := goClient(t, c)
	ctx := context.Background()
	value := make([]byte, manyMegabytes())
	rand.New(rand.NewSource(1)).Read(value)
	_, err := db.Set(ctx, "large", value)
	require.NoError(t, err)
	got, err := db.Get(ctx, "large")
	require.NoError(t, err)
	require.True(t, bytes.Equal(value, got.Bytes))
	require.NoError(t, c.Whole())
}

// Batches are split by shard and put together again; versions make a compare and set.
func TestBatchesAndVersions(t *testing.T) {
	c := proctest.Start(t, 3)
	db := goClient(t, c)
	ctx := context.Background()
	var entries []client.Entry
	var keys []string
	for i := range 200 {
		key := proctest.KeyOn(wire.ShardID(1+i%64), 64, "batch")
		if i >= 64 {
			key += "x"
		}
		keys = append(keys, key)
		entries = append(entries, client.Entry{Key: key, Value: []byte(key)})
	}
	for _, r := range db.SetMany(ctx, entries...) {
		require.NoError(t, r.Err)
	}
	for i, r := range db.GetMany(ctx, keys...) {
		require.NoError(t, r.Err)
		require.Equal(t, keys[i], string(r.Value.Bytes))
	}
	version, err := db.Set(ctx, "cas", []byte("one"))
	require.NoError(t, err)
	_, err = db.Set(ctx, "cas", []byte("two"), client.IfVersion(version))
	require.NoError(t, err)
	_, err = db.Set(ctx, "cas", []byte("three"), client.IfVersion(version))
	require.ErrorIs(t, err, client.ErrConflict)
}

// A value that is longer than a client takes fails those who read it, at once and for what it is, and nobody else.
func TestAnswerOverTheClientsBound(t *testing.T) {
	c := proctest.Start(t, 1, "--shards", "4")
	large := goClient(t, c)
	small := goClient(t, c, func(o *client.Options) { o.MaxMessage, o.Timeout, o.Connections = 64<<10, time.Minute, 1 })
	ctx := context.Background()
	_, err := large.Set(ctx, "long", make([]byte, 1<<20))
	require.NoError(t, err)
	_, err = large.Set(ctx, "short", []byte("x"))
	require.NoError(t, err)
	end := make(chan struct{})
	var others sync.WaitGroup
	for range 4 {
		others.Go(func() {
			for {
				select {
				case <-end:
					return
				default:
				}
				if _, err := small.Get(ctx, "short"); err != nil {
					t.Errorf("another's read: %v", err)
					return
				}
			}
		})
	}
	began := time.Now()
	for range 20 {
		_, err = small.Get(ctx, "long")
		require.ErrorIs(t, err, client.ErrInvalid)
		require.ErrorContains(t, err, "Options.MaxMessage")
	}
	require.Less(t, time.Since(began), 30*time.Second)
	close(end)
	others.Wait()
	_, err = large.Get(ctx, "long")
	require.NoError(t, err)
}
