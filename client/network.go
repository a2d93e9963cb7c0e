package client

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"torc/core/wire"
)

// network is the brain's transport: some links to every node it has business with. It is the
// loop's own, but for what links call.
type network struct {
	opts  Options
	loop  *loop
	nodes map[string]*node // by address
	dirty []*node          // those with a lot

	ctx    context.Context // of every link; carries the password
	cancel context.CancelFunc
	links  sync.WaitGroup
	last   atomic.Pointer[error]
}

// node is one address and the links to it, used in turn.
type node struct {
	cancel context.CancelFunc
	addr   string
	links  []*link
	turn   int
	lot    []question // of this turn of the loop: they leave together
}

func newNetwork(opts Options, l *loop) *network {
	ctx := context.Background()
	if opts.Password != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+opts.Password)
	}
	n := &network{opts: opts, loop: l, nodes: map[string]*node{}}
	n.ctx, n.cancel = context.WithCancel(ctx)
	return n
}

// Send asks a node to run a request.
func (n *network) Send(id uint64, addr string, req *wire.Request, timeout time.Duration) {
	n.ask(addr, question{id: id, request: req, timeout: timeout})
}

// FetchMap asks a node for its cluster map.
func (n *network) FetchMap(id uint64, addr string) { n.ask(addr, question{id: id}) }

func (n *network) ask(addr string, q question) {
	to, err := n.node(addr)
	if err != nil {
		n.refuse(err, q)
		return
	}
	if len(to.lot) == 0 {
		n.dirty = append(n.dirty, to)
	}
	to.lot = append(to.lot, q)
}

// flush lets everything go that this turn of the loop has for the nodes: one message to each, if it is not too large.
func (n *network) flush() {
	for _, to := range n.dirty {
		lot := to.lot
		to.lot = nil
		to.turn++
		if !to.links[to.turn%len(to.links)].take(lot) {
			n.refuse(fmt.Errorf("the link to %s is full", to.addr), lot...)
		}
	}
	n.dirty = n.dirty[:0]
}

// refuse tells the loop that nothing comes of questions that were never sent.
func (n *network) refuse(err error, lot ...question) {
	n.note(err)
	for i := range lot {
		n.loop.later(event{kind: evFailure, id: lot[i].id})
	}
}

// node returns the links to an address, made now if there are none.
func (n *network) node(addr string) (*node, error) {
	if there := n.nodes[addr]; there != nil {
		return there, nil
	}
	ctx, cancel := context.WithCancel(n.ctx)
	made := &node{addr: addr, cancel: cancel}
	var conns []*grpc.ClientConn
	for range n.opts.Connections {
		conn, err := grpc.NewClient(addr, n.opts.dialOptions()...) // connects when it is first used
		if err != nil {
			for _, c := range conns {
				_ = c.Close()
			}
			cancel()
			return nil, fmt.Errorf("client: address %q: %w", addr, err)
		}
		conns = append(conns, conn)
	}
	for _, conn := range conns {
		made.links = append(made.links, newLink(n, addr, conn))
	}
	for _, l := range made.links {
		n.links.Add(1)
		go l.run(ctx) // ends when the node is dropped, or the client closed
	}
	n.nodes[addr] = made
	return made, nil
}

// keep lets go of nodes that are neither in the map nor seeds.
func (n *network) keep(m *wire.ClusterMap) {
	wanted := map[string]bool{}
	for _, addr := range n.opts.Seeds {
		wanted[addr] = true
	}
	for i := range m.Members {
		if m.Members[i].State == wire.MemberActive {
			wanted[m.Members[i].GRPCAddr] = true
		}
	}
	for addr, there := range n.nodes {
		if !wanted[addr] {
			there.cancel()
			delete(n.nodes, addr)
		}
	}
}

// close ends all links and waits for them.
func (n *network) close() {
	n.cancel()
	n.links.Wait()
}

// note remembers the last thing that went wrong, for New.
func (n *network) note(err error) { n.last.Store(&err) }

func (n *network) lastError() error {
	if err := n.last.Load(); err != nil {
		return *err
	}
	return nil
}
