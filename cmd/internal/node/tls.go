package node

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"torc/cmd/internal/config"
)

// security is the TLS of a node's servers and of its calls to peers.
type security struct {
	clients    *tls.Config
	peerServer *tls.Config
	peerClient *tls.Config
}

// loadTLS reads the certificate, or returns nil when there is none. With an authority, peers must
// show a certificate that it has signed.
func loadTLS(cfg *config.Config) (*security, error) {
	if cfg.TLSCert == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(cfg.TLSCert, cfg.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("read the certificate (--tls-cert, --tls-key): %w", err)
	}
	base := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	s := &security{clients: base.Clone(), peerServer: base.Clone(), peerClient: base.Clone()}
	if cfg.TLSCA == "" {
		return s, nil
	}
	pem, err := os.ReadFile(cfg.TLSCA)
	if err != nil {
		return nil, fmt.Errorf("read the authority (--tls-ca): %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read the authority (--tls-ca): %s holds no PEM certificate", cfg.TLSCA)
	}
	s.peerServer.ClientAuth, s.peerServer.ClientCAs = tls.RequireAndVerifyClientCert, pool
	s.peerClient.RootCAs = pool
	return s, nil
}
