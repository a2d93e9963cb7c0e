package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/cmd/internal/proctest"
)

// Exit codes of torc, as its documentation lists them.
const (
	toolOK       = 0
	toolError    = 1
	toolDegraded = 2
	toolAbsent   = 3
)

// clusterStatus is the part of torc status --json that scripts rely on.
type clusterStatus struct {
	Nodes []struct {
		Name, State, Error string
		Leads              int
	}
	Shards []struct {
		Shard  int
		Leader string
		Term   uint64
		Voters []string
	}
	Trouble []string
}

// statusOf asks until the tool's exit code is this one: leaderships are handed over for a while after a
// cluster has formed, and a shard has no leader for a moment then.
func statusOf(t *testing.T, want int, args ...string) (s clusterStatus) {
	t.Helper()
	var stdout string
	proctest.Until(t, proctest.FormsWithin, fmt.Sprintf("torc status exits with %d", want), func() error {
		var stderr string
		var code int
		if stdout, stderr, code = proctest.Torc(t, append([]string{"status", "--json"}, args...)...); code != want {
			return fmt.Errorf("exit code %d\n%s%s", code, stdout, stderr)
		}
		return nil
	})
	require.NoError(t, json.Unmarshal([]byte(stdout), &s), stdout)
	return s
}

// torc status asks everybody, whichever node it is pointed at, and shows who does not answer.
func TestToolStatus(t *testing.T) {
	c := proctest.Start(t, 3)
	for _, n := range c.Nodes {
		s := statusOf(t, toolOK, "--addr", n.GRPC)
		require.Len(t, s.Nodes, 3)
		require.Len(t, s.Shards, 65, "64 shards and the meta group")
		require.Empty(t, s.Trouble)
		leads := 0
		for _, of := range s.Nodes {
			require.Equal(t, "active", of.State)
			leads += of.Leads
		}
		require.Equal(t, 65, leads, "every shard has one leader")
		for _, shard := range s.Shards {
			require.NotEmpty(t, shard.Leader, "shard %d", shard.Shard)
			require.NotZero(t, shard.Term, "shard %d", shard.Shard)
			require.Len(t, shard.Voters, 3, "shard %d", shard.Shard)
		}
	}

	c.Nodes[2].Kill()
	s := statusOf(t, toolDegraded, "--addr", c.Nodes[0].GRPC)
	require.Len(t, s.Nodes, 3)
	silent := 0
	for _, of := range s.Nodes {
		if of.Error != "" {
			require.Equal(t, c.Nodes[2].Peer, of.Name, of.Error)
			silent++
		}
	}
	require.Equal(t, 1, silent)
	require.NotEmpty(t, s.Trouble)

	stdout, _, code := proctest.Torc(t, "status", "--addr", c.Nodes[0].GRPC)
	require.Equal(t, toolDegraded, code)
	require.Contains(t, stdout, "does not answer")
	require.NotContains(t, stdout, "\x1b[", "no colour but on a terminal")

	_, stderr, code := proctest.Torc(t, "status", "--addr", c.Nodes[2].GRPC)
	require.Equal(t, toolError, code)
	require.Contains(t, stderr, c.Nodes[2].GRPC, "the address that does not answer is named")
}

// get, set, del and bench, with a password.
func TestToolData(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(file, []byte("hunter2\n"), 0o600))
	c := proctest.Start(t, 1, "--shards", "4", "--password-file", file)
	torc := func(args ...string) (string, string, int) {
		t.Helper()
		return proctest.Torc(t, append(args, "--addr", c.Nodes[0].GRPC, "--password-file", file)...)
	}
	for _, step := range []struct {
		args   []string
		stdout string
		code   int
	}{
		{[]string{"get", "k"}, "", toolAbsent},
		{[]string{"set", "k", "one"}, "OK\n", toolOK},
		{[]string{"set", "k", "two", "--nx"}, "", toolAbsent},
		{[]string{"get", "k"}, "one\n", toolOK},
		{[]string{"set", "--xx", "k", "three", "--ttl", "1h"}, "OK\n", toolOK},
		{[]string{"get", "k"}, "three\n", toolOK},
		{[]string{"set", "absent", "x", "--xx"}, "", toolAbsent},
		{[]string{"set", "k", "x", "--ttl=-5s"}, "", toolError},
		{[]string{"set", "k", "x", "--nx", "--xx"}, "", toolError},
		{[]string{"set", "k"}, "", toolError},
		{[]string{"del", "k", "absent"}, "1\n", toolOK},
		{[]string{"get", "k"}, "", toolAbsent},
	} {
		stdout, stderr, code := torc(step.args...)
		require.Equal(t, step.code, code, "%v: %s", step.args, stderr)
		require.Equal(t, step.stdout, stdout, "%v", step.args)
		require.Equal(t, step.code != toolOK, stderr != "", "%v: failures, and only they, say why: %s", step.args, stderr)
	}
	for _, pipeline := range []string{"1", "7"} {
		stdout, stderr, code := torc("bench", "--json", "--requests", "1000", "--clients", "5", "--pipeline", pipeline)
		require.Equal(t, toolOK, code, "%s%s", stdout, stderr)
		var r struct {
			Requests, Errors int
			P50              int64 `json:"p50_ns"`
			Max              int64 `json:"max_ns"`
		}
		require.NoError(t, json.Unmarshal([]byte(stdout), &r))
		require.Equal(t, 1000, r.Requests)
		require.Zero(t, r.Errors)
		require.Positive(t, r.P50)
		require.LessOrEqual(t, r.P50, r.Max)
	}
	began := time.Now()
	_, stderr, code := proctest.Torc(t, "get", "k", "--addr", c.Nodes[0].GRPC, "--timeout", "2m")
	require.Equal(t, toolError, code, "without the password")
	require.Contains(t, stderr, "the password is not taken")
	require.Less(t, time.Since(began), time.Minute, "nobody waits for the password to become right")
	require.NotContains(t, stderr, "hunter2")
	_, stderr, code = proctest.Torc(t, "status", "--addr", c.Nodes[0].GRPC)
	require.Equal(t, toolError, code, "without the password")
	require.Contains(t, stderr, "password")
}

// Help is an answer, not a failure; what there is not is an error that lists what there is.
func TestToolHelp(t *testing.T) {
	for _, command := range []string{"dev", "status", "drain", "undrain", "weight", "forget", "recover-meta", "roll", "get", "set", "del", "bench", "sim"} {
		_, stderr, code := proctest.Torc(t, "help", command)
		require.Equal(t, toolOK, code, command)
		require.Contains(t, stderr, "usage: torc "+command)
		require.Equal(t, command != "sim", strings.Contains(stderr, "\nexit code: 0 "), stderr)
	}
	stdout, _, code := proctest.Torc(t, "help")
	require.Equal(t, toolOK, code)
	require.Contains(t, stdout, "torc status")
	_, stderr, code := proctest.Torc(t, "statsu")
	require.Equal(t, toolError, code)
	require.Contains(t, stderr, `there is no command "statsu"`)
}
