package grpcapi

import (
	"context"
	"runtime"
	"testing"
	"time"
	"weak"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	torcv1 "torc/api/v1"
	"torc/core/wire"
)

// What an answer was made of goes as soon as it is coded: what waits for a client that does not read is there once, as it counts.
func TestAnAnswerIsKeptOnce(t *testing.T) {
	s := &Server{opts: Options{BuffersMax: 1 << 20}}
	s.callers.guesses = newGuesses()
	resp := &torcv1.GetResponse{Found: true, Value: make([]byte, 100_000)}
	value := weak.Make(&resp.Value[0])
	counted, err := s.counted(torcv1.Cache_Get_FullMethodName, resp, false)
	require.NoError(t, err)
	coded, err := callCodec{}.Marshal(counted)
	require.NoError(t, err)
	resp, counted = nil, nil
	require.Eventually(t, func() bool { runtime.GC(); return value.Value() == nil }, 5*time.Second, time.Millisecond)
	require.Greater(t, s.Buffered(), int64(100_000))
	coded.Free()
	require.Zero(t, s.Buffered())
}

// A call that is as large as all that there is room for is taken while others are under way, whenever it comes: one at a time, until its
// answer is written.
func TestALargeCallIsTakenAmongOthers(t *testing.T) {
	const most = 256 << 10
	n := newFake()
	s, c := serve(t, n, Options{BuffersMax: most})
	asked := make(chan *wire.Call, 10)
	n.answer = func(call *wire.Call) { asked <- call }
	ctx := soon(t)
	set := func(bytes int) (ended chan error) {
		ended = make(chan error, 1)
		go func() {
			_, err := c.Set(ctx, &torcv1.SetRequest{Key: []byte("k"), Value: make([]byte, bytes)})
			ended <- err
		}()
		return ended
	}
	taken := func(ended chan error) *wire.Call {
		select {
		case call := <-asked:
			return call
		case err := <-ended:
			require.NoError(t, err, "refused")
		case <-ctx.Done():
			require.NoError(t, ctx.Err())
		}
		return nil
	}
	answer := func(call *wire.Call, ended chan error) {
		call.Sink.Deliver(call.Tag, &wire.Response{Results: []wire.Result{{Kind: wire.KindOK, Version: 1}}})
		require.NoError(t, <-ended)
	}
	small := set(1)
	underWay := taken(small) // somebody always asks for something
	for range 3 {
		large := set(most + 1)
		call := taken(large)
		require.Equal(t, codes.ResourceExhausted, status.Code(<-set(most+1)), "one at a time")
		another := set(1)
		answer(taken(another), another) // the others go on
		answer(call, large)
	}
	answer(underWay, small)
	require.Eventually(t, func() bool { return s.Buffered() == 0 && s.callers.apart.Load() == 0 }, 5*time.Second, time.Millisecond)
}

// So is one whose answer is large, while others' answers are being written.
func TestALargeAnswerIsTakenAmongOthers(t *testing.T) {
	const most, long = 256 << 10, 1 << 20
	n := newFake()
	n.put("some", make([]byte, 100<<10))
	n.put("big", make([]byte, long))
	s, c := serve(t, n, Options{BuffersMax: most})
	conn, err := grpc.NewClient("passthrough:///"+s.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithInitialWindowSize(64<<10), grpc.WithInitialConnWindowSize(64<<10)) // what it does not read stays there
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	silent := func(key string) context.CancelFunc {
		ctx, cancel := context.WithCancel(soon(t))
		call, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, torcv1.Cache_Get_FullMethodName)
		require.NoError(t, err)
		require.NoError(t, call.SendMsg(&torcv1.GetRequest{Key: []byte(key)}))
		require.NoError(t, call.CloseSend())
		return cancel
	}
	defer silent("some")()
	require.Eventually(t, func() bool { return s.Buffered() > 90<<10 }, 5*time.Second, time.Millisecond)
	for range 3 {
		got, err := c.Get(soon(t), &torcv1.GetRequest{Key: []byte("big")})
		require.NoError(t, err)
		require.Len(t, got.Value, long)
		require.Eventually(t, func() bool { return s.callers.apart.Load() == 0 }, 5*time.Second, time.Millisecond)
	}
	cancel := silent("big")
	require.Eventually(t, func() bool { return s.Buffered() > long }, 5*time.Second, time.Millisecond)
	_, err = c.Get(soon(t), &torcv1.GetRequest{Key: []byte("big")})
	require.Equal(t, codes.ResourceExhausted, status.Code(err), "one at a time: another one's answer waits for who does not read")
	cancel()
	require.Eventually(t, func() bool { return s.callers.apart.Load() == 0 }, 5*time.Second, time.Millisecond)
	_, err = c.Get(soon(t), &torcv1.GetRequest{Key: []byte("big")})
	require.NoError(t, err)
}
