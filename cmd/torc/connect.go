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
	"torc/cmd/internal/config"
)

// connection is how a command reaches the cluster: the flags that all such commands have.
type connection struct {
	addr     string
	tls      bool
	tlsCA    string
	timeout  time.Duration
	parsed   *flag.FlagSet // until they are settled
	secret   string        // the password
	inFlight int           // requests under way at a time, when that is more than the client allows by itself
}

// inFlightUsual is the client's own bound.
const inFlightUsual = 4096

func (c *connection) flags(f *flag.FlagSet) {
	f.StringVar(&c.addr, "addr", "127.0.0.1:7401", "gRPC `addresses` of some nodes, comma separated (or set TORC_ADDR)")
	f.String("password-file", "", "`file` with the password (or set TORC_PASSWORD_FILE, or TORC_PASSWORD)")
	f.BoolVar(&c.tls, "tls", false, "speak TLS (or set TORC_TLS)")
	f.StringVar(&c.tlsCA, "tls-ca", "", "`file` with the CA certificate (PEM) that signed the nodes' certificates; implies --tls (or set TORC_TLS_CA)")
	f.String("config", "", "TOML `file` with defaults for these flags, such as a node's own torc.toml (or set TORC_CONFIG)")
	f.DurationVar(&c.timeout, "timeout", 5*time.Second, "how long to wait for an answer")
	c.parsed = f
}

// settle takes what the environment and the file say, where the flags say nothing.
func (c *connection) settle() error {
	if c.parsed == nil {
		return nil
	}
	given := config.ToolFlags{}
	c.parsed.Visit(func(f *flag.Flag) {
		switch f.Name {
		case "addr", "password-file", "tls", "tls-ca", "config":
			given[f.Name] = f.Value.String()
		}
	})
	told, err := config.LoadTool(given, os.Environ())
	if err != nil {
		return err
	}
	if told.Addr != "" {
		c.addr = told.Addr
	}
	c.secret, c.tls, c.tlsCA, c.parsed = told.Password.Reveal(), told.TLS, told.TLSCA, nil
	return nil
}

// seeds are the addresses, as torcd reads --join: blanks around them and empty ones do not count.
func (c *connection) seeds() (addrs []string) {
	_ = c.settle() // password and tlsConfig say what is wrong
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
	err := c.settle()
	return c.secret, err
}

func (c *connection) tlsConfig() (*tls.Config, error) {
	if err := c.settle(); err != nil {
		return nil, err
	}
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
