package grpcapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	torcv1 "torc/api/v1"
	"torc/core/wire"
)

// open opens a stream that fails the test rather than hang.
func open(t *testing.T, c torcv1.CacheClient) torcv1.Cache_StreamClient {
	t.Helper()
	stream, err := c.Stream(soon(t))
	require.NoError(t, err)
	return stream
}

func request(id uint64, cmds ...wire.Command) *torcv1.Packet {
	req := wire.Request{Epoch: 9, Commands: cmds}
	if len(cmds) > 0 {
		req.Shard = keyShard(string(cmds[0].Key))
	}
	return &torcv1.Packet{Id: id, Kind: torcv1.PacketRequest, Body: wire.AppendRequest(nil, &req)}
}

func get(id uint64, key string) *torcv1.Packet {
	return request(id, wire.Command{Op: wire.OpGet, Key: []byte(key)})
}

func response(t *testing.T, p *torcv1.Packet) *wire.Response {
	t.Helper()
	require.Equal(t, torcv1.PacketResponse, p.Kind, "%s", p.Body)
	resp, err := wire.DecodeResponse(p.Body)
	require.NoError(t, err)
	return resp
}

func TestAPipelineIsAnsweredByID(t *testing.T) {
	n := newFake()
	_, c := serve(t, n, Options{InFlightMax: 16})
	stream := open(t, c)
	const count = 1000
	go func() {
		for i := range uint64(count) {
			key := fmt.Sprintf("key-%d", i)
			_ = stream.Send(request(i, wire.Command{Op: wire.OpSet, Key: []byte(key), Value: []byte(key)}, wire.Command{Op: wire.OpGet, Key: []byte(key)}))
		}
		_ = stream.CloseSend()
	}()
	seen := map[uint64]bool{}
	for range count {
		p, err := stream.Recv()
		require.NoError(t, err)
		require.False(t, seen[p.Id])
		seen[p.Id] = true
		require.Equal(t, fmt.Sprintf("key-%d", p.Id), string(response(t, p).Results[1].Value))
	}
	_, err := stream.Recv()
	require.ErrorIs(t, err, io.EOF, "all is answered: the stream ends well")
}

func TestWhatTheClientSaysReachesTheLane(t *testing.T) {
	n := newFake()
	_, c := serve(t, n, Options{})
	stream := open(t, c)
	p := &torcv1.Packet{Id: 1, Kind: torcv1.PacketRequest, TimeoutMillis: 250, Body: wire.AppendRequest(nil, &wire.Request{
		Shard: keyShard("k"), Epoch: 8, Session: wire.Session{Client: 11, Seq: 12, Floor: 10, Retry: true},
		Commands: []wire.Command{{Op: wire.OpIncr, Key: []byte("k"), Delta: 3}},
	})}
	require.NoError(t, stream.Send(p))
	_, err := stream.Recv()
	require.NoError(t, err)
	call := n.calls[0]
	require.EqualValues(t, 250, call.TimeoutMillis)
	require.EqualValues(t, 8, call.Epoch)
	require.Equal(t, wire.Session{Client: 11, Seq: 12, Floor: 10, Retry: true}, call.Session)
	require.False(t, call.Local)
}

// An answer that is longer than the client takes fails by itself: the stream goes on, and with it what others ask there. Of a write
// the client is not told that it was refused.
func TestAnAnswerLongerThanTheClientTakes(t *testing.T) {
	const most = 4 << 10
	for _, looks := range []bool{false, true} {
		n := newFake()
		if looks {
			n.look = n.lookAt
		}
		_, c := serve(t, n, Options{})
		n.put("long", bytes.Repeat([]byte("x"), most))
		n.put("fits", bytes.Repeat([]byte("x"), most-packetRoom-40))
		n.put("short", []byte("x"))
		n.answer = nil
		ctx := metadata.AppendToOutgoingContext(soon(t), torcv1.AnswerMaxHeader, strconv.Itoa(most))
		stream, err := c.Stream(ctx, grpc.MaxCallRecvMsgSize(most))
		require.NoError(t, err)
		got := func() *wire.Response {
			p, err := stream.Recv()
			require.NoError(t, err)
			return response(t, p)
		}
		for range 3 {
			require.NoError(t, stream.Send(get(1, "long")))
			resp := got()
			require.Equal(t, wire.OutcomeRefused, resp.Outcome)
			require.Equal(t, wire.ReasonTooLarge, resp.Reason)
			require.NoError(t, stream.Send(get(2, "fits")))
			require.Len(t, got().Results[0].Value, most-packetRoom-40)
		}

		// Many that fit alone travel in messages that fit.
		const many = 300
		var batch []byte
		for i := range uint64(many) {
			batch = torcv1.AppendPacket(batch, get(i, "short"))
		}
		require.NoError(t, stream.Send(&torcv1.Packet{Kind: torcv1.PacketBatch, Body: batch}))
		for answers := 0; answers < many; {
			p, err := stream.Recv()
			require.NoError(t, err)
			if p.Kind != torcv1.PacketBatch {
				answers++
				continue
			}
			for rest := p.Body; len(rest) > 0; answers++ {
				_, rest, err = torcv1.NextPacket(rest)
				require.NoError(t, err)
			}
		}

		n.answer = func(call *wire.Call) {
			call.Sink.Deliver(call.Tag, &wire.Response{Results: []wire.Result{{Kind: wire.KindBytes, Value: make([]byte, most)}}})
		}
		require.NoError(t, stream.Send(request(7, wire.Command{Op: wire.OpGetDelete, Key: []byte("long")})))
		resp := got()
		require.Equal(t, wire.OutcomeUnknown, resp.Outcome)
		require.Equal(t, wire.ReasonTooLarge, resp.Reason)
	}
}

