package grpcapi

import (
	"bytes"
	"context"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	torcv1 "torc/api/v1"
	"torc/core/wire"
)

// Streams that ask for much and do not read keep no more than the bound, and do not hold up those who do.
func TestACrowdOfStreams(t *testing.T) {
	const most, long = 4 << 20, 100_000
	n := newFake()
	n.put("big", bytes.Repeat([]byte("v"), long))
	s, c := serve(t, n, Options{BuffersMax: most})
	for range 20 {
		stream := open(t, c)
		for id := range uint64(100) {
			require.NoError(t, stream.Send(get(id, "big")))
		}
	}
	require.Eventually(t, func() bool { return s.Buffered() > most/2 }, 5*time.Second, time.Millisecond, "nothing waits: the test is none")
	require.Never(t, func() bool { return s.Buffered() >= int64(2*most+2*long) }, 100*time.Millisecond, 2*time.Millisecond, "beyond twice the bound")
	require.EqualValues(t, 20, s.Stats().Streams, "whoever stops asking in time is not cut off")
	stream := open(t, c)
	for id := range uint64(20) {
		require.NoError(t, stream.Send(get(id, "big")))
	}
	for range 20 {
		p, err := stream.Recv()
		require.NoError(t, err)
		require.Len(t, response(t, p).Results[0].Value, long)
	}
}

// Calls of single methods whose answers nobody reads keep no more than the bound, whatever was guessed of them; the others are refused, for
// what it is, and when the answers are gone there is room again: whether they were given up one by one or with their connection.
func TestACrowdOfCallers(t *testing.T) {
	const most, long, calls = 4 << 20, 1 << 20, 40
	for _, breaks := range []bool{false, true} {
		n := newFake()
		n.put("big", bytes.Repeat([]byte("v"), long))
		s, c := serve(t, n, Options{BuffersMax: most})
		conn, err := grpc.NewClient("passthrough:///"+s.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithInitialWindowSize(64<<10), grpc.WithInitialConnWindowSize(64<<10)) // otherwise gRPC comes to take in all of it
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(soon(t))
		defer cancel()
		ask := func() {
			call, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, torcv1.Cache_Get_FullMethodName)
			require.NoError(t, err)
			require.NoError(t, call.SendMsg(&torcv1.GetRequest{Key: []byte("big")}))
			require.NoError(t, call.CloseSend())
		}
		for range calls {
			ask()
		}
		require.Eventually(t, func() bool { return n.submitted() > 0 && s.Buffered() > most/2 }, 5*time.Second, time.Millisecond, "nothing waits: the test is none")
		require.Never(t, func() bool { return s.Buffered() > int64(2*most) }, 100*time.Millisecond, 2*time.Millisecond, "beyond twice the bound")
		require.Eventually(t, func() bool { // of calls that come together more may be refused than need be
			ask()
			_, err = c.Get(soon(t), &torcv1.GetRequest{Key: []byte("big")})
			return status.Code(err) == codes.ResourceExhausted
		}, 5*time.Second, time.Millisecond)
		require.Contains(t, err.Error(), "--max-memory")
		_, err = c.Topology(soon(t), &torcv1.TopologyRequest{})
		require.NoError(t, err, "operators are answered")
		if breaks {
			require.NoError(t, conn.Close())
		} else {
			cancel()
		}
		require.Eventually(t, func() bool { runtime.GC(); return s.Buffered() == 0 }, 5*time.Second, 5*time.Millisecond)
		got, err := c.Get(soon(t), &torcv1.GetRequest{Key: []byte("big")})
		require.NoError(t, err)
		require.Len(t, got.Value, long)
		_ = conn.Close()
	}
}

// What one method is answered with is not taken for what another one's answers will be: after a Get of a large value many may set at the same
// time. Nor does a guess count as bytes that are held, for which streams are ended.
func TestAGuessIsForItsMethod(t *testing.T) {
	const most, sets = 1 << 20, 8
	n := newFake()
	n.put("big", bytes.Repeat([]byte("v"), most))
	s, c := serve(t, n, Options{BuffersMax: most})
	_, err := c.Get(soon(t), &torcv1.GetRequest{Key: []byte("big")})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return s.Buffered() == 0 }, 5*time.Second, time.Millisecond)

	asked, done := make(chan *wire.Call, sets), make(chan error, sets)
	n.answer = func(call *wire.Call) { asked <- call }
	ctx := soon(t)
	for range sets {
		go func() {
			_, err := c.Set(ctx, &torcv1.SetRequest{Key: []byte("k"), Value: []byte("v")})
			done <- err
		}()
	}
	require.Eventually(t, func() bool { return len(asked) == sets || len(done) > 0 }, 5*time.Second, time.Millisecond)
	require.Empty(t, done, "there is room for a megabyte, and these are a few bytes")
	require.Less(t, s.Buffered(), int64(sets*100))
	for range sets {
		call := <-asked
		call.Sink.Deliver(call.Tag, &wire.Response{Results: []wire.Result{{Kind: wire.KindOK, Version: 1}}})
	}
	for range sets {
		require.NoError(t, <-done)
	}
}

