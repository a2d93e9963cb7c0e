package grpcapi

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	mrand "math/rand/v2"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"

	torcv1 "torc/api/v1"
)

// halfClient speaks HTTP/2 by hand, so that it can send part of a message.
type halfClient struct {
	nc      net.Conn
	fr      *http2.Framer
	timeout string // of calls, as gRPC writes it; empty: none

	mu     sync.Mutex
	room   sync.Cond
	conn   int
	stream map[uint32]int
	pinged bool // a ping has been answered
	over   bool
}

func halfDial(t *testing.T, s *Server) *halfClient {
	nc, err := net.Dial("tcp", s.Addr().String())
	require.NoError(t, err)
	return halfOn(t, nc)
}

func halfOn(t *testing.T, nc net.Conn) *halfClient {
	t.Cleanup(func() { _ = nc.Close() })
	h := &halfClient{nc: nc, fr: http2.NewFramer(nc, nc), conn: 65535, stream: map[uint32]int{}}
	h.room.L = &h.mu
	_, _ = nc.Write([]byte(http2.ClientPreface))
	_ = h.fr.WriteSettings()
	go h.listen()
	return h
}

// listen takes windows in.
func (h *halfClient) listen() {
	for {
		f, err := h.fr.ReadFrame()
		h.mu.Lock()
		if h.over = err != nil; h.over {
			h.room.Broadcast()
			h.mu.Unlock()
			return
		}
		switch f := f.(type) {
		case *http2.WindowUpdateFrame:
			if f.StreamID == 0 {
				h.conn += int(f.Increment)
			} else {
				h.stream[f.StreamID] += int(f.Increment)
			}
			h.room.Broadcast()
		case *http2.PingFrame:
			h.pinged = h.pinged || f.IsAck()
			h.room.Broadcast()
		}
		h.mu.Unlock()
	}
}

// passed waits until the node has taken all that was sent, and reports whether it has.
func (h *halfClient) passed() bool {
	_ = h.fr.WritePing(false, [8]byte{1})
	h.mu.Lock()
	defer h.mu.Unlock()
	for !h.pinged && !h.over {
		h.room.Wait()
	}
	return h.pinged
}

// open begins a Set on a stream.
func (h *halfClient) open(stream uint32) {
	var block bytes.Buffer
	enc := hpack.NewEncoder(&block)
	for _, f := range [][2]string{{":method", "POST"}, {":scheme", "http"}, {":path", torcv1.Cache_Set_FullMethodName}, {":authority", "torc"},
		{"content-type", "application/grpc"}, {"te", "trailers"}} {
		_ = enc.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
	}
	if h.timeout != "" {
		_ = enc.WriteField(hpack.HeaderField{Name: "grpc-timeout", Value: h.timeout})
	}
	h.mu.Lock()
	h.stream[stream] += 65535
	h.mu.Unlock()
	_ = h.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block.Bytes(), EndHeaders: true})
}

// send sends so many bytes of a message of a length, as windows allow, and reports whether it could.
func (h *halfClient) send(stream uint32, bytes, length int) bool {
	head := make([]byte, prefixBytes)
	binary.BigEndian.PutUint32(head[1:], uint32(length))
	_ = h.fr.WriteData(stream, false, head)
	chunk := make([]byte, 16<<10)
	_, _ = rand.Read(chunk)
	for ; bytes > 0; bytes -= len(chunk) {
		h.mu.Lock()
		for (h.conn < len(chunk) || h.stream[stream] < len(chunk)) && !h.over {
			h.room.Wait()
		}
		h.conn, h.stream[stream] = h.conn-len(chunk), h.stream[stream]-len(chunk)
		over := h.over
		h.mu.Unlock()
		if over || h.fr.WriteData(stream, false, chunk) != nil {
			return false
		}
	}
	return true
}