func TestTheMap(t *testing.T) {
	n := newFake()
	_, c := serve(t, n, Options{})
	stream := open(t, c)
	require.NoError(t, stream.Send(&torcv1.Packet{Id: 3, Kind: torcv1.PacketMapRequest}))
	p, err := stream.Recv()
	require.NoError(t, err)
	require.EqualValues(t, 3, p.Id)
	require.Equal(t, torcv1.PacketMapResponse, p.Kind)
	m, err := wire.DecodeClusterMap(p.Body)
	require.NoError(t, err)
	require.Equal(t, n.cluster, m)
}

func TestTheMapOfANodeWithoutACluster(t *testing.T) {
	n := newFake()
	_, c := serve(t, n, Options{})
	n.cluster = nil
	stream := open(t, c)
	require.NoError(t, stream.Send(&torcv1.Packet{Id: 3, Kind: torcv1.PacketMapRequest}))
	p, err := stream.Recv()
	require.NoError(t, err)
	require.Equal(t, torcv1.PacketMapResponse, p.Kind)
	require.Empty(t, p.Body)

	require.NoError(t, stream.Send(get(4, "k")))
	p, err = stream.Recv()
	require.NoError(t, err)
	require.Equal(t, wire.ReasonNotReady, response(t, p).Reason)
}

// A client's map may name an address that another cluster's node has now.
func TestARequestForAnotherCluster(t *testing.T) {
	n := newFake()
	_, c := serve(t, n, Options{})
	stream := open(t, c)
	for shard := range wire.ShardID(shards + 2) { // whatever the shards there are
		req := &wire.Request{Shard: shard, Cluster: n.cluster.ClusterID + 1, Commands: []wire.Command{{Op: wire.OpGet, Key: []byte("k")}}}
		require.NoError(t, stream.Send(&torcv1.Packet{Id: 3, Kind: torcv1.PacketRequest, Body: wire.AppendRequest(nil, req)}))
		p, err := stream.Recv()
		require.NoError(t, err)
		require.Equal(t, wire.ReasonOtherCluster, response(t, p).Reason)
	}
}

// What makes no sense is told so, and the stream goes on.
func TestBadPackets(t *testing.T) {
	n := newFake()
	s, c := serve(t, n, Options{})
	stream := open(t, c)
	wrongShard := &wire.Request{Shard: keyShard("k")%shards + 1, Commands: []wire.Command{{Op: wire.OpGet, Key: []byte("k")}}}
	meta := &wire.Request{Shard: wire.MetaShard, Commands: []wire.Command{{Op: wire.OpGet, Key: []byte("k")}}}
	far := &wire.Request{Shard: shards + 1, Commands: []wire.Command{{Op: wire.OpCount}}}
	bad := []*torcv1.Packet{
		{Id: 1, Kind: 0},
		{Id: 2, Kind: torcv1.PacketResponse},
		{Id: 3, Kind: torcv1.PacketRequest, Body: []byte("nonsense")},
		request(4),
		request(5, wire.Command{Op: wire.OpTick, Key: []byte("k")}),
		request(6, wire.Command{Op: wire.OpMeta, Key: []byte("k")}),
		{Id: 7, Kind: torcv1.PacketRequest, Body: wire.AppendRequest(nil, wrongShard)},
		{Id: 8, Kind: torcv1.PacketRequest, Body: wire.AppendRequest(nil, meta)},
		{Id: 9, Kind: torcv1.PacketRequest, Body: wire.AppendRequest(nil, far)},
	}
	for _, p := range bad {
		require.NoError(t, stream.Send(p))
		got, err := stream.Recv()
		require.NoError(t, err)
		require.Equal(t, p.Id, got.Id)
		require.Equal(t, torcv1.PacketError, got.Kind, "packet %d", p.Id)
		require.NotEmpty(t, got.Body)
	}
	require.Zero(t, n.submitted(), "nothing of it reached a lane")
	require.EqualValues(t, len(bad), s.Stats().Rejected)

	require.NoError(t, stream.Send(get(10, "k")))
	got, err := stream.Recv()
	require.NoError(t, err)
	require.Equal(t, wire.OutcomeOK, response(t, got).Outcome)
}

