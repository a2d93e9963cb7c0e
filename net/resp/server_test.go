package resp

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

func TestListenTaken(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	_, err = Listen(Options{Addr: ln.Addr().String()}, newFakeNode(1))
	_, port := hostPort(ln.Addr().String())
	require.ErrorContains(t, err, fmt.Sprintf("port %d is taken", port))
	require.ErrorContains(t, err, "choose another port")

	_, err = Listen(Options{Addr: "nonsense"}, newFakeNode(1))
	require.ErrorContains(t, err, "want host:port")
}

func TestMaxClients(t *testing.T) {
	s := serve(t, newFakeNode(1), func(o *Options) { o.MaxClients = 1 })
	first := dial(t, s)
	theConn(t, s)
	second := dial(t, s)
	reply, err := io.ReadAll(second)
	require.NoError(t, err)
	require.Equal(t, "-ERR max number of clients reached\r\n", string(reply))
	_, _ = io.WriteString(first, "PING\r\n")
	pong := make([]byte, 7)
	_, err = io.ReadFull(first, pong)
	require.NoError(t, err)
}

func TestIdleTimeout(t *testing.T) {
	s := serve(t, newFakeNode(1), func(o *Options) { o.IdleTimeout = time.Millisecond })
	nc := dial(t, s)
	_, err := io.ReadAll(nc)
	require.NoError(t, err)
}

// Close lets what was read be answered, and says so when it could not wait.
func TestClose(t *testing.T) {
	n := newFakeNode(1)
	calls := make(chan *wire.Call, 1)
	n.submit = func(call *wire.Call) { calls <- call }
	start := func() (*Server, net.Conn, *wire.Call) {
		s, err := Listen(Options{Addr: "127.0.0.1:0"}, n)
		require.NoError(t, err)
		go func() { _ = s.Serve() }()
		nc := dial(t, s)
		_, _ = io.WriteString(nc, "GET k\r\n")
		return s, nc, <-calls
	}

	s, nc, call := start()
	closed := make(chan error)
	go func() { closed <- s.Close(context.Background()) }()
	require.Eventually(t, s.stopping.Load, 5*time.Second, time.Millisecond)
	n.answer(call)
	require.NoError(t, <-closed)
	reply, err := io.ReadAll(nc)
	require.NoError(t, err)
	require.Equal(t, "$-1\r\n", string(reply))

	s, nc, call = start()
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	require.ErrorIs(t, s.Close(ctx), context.DeadlineExceeded)
	_, _ = io.ReadAll(nc)
	n.answer(call) // late: nobody waits for it
}

// A client that is gone disturbs nobody, and what it left in the queues is not sent.
func TestClientGone(t *testing.T) {
	n := newFakeNode(1)
	calls := make(chan *wire.Call, 10)
	n.submit = func(call *wire.Call) { calls <- call }
	s := serve(t, n)
	nc := dial(t, s)
	_, _ = io.WriteString(nc, "SET k 1\r\nGET k\r\n")
	call := <-calls
	c := theConn(t, s)
	require.NoError(t, nc.(*net.TCPConn).SetLinger(0))
	require.NoError(t, nc.Close())
	require.Eventually(t, func() bool { return len(s.clients()) == 0 }, 5*time.Second, time.Millisecond)
	n.answer(call)
	c.pump()
	require.Empty(t, calls)
}

// A half-closed connection (printf ... | nc) gets its replies.
func TestHalfClose(t *testing.T) {
	slow := newSlowShards(4, 1)
	defer slow.stop()
	s := serve(t, slow)
	nc := dial(t, s)
	_, _ = io.WriteString(nc, "SET k 1\r\nGET k\r\nPING\r\n")
	require.NoError(t, nc.(*net.TCPConn).CloseWrite())
	reply, err := io.ReadAll(nc)
	require.NoError(t, err)
	require.Equal(t, "+OK\r\n$1\r\n1\r\n+PONG\r\n", string(reply))
}

// An error that ends the connection arrives, though the client is still sending.
func TestErrorOutrunsReset(t *testing.T) {
	s := serve(t, newFakeNode(1))
	for range 20 {
		nc := dial(t, s)
		go func() { _, _ = io.WriteString(nc, "*1\r\n$-1\r\n"+strings.Repeat("x", 100_000)) }()
		reply, err := io.ReadAll(nc)
		require.NoError(t, err)
		require.Equal(t, "-ERR Protocol error: invalid bulk length\r\n", string(reply))
	}
}

