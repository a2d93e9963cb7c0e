package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"torc/cmd/internal/proctest"
)

// scriptCalls are what a random script does with its keys; %d is a key's number.
var scriptCalls = strings.Split(strings.TrimSpace(`
redis.call('set', KEYS[%d], 5)
redis.call('set', KEYS[%d], 'text')
redis.call('set', KEYS[%d], 6, 'NX')
redis.call('set', KEYS[%d], 7, 'XX', 'GET')
redis.call('set', KEYS[%d], 8, 'EX', 100)
redis.pcall('set', KEYS[%d], 8, 'EX', 0)
redis.call('setnx', KEYS[%d], ARGV[1])
redis.call('getset', KEYS[%d], 1)
redis.call('getdel', KEYS[%d])
redis.call('getex', KEYS[%d], 'PERSIST')
redis.call('get', KEYS[%d])
redis.call('strlen', KEYS[%d])
redis.call('append', KEYS[%d], 'x')
redis.call('getrange', KEYS[%d], 0, 2)
redis.call('setrange', KEYS[%d], 1, ARGV[2])
redis.pcall('incr', KEYS[%d])
redis.pcall('incrby', KEYS[%d], 10)
redis.pcall('incrbyfloat', KEYS[%d], 0.5)
redis.call('incr', KEYS[%d])
redis.call('del', KEYS[%d])
redis.call('del', KEYS[1], KEYS[%d])
redis.call('exists', KEYS[%d], KEYS[2])
redis.call('type', KEYS[%d])
redis.call('ttl', KEYS[%d])
redis.call('expire', KEYS[%d], 50)
redis.call('expire', KEYS[%d], -1)
redis.call('persist', KEYS[%d])
redis.call('mget', KEYS[1], KEYS[%d])
redis.call('mset', KEYS[1], 1, KEYS[%d], 2)
redis.call('msetnx', KEYS[3], 1, KEYS[%d], 2)
redis.call('touch', KEYS[%d])
redis.call('echo', ARGV[1] .. %d)
tonumber(redis.call('get', KEYS[%d]) or 0)
`), "\n")

// randomScript is one that returns what some calls have answered. One that ends with an error in the middle would differ: nothing of it stays in Torc.
func randomScript(r *rand.Rand) string {
	var b strings.Builder
	b.WriteString("local all = {}\n")
	for range 1 + r.IntN(6) {
		call := fmt.Sprintf(scriptCalls[r.IntN(len(scriptCalls))], 1+r.IntN(3))
		switch r.IntN(4) {
		case 0:
			fmt.Fprintf(&b, "if redis.call('exists', KEYS[%d]) == 1 then all[#all + 1] = tostring(%s) end\n", 1+r.IntN(3), strings.ReplaceAll(call, "redis.call('incr", "redis.pcall('incr"))
		default:
			fmt.Fprintf(&b, "all[#all + 1] = %s or 'none'\n", strings.ReplaceAll(call, "redis.call('incr", "redis.pcall('incr"))
		}
	}
	b.WriteString("return all")
	return strings.ReplaceAll(b.String(), "tostring(redis", "type(redis") // a table's address is nobody's business
}

// Random scripts, the same ones to three nodes and to a real redis-server: every reply is the same, byte for byte, and so is what they leave.
func TestScriptsAreRedis(t *testing.T) {
	c, real := proctest.Start(t, 3), startRedis(t, false)
	for round := range *redisRounds {
		r := rand.New(rand.NewPCG(*redisSeed, uint64(round)))
		var torc [3]*rawConn
		for i := range torc {
			torc[i] = dialRaw(t, c.Nodes[i].RESP)
		}
		redis := dialRaw(t, real)
		require.Equal(t, redis.ask("FLUSHALL"), torc[0].ask("FLUSHALL"))
		for range 30 {
			args := []string{"EVAL", randomScript(r), "3", "{t}1", "{t}2", "{t}3", "first", "2"}
			if r.IntN(3) == 0 {
				args = strings.Fields([]string{"SET {t}1 10", "DEL {t}2", "INCR {t}3", "MGET {t}1 {t}2 {t}3", "EXPIRE {t}1 20"}[r.IntN(5)])
			}
			require.Equal(t, redis.ask(args...), torc[r.IntN(3)].ask(args...), "round %d:\n%s", round, strings.Join(args, "\n"))
		}
		for i := range torc {
			torc[i].close()
		}
		redis.close()
	}
}

// A counter that clients of all nodes add to with a script loses nothing while its leader hands over, and another one is killed.
func TestScriptsWhileLeadersGo(t *testing.T) {
	add := redis.NewScript("local n = redis.call('get', KEYS[1]) or 0 redis.call('incr', KEYS[2]) return redis.call('set', KEYS[1], n + 1)")
	countWhileLeadersGo(t, func(ctx context.Context, db *redis.Client, key string) error {
		return add.Run(ctx, db, []string{key, "{n}beside"}).Err()
	})
}