func TestWholeShardOperationsNeedNoKey(t *testing.T) {
	n := newFake()
	n.answer = always(wire.OutcomeOK, 0)
	_, c := serve(t, n, Options{})
	stream := open(t, c)
	for op := wire.OpNone; op.Valid() || op == wire.OpNone; op++ {
		if hasKey(op) {
			continue
		}
		req := &wire.Request{Shard: 2, Commands: []wire.Command{{Op: op}}}
		require.NoError(t, stream.Send(&torcv1.Packet{Kind: torcv1.PacketRequest, Body: wire.AppendRequest(nil, req)}))
		p, err := stream.Recv()
		require.NoError(t, err)
		response(t, p)
	}
}

func TestLargeKeysAreRefused(t *testing.T) {
	_, c := serve(t, newFake(), Options{MaxKey: 3})
	stream := open(t, c)
	require.NoError(t, stream.Send(get(1, "long")))
	p, err := stream.Recv()
	require.NoError(t, err)
	require.Equal(t, wire.Response{Outcome: wire.OutcomeRefused, Reason: wire.ReasonTooLarge}, *response(t, p))
}

// A stream that owes as much as it may is not read any further.
func TestTheWindowHoldsBack(t *testing.T) {
	n := newFake()
	n.answer = func(*wire.Call) {}
	_, c := serve(t, n, Options{InFlightMax: 3})
	stream := open(t, c)
	for i := range uint64(10) {
		require.NoError(t, stream.Send(get(i, "k")))
	}
	require.Eventually(t, func() bool { return n.submitted() == 3 }, 10*time.Second, time.Millisecond)
	for answered := range 7 {
		n.mu.Lock()
		call := n.calls[answered]
		n.mu.Unlock()
		call.Sink.Deliver(call.Tag, &wire.Response{})
		_, err := stream.Recv()
		require.NoError(t, err)
		require.Eventually(t, func() bool { return n.submitted() == 4+answered }, 10*time.Second, time.Millisecond)
	}
}

func TestAClientThatGoesLeavesNothingBehind(t *testing.T) {
	n := newFake()
	n.answer = func(*wire.Call) {}
	s, c := serve(t, n, Options{})
	ctx, cancel := context.WithCancel(context.Background())
	stream, err := c.Stream(ctx)
	require.NoError(t, err)
	require.NoError(t, stream.Send(get(1, "k")))
	require.Eventually(t, func() bool { return n.submitted() == 1 }, 10*time.Second, time.Millisecond)
	cancel()
	require.Eventually(t, func() bool { return s.Stats().Streams == 0 }, 10*time.Second, time.Millisecond)
	n.calls[0].Sink.Deliver(n.calls[0].Tag, &wire.Response{}) // too late, and no harm
}

// A server that closes answers what it owes.
func TestCloseAnswersWhatIsInFlight(t *testing.T) {
	n := newFake()
	n.answer = func(*wire.Call) {}
	s, c := serve(t, n, Options{})
	stream := open(t, c)
	require.NoError(t, stream.Send(get(1, "k")))
	require.Eventually(t, func() bool { return n.submitted() == 1 }, 10*time.Second, time.Millisecond)

	closed := make(chan error, 1)
	go func() { closed <- s.Close(soon(t)) }()
	<-s.closing
	n.calls[0].Sink.Deliver(n.calls[0].Tag, &wire.Response{Epoch: 42})
	p, err := stream.Recv()
	require.NoError(t, err)
	require.EqualValues(t, 42, response(t, p).Epoch)
	_, err = stream.Recv()
	require.Equal(t, codes.Unavailable, status.Code(err))
	require.Equal(t, "STOPPING", reasonOf(err))
	require.NoError(t, <-closed)
}

func TestCloseDoesNotWaitForEver(t *testing.T) {
	n := newFake()
	n.answer = func(*wire.Call) {}
	s, c := serve(t, n, Options{})
	stream := open(t, c)
	require.NoError(t, stream.Send(get(1, "k")))
	require.Eventually(t, func() bool { return n.submitted() == 1 }, 10*time.Second, time.Millisecond)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.True(t, errors.Is(s.Close(ctx), context.Canceled))
	_, err := stream.Recv()
	require.Error(t, err)
	require.Empty(t, reasonOf(err), "what was in flight is unknown")
}

