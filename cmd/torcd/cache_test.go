package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/client"
	"torc/cmd/internal/proctest"
	"torc/linearizability"
)

func caching(o *client.Options) { o.Cache.On = true }

// Two clients keep what they read, a third does not; all write, and nodes are killed and frozen meanwhile. The history of what they were
// told is that of one honest copy of each key, though many reads asked nobody.
func TestWhatCachingClientsSayIsTrue(t *testing.T) {
	c := proctest.Start(t, 3, "--shards", "4")
	dbs := []*client.Client{goClient(t, c, caching), goClient(t, c, caching), goClient(t, c)}
	w := &witness{t: t, dbs: dbs, begin: time.Now(), end: make(chan struct{}), record: linearizability.NewRecorder(4096)}
	w.underKills(c, 9)
	for _, db := range dbs[:2] {
		stats, err := db.Stats(context.Background())
		require.NoError(t, err)
		t.Logf("of %v calls done, refused and of unknown outcome together: %d reads from the cache, %d keys asked back", w.outcomes, stats.Cached.Hits, stats.Cached.Recalls)
		require.Positive(t, stats.Cached.Hits)
		require.Positive(t, stats.Cached.Recalls)
	}
}

// One client reads a few hot keys as fast as it can; another one writes them, a number greater by one each time. A read never
// finds less than what was acknowledged before it began, and nearly all ask nobody.
func TestACachedReadIsNeverOlderThanAnAcknowledgedWrite(t *testing.T) {
	const keys, period, runsFor = 8, 20 * time.Millisecond, 3 * time.Second
	c := proctest.Start(t, 3, "--shards", "4")
	c.WaitSettled(proctest.FormsWithin)
	reader, writer, plain := goClient(t, c, caching), goClient(t, c), goClient(t, c)
	ctx := context.Background()
	name := func(i int) string { return fmt.Sprintf("hot:%d", i) }
	var acknowledged [keys]atomic.Int64
	write := func(i int, n int64) time.Duration {
		began := time.Now()
		_, err := writer.Set(ctx, name(i), fmt.Appendf(nil, "%d", n))
		if err != nil {
			t.Errorf("a write: %v", err)
			return 0
		}
		acknowledged[i].Store(n)
		return time.Since(began)
	}
	for i := range keys {
		write(i, 1)
	}
	read := func(db *client.Client, runs time.Duration) (reads int, each time.Duration) {
		began := time.Now()
		for ; time.Since(began) < runs; reads++ {
			i := reads % keys
			least, found := acknowledged[i].Load(), int64(0)
			v, err := db.Get(ctx, name(i))
			require.NoError(t, err)
			_, err = fmt.Sscan(string(v.Bytes), &found)
			require.NoError(t, err)
			require.GreaterOrEqual(t, found, least, "older than what was acknowledged")
		}
		return reads, time.Since(began) / time.Duration(reads)
	}
	end, ended := make(chan struct{}), make(chan struct{})
	var writes, waited time.Duration
	go func() {
		defer close(ended)
		for n := int64(2); ; n++ {
			select {
			case <-end:
				return
			case <-time.After(period):
			}
			waited += write(int(n%keys), n)
			writes++
		}
	}()
	reads, each := read(reader, runsFor)
	_, remote := read(plain, runsFor/3)
	close(end)
	<-ended
	stats, err := reader.Stats(ctx)
	require.NoError(t, err)
	t.Logf("%d reads of %d keys, one of which was written every %v: %d from the cache, %d keys asked back; a read took %v, without a cache %v; a write %v",
		reads, keys, period, stats.Cached.Hits, stats.Cached.Recalls, each, remote, waited/max(writes, 1))
	require.Greater(t, stats.Cached.Hits, uint64(reads)*9/10)
	require.Positive(t, stats.Cached.Recalls)
}
