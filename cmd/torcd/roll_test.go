package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	torcv1 "torc/api/v1"
	"torc/cmd/internal/proctest"
	"torc/core/wire"
)

// rollShards are few, so that three restarts fit in a test.
const rollShards = 16

// trail is a loop of writes of unique keys to one shard, and what was acknowledged of them.
type trail struct{ acked []write }

// note keeps a write that was acknowledged. The part of a key in braces alone decides where it lives.
func (w *trail) note(key, value string, err error) error {
	if err == nil {
		w.acked = append(w.acked, write{key, value})
	}
	return err
}

// Every node is stopped and started anew, one after the other and each as soon as roll --check allows
// it, while Torc's client and Redis clients write to every shard. Nobody sees an error beyond one retry,
// each shard pauses no longer than for a failover, and all that was acknowledged is there in the end.
func TestRollingRestart(t *testing.T) {
	c := proctest.Start(t, 3, "--shards", fmt.Sprint(rollShards))
	var shards []wire.ShardID
	for shard := range wire.ShardID(rollShards) {
		shards = append(shards, shard+1)
	}
	var trails []*trail
	db := goClient(t, c)
	begin := time.Now()
	all := pulses(append(shards, shards...), func(shard wire.ShardID) func(int) error {
		w, torc := &trail{}, len(trails) < rollShards
		trails = append(trails, w)
		tag := "{" + proctest.KeyOn(shard, rollShards, "roll") + "}"
		if torc {
			return func(i int) error {
				key, value := fmt.Sprintf("%s:torc:%d", tag, i), fmt.Sprint(i)
				_, err := db.Set(context.Background(), key, []byte(value))
				return w.note(key, value, err)
			}
		}
		var dbs []*redis.Client
		for _, n := range c.Nodes {
			dbs = append(dbs, oneDial(t, n))
		}
		at := int(shard)
		return func(i int) error {
			key, value := fmt.Sprintf("%s:redis:%d", tag, i), fmt.Sprint(i)
			err := dbs[at%len(dbs)].Set(context.Background(), key, value, 0).Err()
			if err != nil { // the one retry, elsewhere
				at++
				err = dbs[at%len(dbs)].Set(context.Background(), key, value, 0).Err()
			}
			return w.note(key, value, err)
		}
	}, func() {
		for i, n := range c.Nodes {
			other := c.Nodes[(i+1)%len(c.Nodes)]
			waitSafe(t, other, n)
			require.Equal(t, 0, n.Stop(10*time.Second))
			n.Start()
		}
		waitSafe(t, c.Nodes[0], c.Nodes[1])
	})
	before, longest, acked, errs := summary(all)
	t.Logf("3 nodes restarted within %v: longest pause of a shard p50 %v, p99 %v, max %v (a second of calm before: p50 %v, max %v); %d writes, %d errors", time.Since(begin).Round(time.Millisecond),
		percentile(longest, 50), percentile(longest, 99), percentile(longest, 100), percentile(before, 50), percentile(before, 100), acked, len(errs))
	require.Empty(t, errs)
	require.Less(t, percentile(longest, 100), resumesWithin*slowMachine)
	readBack(t, c.Nodes[2], trails)
}

// waitSafe asks a node until another one may be stopped.
func waitSafe(t *testing.T, asked, victim *proctest.Node) {
	t.Helper()
	admin := office(t, asked)
	proctest.Until(t, proctest.FormsWithin, fmt.Sprintf("node %d may be stopped", victim.Index), func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		check, err := admin.RollCheck(ctx, &torcv1.RollCheckRequest{Node: victim.Peer})
		switch {
		case err != nil:
			return err
		case !check.Safe:
			return errors.New(strings.Join(check.Lines, "; "))
		}
		return nil
	})
}

// readBack asks for everything that was acknowledged.
func readBack(t *testing.T, n *proctest.Node, trails []*trail) {
	t.Helper()
	db, ctx := redisClient(t, n), context.Background()
	for _, w := range trails {
		require.NotEmpty(t, w.acked)
		answers, pipe := make([]*redis.StringCmd, len(w.acked)), db.Pipeline()
		for i, a := range w.acked {
			answers[i] = pipe.Get(ctx, a.key)
		}
		_, err := pipe.Exec(ctx)
		require.NoError(t, err)
		for i, a := range w.acked {
			require.Equal(t, a.value, answers[i].Val(), "acknowledged write of %s is lost", a.key)
		}
	}
}
