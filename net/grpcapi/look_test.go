package grpcapi

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	torcv1 "torc/api/v1"
	"torc/core/wire"
)

// looksWork makes a node that answers every look, with some data.
func looksWork(long int) *fakeNode {
	n := newFake()
	n.look = n.lookAt
	n.put("a", []byte("hello"))
	n.put("long", bytes.Repeat([]byte("v"), long))
	return n
}

func batch(packets ...*torcv1.Packet) *torcv1.Packet {
	var body []byte
	for _, p := range packets {
		body = torcv1.AppendPacket(body, p)
	}
	return &torcv1.Packet{Kind: torcv1.PacketBatch, Body: body}
}

// Reads are answered without a Call, as a lane would answer them.
func TestReadsAreLookedUp(t *testing.T) {
	n := looksWork(20_000)
	_, c := serve(t, n, Options{})
	stream := open(t, c)
	getA := wire.Command{Op: wire.OpGet, Key: []byte("a")}
	for _, p := range []*torcv1.Packet{get(1, "a"), get(2, "nothing"), get(3, "long"), request(4, getA, getA)} {
		require.NoError(t, stream.Send(p))
		got, err := stream.Recv()
		require.NoError(t, err)
		require.Equal(t, p.Id, got.Id)
		looked := response(t, got)
		require.Zero(t, n.submitted())
		require.EqualValues(t, 9, looked.Epoch)

		n.look = nil
		require.NoError(t, stream.Send(p))
		got, err = stream.Recv()
		require.NoError(t, err)
		require.Equal(t, response(t, got), looked)
		n.look, n.calls = n.lookAt, nil
	}
	require.False(t, n.looking.Load())
}

// A node that holds a copy looks there, though another one leads.
func TestACopyIsLookedUp(t *testing.T) {
	n := looksWork(1)
	n.leader, n.holds = 6, true
	_, c := serve(t, n, Options{})
	stream := open(t, c)
	require.NoError(t, stream.Send(get(1, "a")))
	got, err := stream.Recv()
	require.NoError(t, err)
	require.Equal(t, "hello", string(response(t, got).Results[0].Value))
	require.Zero(t, n.submitted())
}

func TestWhatIsNotLookedUp(t *testing.T) {
	set, getA := wire.Command{Op: wire.OpSet, Key: []byte("a"), Value: []byte("x")}, wire.Command{Op: wire.OpGet, Key: []byte("a")}
	many := make([]wire.Command, lookMost+1)
	for i := range many {
		many[i] = getA
	}
	getLong := wire.Command{Op: wire.OpGet, Key: []byte("long")}
	for name, c := range map[string]struct {
		change func(*fakeNode)
		ask    []wire.Command
	}{
		"a write":                   {ask: []wire.Command{set}},
		"a read beside a write":     {ask: []wire.Command{getA, set}},
		"more reads than a look":    {ask: many},
		"longer than a look may be": {ask: []wire.Command{getLong, getLong}},
		"another node's":            {change: func(n *fakeNode) { n.leader = 4 }, ask: []wire.Command{getA}},
		"the lane has to":           {change: func(n *fakeNode) { n.look = nil }, ask: []wire.Command{getA}},
	} {
		t.Run(name, func(t *testing.T) {
			n := looksWork(lookLong + 1)
			if c.change != nil {
				c.change(n)
			}
			_, client := serve(t, n, Options{})
			stream := open(t, client)
			require.NoError(t, stream.Send(request(1, c.ask...)))
			p, err := stream.Recv()
			require.NoError(t, err)
			require.Len(t, response(t, p).Results, len(c.ask))
			require.Equal(t, 1, n.submitted())
			require.Eventually(t, func() bool { return !n.looking.Load() }, 10*time.Second, time.Millisecond)
		})
	}
}

// Lanes have their turns while a stream waits for its client. The client here reads nothing: the second answer cannot leave, and
// the fourth request finds no room.
func TestAReaderThatWaitsKeepsNoLane(t *testing.T) {
	n := looksWork(1 << 20)
	_, c := serve(t, n, Options{InFlightMax: 2})
	stream := open(t, c)
	third := make(chan struct{})
	n.look = func(l *wire.Look) bool {
		if string(l.Command.Key) == "third" {
			close(third)
		}
		return n.lookAt(l)
	}
	require.NoError(t, stream.Send(batch(get(1, "long"), get(2, "long"), get(3, "third"), get(4, "a"))))
	<-third
	require.Eventually(t, func() bool { return !n.looking.Load() }, 10*time.Second, time.Millisecond)
	for want := range uint64(4) {
		p, err := stream.Recv()
		require.NoError(t, err)
		require.Equal(t, want+1, p.Id)
	}
}

// Answers are whole when they are read, however many are written in the meantime: nobody else gets their memory before.
func TestAnswersOutliveTheirWriting(t *testing.T) {
	for _, batched := range []bool{false, true} {
		n := looksWork(1)
		_, c := serve(t, n, Options{})
		stream := open(t, c)
		const count = 60
		var packets []*torcv1.Packet
		for id := range uint64(count) {
			key := fmt.Sprintf("key-%d", id)
			n.put(key, bytes.Repeat([]byte{byte(id)}, 2*pooledLeast))
			packets = append(packets, get(id, key))
		}
		go func() {
			if batched {
				_ = stream.Send(batch(packets...))
				return
			}
			for _, p := range packets {
				_ = stream.Send(p)
			}
		}()
		for read := 0; read < count; {
			p, err := stream.Recv()
			require.NoError(t, err)
			answers := []*torcv1.Packet{p}
			if p.Kind == torcv1.PacketBatch {
				answers = parts(t, p.Body)
			}
			for _, a := range answers {
				value := response(t, a).Results[0].Value
				require.Equal(t, bytes.Repeat([]byte{byte(a.Id)}, 2*pooledLeast), value, a.Id)
				read++
			}
		}
	}
}

func parts(t *testing.T, body []byte) (list []*torcv1.Packet) {
	for len(body) > 0 {
		p, rest, err := torcv1.NextPacket(body)
		require.NoError(t, err)
		list, body = append(list, p), rest
	}
	return list
}