// Who sends a value that is too long learns so once it has sent it, as most clients look for an answer only then.
func TestAValueThatIsTooLong(t *testing.T) {
	s := serve(t, newFakeNode(1), func(o *Options) { o.MaxValue = 1 << 20 })
	nc := dial(t, s)
	_, err := io.WriteString(nc, setsOf(0, 1, 32<<20))
	require.NoError(t, err)
	reply, err := io.ReadAll(nc)
	require.NoError(t, err)
	require.Equal(t, "-ERR Protocol error: invalid bulk length: the argument has 33554432 bytes and this node takes 1048576. Not applied: give the nodes a larger --max-value, or send less\r\n", string(reply))
}

// Big values are sent from where they lie, in their place among the small ones.
func TestBigValues(t *testing.T) {
	slow := newSlowShards(8, 3)
	defer slow.stop()
	s := serve(t, slow)
	big := strings.Repeat("0123456789abcdef", 1<<16) // 1 MiB
	bulk := fmt.Sprintf("$%d\r\n%s\r\n", len(big), big)
	set := fmt.Sprintf("*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n%s", bulk)
	got := roundTrip(t, s, set+"SET a 1\r\nGET a\r\nGET big\r\nGET a\r\nMGET a big a\r\n*2\r\n$4\r\nECHO\r\n"+bulk+"PING\r\n")
	require.Equal(t, "+OK\r\n+OK\r\n$1\r\n1\r\n"+bulk+"$1\r\n1\r\n*3\r\n$1\r\n1\r\n"+bulk+"$1\r\n1\r\n"+bulk+"+PONG\r\n+OK\r\n", got)
}

