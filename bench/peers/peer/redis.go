package peer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"torc/bench/peers/load"
)

// redisFlags keep everything in memory, and let replicas that join begin at once.
var redisFlags = []string{"--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0"}

const redisFlagsText = `--save "" --appendonly no --repl-diskless-sync-delay 0`

func addRedis(ctx context.Context, s *Server, dir, name, addr string, more ...string) error {
	args := append([]string{"--bind", "127.0.0.1", "--port", port(addr), "--dir", dir, "--dbfilename", name + ".rdb"}, redisFlags...)
	p, err := s.add(dir, name, "redis-server", append(args, more...)...)
	if err != nil {
		return err
	}
	return p.waitFor(ctx, name, func() error { return withRedis(ctx, addr, func(db *redis.Client) error { return db.Ping(ctx).Err() }) })
}

func withRedis(ctx context.Context, addr string, do func(*redis.Client) error) error {
	db := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1, DialTimeout: time.Second, DisableIdentity: true})
	defer func() { _ = db.Close() }()
	return do(db)
}

// startRedis starts one server: as fast as it gets, and nothing is kept twice.
func startRedis(ctx context.Context, _ Options, dir string) (*Server, []Peer, error) {
	addrs, err := freeAddrs(1)
	if err != nil {
		return nil, nil, err
	}
	s := &Server{RESP: addrs}
	if err := addRedis(ctx, s, dir, "redis", addrs[0]); err != nil {
		return s, nil, err
	}
	return s, []Peer{{Name: "redis", Target: load.RESP{Addrs: addrs}, Facts: Facts{
		What: "one redis-server", Version: redisVersion(), Flags: redisFlagsText,
		Copies: "1", Durable: "nothing: lost when the process ends", Consistent: "linearizable: there is one copy, one thread",
		Pipeline: "commands on one connection",
	}}}, nil
}

func redisVersion() string {
	return strings.TrimPrefix(strings.Split(firstLine("redis-server", "--version"), " sha=")[0], "Redis server v=")
}

// startRedisWait starts a primary with two replicas.
func startRedisWait(ctx context.Context, _ Options, dir string) (*Server, []Peer, error) {
	addrs, err := freeAddrs(3)
	if err != nil {
		return nil, nil, err
	}
	s := &Server{RESP: addrs[:1]}
	if err := addRedis(ctx, s, dir, "primary", addrs[0]); err != nil {
		return s, nil, err
	}
	for i, addr := range addrs[1:] {
		if err := addRedis(ctx, s, dir, fmt.Sprintf("replica-%d", i+1), addr, "--replicaof", "127.0.0.1 "+port(addrs[0])); err != nil {
			return s, nil, err
		}
	}
	err = s.processes[0].waitFor(ctx, "replication", func() error {
		return withRedis(ctx, addrs[0], func(db *redis.Client) error {
			info, err := db.Info(ctx, "replication").Result()
			if err == nil && strings.Count(info, "state=online") < 2 {
				err = errors.New("not both replicas are online")
			}
			return err
		})
	})
	if err != nil {
		return s, nil, err
	}
	facts := Facts{
		What: "redis-server with two replicas, WAIT 1 1000 after each SET", Version: redisVersion(), Flags: redisFlagsText + "; replicas: --replicaof",
		Copies: "2 of 3", Durable: "survives one process, if the replica that has it is the one promoted (WAIT does not see to that)",
		Consistent: "linearizable while the primary stays; a failover may lose what was acknowledged, a cut-off primary serves old values",
		Pipeline:   "commands on one connection, each SET followed by WAIT",
	}
	batched := facts
	batched.What = "the same servers, one WAIT 1 1000 after each pipeline"
	batched.Pipeline = "commands on one connection, one WAIT at the end"
	return s, []Peer{
		{Name: "redis-wait", Target: load.RESP{Addrs: addrs[:1], Wait: load.WaitEach}, Facts: facts},
		{Name: "redis-wait-batch", Target: load.RESP{Addrs: addrs[:1], Wait: load.WaitBatch}, Facts: batched},
	}, nil
}
