package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"torc/cmd/internal/proctest"
)

// authority signs certificates for nodes on loopback. All that it makes lies in files.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir()}
	a.cert = &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	a.key = newKey(t)
	a.write(t, "ca.pem", "CERTIFICATE", a.sign(t, a.cert, a.key))
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

func (a *authority) sign(t *testing.T, cert *x509.Certificate, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, cert, a.cert, &key.PublicKey, a.key)
	require.NoError(t, err)
	return der
}

func (a *authority) write(t *testing.T, name, kind string, der []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(a.file(name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
}

func (a *authority) file(name string) string { return filepath.Join(a.dir, name) }

// node writes a node's certificate, for its server and for its calls, and returns the settings.
func (a *authority) node(t *testing.T) []string {
	t.Helper()
	key := newKey(t)
	a.write(t, "node.pem", "CERTIFICATE", a.sign(t, &x509.Certificate{SerialNumber: big.NewInt(2),
		NotBefore: a.cert.NotBefore, NotAfter: a.cert.NotAfter, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}, key))
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	a.write(t, "node.key", "PRIVATE KEY", der)
	return []string{"--tls-cert", a.file("node.pem"), "--tls-key", a.file("node.key"), "--tls-ca", a.file("ca.pem")}
}

func (a *authority) trusted(t *testing.T) *tls.Config {
	t.Helper()
	text, err := os.ReadFile(a.file("ca.pem"))
	require.NoError(t, err)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(text))
	return &tls.Config{RootCAs: pool}
}

// handshake greets a peer port, trusting this authority and showing a node's certificate of another, or
// none. TLS 1.2, for there the one who calls is told of a refusal before the handshake ends.
func (a *authority) handshake(t *testing.T, addr string, shown *authority) error {
	t.Helper()
	config := a.trusted(t)
	config.MaxVersion, config.NextProtos = tls.VersionTLS12, []string{"h2"}
	if shown != nil {
		pair, err := tls.LoadX509KeyPair(shown.file("node.pem"), shown.file("node.key"))
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
	ours, others := newAuthority(t), newAuthority(t)
	c := proctest.Start(t, 2, append(ours.node(t), "--shards", "4")...)
	ctx := context.Background()
	db := redis.NewClient(&redis.Options{Addr: c.Nodes[0].RESP, TLSConfig: ours.trusted(t)})
	defer func() { _ = db.Close() }()
	require.NoError(t, db.Set(ctx, "k", "sealed", 0).Err())
	require.Error(t, redisClient(t, c.Nodes[0]).Get(ctx, "k").Err(), "plain text")

	stdout, stderr, code := proctest.Torc(t, "get", "k", "--addr", c.Nodes[1].GRPC, "--tls-ca", ours.file("ca.pem"))
	require.Equal(t, toolOK, code, stderr)
	require.Equal(t, "sealed\n", stdout)
	require.Len(t, statusOf(t, toolOK, "--addr", c.Nodes[1].GRPC, "--tls-ca", ours.file("ca.pem")).Nodes, 2)
	_, _, code = proctest.Torc(t, "get", "k", "--addr", c.Nodes[1].GRPC, "--tls-ca", others.file("ca.pem"), "--timeout", "2s")
	require.Equal(t, toolError, code, "a client that trusts somebody else")

	require.NoError(t, ours.handshake(t, c.Nodes[0].Peer, ours), "a peer shows a certificate of the nodes' authority")
	require.Error(t, ours.handshake(t, c.Nodes[0].Peer, nil), "without a certificate nobody is a peer")
	foreign := others.node(t)
	require.Error(t, ours.handshake(t, c.Nodes[0].Peer, others), "nor with somebody else's")

	stranger := proctest.New(t, 1, append(foreign, "--join", c.Nodes[0].Peer)...)
	stranger.Nodes[0].Start()
	friend := proctest.New(t, 1, append(ours.node(t), "--join", c.Nodes[0].Peer)...)
	friend.Nodes[0].Start()
	friend.Nodes[0].WaitReady(proctest.FormsWithin)
	require.ErrorContains(t, stranger.Nodes[0].Ready(), "no cluster yet")
}
