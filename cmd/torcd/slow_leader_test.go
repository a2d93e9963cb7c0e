package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/cmd/internal/proctest"
	"torc/core/wire"
)

// A node that has become slow leads nothing within seconds, in the eyes of the others, and nothing comes back to it while it
// is. When it is well again it leads what it is to lead. Its clients are served meanwhile: no write fails.
func TestASlowNodeGivesItsShardsAway(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute: not with -short")
	}
	const within = 15 * time.Second // 2 to 4 s by itself; the machine may be busy
	c := proctest.Start(t, 3, "--shards", fmt.Sprint(slowShards))
	c.WaitSettled(proctest.FormsWithin)
	slow := c.Nodes[1]
	others := []*proctest.Node{c.Nodes[0], c.Nodes[2]}
	self, err := slow.Status()
	require.NoError(t, err)
	// leads are the shards that another node believes the slow one to lead: whoever is slow is slow to say so.
	leads := func() (shards []wire.ShardID) {
		for _, n := range others {
			s, err := n.Status()
			if err != nil {
				continue
			}
			for _, lane := range s.Lanes {
				for _, g := range lane.Groups {
					if g.LeaderOn == self.ID && !slices.Contains(shards, g.Shard) {
						shards = append(shards, g.Shard)
					}
				}
			}
		}
		return shards
	}
	before := len(leads())
	require.GreaterOrEqual(t, before, slowShards/4)
	db := goClient(t, c)
	var keys []string
	for shard := wire.ShardID(1); shard <= slowShards; shard++ {
		keys = append(keys, proctest.KeyOn(shard, slowShards, "yield"))
	}

	began := time.Now()
	well := pulsed(slow, 99*time.Millisecond, time.Millisecond)
	defer func() { well() }()
	proctest.Until(t, within, "the slow node leads nothing", func() error {
		if left := leads(); len(left) > 0 {
			return fmt.Errorf("it leads %v", left)
		}
		return nil
	})
	t.Logf("it led %d groups, and none after %v", before, time.Since(began).Round(100*time.Millisecond))
	times := setsAtRate(t, db, keys)
	t.Logf("meanwhile SET on all shards: p50 %v, p99 %v", quantile(times, 50), quantile(times, 99))
	require.Empty(t, leads(), "nothing comes back while it is slow")

	well()
	well = func() {}
	began = time.Now()
	c.WaitSettled(2 * proctest.FormsWithin)
	t.Logf("after %v it led again what it is to lead", time.Since(began).Round(100*time.Millisecond))
	require.Contains(t, slow.Log(), "this node answers late")
	require.Contains(t, others[0].Log(), "a node answers late")
	proctest.Until(t, within, "the log says that it is well", func() error { // once a second
		if !strings.Contains(others[0].Log(), "a node answers in time again") {
			return errors.New("not yet")
		}
		return nil
	})
	yielded, err := slow.Metric("torc_leaderships_yielded_total")
	require.NoError(t, err)
	require.Positive(t, yielded)
}

// A request that takes long leaves a trace of what the process did meanwhile, which Go's tool can read: one, however many there
// are, and a line in the log that says where.
func TestASlowRequestLeavesATrace(t *testing.T) {
	t.Parallel() // it mostly waits
	dir := filepath.Join(t.TempDir(), "traces")
	c := proctest.Start(t, 3, "--shards", "3", "--election-timeout", "3s", "--slow-request", "200ms", "--slow-dir", dir)
	asked := c.Busiest()
	led := c.Leads(asked)
	require.NotEmpty(t, led)
	others := slices.DeleteFunc(slices.Clone(c.Nodes), func(n *proctest.Node) bool { return n == asked })
	db, key := redisClient(t, asked), proctest.KeyOn(led[0], 3, "trace")
	require.NoError(t, db.Set(context.Background(), key, "quick", 0).Err())
	traces := func() (files []string) {
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		require.NoError(t, err)
		return files
	}
	for range 3 { // no quorum for a moment
		for _, n := range others {
			n.Freeze()
		}
		thaw := time.AfterFunc(400*time.Millisecond, func() {
			for _, n := range others {
				n.Resume()
			}
		})
		err := db.Set(context.Background(), key, "slow", 0).Err()
		require.False(t, thaw.Stop(), "it was answered without a quorum")
		require.NoError(t, err)
		proctest.Until(t, 10*time.Second, "the others run", func() error {
			for _, n := range others {
				if err := n.Ready(); err != nil {
					return err
				}
			}
			return nil
		})
	}
	const line = "a request was slow"
	proctest.Until(t, 20*time.Second, "a trace is kept", func() error {
		if !strings.Contains(asked.Log(), line) {
			return fmt.Errorf("nothing in the log; %d files", len(traces()))
		}
		return nil
	})
	var own []string // the others were slow for clients of theirs at most
	for _, f := range traces() {
		if strings.Contains(asked.Log(), f) {
			own = append(own, f)
		}
	}
	require.Len(t, own, 1, "one a minute")
	require.Equal(t, 1, strings.Count(asked.Log(), line))
	seen, err := asked.Metric("torc_slow_requests_total")
	require.NoError(t, err)
	require.GreaterOrEqual(t, seen, 3.0)
	kept, err := asked.Metric("torc_slow_traces_total")
	require.NoError(t, err)
	require.Equal(t, 1.0, kept)

	said, err := exec.Command("go", "tool", "trace", "-d=parsed", own[0]).Output()
	require.NoError(t, err, "go tool trace reads it")
	require.Contains(t, string(said), "torc/net/host.(*loop).run", "the lanes' goroutines are in it")
	byHand, err := asked.Get("/debug/flight")
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "by-hand.trace")
	require.NoError(t, os.WriteFile(file, byHand, 0o600))
	require.NoError(t, exec.Command("go", "tool", "trace", "-d=parsed", file).Run())
	_, err = asked.Get("/debug/pprof/")
	require.Error(t, err, "profiles are not asked for")
}
