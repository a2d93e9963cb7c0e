package peer

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	torcv1 "torc/api/v1"
	"torc/core/wire"
)

// end is one node's network, and what came.
type end struct {
	*Network
	addr   string
	frames chan *wire.Frame
}

func listen(t *testing.T, opts Options) *end {
	t.Helper()
	if opts.Addr == "" {
		opts.Addr = "127.0.0.1:0"
	}
	if opts.RetryMax == 0 {
		opts.RetryMin, opts.RetryMax = 5*time.Millisecond, 20*time.Millisecond
	}
	opts.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	e := &end{frames: make(chan *wire.Frame, 10_000)}
	n, err := Listen(opts, func(f *wire.Frame) { e.frames <- f })
	require.NoError(t, err)
	e.Network, e.addr = n, n.Addr().String()
	served := make(chan error, 1)
	go func() { served <- n.Serve() }()
	t.Cleanup(func() {
		_ = n.Close(expired())
		require.NoError(t, <-served)
	})
	return e
}

// expired is a context for those who will not wait.
func expired() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func (e *end) next(t *testing.T) *wire.Frame {
	t.Helper()
	select {
	case f := <-e.frames:
		return f
	case <-time.After(10 * time.Second):
		require.FailNow(t, "no frame came")
		return nil
	}
}

func (e *end) waitStats(t *testing.T, cond func(Stats) bool) {
	t.Helper()
	require.Eventually(t, func() bool { return cond(e.Stats()) }, 10*time.Second, time.Millisecond)
}

func chunk(seq uint64, bytes int) *wire.Frame {
	return &wire.Frame{From: 1, FromIncarnation: 2, To: 3, ToIncarnation: 4,
		Messages: []wire.Message{&wire.SnapshotChunk{Shard: 5, Seq: seq, Data: make([]byte, bytes)}}}
}

func heartbeat() *wire.Frame {
	return &wire.Frame{From: 1, Messages: []wire.Message{&wire.Raft{Shard: 1, RaftMessage: wire.RaftMessage{Type: 8}}}}
}

func seqs(f *wire.Frame) (out []uint64) {
	for _, m := range f.Messages {
		out = append(out, m.(*wire.SnapshotChunk).Seq)
	}
	return out
}

func TestFramesArriveInOrder(t *testing.T) {
	a, b := listen(t, Options{}), listen(t, Options{})
	const count = 2000
	for seq := range uint64(count) {
		a.Send(b.addr, chunk(seq, 10))
	}
	var got []uint64
	for len(got) < count {
		f := b.next(t)
		require.Equal(t, wire.NodeID(1), f.From)
		require.Equal(t, wire.Incarnation(2), f.FromIncarnation)
		require.Equal(t, wire.NodeID(3), f.To)
		require.Equal(t, wire.Incarnation(4), f.ToIncarnation)
		require.Len(t, f.Messages, 1, "frames stay what they are")
		got = append(got, seqs(f)...)
	}
	for i, seq := range got {
		require.EqualValues(t, i, seq)
	}
	require.Zero(t, a.Stats().Dropped)
	require.EqualValues(t, count, a.Stats().FramesSent)
	require.Less(t, a.Stats().PacketsSent, uint64(count), "frames that wait together travel together")
}

func TestALargeValueFits(t *testing.T) {
	a, b := listen(t, Options{}), listen(t, Options{})
	a.Send(b.addr, chunk(1, 65<<20))
	require.Len(t, b.next(t).Messages[0].(*wire.SnapshotChunk).Data, 65<<20)
}

