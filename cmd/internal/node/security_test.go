package node

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"math/big"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/cmd/internal/certtest"
	"torc/cmd/internal/config"
)

// secured is the security of a node on loopback with these settings, and what it says.
func secured(t *testing.T, settings ...string) (*security, *bytes.Buffer, error) {
	t.Helper()
	cfg, err := config.Load(settings, nil)
	require.NoError(t, err)
	log := &bytes.Buffer{}
	s, err := openSecurity(cfg, cfg.Peer, slog.New(slog.NewTextHandler(log, nil)))
	return s, log, err
}

func TestNoTLS(t *testing.T) {
	s, _, err := secured(t)
	require.NoError(t, err)
	require.Nil(t, s)
}

// What cannot work is said before anything else is, and what to do.
func TestTLSFilesThatCannotWork(t *testing.T) {
	fine, other := certtest.New(t), certtest.New(t)
	settings := fine.Node(t)
	other.Node(t)
	nonsense := fine.File("nonsense.pem")
	require.NoError(t, os.WriteFile(nonsense, []byte("nonsense"), 0o600))
	ended := certtest.New(t).Node(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
	early := certtest.New(t).Node(t, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) })
	for _, c := range []struct {
		settings []string
		want     []string
	}{
		{append(settings[:len(settings):len(settings)], "--tls-cert", "/nowhere/cert.pem"), []string{"read the certificate (--tls-cert)", "/nowhere/cert.pem"}},
		{append(settings[:len(settings):len(settings)], "--tls-key", "/nowhere/key.pem"), []string{"read the certificate's key (--tls-key)", "/nowhere/key.pem"}},
		{append(settings[:len(settings):len(settings)], "--tls-ca", "/nowhere/ca.pem"), []string{"read the authority (--tls-ca)", "/nowhere/ca.pem"}},
		{append(settings[:len(settings):len(settings)], "--tls-ca", nonsense), []string{"nonsense.pem holds no PEM certificate"}},
		{append(settings[:len(settings):len(settings)], "--tls-cert", nonsense), []string{"nonsense.pem with the key", "(--tls-cert, --tls-key)"}},
		{append(settings[:len(settings):len(settings)], "--tls-key", other.File("node.key")), []string{"node.pem with the key", "does not match"}},
		{ended, []string{"node.pem (--tls-cert) ended on ", "put a new one in its place"}},
		{early, []string{"node.pem (--tls-cert) begins on ", "clock"}},
	} {
		_, _, err := secured(t, c.settings...)
		for _, want := range c.want {
			require.ErrorContains(t, err, want)
		}
	}
}

// What other nodes will not take is said when the certificate is read, in the log of the node whose it is: theirs alone would tell of it.
func TestCertificateThatOthersWillNotTake(t *testing.T) {
	for _, c := range []struct {
		change func(*x509.Certificate)
		want   string
	}{
		{func(*x509.Certificate) {}, ""},
		{func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(10, 0, 0, 9)} }, "it does not name the host by which they call this node"},
		{func(c *x509.Certificate) { c.ExtKeyUsage = c.ExtKeyUsage[:1] }, "when this node calls them: it must be good for both sides"},
		{func(c *x509.Certificate) { c.ExtKeyUsage = c.ExtKeyUsage[1:] }, "when they call this node: it must be good for both sides"},
	} {
		_, log, err := secured(t, certtest.New(t).Node(t, c.change)...)
		require.NoError(t, err)
		if c.want == "" {
			require.Empty(t, log.String())
			continue
		}
		require.Contains(t, log.String(), "other nodes will turn this node away by its certificate")
		require.Contains(t, log.String(), c.want)
	}
	mine, theirs := certtest.New(t), certtest.New(t)
	_, log, err := secured(t, append(mine.Node(t), "--tls-ca", theirs.File("ca.pem"))...)
	require.NoError(t, err)
	require.Contains(t, log.String(), "unknown authority")
}

// greet makes a connection to who has this security, and returns the number of the certificate that it shows.
func greet(t *testing.T, server *tls.Config, client *tls.Config) (*big.Int, error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = ln.Close() }()
	go func() {
		if nc, err := ln.Accept(); err == nil {
			_ = tls.Server(nc, server).HandshakeContext(context.Background())
			_ = nc.Close()
		}
	}()
	nc, err := tls.Dial("tcp", ln.Addr().String(), client)
	if err != nil {
		return nil, err
	}
	defer func() { _ = nc.Close() }()
	return nc.ConnectionState().PeerCertificates[0].SerialNumber, nil
}

