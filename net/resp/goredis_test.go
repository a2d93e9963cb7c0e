package resp

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// go-redis, as an application uses it, over RESP2 and RESP3.
func TestGoRedis(t *testing.T) {
	for _, protocol := range []int{2, 3} {
		t.Run(fmt.Sprintf("RESP%d", protocol), func(t *testing.T) {
			s := serve(t, newSlowShards(8, 5), func(o *Options) { o.Password = "secret" })
			ctx := context.Background()
			db := redis.NewClient(&redis.Options{
				Addr: s.Addr().String(), Protocol: protocol, Password: "secret", ClientName: "smoke", MaxRetries: -1,
			})
			defer db.Close()

			require.NoError(t, db.Set(ctx, "greeting", "hello", time.Minute).Err())
			require.Equal(t, "hello", db.Get(ctx, "greeting").Val())
			require.InDelta(t, 60, db.TTL(ctx, "greeting").Val().Seconds(), 1)
			require.ErrorIs(t, db.Get(ctx, "none").Err(), redis.Nil)
			require.True(t, db.SetNX(ctx, "lock", 1, time.Second).Val())
			require.False(t, db.SetNX(ctx, "lock", 1, time.Second).Val())
			require.EqualValues(t, 5, db.IncrBy(ctx, "n", 5).Val())
			require.InDelta(t, 1.5, db.IncrByFloat(ctx, "f", 1.5).Val(), 0)
			require.ErrorContains(t, db.Incr(ctx, "greeting").Err(), "ERR value is not an integer or out of range")

			require.NoError(t, db.MSet(ctx, "a", 1, "b", 2, "c", 3).Err())
			require.Equal(t, []any{"1", nil, "3"}, db.MGet(ctx, "a", "none", "c").Val())
			require.EqualValues(t, 2, db.Del(ctx, "a", "b", "none").Val())

			pipe := db.Pipeline()
			for i := range 500 {
				pipe.Set(ctx, fmt.Sprint("p", i), i, 0)
				pipe.Get(ctx, fmt.Sprint("p", i))
			}
			results, err := pipe.Exec(ctx)
			require.NoError(t, err)
			for i := range 500 {
				require.Equal(t, fmt.Sprint(i), results[2*i+1].(*redis.StringCmd).Val())
			}

			keys := make(map[string]bool)
			for it := db.Scan(ctx, 0, "p*", 7).Iterator(); it.Next(ctx); {
				keys[it.Val()] = true
			}
			require.Len(t, keys, 500)
			require.EqualValues(t, 505, db.DBSize(ctx).Val())
			require.NotEmpty(t, db.RandomKey(ctx).Val())
			require.NotEmpty(t, db.Command(ctx).Val())
			require.Contains(t, db.Info(ctx, "server").Val(), "redis_version")
			require.Equal(t, "smoke", db.ClientGetName(ctx).Val())
			require.NoError(t, db.FlushAll(ctx).Err())
			require.Error(t, db.HSet(ctx, "h", "f", "v").Err())
		})
	}
}

// go-redis's cluster client finds each shard's leader, through MOVED when it guessed wrong.
func TestGoRedisCluster(t *testing.T) {
	// Two nodes that hold the same data, of which each serves the shards it leads.
	first := newFakeNode(8, "node-1", "node-2")
	second := &fakeNode{data: first.data, cluster: first.cluster, leaders: first.leaders, self: first.cluster.Members[1]}
	for shard := range first.leaders {
		first.leaders[shard] = 1 + wire.NodeID(shard%2)
	}
	for _, n := range []*fakeNode{first, second} {
		n.submit = func(call *wire.Call) {
			if leader := n.Leader(call.Shard); leader != n.self.ID {
				refuse(call, wire.OutcomeRefused, wire.ReasonNotLeader, leader)
				return
			}
			first.answer(call)
		}
	}
	redirect := func(o *Options) { o.Redirect = true }
	s1, s2 := serve(t, first, redirect), serve(t, second, redirect)
	first.cluster.Members[0].RESPAddr = s1.Addr().String()
	first.cluster.Members[1].RESPAddr = s2.Addr().String()

	ctx := context.Background()
	db := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{s1.Addr().String()}})
	defer db.Close()
	for i := range 200 {
		require.NoError(t, db.Set(ctx, fmt.Sprint("key-", i), i, 0).Err())
	}
	for i := range 200 {
		require.Equal(t, fmt.Sprint(i), db.Get(ctx, fmt.Sprint("key-", i)).Val())
	}
	total := int64(0)
	require.NoError(t, db.ForEachMaster(ctx, func(ctx context.Context, c *redis.Client) error {
		n, err := c.DBSize(ctx).Result()
		if n == 0 {
			return errors.New("a master without keys")
		}
		first.mu.Lock()
		total += n
		first.mu.Unlock()
		return err
	}))
	require.EqualValues(t, 200, total)
	shards, err := db.ClusterShards(ctx).Result()
	require.NoError(t, err)
	require.Len(t, shards, 2)
	require.NoError(t, db.MSet(ctx, "{t}1", 1, "{t}2", 2).Err())
}
