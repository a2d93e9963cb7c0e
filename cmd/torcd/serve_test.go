package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"torc/cmd/internal/proctest"
)

// Three processes form a cluster, each of which serves every key, and each stops when it is told to.
func TestThreeProcesses(t *testing.T) {
	c := proctest.Start(t, 3)
	ctx := context.Background()
	for i, n := range c.Nodes {
		db := redisClient(t, n)
		require.NoError(t, db.Set(ctx, "greeting", "hello "+n.RESP, time.Minute).Err())
		for _, other := range c.Nodes {
			require.Equal(t, "hello "+n.RESP, redisClient(t, other).Get(ctx, "greeting").Val(), "set at node %d, read at node %d", i, other.Index)
		}
	}
	for _, n := range c.Nodes[1:] {
		require.Equal(t, 0, n.Stop(5*time.Second), "exit code after SIGTERM\n%s", n.Log())
	}
}

func redisClient(t *testing.T, n *proctest.Node) *redis.Client {
	t.Helper()
	db := redis.NewClient(&redis.Options{Addr: n.RESP, MaxRetries: -1, ReadTimeout: 10 * time.Second, ContextTimeoutEnabled: true})
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// A node that does not know the cluster's secret does not get in, and one that knows it does.
func TestClusterSecret(t *testing.T) {
	c := proctest.Start(t, 1, "--cluster-secret", "open sesame", "--shards", "4")
	stranger := proctest.New(t, 1, "--cluster-secret", "wrong", "--join", c.Nodes[0].Peer)
	stranger.Nodes[0].Start()
	friend := proctest.New(t, 1, "--cluster-secret", "open sesame", "--join", c.Nodes[0].Peer)
	friend.Nodes[0].Start()
	proctest.Until(t, proctest.FormsWithin, "the friend is ready", friend.Nodes[0].Ready)
	require.ErrorContains(t, stranger.Nodes[0].Ready(), "no cluster yet")
	require.NotContains(t, c.Nodes[0].Log()+stranger.Nodes[0].Log()+friend.Nodes[0].Log(), "sesame", "secrets are not logged")
}

// With a password nobody is served without it.
func TestPassword(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(file, []byte("hunter2\n"), 0o600))
	c := proctest.Start(t, 1, "--password-file", file, "--shards", "4")
	ctx := context.Background()
	require.ErrorContains(t, redisClient(t, c.Nodes[0]).Get(ctx, "k").Err(), "NOAUTH")
	db := redis.NewClient(&redis.Options{Addr: c.Nodes[0].RESP, Password: "hunter2"})
	defer func() { _ = db.Close() }()
	require.NoError(t, db.Set(ctx, "k", "v", 0).Err())
	require.NotContains(t, c.Nodes[0].Log(), "hunter2")
}

// Many a service reads its settings anew on SIGHUP. A node that ended by it would have lost its memory.
func TestHangUp(t *testing.T) {
	c := proctest.Start(t, 1, "--shards", "4")
	n, ctx := c.Nodes[0], context.Background()
	db := redisClient(t, n)
	require.NoError(t, db.Set(ctx, "k", "v", 0).Err())
	n.HangUp()
	n.HangUp()
	proctest.Until(t, 10*time.Second, "the log says what it takes of it", func() error {
		if told := strings.Count(n.Log(), "SIGHUP: there is nothing to do"); told < 1 {
			return errors.New(n.Log())
		}
		return nil
	})
	require.Equal(t, "v", db.Get(ctx, "k").Val())
	require.Equal(t, 0, n.Stop(10*time.Second))
}

// A node cannot start twice, and says which port it is about.
func TestPortTaken(t *testing.T) {
	c := proctest.Start(t, 1, "--shards", "4")
	n := c.Nodes[0]
	out, err := exec.Command(proctest.Binary(), "--resp", n.RESP, "--grpc", n.GRPC, "--peer", n.Peer, "--admin", "").CombinedOutput()
	require.Error(t, err)
	port := n.Peer[strings.LastIndex(n.Peer, ":")+1:]
	require.Contains(t, string(out), "port "+port+" is taken")
	require.Contains(t, string(out), "--peer")
}

// What nobody understands is an error that names it, wherever it stands.
func TestUnknownSettings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "torc.toml")
	require.NoError(t, os.WriteFile(file, []byte("max_keys = 5\n"), 0o600))
	for _, c := range []struct {
		args, env []string
		want      string
	}{
		{args: []string{"--shard", "3"}, want: "there is no flag --shard; did you mean --shards?"},
		{env: []string{"TORC_JOINS=a:1"}, want: "there is no variable TORC_JOINS; did you mean TORC_JOIN?"},
		{args: []string{"--config", file}, want: "there is no key max_keys; did you mean max-key?"},
	} {
		var stdout, stderr bytes.Buffer
		require.Equal(t, 1, run(c.args, c.env, &stdout, &stderr))
		require.Contains(t, stderr.String(), c.want)
	}
}

// In a pod beside a service named torc a node says what it takes no notice of, and goes on: here, to a certificate that is not there.
func TestBesideAServiceOfItsName(t *testing.T) {
	was := slog.Default()
	defer slog.SetDefault(was)
	var stdout, stderr bytes.Buffer
	none := filepath.Join(t.TempDir(), "none.pem")
	require.Equal(t, 1, run([]string{"--tls-cert", none, "--tls-key", none}, []string{"TORC_SERVICE_HOST=10.0.0.1", "TORC_PORT=tcp://10.0.0.1:6379"}, &stdout, &stderr))
	require.Equal(t, 1, strings.Count(stderr.String(), "enableServiceLinks: false"), stderr.String())
	require.Contains(t, stderr.String(), "[TORC_PORT TORC_SERVICE_HOST]")
	require.Contains(t, stderr.String(), "none.pem")
}
