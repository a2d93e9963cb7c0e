package node

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/credentials"

	"torc/cmd/internal/config"
)

// security is the node's identity, which may be changed while it runs: its files are looked at every so often, and what is new in
// them goes for the connections that are made from then on. Those that are open stay as they are.
//
//	files --read--> differ from those in use? --the same at two looks--> parse --> in use
//	                                           (may be half written)      '--> refused: said once, the former ones stay
type security struct {
	cfg      *config.Config
	peerAddr string
	logger   *slog.Logger
	id       atomic.Pointer[identity]

	// Of renew alone.
	used, seen, refused tlsFiles
	unread              bool      // it was said that they cannot be read
	warned              time.Time // that it ends soon, or has ended
	warnedAuthority     time.Time // the same of the authority's
}

// openSecurity reads the certificate, or returns nil when there is none.
func openSecurity(cfg *config.Config, peerAddr string, logger *slog.Logger) (*security, error) {
	if cfg.TLSCert == "" {
		return nil, nil
	}
	s := &security{cfg: cfg, peerAddr: peerAddr, logger: logger}
	var err error
	if s.used, err = readTLS(cfg); err != nil {
		return nil, err
	}
	id, err := s.used.parse(cfg, time.Now())
	if err != nil {
		return nil, err
	}
	s.take(id)
	return s, nil
}

func (s *security) take(id *identity) {
	s.id.Store(id)
	if err := id.doubt(s.peerAddr, time.Now()); err != nil {
		s.logger.Warn("other nodes will turn this node away by its certificate", slog.String("file", s.cfg.TLSCert), slog.Any("because", err))
	}
	s.warned, s.warnedAuthority = time.Time{}, time.Time{}
}

// certificateEvery is how often the files are looked at.
const certificateEvery = 2 * time.Second

// watchCertificate looks at the files until the node ends.
func (n *Node) watchCertificate() {
	tick := time.NewTicker(certificateEvery)
	defer tick.Stop()
	for {
		select {
		case <-n.ended:
			return
		case now := <-tick.C:
			n.security.renew(now)
			n.security.tellEnd(now)
		}
	}
}

// renew takes what is new in the files.
func (s *security) renew(now time.Time) {
	files, err := readTLS(s.cfg)
	if err != nil {
		if !s.unread {
			s.unread = true
			s.logger.Warn("the certificate's files cannot be read: what they held before is used on", slog.Any("error", err))
		}
		return
	}
	s.unread = false
	before := s.seen
	if s.seen = files; files == s.used || files != before {
		return
	}
	id, err := files.parse(s.cfg, now)
	if err != nil { // it is looked at again, as it may only begin a little later: an authority's clock is ahead
		if files == s.refused {
			return
		}
		s.refused = files
		s.logger.Warn("a new certificate is not taken: the one before it is used on", slog.Any("error", err), slog.Time("which_ends", s.id.Load().leaf.NotAfter))
		return
	}
	s.used, s.refused = files, tlsFiles{}
	s.take(id)
	s.logger.Info("a new certificate is taken, for connections that are made from now on", slog.String("file", s.cfg.TLSCert), slog.Time("it_ends", id.leaf.NotAfter))
}

// warnAgain is how often it is said that the certificate ends soon.
const warnAgain = 24 * time.Hour

// authorityMost is how long before an authority's certificate ends that is said at most: a tenth of its life may be a year.
const authorityMost = 90 * 24 * time.Hour

// tellEnd says that the certificate ends soon, or that of the authority that has signed it: nine tenths of its life are over, and nobody has put
// another one in its place.
func (s *security) tellEnd(now time.Time) {
	id := s.id.Load()
	if left := id.leaf.NotAfter.Sub(now); endsSoon(id.leaf, now) && now.Sub(s.warned) >= min(warnAgain, max(left, time.Hour)) {
		s.warned = now
		s.tellLeaf(id.leaf, left)
	}
	issuer := id.issuer
	if issuer == nil {
		return
	}
	if left := issuer.NotAfter.Sub(now); endsSoon(issuer, now) && left < authorityMost && now.Sub(s.warnedAuthority) >= min(warnAgain, max(left, time.Hour)) {
		s.warnedAuthority = now
		s.tellAuthority(issuer, left)
	}
}

// endsSoon reports whether nine tenths of a certificate's life are over.
func endsSoon(cert *x509.Certificate, now time.Time) bool {
	return cert.NotAfter.Sub(now) <= cert.NotAfter.Sub(cert.NotBefore)/10
}

func (s *security) tellLeaf(leaf *x509.Certificate, left time.Duration) {
	if left > 0 {
		s.logger.Warn("this node's certificate ends soon: put a new one in its place, it is read without a restart", slog.String("file", s.cfg.TLSCert), slog.Time("it_ends", leaf.NotAfter))
		return
	}
	s.logger.Error("this node's certificate has ended: no new connection can be made. Put a new one in its place, it is read without a restart",
		slog.String("file", s.cfg.TLSCert), slog.Time("it_ended", leaf.NotAfter))
}

// tellAuthority: a new certificate of the node's does not help here, and whatever the old authority has signed ends with it.
func (s *security) tellAuthority(issuer *x509.Certificate, left time.Duration) {
	if left > 0 {
		s.logger.Warn("the authority's certificate ends soon, and with it all that it has signed: bring in another one in three steps (docs/OPERATIONS.md, certificates), each is read without a restart",
			slog.String("file", s.cfg.TLSCA), slog.String("subject", issuer.Subject.String()), slog.Time("it_ends", issuer.NotAfter))
		return
	}
	s.logger.Error("the authority's certificate has ended: nodes and clients turn each other away. Put another authority into the files of all, and certificates that it has signed; they are read without a restart",
		slog.String("file", s.cfg.TLSCA), slog.String("subject", issuer.Subject.String()), slog.Time("it_ended", issuer.NotAfter))
}

// redis is TLS for Redis clients.
func (s *security) redis() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return s.id.Load().clients, nil }}
}

func (s *security) api() credentials.TransportCredentials {
	return latest{func() credentials.TransportCredentials { return s.id.Load().api }}
}

func (s *security) peerServer() credentials.TransportCredentials {
	return latest{func() credentials.TransportCredentials { return s.id.Load().peerServer }}
}

func (s *security) peerClient() credentials.TransportCredentials {
	return latest{func() credentials.TransportCredentials { return s.id.Load().peerClient }}
}

// latest are credentials that may be others at each handshake.
type latest struct {
	now func() credentials.TransportCredentials
}

// ClientHandshake is part of credentials.TransportCredentials.
func (l latest) ClientHandshake(ctx context.Context, authority string, nc net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return l.now().ClientHandshake(ctx, authority, nc)
}

// ServerHandshake is part of credentials.TransportCredentials.
func (l latest) ServerHandshake(nc net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return l.now().ServerHandshake(nc)
}

// Info is part of credentials.TransportCredentials.
func (l latest) Info() credentials.ProtocolInfo { return l.now().Info() }

// Clone is part of credentials.TransportCredentials.
func (l latest) Clone() credentials.TransportCredentials { return l }

// OverrideServerName is part of credentials.TransportCredentials; nodes are called by their own names.
func (l latest) OverrideServerName(name string) error {
	return fmt.Errorf("the name of who is called is not overridden (%q)", name)
}
