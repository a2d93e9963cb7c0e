package node

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"google.golang.org/grpc/credentials"

	"torc/cmd/internal/config"
)

// tlsFiles are what --tls-cert, --tls-key and --tls-ca hold.
type tlsFiles struct{ cert, key, ca string }

func readTLS(cfg *config.Config) (f tlsFiles, err error) {
	for _, file := range []struct {
		what, path string
		into       *string
	}{
		{"the certificate (--tls-cert)", cfg.TLSCert, &f.cert}, {"the certificate's key (--tls-key)", cfg.TLSKey, &f.key}, {"the authority (--tls-ca)", cfg.TLSCA, &f.ca},
	} {
		if file.path == "" {
			continue
		}
		text, err := os.ReadFile(file.path)
		if err != nil {
			return tlsFiles{}, fmt.Errorf("read %s: %w", file.what, err)
		}
		*file.into = string(text)
	}
	return f, nil
}

// identity is what comes of the files: the node's certificate, and TLS with it for its servers and its calls to peers. With an
// authority, peers must show a certificate that it has signed.
type identity struct {
	leaf       *x509.Certificate
	chain      *x509.CertPool    // what stands behind the leaf in its file
	authority  *x509.CertPool    // nil without --tls-ca
	issuer     *x509.Certificate // what ends first of what stands above the leaf, by the authority; nil when that is not known
	clients    *tls.Config
	api        credentials.TransportCredentials
	peerServer credentials.TransportCredentials
	peerClient credentials.TransportCredentials
}

// parse refuses what cannot work, now: nobody takes a certificate that is over.
func (f tlsFiles) parse(cfg *config.Config, now time.Time) (*identity, error) {
	pair, err := tls.X509KeyPair([]byte(f.cert), []byte(f.key))
	if err != nil {
		return nil, fmt.Errorf("the certificate %s with the key %s (--tls-cert, --tls-key): %w", cfg.TLSCert, cfg.TLSKey, err)
	}
	id := &identity{leaf: pair.Leaf, chain: x509.NewCertPool()}
	for _, der := range pair.Certificate[1:] {
		if cert, err := x509.ParseCertificate(der); err == nil {
			id.chain.AddCert(cert)
		}
	}
	switch {
	case now.After(id.leaf.NotAfter):
		return nil, fmt.Errorf("the certificate %s (--tls-cert) ended on %s: put a new one in its place", cfg.TLSCert, id.leaf.NotAfter.UTC().Format(time.DateTime+" MST"))
	case now.Before(id.leaf.NotBefore):
		return nil, fmt.Errorf("the certificate %s (--tls-cert) begins on %s only: is this machine's clock right?", cfg.TLSCert, id.leaf.NotBefore.UTC().Format(time.DateTime+" MST"))
	}
	base := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	server, client := base.Clone(), base.Clone()
	if cfg.TLSCA != "" {
		id.authority = x509.NewCertPool()
		if !id.authority.AppendCertsFromPEM([]byte(f.ca)) {
			return nil, fmt.Errorf("read the authority (--tls-ca): %s holds no PEM certificate", cfg.TLSCA)
		}
		id.issuer = id.endsFirst()
		server.ClientAuth, server.ClientCAs, client.RootCAs = tls.RequireAndVerifyClientCert, id.authority, id.authority
	}
	id.clients = base
	id.api, id.peerServer, id.peerClient = credentials.NewTLS(base), credentials.NewTLS(server), credentials.NewTLS(client)
	return id, nil
}

// endsFirst is the certificate above the leaf that ends first; where the file of the authority leaves a choice, as while one takes
// another's place, that of the chain that lasts longest. It is nil when no chain is there: doubt says so. Who has ended counts, too.
func (id *identity) endsFirst() (first *x509.Certificate) {
	chains, _ := id.leaf.Verify(x509.VerifyOptions{Roots: id.authority, Intermediates: id.chain, CurrentTime: id.leaf.NotBefore.Add(time.Second), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	for _, chain := range chains {
		var least *x509.Certificate
		for _, cert := range chain[1:] {
			if least == nil || cert.NotAfter.Before(least.NotAfter) {
				least = cert
			}
		}
		if least != nil && (first == nil || least.NotAfter.After(first.NotAfter)) {
			first = least
		}
	}
	return first
}

// doubt says why other nodes, if they have the same --tls-ca, will turn this node away, or nil: they call it by its advertised
// host, and it calls them.
func (id *identity) doubt(peerAddr string, now time.Time) error {
	host, _, err := net.SplitHostPort(peerAddr)
	if err == nil {
		err = id.leaf.VerifyHostname(host)
	}
	if err != nil {
		return fmt.Errorf("it does not name the host by which they call this node (--advertise, or that of --peer): %w", err)
	}
	if id.authority == nil {
		return nil
	}
	for _, use := range []struct {
		usage x509.ExtKeyUsage
		words string
	}{{x509.ExtKeyUsageServerAuth, "when they call this node"}, {x509.ExtKeyUsageClientAuth, "when this node calls them"}} {
		_, err := id.leaf.Verify(x509.VerifyOptions{Roots: id.authority, Intermediates: id.chain, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{use.usage}})
		var unfit x509.CertificateInvalidError
		if errors.As(err, &unfit) && unfit.Reason == x509.IncompatibleUsage {
			return fmt.Errorf("%s: it must be good for both sides (extendedKeyUsage=serverAuth,clientAuth): %w", use.words, err)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", use.words, err)
		}
	}
	return nil
}
