package node

import (
	"context"
	"io"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/cluster"
	"torc/cmd/internal/config"
	"torc/core/wire"
)

// formsWithin is how long one node may take to be ready, on a slow machine.
const formsWithin = 20 * time.Second

// on makes a configuration on ports of loopback that nobody listens on.
func on(t *testing.T, settings ...string) *config.Config {
	t.Helper()
	ports := freePorts(t, 4)
	args := []string{"--resp", ports[0], "--grpc", ports[1], "--peer", ports[2], "--admin", ports[3]}
	cfg, err := config.Load(append(append(args, "--lanes", "2", "--shards", "4"), settings...), nil)
	require.NoError(t, err)
	return cfg
}

// freePorts holds all of them until it returns, so that they differ.
func freePorts(t *testing.T, count int) (addrs []string) {
	t.Helper()
	for range count {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer func() { _ = l.Close() }()
		addrs = append(addrs, l.Addr().String())
	}
	return addrs
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func stop(t *testing.T, n *Node) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	require.NoError(t, n.Stop(ctx))
}

// askInfo is INFO as a Redis client gets it.
func askInfo(t *testing.T, addr string) string {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer nc.Close()
	require.NoError(t, nc.SetDeadline(time.Now().Add(formsWithin)))
	_, err = io.WriteString(nc, "INFO\r\nQUIT\r\n")
	require.NoError(t, err)
	text, err := io.ReadAll(nc)
	require.NoError(t, err)
	return string(text)
}

// requireOncePerName: the server and the node write INFO together, and each line is written by one of them.
func requireOncePerName(t *testing.T, info string) {
	t.Helper()
	require.Contains(t, info, "\r\ntorc_node:")
	seen := make(map[string]bool)
	for line := range strings.SplitSeq(info, "\r\n") {
		if name, _, ok := strings.Cut(line, ":"); ok {
			require.False(t, seen[name], "INFO says %s twice", name)
			seen[name] = true
		}
	}
}

// One node alone serves, tells how it stands in every form, and gives its ports back.
func TestOneNode(t *testing.T) {
	cfg := on(t, "--name", "alone", "--max-memory", "1GiB")
	n, err := Start(cfg, quiet())
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), formsWithin)
	defer cancel()
	require.NoError(t, n.WaitReady(ctx))
	require.NoError(t, n.Health(ctx))

	s, err := n.Status(ctx)
	require.NoError(t, err)
	require.Equal(t, "alone", s.Node)
	require.Len(t, s.Lanes, 2)
	require.Len(t, s.groups(), 5, "four shards and the meta group")
	for _, g := range s.groups() {
		require.Equal(t, "leader", g.Role, "shard %d", g.Shard)
	}

	require.Equal(t, []MemberStatus{{Node: "alone", ID: n.Self().ID, Incarnation: n.Self().Incarnation, State: "active"}}, s.Members)

	report, err := backend{n}.Report(ctx)
	require.NoError(t, err)
	require.Len(t, report.Replicas, 5)
	require.Equal(t, s.ClusterID, report.ClusterId)

	require.Contains(t, backend{n}.Info("memory"), "maxmemory:1073741824\r\n")
	require.Contains(t, backend{n}.Info("torc"), "torc_node:alone\r\n")
	require.Contains(t, backend{n}.Info("torc"), "torc_leads:5\r\n")
	require.Empty(t, backend{n}.Info("clients"), "a section that the node has nothing to add to")
	requireOncePerName(t, askInfo(t, cfg.RESP))

	nc, err := net.Dial("tcp", cfg.RESP)
	require.NoError(t, err)
	_, err = io.WriteString(nc, "SET k v\r\nGET k\r\nMGET k none k\r\nGET none\r\nSET brief v PX 1\r\nQUIT\r\n")
	require.NoError(t, err)
	_, err = io.ReadAll(nc)
	require.NoError(t, err)
	require.NoError(t, nc.Close())
	require.Contains(t, backend{n}.Info("stats"), "keyspace_hits:3\r\nkeyspace_misses:2\r\n")
	require.Eventually(t, func() bool { return strings.Contains(backend{n}.Info("stats"), "expired_keys:1\r\n") },
		formsWithin, time.Millisecond)

	stop(t, n)
	again, err := Start(cfg, quiet())
	require.NoError(t, err, "the ports are free again")
	require.Greater(t, again.Self().Incarnation, n.Self().Incarnation, "another life")
	require.Equal(t, n.Self().ID, again.Self().ID, "of the same node")
	stop(t, again)
}