// A call may hold more than there is room for, if it is the only one. No stream is ended for that, whose own part is small.
func TestACallEndsNoStream(t *testing.T) {
	const most = 256 << 10
	n := newFake()
	n.put("big", bytes.Repeat([]byte("v"), 4<<20))
	n.put("small", []byte("v"))
	s, c := serve(t, n, Options{BuffersMax: most})
	conn, err := grpc.NewClient("passthrough:///"+s.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithInitialWindowSize(64<<10), grpc.WithInitialConnWindowSize(64<<10))
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	call, err := conn.NewStream(soon(t), &grpc.StreamDesc{ServerStreams: true}, torcv1.Cache_Get_FullMethodName)
	require.NoError(t, err)
	require.NoError(t, call.SendMsg(&torcv1.GetRequest{Key: []byte("big")}))
	require.NoError(t, call.CloseSend())
	require.Eventually(t, func() bool { return s.Buffered() > 2*most }, 5*time.Second, time.Millisecond, "nothing waits: the test is none")

	stream := open(t, c)
	for id := range uint64(20) {
		require.NoError(t, stream.Send(get(id, "small")))
		p, err := stream.Recv()
		require.NoError(t, err)
		require.Len(t, response(t, p).Results[0].Value, 1)
	}
	require.Greater(t, s.Buffered(), int64(2*most), "it still waits")
}

// A value that a node takes it gives, too, whatever the bound: one may always be there, with what else the same client asks. Of
// several only one stays.
func TestOneLargeValueIsNoCrowd(t *testing.T) {
	const most, long = 64 << 10, 1 << 20
	n := newFake()
	s, c := serve(t, n, Options{BuffersMax: most})
	stream := open(t, c)
	require.NoError(t, stream.Send(request(1, wire.Command{Op: wire.OpSet, Key: []byte("big"), Value: bytes.Repeat([]byte("v"), long)})))
	p, err := stream.Recv()
	require.NoError(t, err)
	require.Equal(t, wire.OutcomeOK, response(t, p).Outcome)
	for id := range uint64(20) {
		key := "none"
		if id == 10 {
			key = "big"
		}
		require.NoError(t, stream.Send(get(id, key)))
	}
	for id := range uint64(20) {
		p, err := stream.Recv()
		require.NoError(t, err)
		if id == 10 {
			require.Len(t, response(t, p).Results[0].Value, long)
		}
	}

	conn, err := grpc.NewClient("passthrough:///"+s.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithInitialWindowSize(64<<10), grpc.WithInitialConnWindowSize(64<<10))
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	for range 5 {
		silent := open(t, torcv1.NewCacheClient(conn))
		for id := range uint64(2) { // the first one's answer is gRPC's
			require.NoError(t, silent.Send(get(id, "big")))
		}
	}
	require.Eventually(t, func() bool { return s.Stats().Streams == 2 && s.Buffered() > long/2 }, 5*time.Second, time.Millisecond, "of those that do not read one stays")
	require.Less(t, s.Buffered(), int64(long+2*most+1000))
	require.NoError(t, stream.Send(get(1, "none")))
	_, err = stream.Recv()
	require.NoError(t, err)
}

// What one request asks for, and the bound has no room for if nobody asks for anything else, fails alone: the stream goes on. Of a write the client
// is not told that it was refused.
func TestAnAnswerBeyondTheBound(t *testing.T) {
	const most, long = 64 << 10, 1 << 20
	for _, looks := range []bool{false, true} {
		n := newFake()
		if looks {
			n.look = n.lookAt
		}
		n.put("big", bytes.Repeat([]byte("v"), long))
		n.put("some", bytes.Repeat([]byte("v"), 60_000))
		s, c := serve(t, n, Options{BuffersMax: most})
		stream := open(t, c)
		got := func() *wire.Response {
			p, err := stream.Recv()
			require.NoError(t, err)
			return response(t, p)
		}
		for _, key := range []string{"some", "big"} {
			require.NoError(t, stream.Send(request(1, slices.Repeat([]wire.Command{{Op: wire.OpGet, Key: []byte(key)}}, 8)...)))
			resp := got()
			require.Equal(t, wire.OutcomeRefused, resp.Outcome)
			require.Equal(t, wire.ReasonTooLarge, resp.Reason)
			require.NoError(t, stream.Send(get(2, "none")))
			require.Equal(t, wire.OutcomeOK, got().Outcome)
		}
		n.answer = func(call *wire.Call) {
			value := bytes.Repeat([]byte("v"), long)
			call.Sink.Deliver(call.Tag, &wire.Response{Results: []wire.Result{{Kind: wire.KindBytes, Value: value}, {Kind: wire.KindBytes, Value: value}}})
		}
		require.NoError(t, stream.Send(request(3, wire.Command{Op: wire.OpGetDelete, Key: []byte("big")}, wire.Command{Op: wire.OpGetDelete, Key: []byte("big")})))
		resp := got()
		require.Equal(t, wire.OutcomeUnknown, resp.Outcome)
		require.Equal(t, wire.ReasonTooLarge, resp.Reason)
		require.Eventually(t, func() bool { return s.Buffered() == 0 }, 5*time.Second, time.Millisecond)
	}
}

