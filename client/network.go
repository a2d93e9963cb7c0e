package client

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	torcv1 "torc/api/v1"
	"torc/core/wire"
)

// network is the brain's transport: some links to every node it has business with. It is under the engine's lock, but for
// what links call.
type network struct {
	opts   Options
	engine *engine
	nodes  map[string]*node // by address
	dirty  []*node          // those that something is to be sent to
	body   []byte           // of the request that is being written down

	ctx    context.Context // of every link; carries the password
	cancel context.CancelFunc
	links  sync.WaitGroup
	last   atomic.Pointer[error]

	seedsMu  sync.Mutex
	seeds    map[string]bool // that have failed: true when it was for the password
	denial   error           // what one of these said
	denied   chan struct{}   // closed when no seed is left that might take the password
	absent   map[string]bool // seeds at which nobody listens, by the last try
	deserted chan struct{}   // closed when those are all, unless nodes are to be awaited
}

// node is one address and the links to it, used in turn: what one turn of the brain has for a node goes by one of them.
type node struct {
	cancel context.CancelFunc
	addr   string
	links  []*link
	turn   int
	dirty  bool
}

func newNetwork(opts Options, e *engine) *network {
	ctx := metadata.AppendToOutgoingContext(context.Background(), torcv1.AnswerMaxHeader, strconv.Itoa(opts.MaxMessage))
	if opts.Password != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+opts.Password)
	}
	n := &network{opts: opts, engine: e, nodes: map[string]*node{}, seeds: map[string]bool{}, denied: make(chan struct{}), absent: map[string]bool{}, deserted: make(chan struct{})}
	n.ctx, n.cancel = context.WithCancel(ctx)
	return n
}

// bodyMax is how much memory is kept for writing requests down.
const bodyMax = 1 << 20

// Send asks a node to run a request.
func (n *network) Send(id uint64, addr string, req *wire.Request, timeout time.Duration) {
	n.body = wire.AppendRequest(n.body[:0], req)
	n.ask(addr, torcv1.Plain{ID: id, Kind: torcv1.PacketRequest, TimeoutMillis: uint32(max(timeout.Milliseconds(), 1)), Body: n.body})
	if cap(n.body) > bodyMax {
		n.body = nil
	}
}

// FetchMap asks a node for its cluster map.
func (n *network) FetchMap(id uint64, addr string) {
	n.ask(addr, torcv1.Plain{ID: id, Kind: torcv1.PacketMapRequest})
}

func (n *network) ask(addr string, p torcv1.Plain) {
	to, err := n.node(addr)
	if err != nil {
		n.refuse(err, p.ID)
		return
	}
	if !to.dirty {
		to.dirty = true
		if !to.link().waits() { // otherwise it goes along with what waits there
			to.turn++
		}
		n.dirty = append(n.dirty, to)
	}
	if !to.link().take(p) {
		n.refuse(fmt.Errorf("the link to %s is full", to.addr), p.ID)
	}
}

// link is the one whose turn it is.
func (n *node) link() *link { return n.links[n.turn%len(n.links)] }

// flush lets everything go that this turn of the brain has for the nodes: one message to each, if it is not too large.
func (n *network) flush() {
	for i, to := range n.dirty {
		to.link().wake()
		to.dirty, n.dirty[i] = false, nil
	}
	n.dirty = n.dirty[:0]
}

// refuse tells the brain, when it is at rest, that nothing comes of a question that was never sent.
func (n *network) refuse(err error, id uint64) {
	n.note(err)
	n.engine.failed = append(n.engine.failed, id)
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

// failed takes notice of how a stream to a node ended. A wrong password does not become right by asking again: when every seed
// has failed and one of them for that, New need not wait.
func (n *network) failed(addr string, err error) {
	n.note(fmt.Errorf("%s: %w", addr, err))
	if !slices.Contains(n.opts.Seeds, addr) {
		return // nodes come and go, with ever other addresses, for as long as the client lives
	}
	n.seedsMu.Lock()
	defer n.seedsMu.Unlock()
	n.noteAbsent(addr, err)
	select {
	case <-n.denied:
		return
	default:
	}
	if n.seeds[addr] = n.seeds[addr] || status.Code(err) == codes.Unauthenticated; n.seeds[addr] && n.denial == nil {
		n.denial = fmt.Errorf("%s: %w", addr, err)
	}
	for _, seed := range n.opts.Seeds {
		if _, failed := n.seeds[seed]; !failed && seed != "" {
			return
		}
	}
	if n.denial != nil {
		close(n.denied)
	}
}

// noteAbsent closes deserted when nobody listens at any seed.
func (n *network) noteAbsent(addr string, err error) {
	if n.absent[addr] = nobodyThere(err); n.opts.AwaitNodes {
		return
	}
	for _, seed := range n.opts.Seeds {
		if seed != "" && !n.absent[seed] {
			return
		}
	}
	select {
	case <-n.deserted:
	default:
		close(n.deserted)
	}
}

// nobodyThere reports whether an error says that an address turns connections away, or that there is no such host: who is merely silent or slow
// may answer yet. gRPC hands on the text alone.
func nobodyThere(err error) bool {
	text := status.Convert(err).Message()
	return slices.ContainsFunc([]string{"connection refused", "actively refused", "no such host", "produced zero addresses"}, func(words string) bool { return strings.Contains(text, words) })
}

// lastDenial is why denied is closed.
func (n *network) lastDenial() error {
	n.seedsMu.Lock()
	defer n.seedsMu.Unlock()
	return n.denial
}

func (n *network) lastError() error {
	if err := n.last.Load(); err != nil {
		return *err
	}
	return nil
}
