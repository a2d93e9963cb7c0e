package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"torc/cmd/internal/proctest"
	"torc/core/wire"
)

// transactionTemplates are commands on keys of one slot. {t}9 alone is ever deleted, and never watched: a key that came and went is as it was to Torc.
var transactionTemplates = strings.Split(strings.TrimSpace(`
MULTI
MULTI
MULTI
MULTI
EXEC
EXEC
EXEC
EXEC
EXEC
DISCARD
WATCH {t}1
WATCH {t}1 {t}2
WATCH {t}2
WATCH {t}none
WATCH
UNWATCH
SET {t}1 5
SET {t}2 text
SET {t}1 6 NX
SET {t}2 7 XX GET
SET {t}1 8 EX abc
SET {t}1 8 EX 0
INCR {t}1
INCRBY {t}1 x
INCRBY {t}2 3
APPEND {t}1 1
GET {t}1
GET {t}2
GET {t}none
GET
MGET {t}1 {t}2 {t}none
MSET {t}1 1 {t}2 2
MSET {t}1 1 {t}2
MSETNX {t}9 1
DEL {t}9
DEL {t}9 {t}none
EXISTS {t}1 {t}2 {t}9
GETRANGE {t}2 0 -1
STRLEN {t}1
EXPIRE {t}2 100
PERSIST {t}2
TYPE {t}9
TOUCH {t}1 {t}9
OBJECT ENCODING {t}9
PING
PING hello
ECHO hello
SELECT 0
SELECT x
HELLO x
NOSUCH x
CLIENT GETNAME
CLIENT SETNAME me
RESET
`), "\n")

// Random transactions of clients that come between each other's commands, the same ones to three nodes and to a real redis-server: every reply is the
// same, byte for byte.
func TestTransactionsAreRedis(t *testing.T) {
	c, real := proctest.Start(t, 3), startRedis(t, false)
	for round := range *redisRounds {
		r := rand.New(rand.NewPCG(*redisSeed, uint64(round)))
		var torc, redis [3]*rawConn
		for i := range torc {
			torc[i], redis[i] = dialRaw(t, c.Nodes[i].RESP), dialRaw(t, real)
		}
		require.Equal(t, redis[0].ask("FLUSHALL"), torc[0].ask("FLUSHALL"))
		var said []string
		for range 120 {
			who := r.IntN(3)
			args := strings.Fields(transactionTemplates[r.IntN(len(transactionTemplates))])
			said = append(said, fmt.Sprintf("%d: %s", who, strings.Join(args, " ")))
			require.Equal(t, redis[who].ask(args...), torc[who].ask(args...), "round %d:\n%s", round, strings.Join(said, "\n"))
		}
		for i := range torc {
			torc[i].close()
			redis[i].close()
		}
	}
}

// keyLeader is the node that leads a key's shard.
func keyLeader(t *testing.T, c *proctest.Cluster, key string) *proctest.Node {
	t.Helper()
	shard := wire.ShardOf(wire.Slot([]byte(key)), killShards)
	for _, n := range c.Nodes {
		if slices.Contains(c.Leads(n), shard) {
			return n
		}
	}
	t.Fatal("nobody leads the shard of ", key)
	return nil
}

// A counter that clients of all nodes read, add to and write back under WATCH loses nothing while its leader hands over, and another one is killed.
func TestWatchWhileLeadersGo(t *testing.T) { countWhileLeadersGo(t, addOne) }

// countWhileLeadersGo has clients of all nodes add one to a counter, and to another one beside it, while its leader hands over, and another one is killed: beyond what
// was acknowledged it has no more than what nobody knows of, and both are the same.
func countWhileLeadersGo(t *testing.T, addOne func(ctx context.Context, db *redis.Client, key string) error) {
	c := proctest.Start(t, 3)
	c.WaitSettled(proctest.FormsWithin)
	const key = "{n}counter"
	ctx := context.Background()
	var acked, unknown atomic.Int64
	end := make(chan struct{})
	var wg sync.WaitGroup
	for i := range 6 {
		db := redis.NewClient(&redis.Options{Addr: c.Nodes[i%3].RESP, MaxRetries: -1, ReadTimeout: 10 * time.Second})
		defer func() { _ = db.Close() }()
		wg.Go(func() {
			for {
				select {
				case <-end:
					return
				default:
				}
				switch err := addOne(ctx, db, key); {
				case err == nil:
					acked.Add(1)
				case surelyNotDone(err):
				default:
					unknown.Add(1)
				}
			}
		})
	}
	rises := func() {
		t.Helper()
		from := acked.Load()
		proctest.Until(t, proctest.FormsWithin, "increments go on", func() error {
			if acked.Load() < from+50 {
				return fmt.Errorf("%d since", acked.Load()-from)
			}
			return nil
		})
	}
	rises()
	for _, goes := range []func(n *proctest.Node){
		func(n *proctest.Node) { require.Equal(t, 0, n.Stop(10*time.Second)) },
		(*proctest.Node).Kill,
	} {
		leader := keyLeader(t, c, key)
		goes(leader)
		rises()
		leader.Start()
		c.WaitWhole(proctest.FormsWithin)
		rises()
	}
	close(end)
	wg.Wait()
	n, err := redisClient(t, c.Nodes[0]).Get(ctx, key).Int64()
	require.NoError(t, err)
	t.Logf("%d increments acknowledged, %d of unknown outcome: the counter is %d", acked.Load(), unknown.Load(), n)
	require.GreaterOrEqual(t, n, acked.Load(), "an increment is lost")
	require.LessOrEqual(t, n, acked.Load()+unknown.Load(), "an increment was done that was not acknowledged")
	beside, err := redisClient(t, c.Nodes[1]).Get(ctx, "{n}beside").Int64()
	require.NoError(t, err)
	require.Equal(t, n, beside, "half of a transaction")
}

