package main

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"torc/cmd/internal/proctest"
)

// The tools that everybody has.
func TestRedisTools(t *testing.T) {
	cli, benchmark := proctest.NeedTool(t, "redis-cli"), proctest.NeedTool(t, "redis-benchmark")
	c := proctest.Start(t, 3)
	for i, n := range c.Nodes {
		require.Equal(t, "OK\n", tool(t, cli, n, "set", "greeting", fmt.Sprint("hello ", i), "EX", "60"))
		require.Equal(t, fmt.Sprintf("hello %d\n", i), tool(t, cli, c.Nodes[(i+1)%3], "get", "greeting"))
		require.Contains(t, tool(t, cli, n, "info"), "torc_shards:64")
		require.Equal(t, fmt.Sprintf("hello %d\n", i), tool(t, cli, n, "-3", "get", "greeting"), "RESP3")
	}
	for _, pipeline := range []string{"1", "16"} {
		out := tool(t, benchmark, c.Nodes[1], "-n", "4000", "-c", "20", "-r", "1000", "-P", pipeline, "-t", "set,get,incr,mset", "--csv")
		for _, test := range []string{`"SET"`, `"GET"`, `"INCR"`, `"MSET (10 keys)"`} {
			require.Contains(t, out, test, "-P %s", pipeline)
		}
	}
}

// Tools and libraries for Redis Cluster are redirected to the node that leads.
func TestRedisClusterClients(t *testing.T) {
	c := proctest.Start(t, 3, "--redirect")
	ctx := context.Background()
	db := redis.NewClusterClient(&redis.ClusterOptions{Addrs: c.RESP()})
	defer func() { _ = db.Close() }()
	for i := range 500 {
		key := fmt.Sprintf("key:%d", i)
		require.NoError(t, db.Set(ctx, key, i, time.Minute).Err())
		require.Equal(t, fmt.Sprint(i), db.Get(ctx, key).Val())
	}
	pipe := db.Pipeline()
	for i := range 500 {
		pipe.Incr(ctx, fmt.Sprintf("key:%d", i))
	}
	results, err := pipe.Exec(ctx)
	require.NoError(t, err)
	require.Len(t, results, 500)

	alone := redisClient(t, c.Nodes[0])
	moved := 0
	for i := range 64 {
		if err := alone.Get(ctx, fmt.Sprintf("key:%d", i)).Err(); err != nil {
			require.ErrorContains(t, err, "MOVED ")
			moved++
		}
	}
	require.Positive(t, moved, "a client that knows no cluster is told where to go")

	benchmark := proctest.NeedTool(t, "redis-benchmark")
	out := tool(t, benchmark, c.Nodes[0], "--cluster", "-n", "4000", "-c", "10", "-r", "1000", "-t", "set,get", "--csv")
	require.Contains(t, out, `"SET"`)
	require.Contains(t, out, `"GET"`)
}

// tool runs a program of redis-tools against a node.
func tool(t *testing.T, path string, n *proctest.Node, args ...string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(n.RESP)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, append([]string{"-p", port}, args...)...).CombinedOutput()
	require.NoError(t, err, "%s %v\n%s", path, args, out)
	return string(out)
}