// Neither the password nor anything a client says reaches the log.
func TestPasswordNotLogged(t *testing.T) {
	var log bytes.Buffer
	s := serve(t, newFakeNode(1), func(o *Options) {
		o.Password = "tops3cret"
		o.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	roundTrip(t, s, "AUTH wr0ng\r\nAUTH tops3cret\r\nCLIENT LIST\r\nINFO\r\n")
	roundTrip(t, s, "POST /tops3cret\r\n")
	require.NoError(t, s.Close(context.Background()))
	require.NotContains(t, log.String(), "s3cret")
	require.NotContains(t, log.String(), "wr0ng")
}

// While one password takes the other's place both are right.
func TestOldPassword(t *testing.T) {
	s := serve(t, newFakeNode(1), func(o *Options) { o.Password, o.OldPassword = "new", "old" })
	for password, answer := range map[string]string{"new": "+OK", "old": "+OK", "newold": "-WRONGPASS", "older": "-WRONGPASS"} {
		require.True(t, strings.HasPrefix(roundTrip(t, s, "AUTH "+password+"\r\n"), answer), password)
	}
	require.True(t, strings.HasPrefix(roundTrip(t, s, "AUTH default \"\"\r\n"), "-WRONGPASS"), "the empty one")
}

func TestTLS(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	s := serve(t, newFakeNode(1), func(o *Options) {
		o.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	})
	roots := x509.NewCertPool()
	parsed, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	roots.AddCert(parsed)
	nc, err := tls.Dial("tcp", s.Addr().String(), &tls.Config{RootCAs: roots})
	require.NoError(t, err)
	defer nc.Close()
	_, _ = io.WriteString(nc, "SET k v\r\nGET k\r\nQUIT\r\n")
	reply, err := io.ReadAll(nc)
	require.NoError(t, err)
	require.Equal(t, "+OK\r\n$1\r\nv\r\n+OK\r\n", string(reply))
}

func TestInfo(t *testing.T) {
	n := newFakeNode(4)
	s := serve(t, n)
	got := roundTrip(t, s, "SET a 1\r\nSET b 1 EX 100\r\nSET c 1 EX 100\r\nINFO\r\n")
	for _, want := range []string{
		"# Server\r\n", "redis_version:7.", "# Clients\r\nconnected_clients:1\r\n", "# Memory\r\nused_memory:", "# Persistence\r\nloading:0\r\n", "# Stats\r\n", "# Replication\r\nrole:master",
		"# CPU\r\n", "# Cluster\r\ncluster_enabled:0", "# Torc\r\n", "torc_fake:yes\r\n", "# Keyspace\r\ndb0:keys=3,expires=2,avg_ttl=0\r\n",
	} {
		require.Contains(t, got, want)
	}
	for _, name := range []string{ // what redis-cli --stat, redis_exporter and RedisInsight show
		"uptime_in_seconds", "connected_clients", "blocked_clients", "used_memory", "used_memory_peak", "used_memory_peak_human", "total_connections_received", "total_commands_processed",
		"instantaneous_ops_per_sec", "instantaneous_input_kbps", "instantaneous_output_kbps", "total_net_input_bytes", "total_net_output_bytes", "rejected_connections",
		"used_cpu_sys", "used_cpu_user", "aof_rewrite_in_progress", "rdb_bgsave_in_progress",
	} {
		require.Contains(t, got, "\r\n"+name+":")
	}
	got = roundTrip(t, s, "INFO clients stats\r\n")
	require.Contains(t, got, "# Clients")
	require.NotContains(t, got, "# Server")

	n.submit = func(call *wire.Call) { refuse(call, wire.OutcomeRefused, wire.ReasonNoQuorum, 0) }
	require.Contains(t, roundTrip(t, s, "INFO keyspace\r\n"), "torc_keyspace_unknown_shards:4")
}

// A rate is what a counter has grown by in a second, and RESETSTAT is no growth.
func TestRates(t *testing.T) {
	var r rate
	r.sample(3000, 2*time.Second)
	require.EqualValues(t, 1500, r.Load())
	r.sample(3100, time.Second)
	require.EqualValues(t, 100, r.Load())
	r.sample(7, time.Second)
	require.EqualValues(t, 7, r.Load())
}

func TestPeakOfMemory(t *testing.T) {
	var s stats
	for _, step := range []struct{ used, peak uint64 }{{5, 5}, {3, 5}, {9, 9}, {1, 9}} {
		require.Equal(t, step.peak, s.peak(step.used))
	}
}

// The one setting that can be changed live is the node's to change.
func TestConfigSet(t *testing.T) {
	n := newFakeNode(1)
	s := serve(t, n)
	require.Equal(t, "+OK\r\n+OK\r\n", roundTrip(t, s, "CONFIG SET MaxMemory-Policy allkeys-lru\r\n"), "and one for QUIT")
	require.Equal(t, "allkeys-lru", n.policy)
	require.Contains(t, roundTrip(t, s, "CONFIG SET maxmemory-policy lru\r\n"), "-ERR CONFIG SET failed (possibly related to argument 'maxmemory-policy') - want allkeys-lru\r\n")
	require.Contains(t, roundTrip(t, s, "CONFIG SET maxmemory 1\r\n"), "-ERR Torc does not support CONFIG SET, except for maxmemory-policy")
	require.Contains(t, roundTrip(t, s, "CONFIG SET maxmemory-policy allkeys-lru save x\r\n"), "-ERR Torc does not support")
}

func TestClientList(t *testing.T) {
	s := serve(t, newFakeNode(1))
	got := roundTrip(t, s, "CLIENT SETNAME me\r\nCLIENT SETINFO LIB-NAME go\r\nCLIENT SETINFO lib-ver 1\r\nCLIENT SETINFO x y\r\n"+
		"CLIENT LIST\r\nCLIENT LIST ID 1 2\r\nCLIENT INFO\r\nCLIENT LIST TYPE pubsub\r\n")
	require.Equal(t, 3, strings.Count(got, "id=1 addr=127.0.0.1:"))
	require.Contains(t, got, " name=me ")
	require.Contains(t, got, " cmd=client|list user=default redir=-1 resp=2 lib-name=go lib-ver=1\n")
	require.Contains(t, got, "-ERR Unrecognized option 'x'\r\n")
	require.Contains(t, got, "$0\r\n\r\n")
}

// The table is sound: every command can be run, and where it has keys they are in range.
func TestTable(t *testing.T) {
	seen := make(map[string]bool)
	var check func(list []command)
	check = func(list []command) {
		for i := range list {
			c := &list[i]
			require.False(t, seen[c.name], c.name)
			seen[c.name] = true
			require.NotEmpty(t, c.summary, c.name)
			require.NotZero(t, c.arity, c.name)
			require.LessOrEqual(t, len(c.name), nameMax)
			if len(c.sub) == 0 || c.name == "command" {
				require.NotNil(t, c.run, c.name)
			} else {
				require.Equal(t, -2, c.arity, c.name) // without a subcommand: wrong arity
			}
			if c.first > 0 {
				require.Positive(t, c.step, c.name)
				least := max(c.arity, -c.arity)
				_, last := c.keyRange(least)
				require.Less(t, last, least, c.name)
				require.GreaterOrEqual(t, last, c.first, c.name)
			}
			check(c.sub)
		}
	}
	check(table)
	require.Nil(t, lookup([]byte(strings.Repeat("x", 100))))
}