// A batch is its packets, answered in batches where answers are ready together; what is no batch ends the stream.
func TestBatches(t *testing.T) {
	n := newFake()
	_, c := serve(t, n, Options{InFlightMax: 16})
	stream := open(t, c)
	const count = 500
	var body []byte
	for i := range uint64(count) {
		body = torcv1.AppendPacket(body, get(i, fmt.Sprintf("key-%d", i)))
	}
	body = torcv1.AppendPacket(body, &torcv1.Packet{Id: count, Kind: torcv1.PacketMapRequest})
	require.NoError(t, stream.Send(&torcv1.Packet{Kind: torcv1.PacketBatch, Body: body}))
	seen, messages := map[uint64]bool{}, 0
	for len(seen) <= count {
		p, err := stream.Recv()
		require.NoError(t, err)
		messages++
		rest := torcv1.AppendPacket(nil, p)
		if p.Kind == torcv1.PacketBatch {
			rest = p.Body
		}
		for len(rest) > 0 {
			one, next, err := torcv1.NextPacket(rest)
			require.NoError(t, err)
			require.False(t, seen[one.Id])
			seen[one.Id], rest = true, next
		}
	}
	require.Less(t, messages, count)
	require.NoError(t, stream.Send(&torcv1.Packet{Kind: torcv1.PacketBatch, Body: []byte{1, 2}}))
	_, err := stream.Recv()
	require.Equal(t, codes.InvalidArgument, status.Code(err))
}

// A client that keeps what it has read is asked to drop it on the stream by which it has read, between answers.
func TestAHolderIsAskedBackOnItsStream(t *testing.T) {
	n := newFake()
	n.answer = func(c *wire.Call) {
		c.Sink.Deliver(c.Tag, &wire.Response{Results: []wire.Result{{Kind: wire.KindNil, Int: 900}}})
		c.Sink.(wire.Holder).Recall(&wire.Recall{Shard: c.Shard, ID: 77, Key: c.Commands[0].Key})
	}
	_, c := serve(t, n, Options{InFlightMax: 1})
	stream := open(t, c)
	for id := range uint64(3) { // the window is not used up by what is no answer
		require.NoError(t, stream.Send(request(id, wire.Command{Op: wire.OpGet, Key: []byte("k"), Flags: wire.FlagCache})))
		p, err := stream.Recv()
		require.NoError(t, err)
		require.EqualValues(t, 900, response(t, p).Results[0].Int)
		p, err = stream.Recv()
		require.NoError(t, err)
		require.Equal(t, torcv1.PacketRecall, p.Kind)
		m, err := wire.DecodeRecall(p.Body)
		require.NoError(t, err)
		require.Equal(t, &wire.Recall{Shard: keyShard("k"), ID: 77, Key: []byte("k")}, m)
	}
	require.NoError(t, stream.Send(request(9, wire.Command{Op: wire.OpCaching, Key: []byte("k")})))
	p, err := stream.Recv()
	require.NoError(t, err)
	require.Equal(t, torcv1.PacketError, p.Kind, "what leaders say to their logs is not for clients")
}

// A lane may keep a request for as long as it likes: the memory that packets come in is not used again under it.
func TestRequestsOutliveTheirPackets(t *testing.T) {
	n := newFake()
	_, c := serve(t, n, Options{})
	stream := open(t, c)
	const count = 60
	sizes := []int{1, 100, ownLess - 40, ownLess, 3 * ownLess, 100_000}
	value := func(id uint64) string { return strings.Repeat(fmt.Sprintf("%d,", id), sizes[id%uint64(len(sizes))]/4) }
	var packets []*torcv1.Packet
	for id := range uint64(count) {
		packets = append(packets, request(id, wire.Command{Op: wire.OpSet, Key: fmt.Appendf(nil, "key-%d", id), Value: []byte(value(id))}))
	}
	go func() {
		for i := 0; i < count; i += 10 {
			for _, p := range packets[i : i+5] {
				_ = stream.Send(p)
			}
			_ = stream.Send(batch(packets[i+5 : i+10]...))
		}
		_ = stream.CloseSend()
	}()
	for {
		if _, err := stream.Recv(); err != nil {
			require.ErrorIs(t, err, io.EOF)
			break
		}
	}
	for id := range uint64(count) {
		require.Equal(t, value(id), string(n.data[fmt.Sprintf("key-%d", id)].Value), id)
	}
}
