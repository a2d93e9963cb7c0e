package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"torc/client"
	"torc/cmd/internal/proctest"
	"torc/core/wire"
)

// visitors are clients of a cluster that show one password.
type visitors struct {
	torc  *client.Client
	redis []*redis.Client // of each node
}

func visit(t *testing.T, c *proctest.Cluster, password string) *visitors {
	v := &visitors{torc: goClient(t, c, func(o *client.Options) { o.Password = password })}
	for _, n := range c.Nodes {
		db := redis.NewClient(&redis.Options{Addr: n.RESP, Password: password, MaxRetries: -1, DialerRetries: 1, ReadTimeout: 10 * time.Second, ContextTimeoutEnabled: true})
		t.Cleanup(func() { _ = db.Close() })
		v.redis = append(v.redis, db)
	}
	return v
}

// The password and the cluster's secret are changed on three nodes under load, as docs/OPERATIONS.md has it: a round of restarts in
// which each node takes the old ones beside the new ones, then the clients, then a round that leaves the old ones out. No
// request fails for it, nothing is lost, and in the end the old ones are worth nothing.
func TestSecretsAreChanged(t *testing.T) {
	t.Parallel() // it mostly waits
	dir := t.TempDir()
	file := filepath.Join(dir, "torc.toml")
	settings := func(lines string) { require.NoError(t, os.WriteFile(file, []byte(lines), 0o600)) }
	settings("password = \"old-sesame\"\ncluster-secret = \"old-secret\"\n")
	c := proctest.Start(t, 3, "--shards", fmt.Sprint(rollShards), "--config", file)
	for name, text := range map[string]string{"old": "old-sesame\n", "new": "new-sesame\n"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	round := func(password string) {
		for i, n := range c.Nodes {
			stdout, stderr, code := proctest.Torc(t, "roll", "--check", "--wait", "30s", n.Peer, "--addr", c.Nodes[(i+1)%3].GRPC, "--password-file", filepath.Join(dir, password))
			require.Equal(t, toolOK, code, stdout+stderr)
			require.Equal(t, 0, n.Stop(10*time.Second))
			n.Start()
		}
		stdout, stderr, code := proctest.Torc(t, "roll", "--check", "--wait", "30s", "--addr", c.Nodes[0].GRPC, "--password-file", filepath.Join(dir, password))
		require.Equal(t, toolOK, code, stdout+stderr)
	}

	var changing sync.RWMutex // who writes keeps it from being changed, so the old ones are out of use when it is
	now := visit(t, c, "old-sesame")
	var shards []wire.ShardID
	for shard := range wire.ShardID(rollShards) {
		shards = append(shards, shard+1)
	}
	var trails []*trail
	all := pulses(append(shards, shards...), func(shard wire.ShardID) func(int) error {
		w, torc, at := &trail{}, len(trails) < rollShards, int(shard)
		trails = append(trails, w)
		tag := "{" + proctest.KeyOn(shard, rollShards, "secret") + "}"
		return func(i int) error {
			changing.RLock()
			defer changing.RUnlock()
			key, value, by := fmt.Sprintf("%s:%v:%d", tag, torc, i), fmt.Sprint(i), now
			if torc {
				_, err := by.torc.Set(context.Background(), key, []byte(value))
				return w.note(key, value, err)
			}
			err := by.redis[at%3].Set(context.Background(), key, value, 0).Err()
			if err != nil { // its node was stopped: the one retry, elsewhere
				at++
				err = by.redis[at%3].Set(context.Background(), key, value, 0).Err()
			}
			return w.note(key, value, err)
		}
	}, func() {
		settings("password = \"new-sesame\"\nold-password = \"old-sesame\"\ncluster-secret = \"new-secret\"\nold-cluster-secret = \"old-secret\"\n")
		round("old")
		next := visit(t, c, "new-sesame")
		changing.Lock()
		now = next
		changing.Unlock()
		settings("password = \"new-sesame\"\ncluster-secret = \"new-secret\"\n")
		round("new")
	})
	_, longest, acked, errs := summary(all)
	t.Logf("two rounds of restarts: %d writes, %d errors, longest pause of a shard p50 %v, max %v", acked, len(errs), percentile(longest, 50), percentile(longest, 100))
	require.Empty(t, errs)
	db := now.redis[2]
	for _, w := range trails {
		for _, a := range w.acked[max(0, len(w.acked)-200):] {
			require.Equal(t, a.value, db.Get(context.Background(), a.key).Val(), "acknowledged write of %s is lost", a.key)
		}
	}

	old := redis.NewClient(&redis.Options{Addr: c.Nodes[0].RESP, Password: "old-sesame", MaxRetries: -1})
	defer func() { _ = old.Close() }()
	require.ErrorContains(t, old.Ping(context.Background()).Err(), "WRONGPASS")
	stranger := proctest.New(t, 1, "--cluster-secret", "old-secret", "--join", c.Nodes[0].Peer)
	stranger.Nodes[0].Start()
	proctest.Until(t, proctest.FormsWithin, "who has the old secret is turned away", func() error {
		for _, n := range c.Nodes {
			require.NotContains(t, n.Log(), "sesame")
			require.NotContains(t, n.Log(), "secret=")
		}
		if log := c.Nodes[0].Log(); !strings.Contains(log, "a peer was turned away") {
			return fmt.Errorf("the log is\n%s", log)
		}
		return nil
	})
}