// A new certificate is taken while the node runs, also one of another authority; what cannot work is refused once, and the
// one before it goes on.
func TestCertificateIsExchanged(t *testing.T) {
	a := certtest.New(t)
	s, log, err := secured(t, a.Node(t)...)
	require.NoError(t, err)
	first, err := greet(t, s.redis(), a.Trusted(t))
	require.NoError(t, err)
	look := func() { s.renew(time.Now()); s.renew(time.Now()) }
	look()
	require.Empty(t, log.String(), "nothing is new")

	a.Node(t)
	s.renew(time.Now())
	same, err := greet(t, s.redis(), a.Trusted(t))
	require.NoError(t, err)
	require.Equal(t, first, same, "it may be half written")
	s.renew(time.Now())
	second, err := greet(t, s.redis(), a.Trusted(t))
	require.NoError(t, err)
	require.NotEqual(t, first, second)
	require.Contains(t, log.String(), "a new certificate is taken")

	log.Reset()
	require.NoError(t, os.WriteFile(a.File("node.key"), []byte("half of it"), 0o600))
	look()
	look()
	require.Equal(t, 1, bytes.Count(log.Bytes(), []byte("a new certificate is not taken: the one before it is used on")), log.String())
	require.NoError(t, os.Remove(a.File("node.key")))
	look()
	require.Equal(t, 1, bytes.Count(log.Bytes(), []byte("cannot be read: what they held before is used on")), log.String())
	same, err = greet(t, s.redis(), a.Trusted(t))
	require.NoError(t, err)
	require.Equal(t, second, same)

	log.Reset()
	b := certtest.New(t)
	b.Node(t)
	for _, name := range []string{"ca.pem", "node.pem", "node.key"} {
		text, err := os.ReadFile(b.File(name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(a.File(name), text, 0o600))
	}
	look()
	_, err = greet(t, s.redis(), b.Trusted(t))
	require.NoError(t, err, log.String())
	require.NotContains(t, log.String(), "turn this node away")
}

// A certificate that begins only in a moment, because its authority's clock is ahead, is taken then.
func TestCertificateBeginsLater(t *testing.T) {
	a := certtest.New(t)
	s, log, err := secured(t, a.Node(t)...)
	require.NoError(t, err)
	now := time.Now()
	a.Node(t, func(c *x509.Certificate) { c.NotBefore = now.Add(time.Minute) })
	for range 4 {
		s.renew(now)
	}
	require.Equal(t, 1, bytes.Count(log.Bytes(), []byte("is not taken")), log.String())
	require.NotContains(t, log.String(), "is taken")
	s.renew(now.Add(2 * time.Minute))
	require.Contains(t, log.String(), "a new certificate is taken")
	require.True(t, s.id.Load().leaf.NotBefore.After(now))
}

// Who has forgotten to renew it is told, in time and not all the time.
func TestCertificateEndsSoon(t *testing.T) {
	s, log, err := secured(t, certtest.New(t).Node(t)...) // it lasts for two hours, of which one is over
	require.NoError(t, err)
	ends := s.id.Load().leaf.NotAfter
	told := func(at time.Time) string {
		log.Reset()
		s.tellEnd(at)
		return log.String()
	}
	require.Empty(t, told(ends.Add(-time.Hour)))
	require.Contains(t, told(ends.Add(-10*time.Minute)), "ends soon")
	require.Empty(t, told(ends.Add(-9*time.Minute)))
	require.Contains(t, told(ends.Add(time.Hour)), "has ended")
	require.Empty(t, told(ends.Add(time.Hour+time.Minute)))
	require.Contains(t, told(ends.Add(3*time.Hour)), "has ended")
}

// The authority's own certificate ends one day, too, and all that it has signed with it.
func TestAuthorityEndsSoon(t *testing.T) {
	old := certtest.New(t) // it lasts for two hours, of which one is over
	settings := old.Node(t, func(c *x509.Certificate) { c.NotAfter = c.NotAfter.Add(100 * time.Hour) })
	s, log, err := secured(t, settings...)
	require.NoError(t, err)
	ends := s.id.Load().issuer.NotAfter
	told := func(at time.Time) string {
		log.Reset()
		s.tellEnd(at)
		return log.String()
	}
	require.Empty(t, told(ends.Add(-time.Hour)))
	require.Contains(t, told(ends.Add(-10*time.Minute)), "the authority's certificate ends soon")
	require.Empty(t, told(ends.Add(-9*time.Minute)))
	require.Contains(t, told(ends.Add(time.Hour)), "the authority's certificate has ended")

	next := certtest.New(t) // both are in the file: what counts is who has signed the node's
	text, err := os.ReadFile(next.File("ca.pem"))
	require.NoError(t, err)
	f, err := os.OpenFile(old.File("ca.pem"), os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.Write(text)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	s, _, err = secured(t, settings...)
	require.NoError(t, err)
	require.Equal(t, ends, s.id.Load().issuer.NotAfter)

	s, _, err = secured(t, settings[:4]...) // without --tls-ca
	require.NoError(t, err)
	require.Nil(t, s.id.Load().issuer)
}
