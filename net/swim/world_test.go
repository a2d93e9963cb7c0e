package swim

import (
	"context"

	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/gossip"
	"torc/core/gossip/gossiptest"
	"torc/core/wire"
)

// The contract holds with production's settings; time is virtual.
func TestTheContract(t *testing.T) {
	gossiptest.Run(t, func(t *testing.T, test func(*testing.T, gossiptest.World)) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			defer w.close()
			test(t, w)
		})
	})
}

// world is a network in memory that can be cut, and the nodes on it. What travels on it goes
// through a queue for each node, as through the peers' connections: in order, until it is cut.
type world struct {
	t     *testing.T
	turn  sync.Mutex // held by a subscriber or a condition
	mu    sync.Mutex
	nodes map[string]*node // by peer address
	lives map[string]wire.Incarnation
	apart map[string]bool // cut off from all others
	began time.Time
}

type node struct {
	addr string
	feed *Feed
	in   chan []byte
	over chan struct{}
}

func newWorld(t *testing.T) *world {
	return &world{t: t, nodes: map[string]*node{}, lives: map[string]wire.Incarnation{}, apart: map[string]bool{}, began: time.Now()}
}

func addrFor(name string) string { return name + ".test:7400" }

// sender is the way out of one node.
type sender struct {
	world *world
	from  *node
}

func (s sender) SendGossip(addr string, data []byte) {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	to := s.world.nodes[addr]
	if s.world.nodes[s.from.addr] != s.from || to == nil || s.world.apart[s.from.addr] != s.world.apart[addr] {
		return
	}
	select {
	case to.in <- slices.Clone(data):
	default:
	}
}

func (w *world) Start(name string) gossip.Feed {
	n := &node{addr: addrFor(name), in: make(chan []byte, 4096), over: make(chan struct{})}
	w.mu.Lock()
	w.lives[name]++
	self := wire.Member{ID: wire.NodeIDOf(name), Incarnation: w.lives[name], PeerAddr: n.addr}
	w.nodes[n.addr] = n
	w.mu.Unlock()

	feed, err := Start(Options{
		Self: self, Sender: sender{w, n}, Peers: w.addrs, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(w.t, err)
	n.feed = feed
	go func() {
		for {
			select {
			case data := <-n.in:
				feed.Receive(data)
			case <-n.over:
				return
			}
		}
	}()
	return serial{feed, w}
}

// serial calls subscribers one at a time, as a lane would.
type serial struct {
	*Feed
	world *world
}

func (s serial) Subscribe(take func(gossip.Event)) {
	s.Feed.Subscribe(func(e gossip.Event) {
		s.world.turn.Lock()
		defer s.world.turn.Unlock()
		take(e)
	})
}

// addrs are all addresses that ever were: the cluster map does not forget the dead either.
func (w *world) addrs() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var addrs []string
	for name := range w.lives {
		addrs = append(addrs, addrFor(name))
	}
	return addrs
}

func (w *world) Life(name string) (wire.NodeID, wire.Incarnation) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return wire.NodeIDOf(name), w.lives[name]
}

func (w *world) Crash(name string) {
	w.mu.Lock()
	n := w.nodes[addrFor(name)]
	delete(w.nodes, n.addr)
	w.mu.Unlock()
	w.end(n)
}

func (w *world) end(n *node) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	require.NoError(w.t, n.feed.Close(ctx))
	close(n.over)
}

func (w *world) Isolate(names ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range names {
		w.apart[addrFor(name)] = true
	}
}

func (w *world) Heal() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.apart)
}

func (w *world) Until(cond func() bool) bool {
	check := func() bool {
		w.turn.Lock()
		defer w.turn.Unlock()
		return cond()
	}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) { // virtual
		if check() {
			return true
		}
	}
	return false
}

func (w *world) Now() time.Duration { return time.Since(w.began) }

func (w *world) close() {
	w.mu.Lock()
	nodes := w.nodes
	w.nodes = map[string]*node{}
	w.mu.Unlock()
	for _, n := range nodes {
		w.end(n)
	}
	time.Sleep(time.Minute) // virtual: memberlist's probes run out, and it forgets its timers
}
