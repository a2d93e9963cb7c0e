package real

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"time"
)

// addresses are where a node listens.
type addresses struct{ peer, grpc, admin, resp string }

// fabric is the network between the nodes and the clients. Ends are the nodes, then the clients, all
// counted from 0.
type fabric interface {
	addresses(node int) addresses
	// command is a process of a node.
	command(node int, binary string, args ...string) *exec.Cmd
	// from is the address that a client's sockets are bound to; nil: any.
	from(client int) net.Addr
	// through is a client's connection to a node, as it is to be used.
	through(client, node int, c net.Conn) net.Conn
	// apply makes links have this trouble, and no other.
	apply(ctx context.Context, t trouble) error
	// bite is what trouble has done so far.
	bite(ctx context.Context) (Bite, error)
	flags() []string
	close() error
	String() string
}

// link is a direction between two ends.
type link struct{ from, to int }

type loss struct {
	link
	tenThousandths int
}

type slow struct {
	link
	delay time.Duration
}

// trouble is what links are to suffer.
type trouble struct {
	cut  []link
	loss []loss
	slow []slow
}

func (t trouble) none() bool { return len(t.cut)+len(t.loss)+len(t.slow) == 0 }

// Bite is what the network's trouble did to those who used it.
type Bite struct {
	Dropped uint64 // packets
	Delayed int64  // bytes
}

// errNoCuts says that a fabric cannot come between nodes.
var errNoCuts = errors.New("it needs network namespaces")

// loopback is 127.0.0.0/8: nodes have addresses of their own, but nothing can be cut.
type loopback struct{ nodes []addresses }

func newLoopback(nodes int) (*loopback, error) {
	l := &loopback{}
	for i := range nodes {
		host := "127.0.0.1"
		if runtime.GOOS == "linux" { // elsewhere the other addresses must be set up first
			host = fmt.Sprintf("127.%d.%d.%d", 64+os.Getpid()%128, os.Getpid()/128%256, i+1)
		}
		ports, err := freePorts(host, 4)
		if err != nil {
			return nil, err
		}
		l.nodes = append(l.nodes, addresses{peer: ports[0], grpc: ports[1], admin: ports[2], resp: ports[3]})
	}
	return l, nil
}

// freePorts finds ports that nobody listens on.
func freePorts(host string, count int) (addrs []string, err error) {
	for range count {
		l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			return nil, fmt.Errorf("finding a free port: %w", err)
		}
		defer func() { _ = l.Close() }()
		addrs = append(addrs, l.Addr().String())
	}
	return addrs, nil
}

func (l *loopback) addresses(node int) addresses { return l.nodes[node] }
func (l *loopback) command(_ int, binary string, args ...string) *exec.Cmd {
	return exec.Command(binary, args...)
}
func (l *loopback) from(int) net.Addr                     { return nil }
func (l *loopback) through(_, _ int, c net.Conn) net.Conn { return c }
func (l *loopback) bite(context.Context) (Bite, error)    { return Bite{}, nil }
func (l *loopback) apply(_ context.Context, t trouble) error {
	if !t.none() {
		return errNoCuts
	}
	return nil
}
func (l *loopback) flags() []string { return nil }
func (l *loopback) close() error    { return nil }
func (l *loopback) String() string  { return "on loopback" }