// What dashboards and alerts are built on.
func TestSamples(t *testing.T) {
	n, err := Start(on(t), quiet())
	require.NoError(t, err)
	defer stop(t, n)
	ctx, cancel := context.WithTimeout(context.Background(), formsWithin)
	defer cancel()
	require.NoError(t, n.WaitReady(ctx))
	byName := map[string]int{}
	for _, s := range n.samples() {
		byName[s.Name]++
		require.Equal(t, strings.HasSuffix(s.Name, "_total"), s.Counter, "%s: counters and only counters end in _total", s.Name)
		require.NotEmpty(t, s.Help, s.Name)
	}
	require.Equal(t, 2, byName["torc_requests_total"], "answered and refused")
	require.Equal(t, 1, byName["torc_requests_waiting"])
	require.Equal(t, 1, byName["torc_shards_without_leader"])
	for _, name := range []string{"leads", "term", "applied", "keys", "bytes", "log_bytes", "lag_entries"} {
		require.Equal(t, 5, byName["torc_shard_"+name], name)
	}
}

// A port that is taken is named, with the flag that changes it, and the other ports are given back.
func TestPortTaken(t *testing.T) {
	for _, c := range []struct {
		flag string
		addr func(*config.Config) string
	}{
		{"--peer", func(c *config.Config) string { return c.Peer }},
		{"--resp", func(c *config.Config) string { return c.RESP }},
		{"--grpc", func(c *config.Config) string { return c.GRPC }},
		{"--admin", func(c *config.Config) string { return c.Admin }},
	} {
		t.Run(c.flag, func(t *testing.T) {
			cfg := on(t)
			other, err := net.Listen("tcp", c.addr(cfg))
			require.NoError(t, err)
			_, err = Start(cfg, quiet())
			require.ErrorContains(t, err, "port "+strconv.Itoa(other.Addr().(*net.TCPAddr).Port)+" is taken")
			require.ErrorContains(t, err, c.flag)
			require.NoError(t, other.Close())
			n, err := Start(cfg, quiet())
			require.NoError(t, err, "nothing was left running")
			stop(t, n)
		})
	}
}

// A node that waits for others is healthy, not ready, and says what it waits for; and it can be
// stopped.
func TestWaitsForOthers(t *testing.T) {
	elsewhere := freePorts(t, 1)[0]
	n, err := Start(on(t, "--expect", "2", "--join", elsewhere), quiet())
	require.NoError(t, err)
	defer stop(t, n)
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	err = n.WaitReady(ctx)
	require.ErrorContains(t, err, "no cluster yet")
	require.ErrorContains(t, err, elsewhere)
	require.Eventually(t, func() bool { // once it has begun to seek it says who is there
		err := n.Ready(context.Background())
		return err != nil && strings.Contains(err.Error(), "1 of 2 founders are here")
	}, formsWithin, 10*time.Millisecond)
	require.NoError(t, n.Health(context.Background()))
}

func TestMemberOf(t *testing.T) {
	for _, c := range []struct {
		settings string
		want     wire.Member
	}{
		{"--resp 127.0.0.1:1 --grpc 127.0.0.1:2 --peer 127.0.0.1:3",
			wire.Member{Name: "127.0.0.1:3", RESPAddr: "127.0.0.1:1", GRPCAddr: "127.0.0.1:2", PeerAddr: "127.0.0.1:3", Weight: 100}},
		{"--resp 0.0.0.0:1 --grpc [::]:2 --peer :3 --advertise cache-1 --insecure --weight 2.5",
			wire.Member{Name: "cache-1:3", RESPAddr: "cache-1:1", GRPCAddr: "cache-1:2", PeerAddr: "cache-1:3", Weight: 250}},
		{"--resp 127.0.0.1:1 --grpc 127.0.0.1:2 --peer [::1]:3 --advertise ::1 --name a",
			wire.Member{Name: "a", RESPAddr: "[::1]:1", GRPCAddr: "[::1]:2", PeerAddr: "[::1]:3", Weight: 100}},
	} {
		cfg, err := config.Load(strings.Fields(c.settings), nil)
		require.NoError(t, err, c.settings)
		m, err := memberOf(cfg)
		require.NoError(t, err, c.settings)
		require.NotZero(t, m.Incarnation)
		c.want.ID, c.want.Incarnation = wire.NodeIDOf(c.want.Name), m.Incarnation
		require.Equal(t, c.want, m, c.settings)
	}
}

