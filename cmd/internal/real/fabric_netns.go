package real

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os/exec"
	"strconv"

	"torc/cmd/internal/delay"
	"torc/cmd/internal/netns"
	"torc/scenarios/script"
	"torc/sim"
)

// namespaces give each node a network of its own.
type namespaces struct {
	lab   *netns.Lab
	nodes int
	ends  int
	slow  *netns.Slow          // nil: no link will ever be slow
	users map[link]*delay.Link // from clients to nodes; only with slow
}

const peerPort = 7400

// newNamespaces makes the network. Slow links take proxies, which cost time even when they do not
// delay anything: they are made only for runs that may want them.
func newNamespaces(ctx context.Context, nodes, clients int, mayBeSlow bool) (*namespaces, error) {
	lab, err := netns.New(ctx, nodes, clients)
	if err != nil {
		return nil, err
	}
	n := &namespaces{lab: lab, nodes: nodes, ends: nodes + clients, users: map[link]*delay.Link{}}
	if !mayBeSlow {
		return n, nil
	}
	if n.slow, err = lab.SlowDown(ctx, peerPort); err != nil {
		return nil, errors.Join(err, lab.Close())
	}
	for client := nodes; client < n.ends; client++ {
		for node := range nodes {
			n.users[link{client, node}] = &delay.Link{}
		}
	}
	return n, nil
}

// delays says that a file makes links slow.
func delays(f *script.File) bool {
	for _, step := range f.Script {
		fault := step.Fault
		if during, ok := fault.(sim.For); ok {
			fault = during.Fault
		}
		if l, ok := fault.(sim.Lossy); ok && l.Delay > 0 {
			return true
		}
	}
	return false
}

func (n *namespaces) addresses(node int) addresses {
	at := func(port int) string {
		return net.JoinHostPort(n.lab.Host(node).String(), strconv.Itoa(port))
	}
	return addresses{peer: at(peerPort), grpc: at(7401), admin: at(7402), resp: at(6379)}
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

func (n *namespaces) through(client, node int, c net.Conn) net.Conn {
	if l := n.users[link{n.nodes + client, node}]; l != nil {
		return delay.Through(c, l)
	}
	return c
}

func (n *namespaces) apply(ctx context.Context, t trouble) error {
	var r netns.Rules
	for _, l := range t.cut {
		r.Cut(n.end(l.from), n.end(l.to))
	}
	for _, l := range t.loss {
		r.Lose(n.end(l.from), n.end(l.to), l.tenThousandths)
	}
	if n.slow != nil {
		n.pace(t.slow)
	}
	return n.lab.Apply(ctx, r)
}

// pace gives every link the delay that it has now.
func (n *namespaces) pace(list []slow) {
	paces := map[link]delay.Pace{}
	for _, l := range list {
		paces[l.link] = delay.Pace{Delay: l.delay}
	}
	for a := range n.nodes {
		for b := range n.nodes {
			if a != b {
				n.slow.Set(n.end(a), n.end(b), paces[link{a, b}])
			}
		}
	}
	for l, way := range n.users {
		way.Set(paces[l], paces[link{l.to, l.from}])
	}
}

func (n *namespaces) bite(ctx context.Context) (b Bite, err error) {
	if b.Dropped, err = n.lab.Dropped(ctx); err != nil || n.slow == nil {
		return b, err
	}
	b.Delayed = n.slow.Delayed()
	for _, l := range n.users {
		b.Delayed += l.There.Delayed() + l.Back.Delayed()
	}
	return b, nil
}

// flags: the nodes listen on addresses other than loopback, which torcd asks to be allowed. Nobody
// outside the namespaces reaches them.
func (n *namespaces) flags() []string { return []string{"--insecure"} }
func (n *namespaces) close() error    { return n.lab.Close() }
func (n *namespaces) String() string  { return "in network namespaces, " + n.lab.String() }
