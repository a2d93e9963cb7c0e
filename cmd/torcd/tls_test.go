package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"torc/cmd/internal/certtest"
	"torc/cmd/internal/proctest"
)

// handshake greets a peer port, trusting an authority and showing a node's certificate of another, or
// none. TLS 1.2, for there the one who calls is told of a refusal before the handshake ends.
func handshake(t *testing.T, addr string, trusted, shown *certtest.Authority) error {
	t.Helper()
	config := trusted.Trusted(t)
	config.MaxVersion, config.NextProtos = tls.VersionTLS12, []string{"h2"}
	if shown != nil {
		pair, err := tls.LoadX509KeyPair(shown.File("node.pem"), shown.File("node.key"))
		require.NoError(t, err)
		// Shown even when the node's list of authorities does not have its signer.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", addr, config)
	if err == nil {
		_ = conn.Close()
	}
	return err
}

// With certificates every port but the admin's speaks TLS: between nodes, to Redis clients and to
// Torc's own. Who has none of the authority's certificates is no peer, and plain text is no answer.
func TestTLS(t *testing.T) {
	ours, others := certtest.New(t), certtest.New(t)
	c := proctest.Start(t, 2, append(ours.Node(t), "--shards", "4")...)
	ctx := context.Background()
	db := redis.NewClient(&redis.Options{Addr: c.Nodes[0].RESP, TLSConfig: ours.Trusted(t)})
	defer func() { _ = db.Close() }()
	require.NoError(t, db.Set(ctx, "k", "sealed", 0).Err())
	require.Error(t, redisClient(t, c.Nodes[0]).Get(ctx, "k").Err(), "plain text")

	stdout, stderr, code := proctest.Torc(t, "get", "k", "--addr", c.Nodes[1].GRPC, "--tls-ca", ours.File("ca.pem"))
	require.Equal(t, toolOK, code, stderr)
	require.Equal(t, "sealed\n", stdout)
	require.Len(t, statusOf(t, toolOK, "--addr", c.Nodes[1].GRPC, "--tls-ca", ours.File("ca.pem")).Nodes, 2)
	_, _, code = proctest.Torc(t, "get", "k", "--addr", c.Nodes[1].GRPC, "--tls-ca", others.File("ca.pem"), "--timeout", "2s")
	require.Equal(t, toolError, code, "a client that trusts somebody else")

	require.NoError(t, handshake(t, c.Nodes[0].Peer, ours, ours), "a peer shows a certificate of the nodes' authority")
	require.Error(t, handshake(t, c.Nodes[0].Peer, ours, nil), "without a certificate nobody is a peer")
	foreign := others.Node(t)
	require.Error(t, handshake(t, c.Nodes[0].Peer, ours, others), "nor with somebody else's")

	stranger := proctest.New(t, 1, append(foreign, "--join", c.Nodes[0].Peer)...)
	stranger.Nodes[0].Start()
	friend := proctest.New(t, 1, append(ours.Node(t), "--join", c.Nodes[0].Peer)...)
	friend.Nodes[0].Start()
	friend.Nodes[0].WaitReady(proctest.FormsWithin)
	require.ErrorContains(t, stranger.Nodes[0].Ready(), "no cluster yet")
}

// Certificates are exchanged on nodes that run, those of another authority too: first all trust both, then each shows a new certificate,
// then the former authority counts for nothing. Nobody is restarted for it, and nobody refused.
func TestCertificatesAreExchanged(t *testing.T) {
	t.Parallel() // it mostly waits
	before, after := certtest.New(t), certtest.New(t)
	c := proctest.Start(t, 3, append(before.Node(t), "--shards", "4")...)
	after.Node(t)
	put := func(name string, of ...*certtest.Authority) {
		var all []byte
		for _, a := range of {
			text, err := os.ReadFile(a.File(name))
			require.NoError(t, err)
			all = append(all, text...)
		}
		require.NoError(t, os.WriteFile(before.File(name), all, 0o600))
	}
	taken := func(times int) {
		t.Helper()
		proctest.Until(t, proctest.FormsWithin, "all nodes have taken what is new", func() error {
			for _, n := range c.Nodes {
				if got := strings.Count(n.Log(), "a new certificate is taken"); got != times {
					return fmt.Errorf("node %d: %d times\n%s", n.Index, got, n.Log())
				}
			}
			return nil
		})
	}
	joins := func(settings []string) error {
		t.Helper()
		one := proctest.New(t, 1, append(settings, "--join", c.Nodes[0].Peer)...).Nodes[0]
		one.Start()
		defer one.Kill()
		for end := time.Now().Add(5 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			if err := one.Ready(); err == nil || time.Now().After(end) {
				return err
			}
		}
	}
	db := redis.NewClient(&redis.Options{Addr: c.Nodes[0].RESP, TLSConfig: before.Trusted(t, after)})
	defer func() { _ = db.Close() }()
	writes := func() { t.Helper(); require.NoError(t, db.Set(context.Background(), "k", "v", 0).Err()) }
	writes()

	trusted := before.Trusted(t) // before its file holds both
	put("ca.pem", before, after)
	taken(1)
	writes()
	put("node.pem", after)
	put("node.key", after)
	taken(2)
	writes()
	put("ca.pem", after)
	taken(3)
	writes()
	fresh := redis.NewClient(&redis.Options{Addr: c.Nodes[1].RESP, TLSConfig: after.Trusted(t)})
	defer func() { _ = fresh.Close() }()
	require.NoError(t, fresh.Ping(context.Background()).Err())
	stale := redis.NewClient(&redis.Options{Addr: c.Nodes[1].RESP, TLSConfig: trusted, MaxRetries: -1})
	defer func() { _ = stale.Close() }()
	require.ErrorContains(t, stale.Ping(context.Background()).Err(), "unknown authority")

	c.Nodes[2].Restart() // the others call it, and it calls them, by what is new
	c.WaitWhole(proctest.FormsWithin)
	writes()
	require.Error(t, joins(certtest.New(t).Node(t)))
	require.NoError(t, joins(after.Node(t)))
}
