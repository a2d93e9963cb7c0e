package peer

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	torcv1 "torc/api/v1"
	"torc/core/wire"
	"torc/net/sock"
)

// Flow control: what may be under way unread. One stream's share is a part of the
// connection's, so that data which is not read yet can never hold up the urgent stream.
const (
	streamWindow     = 4 << 20
	connectionWindow = 16 << 20
)

// socketBuffer is how much is written to a socket, or read from it, at a time.
const socketBuffer = 128 << 10

// headersMax is how many bytes of metadata a stream may have. It is read before the secret is asked for, and gRPC takes 16 MiB by itself.
const headersMax = 64 << 10

// link is the way to one address: a connection with two streams.
type link struct {
	addr   string
	conn   *grpc.ClientConn
	cancel context.CancelFunc
	used   atomic.Int64 // when something was last sent, in nanoseconds since the network's origin

	broken atomic.Int64 // when it was last said that the connection is, in nanoseconds since 1970

	urgent, data *track
	tracks       sync.WaitGroup
}

func (n *Network) newLink(addr string) (*link, error) {
	conn, err := grpc.NewClient("passthrough:///"+addr,
		grpc.WithTransportCredentials(n.opts.ClientTLS),
		grpc.WithContextDialer(n.dial),
		grpc.WithNoProxy(), // a node's peers are never behind the proxy its environment may name
		grpc.WithWriteBufferSize(socketBuffer),
		grpc.WithInitialWindowSize(streamWindow),
		grpc.WithInitialConnWindowSize(connectionWindow),
		grpc.WithDefaultCallOptions(grpc.MaxCallSendMsgSize(n.opts.FrameMax), grpc.ForceCodecV2(newPacketCodec()),
			grpc.MaxRetryRPCBufferSize(0)), // gRPC lets go of what it has written (unwritten.go): a track begins anew when its stream breaks
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: n.opts.PingAfter, Timeout: n.opts.PingWithin, PermitWithoutStream: true,
		}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: n.opts.RetryMin, Multiplier: 1.6, Jitter: 0.2, MaxDelay: n.opts.RetryMax},
			MinConnectTimeout: n.opts.OpenWithin,
		}))
	if err != nil {
		return nil, fmt.Errorf("peer: connect to %s: %w", addr, err)
	}
	ctx, cancel := context.WithCancel(n.ctx)
	l := &link{addr: addr, conn: conn, cancel: cancel}
	client := torcv1.NewPeerClient(conn)
	l.urgent = &track{network: n, addr: addr, link: l, client: client, queue: newQueue(n.opts.QueueMax)}
	l.data = &track{network: n, addr: addr, link: l, client: client, queue: newQueue(n.opts.QueueMax)}
	l.tracks.Go(func() { l.urgent.run(ctx) })
	l.tracks.Go(func() { l.data.run(ctx) })
	return l, nil
}

// dial makes one try to reach an address. It is given up soon: where packets are lost the kernel asks
// again after 1 s, 2 s more, 4 s more; a try of one's own comes sooner.
func (n *Network) dial(ctx context.Context, addr string) (net.Conn, error) {
	d := net.Dialer{Timeout: n.opts.DialWithin}
	nc, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return n.prepare(nc), nil
}

// prepare makes a connection of the peers' network out of a plain one, on both of its ends.
func (n *Network) prepare(nc net.Conn) net.Conn {
	limitSilence(nc, n.opts.PingWithin)
	return sock.Wrap(nc)
}

// prepared is a listener whose connections are prepared.
type prepared struct {
	net.Listener
	network *Network
}

// Accept is part of net.Listener.
func (l prepared) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.network.prepare(nc), nil
}

// send gives a frame to its track.
func (l *link) send(n *Network, f *wire.Frame) {
	l.used.Store(int64(time.Since(n.origin)))
	to := l.data
	if urgent(f) {
		to = l.urgent
	}
	for _, piece := range fit(f, n.opts.FrameMax/2) {
		n.stats.dropped.Add(uint64(to.offer(piece)))
	}
}

// brokenOnce is for how long what breaks both of a link's streams is one thing.
const brokenOnce = time.Second

// sayBroken reports whether it has not just been said that the connection is broken.
func (l *link) sayBroken(now time.Time) bool {
	before := l.broken.Load()
	return now.UnixNano()-before > int64(brokenOnce) && l.broken.CompareAndSwap(before, now.UnixNano())
}

// plainly is an error without what only gRPC's developers want to know, and with what to look at where the error alone does not say so.
func plainly(err error) string {
	text := status.Convert(err).Message()
	switch {
	case strings.Contains(text, "server preface"), strings.Contains(text, "client preface"):
		return "it hung up without a word: do both nodes speak TLS (--tls-cert), or only one of them? Is that its --peer address?"
	case strings.Contains(text, "missing selected ALPN"), strings.Contains(text, "unknown service"):
		return "another port than that for nodes (--peer, 7400 by default) answers"
	case strings.Contains(text, "certificate signed by unknown authority"):
		return "its certificate is signed by an authority that is not in this node's --tls-ca"
	}
	for _, ahead := range []string{"Error while dialing: ", "authentication handshake failed: ", "error reading from server: "} {
		if _, rest, found := strings.Cut(text, ahead); found {
			text = strings.TrimSuffix(rest, `"`)
		}
	}
	return text
}

// close hangs up at once.
func (l *link) close() {
	l.cancel()
	l.tracks.Wait()
	_ = l.conn.Close()
}