// Heartbeats have a stream of their own: they do not stand in line behind data.
func TestHeartbeatsOvertakeData(t *testing.T) {
	a := listen(t, Options{})
	release := make(chan struct{})
	frames := make(chan *wire.Frame, 16)
	n, err := Listen(Options{Addr: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler)}, func(f *wire.Frame) {
		if _, data := f.Messages[0].(*wire.SnapshotChunk); data {
			<-release // a receiver that is busy with data
			return
		}
		frames <- f
	})
	require.NoError(t, err)
	go func() { _ = n.Serve() }()
	defer func() { close(release); _ = n.Close(expired()) }()

	for seq := range uint64(40) {
		a.Send(n.Addr().String(), chunk(seq, 1<<20)) // more than flow control lets under way
	}
	a.Send(n.Addr().String(), heartbeat())
	select {
	case <-frames:
	case <-time.After(10 * time.Second):
		require.FailNow(t, "the heartbeat waits for the data")
	}
}

func TestAPeerThatComesBackIsFoundAgain(t *testing.T) {
	a, b := listen(t, Options{}), listen(t, Options{})
	a.Send(b.addr, chunk(1, 1))
	b.next(t)
	require.NoError(t, b.Close(soon(t)))
	a.waitStats(t, func(s Stats) bool { return s.Connected == 0 })
	a.Send(b.addr, chunk(2, 1)) // goes nowhere
	a.waitStats(t, func(s Stats) bool { return s.Dropped > 0 })

	again := listen(t, Options{Addr: b.addr})
	require.Eventually(t, func() bool {
		a.Send(b.addr, chunk(3, 1))
		return len(again.frames) > 0
	}, 10*time.Second, 5*time.Millisecond)
	require.EqualValues(t, 3, seqs(again.next(t))[0], "old news are not told")
}

func TestAnUnreachablePeerCostsABoundedQueue(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	require.NoError(t, err)
	defer silent.Close()
	a := listen(t, Options{QueueMax: 100_000, OpenWithin: time.Minute})
	for seq := range uint64(1000) {
		a.Send(silent.Addr().String(), chunk(seq, 1000))
	}
	s := a.Stats()
	require.LessOrEqual(t, s.Queued, 100_000)
	require.Greater(t, s.Dropped, uint64(800))
}

func TestTheSecret(t *testing.T) {
	for _, c := range []struct {
		name           string
		server, client Options
		welcome        bool
	}{
		{"both have none", Options{}, Options{}, true},
		{"the same", Options{Secret: "s3cret"}, Options{Secret: "s3cret"}, true},
		{"missing", Options{Secret: "s3cret"}, Options{}, false},
		{"wrong", Options{Secret: "s3cret"}, Options{Secret: "s3cres"}, false},
		{"not asked for", Options{}, Options{Secret: "s3cret"}, true},
		{"changed here", Options{Secret: "new", OldSecret: "old"}, Options{Secret: "old"}, true},
		{"changed there", Options{Secret: "old"}, Options{Secret: "new", OldSecret: "old"}, true},
		{"changed on both sides", Options{Secret: "new", OldSecret: "old"}, Options{Secret: "new", OldSecret: "old"}, true},
		{"not any more here", Options{Secret: "new"}, Options{Secret: "new", OldSecret: "old"}, true},
		{"not any more there", Options{Secret: "new", OldSecret: "old"}, Options{Secret: "new"}, true},
		{"the old one, which is over", Options{Secret: "new"}, Options{Secret: "old"}, false},
		{"two wrong ones", Options{Secret: "new", OldSecret: "old"}, Options{Secret: "newer", OldSecret: "older"}, false},
		{"none beside two", Options{Secret: "new", OldSecret: "old"}, Options{}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := listen(t, c.client), listen(t, c.server)
			a.Send(b.addr, chunk(1, 1))
			if c.welcome {
				b.next(t)
				return
			}
			b.waitStats(t, func(s Stats) bool { return s.Refused > 0 })
			a.waitStats(t, func(s Stats) bool { return s.Failures > 0 })
			require.Empty(t, b.frames)
		})
	}
}

