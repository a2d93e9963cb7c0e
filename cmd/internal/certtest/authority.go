package certtest

import (
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

	"github.com/stretchr/testify/require"
)

// Authority signs certificates for nodes on loopback. All that it makes lies in files.
type Authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// New makes an authority, and writes its certificate to ca.pem.
func New(t *testing.T) *Authority {
	t.Helper()
	a := &Authority{dir: t.TempDir(), key: newKey(t)}
	a.cert = &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	a.write(t, "ca.pem", "CERTIFICATE", a.sign(t, a.cert, a.key))
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

func (a *Authority) sign(t *testing.T, cert *x509.Certificate, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, cert, a.cert, &key.PublicKey, a.key)
	require.NoError(t, err)
	return der
}

func (a *Authority) write(t *testing.T, name, kind string, der []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(a.File(name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
}

// File is where a file of the authority's lies: ca.pem, node.pem, node.key.
func (a *Authority) File(name string) string { return filepath.Join(a.dir, name) }

// Node writes a node's certificate, for its server and for its calls, to node.pem and node.key, each time another one, and returns the
// settings. changes are made to it before it is signed.
func (a *Authority) Node(t *testing.T, changes ...func(*x509.Certificate)) []string {
	t.Helper()
	key := newKey(t)
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	require.NoError(t, err)
	cert := &x509.Certificate{SerialNumber: serial,
		NotBefore: a.cert.NotBefore, NotAfter: a.cert.NotAfter, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	for _, change := range changes {
		change(cert)
	}
	a.write(t, "node.pem", "CERTIFICATE", a.sign(t, cert, key))
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	a.write(t, "node.key", "PRIVATE KEY", der)
	return []string{"--tls-cert", a.File("node.pem"), "--tls-key", a.File("node.key"), "--tls-ca", a.File("ca.pem")}
}

// Trusted is TLS for who trusts this authority, and those others.
func (a *Authority) Trusted(t *testing.T, others ...*Authority) *tls.Config {
	t.Helper()
	pool := x509.NewCertPool()
	for _, one := range append(others, a) {
		text, err := os.ReadFile(one.File("ca.pem"))
		require.NoError(t, err)
		require.True(t, pool.AppendCertsFromPEM(text))
	}
	return &tls.Config{RootCAs: pool}
}
