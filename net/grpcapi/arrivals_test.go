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
	nc net.Conn
	fr *http2.Framer

	mu     sync.Mutex
	room   sync.Cond
	conn   int
	stream map[uint32]int
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
		if w, ok := f.(*http2.WindowUpdateFrame); ok {
			if w.StreamID == 0 {
				h.conn += int(w.Increment)
			} else {
				h.stream[w.StreamID] += int(w.Increment)
			}
			h.room.Broadcast()
		}
		h.mu.Unlock()
	}
}

// open begins a Set on a stream.
func (h *halfClient) open(stream uint32) {
	var block bytes.Buffer
	enc := hpack.NewEncoder(&block)
	for _, f := range [][2]string{{":method", "POST"}, {":scheme", "http"}, {":path", torcv1.Cache_Set_FullMethodName}, {":authority", "torc"},
		{"content-type", "application/grpc"}, {"te", "trailers"}} {
		_ = enc.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
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
	for range 6 {
		h := halfDial(t, s)
		go h.halves(10, long)
	}
	time.Sleep(2 * time.Second)
	require.Less(t, heap()-before, int64(2*arrivingPart*most+long+4<<20))
	require.Positive(t, s.arrivals.closed.Load())
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
		require.Empty(t, f.partial)
	}
}

// What one message in one frame costs: no memory.
func TestFollowingFramesAllocatesNothing(t *testing.T) {
	var b bytes.Buffer
	fr := http2.NewFramer(&b, nil)
	require.NoError(t, fr.WriteData(1, false, make([]byte, 100))) // messages of nothing
	f := newFrames()
	f.skip = 0
	require.Zero(t, testing.AllocsPerRun(100, func() { f.scan(b.Bytes()) }), fmt.Sprint(f.bytes))
}