// halves sends the halves of so many messages on one connection, all at the same time, and waits until that is done or cannot be.
func (h *halfClient) halves(streams, length int) {
	for i := range streams {
		stream := uint32(2*i + 1)
		h.open(stream)
		if !h.send(stream, length/2, length) {
			return
		}
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Messages that come in part and no further are bounded, on one connection and on many; other clients are served meanwhile, and those that keep the others
// waiting are closed.
func TestMessagesInPartAreBounded(t *testing.T) {
	const most, long = 1 << 20, 8 << 20
	s, c := serve(t, newFake(), Options{BuffersMax: most, MaxValue: 16 << 20})
	before := heap()
	const clients = 6
	for range clients {
		h := halfDial(t, s)
		go h.halves(10, long)
	}
	held := int64(0)
	require.Eventually(t, func() bool { // all are closed at last: each has more than there is room for, beside its longest
		held = max(held, heap()-before)
		return s.arrivals.closed.Load() == clients
	}, 30*time.Second, time.Millisecond)
	require.Less(t, held, int64(2*arrivingPart*most+long+4<<20))
	_, err := c.Set(soon(t), &torcv1.SetRequest{Key: []byte("k"), Value: []byte("v")})
	require.NoError(t, err)
	_, err = c.Set(soon(t), &torcv1.SetRequest{Key: []byte("k"), Value: make([]byte, long)})
	require.NoError(t, err)
}

// Those who send what they announce take turns, and none is closed.
func TestLongMessagesTakeTurns(t *testing.T) {
	const most, long, clients, each = 64 << 10, 2 << 20, 8, 3
	u := newArrivals(most, slog.New(slog.DiscardHandler))
	var all sync.WaitGroup
	for range clients {
		far, near := net.Pipe()
		all.Go(func() { // writes
			_, _ = io.WriteString(far, http2.ClientPreface)
			fr := http2.NewFramer(far, nil)
			_ = fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, EndHeaders: true})
			chunk := make([]byte, 16<<10)
			for range each {
				head := make([]byte, prefixBytes)
				binary.BigEndian.PutUint32(head[1:], long)
				_ = fr.WriteData(1, false, head)
				for sent := 0; sent < long; sent += len(chunk) {
					_ = fr.WriteData(1, false, chunk)
				}
			}
			_ = far.Close()
		})
		all.Go(func() { // reads
			a := u.conn(near)
			_, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{a}, make([]byte, 32<<10))
			assert.NoError(t, err)
			assert.NoError(t, a.Close())
			assert.Less(t, u.Held(), int64(arrivingPart*most+long+clients*(32<<10)))
		})
	}
	all.Wait()
	require.Zero(t, u.closed.Load())
	require.Zero(t, u.Held())
	require.Empty(t, u.line)
}

// Who keeps others waiting for what does not come is closed, and they get their turn.
func TestAMessageThatDoesNotComeIsGivenUp(t *testing.T) {
	const most, long = 256 << 10, 8 << 20
	s, c := serve(t, newFake(), Options{BuffersMax: most, MaxValue: 16 << 20})
	s.arrivals.mu.Lock()
	s.arrivals.stall = 500 * time.Millisecond
	s.arrivals.mu.Unlock()
	halfDial(t, s).halves(1, long)
	require.Eventually(t, func() bool { return s.arrivals.Held() > arrivingPart*most }, 5*time.Second, time.Millisecond)
	_, err := c.Set(soon(t), &torcv1.SetRequest{Key: []byte("k"), Value: make([]byte, long)})
	require.NoError(t, err)
	require.EqualValues(t, 1, s.arrivals.closed.Load())
}

// What comes within TLS is counted as it comes out of it.
func TestMessagesInPartAreCountedWithinTLS(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	own := &tls.Certificate{Certificate: [][]byte{cert}, PrivateKey: key}
	const long = 1 << 20
	s, _ := serve(t, newFake(), Options{BuffersMax: 1 << 20, TLS: credentials.NewServerTLSFromCert(own)})
	client := &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}
	nc, err := tls.Dial("tcp", s.Addr().String(), client)
	require.NoError(t, err)
	halfOn(t, nc).halves(1, long)
	require.Eventually(t, func() bool { return s.arrivals.Held() == long/2+prefixBytes-arrivingFree }, 5*time.Second, time.Millisecond)
	require.NoError(t, nc.Close())
	require.Eventually(t, func() bool { return s.arrivals.Held() == 0 }, 5*time.Second, time.Millisecond)
	conn, err := grpc.NewClient("passthrough:///"+s.Addr().String(), grpc.WithTransportCredentials(credentials.NewTLS(client)))
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = torcv1.NewCacheClient(conn).Set(soon(t), &torcv1.SetRequest{Key: []byte("k"), Value: make([]byte, long)})
	require.NoError(t, err)
}

