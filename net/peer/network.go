package peer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	torcv1 "torc/api/v1"
	"torc/core/wire"
	"torc/net/buffers"
)

// Network is a node's side of the peers' network.
type Network struct {
	opts    Options
	deliver func(*wire.Frame)
	log     *slog.Logger
	origin  time.Time
	ln      net.Listener
	server  *grpc.Server
	stats   stats

	ctx     context.Context // ends when Close gives up waiting, or is through
	cancel  context.CancelFunc
	closing chan struct{} // closed: send what waits, then hang up
	once    sync.Once

	mu     sync.Mutex
	links  map[string]*link
	closed bool
}

// Listen takes the address; Serve begins to accept on it. deliver gets every frame that
// comes, on the goroutine of its stream; it must not block. When the port is taken the error
// names it, and the flag that changes it.
func Listen(opts Options, deliver func(*wire.Frame)) (*Network, error) {
	opts = opts.withDefaults()
	ln, err := net.Listen("tcp", opts.Addr)
	if err != nil {
		return nil, listenError(opts, err)
	}
	n := &Network{
		opts: opts, deliver: deliver, log: opts.Logger, origin: time.Now(), ln: ln,
		closing: make(chan struct{}), links: make(map[string]*link),
	}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	n.warnWhenOpen()
	n.server = grpc.NewServer(n.serverOptions()...)
	torcv1.RegisterPeerServer(n.server, frames{network: n})
	return n, nil
}

func (n *Network) serverOptions() []grpc.ServerOption {
	options := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(n.opts.FrameMax),
		grpc.ReadBufferSize(socketBuffer),
		buffers.ForServer(),
		grpc.ForceServerCodecV2(newPacketCodec()),
		grpc.InitialWindowSize(streamWindow),
		grpc.InitialConnWindowSize(connectionWindow),
		grpc.MaxConcurrentStreams(16), // a peer needs two
		grpc.MaxHeaderListSize(headersMax),
		grpc.StreamInterceptor(n.askSecret),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: n.opts.PingAfter, Timeout: n.opts.PingWithin}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: n.opts.PingAfter / 2, PermitWithoutStream: true}),
	}
	if n.opts.ServerTLS != nil {
		options = append(options, grpc.Creds(watchedTLS{n.opts.ServerTLS, n}))
	}
	return options
}

// warnWhenOpen tells the operator when anybody who reaches the port may speak as a peer.
func (n *Network) warnWhenOpen() {
	tcp, ok := n.ln.Addr().(*net.TCPAddr)
	if ok && !tcp.IP.IsLoopback() && n.opts.Secret == "" && n.opts.ServerTLS == nil {
		n.log.Warn("the peer port is open to the network without a secret: set --cluster-secret or use TLS",
			slog.String("addr", tcp.String()))
	}
}

// Addr is the address the network listens on.
func (n *Network) Addr() net.Addr { return n.ln.Addr() }

// Serve accepts peers until Close. It returns nil after Close, an error when the listener
// broke.
func (n *Network) Serve() error {
	go n.sweep()
	if err := n.server.Serve(prepared{n.ln, n}); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("peer: serve on %s: %w", n.Addr(), err)
	}
	return nil
}

// Send hands a frame to the network, for the node that listens at addr. It never blocks; the
// frame belongs to the network from then on. See invariant 1 for what may be lost.
func (n *Network) Send(addr string, f *wire.Frame) {
	if l := n.link(addr); l != nil {
		l.send(n, f)
		return
	}
	n.stats.dropped.Add(1)
}

// link returns the way to an address, nil when there can be none.
func (n *Network) link(addr string) *link {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil
	}
	if l := n.links[addr]; l != nil {
		return l
	}
	if addr == "" || len(n.links) >= n.opts.PeersMax {
		return nil
	}
	l, err := n.newLink(addr)
	if err != nil {
		n.log.Error("no way to peer", slog.String("peer", addr), slog.Any("error", err))
		return nil
	}
	l.used.Store(int64(time.Since(n.origin)))
	n.links[addr] = l
	return l
}

// sweep hangs up on addresses that nothing is sent to any more. Members of the cluster hear
// from each other all the time: such an address belongs to nobody now.
func (n *Network) sweep() {
	ticker := time.NewTicker(max(n.opts.IdleAfter/4, time.Millisecond))
	defer ticker.Stop()
	for {
		select {
		case <-n.closing:
			return
		case <-ticker.C:
		}
		for _, l := range n.idle() {
			l.close()
		}
	}
}

// idle takes the links that are not used any more out of the map.
func (n *Network) idle() []*link {
	n.mu.Lock()
	defer n.mu.Unlock()
	var idle []*link
	for addr, l := range n.links {
		if time.Since(n.origin)-time.Duration(l.used.Load()) > n.opts.IdleAfter {
			delete(n.links, addr)
			idle = append(idle, l)
		}
	}
	return idle
}

// Close sends what waits for peers that can be reached, hangs up and stops accepting. When
// ctx ends first it hangs up at once.
func (n *Network) Close(ctx context.Context) error {
	links := n.shut()
	flushed := make(chan struct{})
	go func() {
		for _, l := range links {
			l.tracks.Wait()
		}
		close(flushed)
	}()
	var err error
	select {
	case <-flushed:
	case <-ctx.Done():
		err = fmt.Errorf("peer: close: %w", ctx.Err())
	}
	n.cancel()
	for _, l := range links {
		l.close()
	}
	n.server.Stop()
	_ = n.ln.Close() // the server has closed it already if it ever served
	return err
}

// shut lets no link be made any more and tells those there are to finish.
func (n *Network) shut() []*link {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
	n.once.Do(func() { close(n.closing) })
	return slices.Collect(maps.Values(n.links))
}
