package peer

import (
	"crypto/tls"
	"crypto/x509"
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