// Later lives have greater names, whatever the random bits are, from one millisecond to the next.
func TestIncarnationsGrow(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for range 1000 {
		before, after := newIncarnation(at), newIncarnation(at.Add(time.Millisecond))
		require.Greater(t, after, before)
		require.Equal(t, uint64(at.UnixMilli()), uint64(before)>>20)
	}
	require.Positive(t, int64(newIncarnation(at.AddDate(200, 0, 0))), "63 bits last for two centuries")
}

// Of founders that want different clusters one decides, for the cluster's life. The others must not keep quiet about it.
func TestFoundersThatDiffer(t *testing.T) {
	m := &wire.ClusterMap{Shards: 6, Replication: 3, Limits: wire.Limits{SessionTTL: 60_000, MaxValue: 1 << 20, ResetGrace: 30_000}}
	same := config.Config{Expect: 3, Shards: 6, Replicas: 3, SessionTTL: time.Minute, MaxValue: 1 << 20, ResetGrace: time.Minute}
	require.False(t, differs(m, &same))
	for _, change := range []func(*config.Config){
		func(c *config.Config) { c.Shards = 12 },
		func(c *config.Config) { c.Replicas = 5 },
		func(c *config.Config) { c.SessionTTL = time.Hour },
		func(c *config.Config) { c.MaxValue = 2 << 20 },
		func(c *config.Config) { c.ResetGrace = 10 * time.Second },
	} {
		other := same
		change(&other)
		require.True(t, differs(m, &other))
		other.Expect = 1
		require.False(t, differs(m, &other), "it only joins")
	}
}

// A life that began in the future is rather this node's own, from before its clock was set back: to start it again is
// of no use then.
func TestFenced(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	require.Equal(t, ErrFenced, fenced(newIncarnation(now), now))
	require.Equal(t, ErrFenced, fenced(newIncarnation(now.Add(-time.Hour)), now))
	err := fenced(newIncarnation(now.Add(time.Hour)), now)
	require.ErrorIs(t, err, ErrFenced)
	require.ErrorContains(t, err, "this machine's clock went back: it is 1h0m0s behind")
}

// An address of another machine is no riddle.
func TestAddressOfAnotherMachine(t *testing.T) {
	_, err := Start(on(t, "--resp", "192.0.2.1:6379", "--insecure"), quiet())
	require.ErrorContains(t, err, "this machine has no such address")
	require.ErrorContains(t, err, "192.0.2.1:6379")
}

func TestSeekWords(t *testing.T) {
	n1, n2 := wire.Member{ID: 1, Name: "n1", PeerAddr: "h1:7301"}, wire.Member{ID: 2, Name: "n2", PeerAddr: "h2:7301"}
	join := []string{"h1:7301", "h2:7301", "h3:7301"}
	require.Equal(t, "2 of 3 founders are here (n1 at h1:7301, n2 at h2:7301), seeking at [h1:7301 h2:7301 h3:7301] (--join); nodes with another --expect do not count",
		seekWords(&cluster.Seeking{Expect: 3, Founders: []wire.Member{n1, n2}, Pledged: n1}, join))
	require.Contains(t, seekWords(&cluster.Seeking{Expect: 3, Founders: []wire.Member{n2}, Pledged: n1, Silent: true}, join), "pledged to the founding by n1, which has fallen silent")
	require.Contains(t, seekWords(&cluster.Seeking{Expect: 3, Founders: []wire.Member{n1}, Namesake: wire.Member{ID: 1, Name: "n1", PeerAddr: "h2:7301"}}, join),
		"; the process at h2:7301 goes by the name n1, too, and so counts as this node: give each a --name of its own")
	require.Contains(t, seekWords(&cluster.Seeking{}, join), "this node joins one, it founds none (--expect 1)")
}
