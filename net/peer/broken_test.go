package peer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"torc/core/wire"
)

// Connections that break so that only who writes can notice, and streams that gRPC is still looking for a connection for: Send
// waits for neither. Each of these once held it up until somebody else noticed.

// fragile is what may become of writes to a connection; it is a client's credentials, which see the connection.
type fragile struct {
	credentials.TransportCredentials
	broken *atomic.Bool  // they fail
	stuck  *atomic.Bool  // they wait,
	hold   chan struct{} // until this is closed, and then fail
	tried  *atomic.Int64 // how many have failed, or wait
}

func newFragile() fragile {
	return fragile{insecure.NewCredentials(), new(atomic.Bool), new(atomic.Bool), make(chan struct{}), new(atomic.Int64)}
}

func (f fragile) ClientHandshake(ctx context.Context, authority string, nc net.Conn) (net.Conn, credentials.AuthInfo, error) {
	nc, info, err := f.TransportCredentials.ClientHandshake(ctx, authority, nc)
	return fragileConn{nc, f}, info, err
}

func (f fragile) Clone() credentials.TransportCredentials { return f }

type fragileConn struct {
	net.Conn
	f fragile
}

func (c fragileConn) Write(b []byte) (int, error) {
	switch {
	case c.f.stuck.Load():
		c.f.tried.Add(1)
		<-c.f.hold
	case c.f.broken.Load():
		c.f.tried.Add(1)
	default:
		return c.Conn.Write(b)
	}
	return 0, errors.New("broken pipe")
}

func beat(bytes int) *wire.Frame {
	return &wire.Frame{Messages: []wire.Message{&wire.Raft{RaftMessage: wire.RaftMessage{Type: 8, Context: make([]byte, bytes)}}}}
}

// sendsSoon sends a frame while nobody else notices anything.
func (e *end) sendsSoon(t *testing.T, addr string, f *wire.Frame) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		e.Send(addr, f)
	}()
	select {
	case <-done:
	case <-time.After(2 * time.Second):
		require.FailNow(t, "Send waits")
	}
}

func soonTrue(t *testing.T, is func() bool) {
	t.Helper()
	require.Eventually(t, is, 10*time.Second, time.Millisecond)
}

func TestSendDoesNotWaitWhereAQueuedPacketFailed(t *testing.T) {
	f := newFragile()
	a, b := listen(t, Options{ClientTLS: f}), listen(t, Options{})
	a.Send(b.addr, chunk(0, 10))
	b.next(t)
	a.settled(t, b.addr)
	l := a.link(b.addr)
	writers := grpcWriters()
	f.broken.Store(true)
	a.Send(b.addr, chunk(1, 10))
	soonTrue(t, func() bool { return f.tried.Load() > 0 })
	a.Send(b.addr, chunk(2, 10)) // for another write
	soonTrue(t, func() bool { return grpcWriters() < writers })
	a.Send(b.addr, chunk(3, 200<<10)) // by the queue, and more than the stream's quota: it is not taken, and the quota is spent
	soonTrue(t, func() bool { return a.Stats().Dropped > 0 })
	require.Zero(t, l.data.unwritten.bytes.Load())
	a.sendsSoon(t, b.addr, chunk(4, 10))
}

// grpcWriters counts the goroutines that write clients' connections.
func grpcWriters() (n int) {
	stacks := make([]byte, 4<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for one := range bytes.SplitSeq(stacks, []byte("\n\n")) {
		if bytes.Contains(one, []byte("(*loopyWriter).run")) && bytes.Contains(one, []byte("transport.NewHTTP2Client")) {
			n++
		}
	}
	return n
}

func TestSendDoesNotWaitWhereGRPCLetGoUnwritten(t *testing.T) {
	f := newFragile()
	a, b := listen(t, Options{ClientTLS: f}), listen(t, Options{})
	a.Send(b.addr, chunk(0, 10))
	b.next(t)
	a.Send(b.addr, beat(1))
	b.next(t)
	a.settled(t, b.addr)
	l := a.link(b.addr)
	soonTrue(t, func() bool { return l.urgent.unwritten.bytes.Load() == 0 })
	f.stuck.Store(true)
	a.Send(b.addr, chunk(1, 10))
	soonTrue(t, func() bool { return f.tried.Load() > 0 }) // gRPC's writer waits in a write
	a.Send(b.addr, chunk(2, 10))                           // it will end with this one
	soonTrue(t, func() bool { return l.data.unwritten.bytes.Load() > 0 })
	a.Send(b.addr, beat(100<<10)) // behind it, and more than the stream's quota
	soonTrue(t, func() bool { return l.urgent.unwritten.bytes.Load() > 100<<10 })
	close(f.hold)
	soonTrue(t, func() bool { return l.urgent.unwritten.bytes.Load() == 0 })
	a.sendsSoon(t, b.addr, beat(1))
}

// A stream that has taken nothing yet may be moved to another connection, and that one may not come up.
func TestSendDoesNotWaitForAConnection(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = ln.Close() }()
	refuse, opened, again := make(chan struct{}), make(chan struct{}, 4), make(chan struct{}, 4)
	go func() {
		for first := true; ; first = false {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			if first {
				go goAway(c, refuse, opened)
				continue
			}
			again <- struct{}{}
			go func() { _, _ = io.Copy(io.Discard, c) }() // accepts, and says nothing
		}
	}()
	a := listen(t, Options{FrameMax: 4096})
	a.Send(ln.Addr().String(), chunk(0, 10_000)) // left out: it is too large. The stream opens all the same.
	<-opened
	l := a.link(ln.Addr().String())
	soonTrue(t, func() bool {
		l.data.sends.Lock()
		defer l.data.sends.Unlock()
		return l.data.stream != nil
	})
	close(refuse)
	<-again
	a.sendsSoon(t, ln.Addr().String(), chunk(1, 10))
}

// goAway is a server that takes a stream, and says later that it has not.
func goAway(c net.Conn, refuse, opened chan struct{}) {
	if _, err := io.ReadFull(c, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	fr := http2.NewFramer(c, c)
	_ = fr.WriteSettings()
	go func() {
		<-refuse
		_ = fr.WriteGoAway(0, http2.ErrCodeNo, nil)
	}()
	for {
		f, err := fr.ReadFrame()
		if err != nil {
			return
		}
		switch f := f.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				_ = fr.WriteSettingsAck()
			}
		case *http2.HeadersFrame:
			opened <- struct{}{}
		}
	}
}
