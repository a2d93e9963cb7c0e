package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"torc/cmd/internal/proctest"
)

// TestEviction: past --max-memory keys are given up, until the operator forbids it, anywhere in the cluster.
func TestEviction(t *testing.T) {
	c := proctest.Start(t, 3, "--shards", "4", "--max-memory", "256KiB", "--maxmemory-policy", "allkeys-lru")
	ctx := context.Background()
	db, other := redisClient(t, c.Nodes[0]), redisClient(t, c.Nodes[1])
	require.Equal(t, "allkeys-lru", other.ConfigGet(ctx, "maxmemory-policy").Val()["maxmemory-policy"])
	require.NoError(t, db.ConfigSet(ctx, "maxmemory-policy", "allkeys-adaptive").Err())
	proctest.Until(t, proctest.FormsWithin, "every node has the policy", func() error {
		if now := other.ConfigGet(ctx, "maxmemory-policy").Val()["maxmemory-policy"]; now != "allkeys-adaptive" {
			return fmt.Errorf("it is %q", now)
		}
		return nil
	})
	require.ErrorContains(t, db.ConfigSet(ctx, "maxmemory-policy", "lru").Err(), "want one of")
	require.ErrorContains(t, db.ConfigSet(ctx, "maxmemory", "1").Err(), "does not support")

	value := strings.Repeat("v", 1000)
	for i := range 1000 {
		require.NoError(t, db.Set(ctx, "key"+strconv.Itoa(i), value, 0).Err(), "room is made")
		_ = other.Get(ctx, "key"+strconv.Itoa(i/2)).Err()
	}
	held, err := db.DBSize(ctx).Result()
	require.NoError(t, err)
	require.Less(t, held, int64(300))
	require.Greater(t, held, int64(100))
	evicted := 0
	for _, n := range c.Nodes {
		info := redisClient(t, n).Info(ctx, "memory").Val()
		require.Contains(t, info, "maxmemory_policy:allkeys-adaptive\r\n")
		_, after, _ := strings.Cut(redisClient(t, n).Info(ctx, "stats").Val(), "evicted_keys:")
		number, _, _ := strings.Cut(after, "\r\n")
		count, err := strconv.Atoi(number)
		require.NoError(t, err, info)
		evicted += count
	}
	require.Greater(t, evicted, 600)
	require.Contains(t, redisClient(t, c.Nodes[0]).Info(ctx, "memory").Val()+redisClient(t, c.Nodes[1]).Info(ctx, "memory").Val()+
		redisClient(t, c.Nodes[2]).Info(ctx, "memory").Val(), "torc_hit_rate_at_2x:")

	require.NoError(t, db.ConfigSet(ctx, "maxmemory-policy", "noeviction").Err())
	proctest.Until(t, proctest.FormsWithin, "a write is refused", func() error {
		for i := range 300 {
			if err := db.Set(ctx, "more"+strconv.Itoa(i), value, 0).Err(); err != nil && strings.Contains(err.Error(), "OOM") {
				return nil
			}
		}
		return fmt.Errorf("none was")
	})
}