// Metadata is read before anything else of a call, and every call may have some: it is short.
func TestMetadataIsBounded(t *testing.T) {
	_, c := serve(t, newFake(), Options{})
	long := metadata.AppendToOutgoingContext(soon(t), "long", strings.Repeat("v", 2*headersMax))
	_, err := c.Set(long, &torcv1.SetRequest{Key: []byte("k"), Value: []byte("v")})
	require.Error(t, err)
	short := metadata.AppendToOutgoingContext(soon(t), "short", strings.Repeat("v", headersMax/2))
	_, err = c.Set(short, &torcv1.SetRequest{Key: []byte("k"), Value: []byte("v")})
	require.NoError(t, err)
}

// frames finds the same in a stream however it was cut, and nothing is left of messages that have come whole, or never will.
func TestFramesAreFollowed(t *testing.T) {
	var b bytes.Buffer
	fr := http2.NewFramer(&b, nil)
	b.WriteString(http2.ClientPreface)
	message := func(n int) []byte {
		m := make([]byte, prefixBytes+n)
		binary.BigEndian.PutUint32(m[1:], uint32(n))
		return m
	}
	require.NoError(t, fr.WriteSettings())
	for _, stream := range []uint32{1, 3, 5, 7, 9} {
		require.NoError(t, fr.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, EndHeaders: true}))
	}
	require.NoError(t, fr.WriteContinuation(9, true, nil))
	one, two := message(30_000), append(message(0), append(message(10), message(20_000)...)...)
	require.NoError(t, fr.WriteData(1, false, one[:3]))
	require.NoError(t, fr.WriteDataPadded(3, false, two[:9_000], make([]byte, 200)))
	require.NoError(t, fr.WriteData(1, false, one[3:16_000]))
	require.NoError(t, fr.WriteData(5, false, one[:1000]))
	require.NoError(t, fr.WriteDataPadded(3, false, nil, make([]byte, 7)))
	require.NoError(t, fr.WritePing(false, [8]byte{}))
	inTheMidst := b.Len()
	require.NoError(t, fr.WriteData(3, true, two[9_000:]))
	require.NoError(t, fr.WriteData(1, false, one[16_000:]))
	require.NoError(t, fr.WriteData(7, true, one[:500]))
	require.NoError(t, fr.WriteRSTStream(5, http2.ErrCodeCancel))
	require.NoError(t, fr.WriteData(5, false, one[:1000]))  // of no stream any more,
	require.NoError(t, fr.WriteData(11, false, one[:1000])) // and of none
	require.NoError(t, fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 9, EndHeaders: true, EndStream: true}))
	all := b.Bytes()
	for range 50 {
		f, at := newFrames(), 0
		feed := func(to int) {
			for at < to {
				n := min(1+mrand.IntN(7_000), to-at)
				f.scan(all[at : at+n])
				at += n
			}
		}
		feed(inTheMidst)
		require.Equal(t, 16_000+9_000-prefixBytes-(prefixBytes+10)+1000, f.bytes)
		require.Equal(t, 16_000, f.longest())
		feed(len(all))
		require.Zero(t, f.bytes)
		require.Equal(t, map[uint32]piece{1: {}}, f.partial, "what is left is the stream that is open")
	}
}

// What one message in one frame costs: no memory.
func TestFollowingFramesAllocatesNothing(t *testing.T) {
	var b bytes.Buffer
	fr := http2.NewFramer(&b, nil)
	f := newFrames()
	f.skip = 0
	require.NoError(t, fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, EndHeaders: true}))
	f.scan(b.Bytes())
	b.Reset()
	require.NoError(t, fr.WriteData(1, false, make([]byte, 100))) // messages of nothing
	require.Zero(t, testing.AllocsPerRun(100, func() { f.scan(b.Bytes()) }), fmt.Sprint(f.bytes))
}

// Data of streams that are not open gRPC passes over, however many they are: nothing is kept of it.
func TestDataOfNoStreamIsNotKept(t *testing.T) {
	s, c := serve(t, newFake(), Options{BuffersMax: 1 << 20})
	h := halfDial(t, s)
	before := heap()
	var b bytes.Buffer
	fr := http2.NewFramer(&b, nil)
	const streams = 500_000
	for i := range uint32(streams) {
		_ = fr.WriteData(2*i+1, false, []byte{0})
	}
	size := int64(b.Cap())
	_, err := h.nc.Write(b.Bytes())
	require.NoError(t, err)
	_, err = c.Set(soon(t), &torcv1.SetRequest{Key: []byte("k"), Value: []byte("v")})
	require.NoError(t, err)
	require.True(t, h.passed())
	require.Less(t, heap()-before, size+8<<20)
	require.Zero(t, s.arrivals.Held())
	runtime.KeepAlive(&b)
}

