package peer

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/credentials"
)

// lines takes what is logged.
type lines chan string

func (l lines) Write(b []byte) (int, error) {
	select {
	case l <- string(b):
	default:
	}
	return len(b), nil
}

// Who may not be a peer is in the log of the node that it called, with the reason, and not each time that it tries.
func TestWhoIsTurnedAwayIsLogged(t *testing.T) {
	cert, pool := selfSigned(t)
	for _, c := range []struct {
		name, want       string
		server, stranger Options
	}{
		{"no certificate", "client didn't provide a certificate",
			Options{ServerTLS: credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{cert}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert})},
			Options{ClientTLS: credentials.NewTLS(&tls.Config{RootCAs: pool})}},
		{"another's certificate", "certificate signed by unknown authority",
			Options{ServerTLS: credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{cert}, ClientCAs: x509.NewCertPool(), ClientAuth: tls.RequireAndVerifyClientCert})},
			Options{ClientTLS: credentials.NewTLS(&tls.Config{RootCAs: pool, GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }})}},
		{"no secret", "the cluster's secret is missing or wrong", Options{Secret: "s3cret"}, Options{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			said := make(lines, 100)
			c.server.Addr, c.server.Logger = "127.0.0.1:0", slog.New(slog.NewTextHandler(said, nil))
			n, err := Listen(c.server, nil)
			require.NoError(t, err)
			served := make(chan error, 1)
			go func() { served <- n.Serve() }()
			stranger := listen(t, c.stranger)
			stranger.Send(n.Addr().String(), chunk(1, 1))
			select {
			case line := <-said:
				require.Contains(t, line, "a peer was turned away")
				require.Contains(t, line, "from=127.0.0.1:")
				require.Contains(t, line, c.want)
				require.NotContains(t, line, "s3cret")
			case <-time.After(10 * time.Second):
				t.Fatal("not a word")
			}
			_ = n.Close(expired())
			require.NoError(t, <-served)
		})
	}
}

// Who is turned away before a word was said reads in its own log what to look at.
func TestWhoIsHungUpOnReadsWhy(t *testing.T) {
	cert, pool := selfSigned(t)
	server := listen(t, Options{ServerTLS: credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{cert}})})
	other, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}}) // such as Redis clients' port
	require.NoError(t, err)
	defer func() { _ = other.Close() }()
	go func() {
		for {
			nc, err := other.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(io.Discard, nc) }()
		}
	}()
	for _, c := range []struct {
		name, want string
		caller     Options
		addr       string
	}{
		{"no TLS", "do both nodes speak TLS", Options{}, server.addr},
		{"another port", "another port than that for nodes", Options{ClientTLS: credentials.NewTLS(&tls.Config{RootCAs: pool})}, other.Addr().String()},
		{"another authority", "not in this node's --tls-ca", Options{ClientTLS: credentials.NewTLS(&tls.Config{RootCAs: x509.NewCertPool()})}, server.addr},
		{"as it should be", "", Options{ClientTLS: credentials.NewTLS(&tls.Config{RootCAs: pool})}, server.addr},
	} {
		t.Run(c.name, func(t *testing.T) {
			said := make(lines, 100)
			c.caller.Addr, c.caller.Logger = "127.0.0.1:0", slog.New(slog.NewTextHandler(said, nil))
			n, err := Listen(c.caller, nil)
			require.NoError(t, err)
			served := make(chan error, 1)
			go func() { served <- n.Serve() }()
			n.Send(c.addr, chunk(1, 1))
			if c.want == "" {
				server.next(t)
				require.Empty(t, said)
			} else {
				select {
				case line := <-said:
					require.Contains(t, line, "peer connection broken")
					require.Contains(t, line, c.want)
				case <-time.After(10 * time.Second):
					t.Fatal("not a word")
				}
			}
			_ = n.Close(expired())
			require.NoError(t, <-served)
		})
	}
}