// Metadata comes before the secret is looked at. It is short.
func TestMetadataIsBounded(t *testing.T) {
	n := listen(t, Options{})
	conn, err := grpc.NewClient("passthrough:///"+n.addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	for bytes, fits := range map[int]bool{headersMax / 2: true, 2 * headersMax: false} {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		stream, err := torcv1.NewPeerClient(conn).Frames(metadata.AppendToOutgoingContext(ctx, "long", strings.Repeat("v", bytes)))
		if err == nil {
			_ = stream.CloseSend()
			_, err = stream.Recv()
		}
		require.Equal(t, fits, status.Code(err) != codes.Internal, "%d bytes: %v", bytes, err)
	}
}

func TestAFrameThatDoesNotDecodeIsDropped(t *testing.T) {
	b := listen(t, Options{})
	conn, err := grpc.NewClient("passthrough:///"+b.addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	defer conn.Close()
	stream, err := torcv1.NewPeerClient(conn).Frames(soon(t))
	require.NoError(t, err)
	for _, bad := range [][]byte{nil, {0xff}, []byte("nonsense")} {
		require.NoError(t, stream.Send(&torcv1.FramePacket{Frames: [][]byte{bad}}))
	}
	require.NoError(t, stream.Send(&torcv1.FramePacket{Frames: [][]byte{{0xff}, wire.AppendFrame(nil, chunk(7, 1))}}))
	require.Equal(t, []uint64{7}, seqs(b.next(t)), "the stream goes on")
	require.EqualValues(t, 4, b.Stats().Undecodable)
}

// What a node says last (it hands leaderships over) is heard.
func TestCloseSendsWhatWaits(t *testing.T) {
	a, b := listen(t, Options{}), listen(t, Options{})
	for seq := range uint64(500) {
		a.Send(b.addr, chunk(seq, 1000))
	}
	require.NoError(t, a.Close(soon(t)))
	got := 0
	for got < 500 {
		got += len(b.next(t).Messages)
	}
	a.Send(b.addr, chunk(1, 1))
	require.EqualValues(t, 1, a.Stats().Dropped, "after Close nothing is sent")
}

func TestIdlePeersAreHungUpOn(t *testing.T) {
	a, b := listen(t, Options{IdleAfter: 20 * time.Millisecond}), listen(t, Options{})
	a.Send(b.addr, chunk(1, 1))
	b.next(t)
	a.waitStats(t, func(s Stats) bool { return s.Peers == 0 && s.Connected == 0 })
	a.Send(b.addr, chunk(2, 1))
	b.next(t)
}

func TestPeersAreBounded(t *testing.T) {
	a := listen(t, Options{PeersMax: 1})
	a.Send("127.0.0.1:1", heartbeat())
	a.Send("127.0.0.1:2", heartbeat())
	a.Send("", heartbeat())
	require.Equal(t, 1, a.Stats().Peers)
	require.GreaterOrEqual(t, a.Stats().Dropped, uint64(2))
}

func TestATakenPortIsNamed(t *testing.T) {
	a := listen(t, Options{})
	_, port, _ := net.SplitHostPort(a.addr)
	_, err := Listen(Options{Addr: a.addr}, nil)
	require.ErrorContains(t, err, "port "+port+" is taken")
	require.ErrorContains(t, err, "--peer-addr")
	_, err = Listen(Options{Addr: "nonsense"}, nil)
	require.ErrorContains(t, err, "want host:port")
}

func TestMutualTLS(t *testing.T) {
	cert, pool := selfSigned(t)
	server := credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{cert}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert})
	a := listen(t, Options{ClientTLS: credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{cert}, RootCAs: pool})})
	b := listen(t, Options{ServerTLS: server})
	a.Send(b.addr, chunk(1, 1))
	b.next(t)

	stranger := listen(t, Options{ClientTLS: credentials.NewTLS(&tls.Config{RootCAs: pool})})
	stranger.Send(b.addr, chunk(2, 1))
	stranger.waitStats(t, func(s Stats) bool { return s.Failures > 0 })
	require.Empty(t, b.frames)
}

func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	parsed, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}
