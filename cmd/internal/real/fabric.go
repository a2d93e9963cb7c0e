package real

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"

	"torc/cmd/internal/netns"
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
	// apply cuts links, each a pair of ends, and makes the rest lose packets.
	apply(ctx context.Context, cut []link, loss []loss) error
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
func (l *loopback) from(int) net.Addr { return nil }
func (l *loopback) apply(_ context.Context, cut []link, loss []loss) error {
	if len(cut) > 0 || len(loss) > 0 {
		return errNoCuts
	}
	return nil
}
func (l *loopback) flags() []string { return nil }
func (l *loopback) close() error    { return nil }
func (l *loopback) String() string  { return "on loopback" }

// namespaces give each node a network of its own.
type namespaces struct {
	lab   *netns.Lab
	nodes int
}

func newNamespaces(ctx context.Context, nodes, clients int) (*namespaces, error) {
	lab, err := netns.New(ctx, nodes, clients)
	if err != nil {
		return nil, err
	}
	return &namespaces{lab, nodes}, nil
}

func (n *namespaces) addresses(node int) addresses {
	at := func(port string) string { return net.JoinHostPort(n.lab.Host(node).String(), port) }
	return addresses{peer: at("7400"), grpc: at("7401"), admin: at("7402"), resp: at("6379")}
}

func (n *namespaces) command(node int, binary string, args ...string) *exec.Cmd {
	return n.lab.Command(node, binary, args...)
}

func (n *namespaces) from(client int) net.Addr {
	return &net.TCPAddr{IP: n.lab.Guest(client).AsSlice()}
}

func (n *namespaces) end(i int) netip.Addr {
	if i < n.nodes {
		return n.lab.Host(i)
	}
	return n.lab.Guest(i - n.nodes)
}

func (n *namespaces) apply(ctx context.Context, cut []link, losses []loss) error {
	var r netns.Rules
	for _, l := range cut {
		r.Cut(n.end(l.from), n.end(l.to))
	}
	for _, l := range losses {
		r.Lose(n.end(l.from), n.end(l.to), l.tenThousandths)
	}
	return n.lab.Apply(ctx, r)
}

// flags: the nodes listen on addresses other than loopback, which torcd asks to be allowed. Nobody
// outside the namespaces reaches them.
func (n *namespaces) flags() []string { return []string{"--insecure"} }
func (n *namespaces) close() error    { return n.lab.Close() }
func (n *namespaces) String() string  { return "in network namespaces, " + n.lab.String() }
