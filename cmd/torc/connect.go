package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"torc/client"
)

// connection is how a command reaches the cluster: the flags that all such commands have.
type connection struct {
	addr         string
	passwordFile string
	tls          bool
	tlsCA        string
	timeout      time.Duration
	inFlight     int // requests under way at a time, when that is more than the client allows by itself
}

// inFlightUsual is the client's own bound.
const inFlightUsual = 4096

func (c *connection) flags(f *flag.FlagSet) {
	f.StringVar(&c.addr, "addr", "127.0.0.1:7401", "gRPC `addresses` of some nodes, comma separated")
	f.StringVar(&c.passwordFile, "password-file", "", "`file` with the password (or set TORC_PASSWORD)")
	f.BoolVar(&c.tls, "tls", false, "speak TLS")
	f.StringVar(&c.tlsCA, "tls-ca", "", "`file` with the authority (PEM) that signed the nodes' certificates; implies --tls")
	f.DurationVar(&c.timeout, "timeout", 5*time.Second, "how long to wait for an answer")
}

// seeds are the addresses, as torcd reads --join: blanks around them and empty ones do not count.
func (c *connection) seeds() (addrs []string) {
	for addr := range strings.SplitSeq(c.addr, ",") {
		if addr = strings.TrimSpace(addr); addr != "" {
			addrs = append(addrs, addr)
		}
	}
	if len(addrs) == 0 {
		addrs = []string{c.addr} // whoever dials it says what is wrong
	}
	return addrs
}

func (c *connection) password() (string, error) {
	if c.passwordFile == "" {
		return os.Getenv("TORC_PASSWORD"), nil
	}
	text, err := os.ReadFile(c.passwordFile)
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}

func (c *connection) tlsConfig() (*tls.Config, error) {
	if !c.tls && c.tlsCA == "" {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.tlsCA == "" {
		return config, nil
	}
	pem, err := os.ReadFile(c.tlsCA)
	if err != nil {
		return nil, fmt.Errorf("read the authority: %w", err)
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read the authority: %s holds no PEM certificate", c.tlsCA)
	}
	return config, nil
}

// client connects Torc's client.
func (c *connection) client(ctx context.Context) (*client.Client, error) {
	password, err := c.password()
	if err != nil {
		return nil, err
	}
	config, err := c.tlsConfig()
	if err != nil {
		return nil, err
	}
	return client.New(ctx, client.Options{Seeds: c.seeds(), Password: password, TLS: config, Timeout: c.timeout,
		MaxInFlight: max(c.inFlight, inFlightUsual), Logger: slog.New(slog.DiscardHandler)})
}

// whyNot says plainly why no node lets the client in: the client keeps on trying, and knows its library's words for the last failure alone.
func (c *connection) whyNot(err error) error {
	denied := status.Code(err) == codes.Unauthenticated
	if !denied && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, client.ErrUnavailable) {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), askWithin)
	defer cancel()
	ctx, own := c.authorized(ctx)
	if own != nil {
		return err
	}
	_, plain := askTopology(ctx, c)
	switch {
	case plain == nil:
		return err
	case denied:
		return fmt.Errorf("the password is not taken: %w", plain)
	}
	return fmt.Errorf("nobody could be asked: %w", plain)
}

// dial connects to one node.
func (c *connection) dial(addr string) (*grpc.ClientConn, error) {
	config, err := c.tlsConfig()
	if err != nil {
		return nil, err
	}
	creds := insecure.NewCredentials()
	if config != nil {
		creds = credentials.NewTLS(config)
	}
	return grpc.NewClient("passthrough:///"+addr, grpc.WithTransportCredentials(creds))
}

// authorized puts the password on a call.
func (c *connection) authorized(ctx context.Context) (context.Context, error) {
	password, err := c.password()
	if err != nil || password == "" {
		return ctx, err
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+password), nil
}