// What nobody could foresee, and nobody reads, is not kept: the stream is told why it ends.
func TestAStreamIsCutOff(t *testing.T) {
	const most, asked = 64 << 10, 100
	n := newFake()
	var mu sync.Mutex
	var calls []*wire.Call
	n.answer = func(c *wire.Call) { mu.Lock(); calls = append(calls, c); mu.Unlock() }
	s, c := serve(t, n, Options{BuffersMax: most})
	stream := open(t, c)
	for id := range uint64(asked) {
		require.NoError(t, stream.Send(get(id, "big")))
	}
	require.Eventually(t, func() bool { mu.Lock(); defer mu.Unlock(); return len(calls) == asked }, 5*time.Second, time.Millisecond)
	value := bytes.Repeat([]byte("v"), 100_000)
	answered := 0
	for _, call := range calls {
		if gone, says := call.Sink.(interface{ Gone() bool }); says && gone.Gone() {
			break
		}
		answered++
		call.Sink.Deliver(call.Tag, &wire.Response{Results: []wire.Result{{Kind: wire.KindBytes, Value: value}}})
	}
	require.Less(t, answered, asked, "nobody told the lane that the rest is nobody's")
	require.Eventually(t, func() bool { return s.Buffered() == 0 }, 5*time.Second, time.Millisecond)
	var err error
	for err == nil {
		_, err = stream.Recv()
	}
	require.Equal(t, codes.ResourceExhausted, status.Code(err))
	require.Contains(t, err.Error(), "--max-memory")
}

// A stream that waits for its last answers, because its client asks no more, is cut off like any other: those answers never come.
func TestAStreamThatAsksNoMoreIsCutOff(t *testing.T) {
	const most, asked = 64 << 10, 100
	n := newFake()
	var mu sync.Mutex
	var calls []*wire.Call
	n.answer = func(c *wire.Call) { mu.Lock(); calls = append(calls, c); mu.Unlock() }
	s, c := serve(t, n, Options{BuffersMax: most})
	stream := open(t, c)
	for id := range uint64(asked) {
		require.NoError(t, stream.Send(get(id, "big")))
	}
	require.NoError(t, stream.CloseSend())
	require.Eventually(t, func() bool { mu.Lock(); defer mu.Unlock(); return len(calls) == asked }, 5*time.Second, time.Millisecond)
	require.Eventually(t, func() bool { return stands(t, "(*conversation).awaitIdle") }, 5*time.Second, time.Millisecond, "the server has not noticed that nothing more comes")
	value := bytes.Repeat([]byte("v"), 100_000)
	for _, call := range calls {
		call.Sink.Deliver(call.Tag, &wire.Response{Results: []wire.Result{{Kind: wire.KindBytes, Value: value}}})
	}
	ended := make(chan error, 1)
	go func() {
		for {
			if _, err := stream.Recv(); err != nil {
				ended <- err
				return
			}
		}
	}()
	select {
	case err := <-ended:
		require.Equal(t, codes.ResourceExhausted, status.Code(err))
	case <-time.After(5 * time.Second):
		require.Fail(t, "nobody tells the client that the rest never comes")
	}
	require.Eventually(t, func() bool { return s.Stats().Streams == 0 }, 5*time.Second, time.Millisecond)
}

// stands reports whether a goroutine is in a function now: what a server is about to do it tells nobody.
func stands(t *testing.T, function string) bool {
	t.Helper()
	all := make([]byte, 1<<20)
	all = all[:runtime.Stack(all, true)]
	require.Less(t, len(all), 1<<20, "there are too many goroutines to see all of them")
	return bytes.Contains(all, []byte(function+"("))
}
