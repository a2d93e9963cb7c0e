package main

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/cmd/internal/proctest"
)

// Redis clients read a few keys as fast as they can through every node; another one writes them now and then, a number greater by one each
// time, through each node in turn. A read never finds less than what was acknowledged before it began, and those through nodes that do not
// lead the keys are answered by copies. One that holds them is frozen: the next write waits for the end of its promise, and no longer.
func TestAHotKeyIsServedByEveryNode(t *testing.T) {
	const keys, shards, period, runsFor = 4, 1, 1600 * time.Millisecond, 10 * time.Second
	c := proctest.Start(t, 3, "--shards", strconv.Itoa(shards))
	c.WaitSettled(proctest.FormsWithin)
	ctx := context.Background()
	var acknowledged [keys]atomic.Int64
	var slowest time.Duration
	write := func(node, i int, n int64) {
		began := time.Now()
		require.NoError(t, redisClient(t, c.Nodes[node]).Set(ctx, "hot:"+strconv.Itoa(i), n, 0).Err())
		slowest = max(slowest, time.Since(began))
		acknowledged[i].Store(n)
	}
	for i := range keys {
		write(0, i, 1)
	}
	var reads atomic.Int64
	var done sync.WaitGroup
	end := time.Now().Add(runsFor)
	for _, n := range c.Nodes {
		db := redisClient(t, n)
		for range 2 {
			done.Go(func() {
				for i := 0; time.Now().Before(end); i = (i + 1) % keys {
					least := acknowledged[i].Load()
					found, err := db.Get(ctx, "hot:"+strconv.Itoa(i)).Int64()
					if err != nil || found < least {
						t.Errorf("a read found %d (%v) when %d had been acknowledged", found, err, least)
						return
					}
					reads.Add(1)
				}
			})
		}
	}
	slowest = 0
	for n := int64(2); time.Now().Before(end.Add(-period)); n++ {
		time.Sleep(period)
		write(int(n)%3, int(n)%keys, n)
	}
	done.Wait()
	held, recalls := 0.0, 0.0
	for _, n := range c.Nodes {
		r, err := n.Metric("torc_hot_reads_total")
		require.NoError(t, err)
		b, err := n.Metric("torc_hot_recalls_total")
		require.NoError(t, err)
		held, recalls = held+r, recalls+b
	}
	t.Logf("%d reads through three nodes, %.0f of them answered by copies, %.0f copies recalled; the slowest write took %v", reads.Load(), held, recalls, slowest)
	require.Greater(t, held, float64(reads.Load())/4)
	require.Positive(t, recalls)

	leader := c.Busiest()
	holder := c.Nodes[0]
	if holder == leader {
		holder = c.Nodes[1]
	}
	db := redisClient(t, holder)
	proctest.Until(t, 20*time.Second, "a copy is held once more", func() error {
		for range 300 {
			if err := db.Get(ctx, "hot:0").Err(); err != nil {
				return err
			}
		}
		if keys, err := holder.Metric("torc_hot_keys_held"); err != nil || keys == 0 {
			return errors.Join(err, errors.New("none"))
		}
		return nil
	})
	holder.Freeze()
	defer holder.Resume()
	began := time.Now()
	require.NoError(t, redisClient(t, leader).Set(ctx, "hot:0", 1000, 0).Err())
	waited := time.Since(began)
	t.Logf("with a holder that is frozen a write took %v", waited)
	require.Less(t, waited, 2*time.Second)
}