// What a call had of its message that the node has ended is not counted any more, though its client says nothing.
func TestWhatTheNodeEndsIsNotCounted(t *testing.T) {
	s, _ := serve(t, newFake(), Options{BuffersMax: 1 << 20})
	h := halfDial(t, s)
	h.timeout = "300m"
	for i := range uint32(4) {
		h.open(2*i + 1)
		require.True(t, h.send(2*i+1, 256<<10, 1<<20))
	}
	require.Positive(t, s.arrivals.Held())
	require.Eventually(t, func() bool { return s.arrivals.Held() == 0 }, 5*time.Second, time.Millisecond)
}

// A stream that the node ends is over in the midst of a frame, too, and however what it sends is cut.
func TestEndingsAreFollowed(t *testing.T) {
	var in, out bytes.Buffer
	fr := http2.NewFramer(&in, nil)
	for _, stream := range []uint32{1, 3, 5} {
		require.NoError(t, fr.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, EndHeaders: true}))
	}
	message := make([]byte, prefixBytes+9_000)
	binary.BigEndian.PutUint32(message[1:], 9_000)
	for _, stream := range []uint32{1, 3, 5} {
		require.NoError(t, fr.WriteDataPadded(stream, false, message[:4_000], make([]byte, 100)))
	}
	require.NoError(t, fr.WriteDataPadded(5, false, message[4_000:8_000], make([]byte, 100)))
	after := in.Len()
	require.NoError(t, fr.WriteData(3, false, message[4_000:]))
	fr = http2.NewFramer(&out, nil)
	require.NoError(t, fr.WriteSettings())
	require.NoError(t, fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 3, EndHeaders: true, BlockFragment: make([]byte, 300)}))
	require.NoError(t, fr.WriteData(3, false, make([]byte, 1000)))
	require.NoError(t, fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, EndHeaders: true, EndStream: true}))
	require.NoError(t, fr.WriteRSTStream(5, http2.ErrCodeNo))
	for cut := range 4_200 { // before the end of the last frame of stream 5
		f := newFrames()
		f.skip = 0
		f.scan(in.Bytes()[:after-cut])
		var e endings
		var ended []uint32
		for rest := out.Bytes(); len(rest) > 0; {
			n := min(1+mrand.IntN(100), len(rest))
			e.scan(rest[:n], func(stream uint32) {
				ended = append(ended, stream)
				f.forget(stream)
			})
			rest = rest[n:]
		}
		require.Equal(t, []uint32{1, 5}, ended)
		require.Equal(t, 4_000, f.bytes, cut)
		f.scan(in.Bytes()[after-cut:])
		require.Zero(t, f.bytes)
		require.Equal(t, map[uint32]piece{3: {}}, f.partial)
	}
}

// slowToClose is a connection whose farewell waits for its client, as TLS's does for five seconds.
type slowToClose struct {
	net.Conn
	may chan struct{}
}

func (s slowToClose) Close() error {
	<-s.may
	return s.Conn.Close()
}

// Nobody waits for the farewell of a connection that is closed for want of room.
func TestAFarewellKeepsNobodyWaiting(t *testing.T) {
	u := newArrivals(64<<10, slog.New(slog.DiscardHandler))
	far, near := net.Pipe()
	closes := slowToClose{near, make(chan struct{})}
	a := u.conn(closes).(*arrival)
	go func() {
		_, _ = io.WriteString(far, http2.ClientPreface)
		fr := http2.NewFramer(far, nil)
		for stream := uint32(1); stream < 100; stream += 2 {
			_ = fr.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, EndHeaders: true})
			if fr.WriteData(stream, false, append([]byte{0, 0, 255, 255, 255}, make([]byte, 16_000)...)) != nil {
				return
			}
		}
	}()
	go func() { _, _ = io.Copy(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{a}) }()
	require.Eventually(t, func() bool { return u.closed.Load() == 1 }, 5*time.Second, time.Millisecond)
	held := make(chan int64)
	go func() { held <- u.Held() }()
	select {
	case n := <-held:
		require.Zero(t, n)
	case <-time.After(time.Second):
		t.Error("the farewell holds the lock")
	}
	close(closes.may)
	require.Eventually(t, func() bool { _, err := far.Write([]byte{0}); return err != nil }, 5*time.Second, time.Millisecond)
}