// addOne adds one to a counter under WATCH, and to another one beside it.
func addOne(ctx context.Context, db *redis.Client, key string) error {
	return db.Watch(ctx, func(tx *redis.Tx) error {
		n, err := tx.Get(ctx, key).Int64()
		if err != nil && !errors.Is(err, redis.Nil) {
			return notSent{err}
		}
		_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.Set(ctx, key, n+1, 0)
			p.Incr(ctx, "{n}beside")
			return nil
		})
		return err
	}, key)
}

// notSent is an error before anything was to be written.
type notSent struct{ error }

func surelyNotDone(err error) bool {
	var early notSent
	if errors.As(err, &early) || errors.Is(err, redis.TxFailedErr) {
		return true
	}
	for _, word := range []string{"CLUSTERDOWN", "TRYAGAIN", "LOADING", "BUSY", "OOM", "EXECABORT", "connection refused"} {
		if strings.Contains(err.Error(), word) {
			return true
		}
	}
	return false
}

// Clients of Redis Cluster send a transaction to the node that leads its slot, and are redirected when that is another one.
func TestClusterClientTransactions(t *testing.T) {
	c := proctest.Start(t, 3, "--redirect")
	ctx := context.Background()
	db := redis.NewClusterClient(&redis.ClusterOptions{Addrs: c.RESP()})
	defer func() { _ = db.Close() }()
	for i := range 100 {
		a, b := fmt.Sprintf("{tag%d}a", i), fmt.Sprintf("{tag%d}b", i)
		var get *redis.StringCmd
		_, err := db.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.Set(ctx, a, i, 0)
			p.Incr(ctx, a)
			get = p.Get(ctx, a)
			p.Set(ctx, b, "b", 0)
			return nil
		})
		require.NoError(t, err)
		require.Equal(t, fmt.Sprint(i+1), get.Val())
		require.NoError(t, db.Watch(ctx, func(tx *redis.Tx) error {
			_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error { return p.Del(ctx, b).Err() })
			return err
		}, a, b))
		require.EqualValues(t, 1, db.Exists(ctx, a, b).Val())
	}
	moved := 0
	for _, n := range c.Nodes { // one that knows no cluster is told where to go, and its connection goes on
		alone := redisClient(t, n)
		_, err := alone.TxPipelined(ctx, func(p redis.Pipeliner) error { return p.Set(ctx, "{tag1}a", "moved", 0).Err() })
		if err != nil {
			require.ErrorContains(t, err, "EXECABORT")
			moved++
		}
		require.NoError(t, alone.Ping(ctx).Err())
	}
	require.Equal(t, 2, moved)
}

// redis-cli, and what --split-transactions allows.
func TestTransactionsOfOtherClients(t *testing.T) {
	cli := proctest.NeedTool(t, "redis-cli")
	c := proctest.New(t, 3)
	c.Nodes[2].With("--split-transactions")
	for _, n := range c.Nodes {
		n.Start()
	}
	c.WaitWhole(proctest.FormsWithin)
	require.Equal(t, "OK\nQUEUED\nQUEUED\n1\n1\n", typed(t, cli, c.Nodes[0], "MULTI\nINCR {k}n\nGET {k}n\nEXEC\n"))
	require.Equal(t, "OK\nOK\nOK\nQUEUED\n\n", typed(t, cli, c.Nodes[1], "WATCH {k}n\nSET {k}n 1\nMULTI\nINCR {k}n\nEXEC\n"))
	require.Equal(t, "1\n0\n2\n", typed(t, cli, c.Nodes[1], "MSETNX {m}a 1 {m}b 2\nMSETNX {m}b 3 {m}c 4\nEXISTS {m}a {m}b {m}c\n"))

	ctx := context.Background()
	many := func(db *redis.Client) error {
		_, err := db.TxPipelined(ctx, func(p redis.Pipeliner) error {
			for i := range 500 {
				p.Set(ctx, fmt.Sprint("key:", i), i, time.Minute)
			}
			return nil
		})
		return err
	}
	require.ErrorContains(t, many(redisClient(t, c.Nodes[0])), "CROSSSLOT")
	require.Zero(t, redisClient(t, c.Nodes[0]).Exists(ctx, "key:0", "key:1").Val())
	require.NoError(t, many(redisClient(t, c.Nodes[2])))
	for i := range 500 {
		require.Equal(t, fmt.Sprint(i), redisClient(t, c.Nodes[1]).Get(ctx, fmt.Sprint("key:", i)).Val())
	}
}

// typed has redis-cli read commands as if they were typed.
func typed(t *testing.T, path string, n *proctest.Node, commands string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(n.RESP)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "-p", port)
	cmd.Stdin = strings.NewReader(commands)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}
