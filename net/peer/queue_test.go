package peer

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"torc/core/wire"
)

func TestAFullQueueForgetsTheOldest(t *testing.T) {
	q := newQueue(3 * chunk(0, 100).Size())
	for seq := range uint64(3) {
		require.Zero(t, q.put(chunk(seq, 100)))
	}
	require.Equal(t, 1, q.put(chunk(3, 100)))
	require.Equal(t, 2, q.put(chunk(4, 200)), "a larger one needs the room of two")
	var got []uint64
	for _, f := range q.take(nil) {
		got = append(got, seqs(f.frame)...)
	}
	require.Equal(t, []uint64{3, 4}, got)
	require.Zero(t, q.size())
	require.Zero(t, q.put(chunk(5, 10_000)), "one alone is taken whatever its size")
}

// A frame that fits stays the very frame; one that does not is cut, and nothing of it is lost.
func TestFramesAreCutOnlyToFit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const max = 10_000
		f := &wire.Frame{From: 1, FromIncarnation: 2, To: 3, ToIncarnation: 4}
		for i := range rapid.IntRange(0, 10).Draw(t, "messages") {
			f.Messages = append(f.Messages, &wire.SnapshotChunk{Seq: uint64(i), Data: make([]byte, rapid.IntRange(0, 5000).Draw(t, "size"))})
		}
		pieces := fit(f, max)
		if f.Size() <= max {
			require.Len(t, pieces, 1)
			require.Same(t, f, pieces[0])
			return
		}
		var got []wire.Message
		for _, p := range pieces {
			require.LessOrEqual(t, p.Size(), max+64)
			require.Equal(t, wire.Frame{From: 1, FromIncarnation: 2, To: 3, ToIncarnation: 4, Messages: p.Messages}, *p)
			got = append(got, p.Messages...)
		}
		require.Equal(t, f.Messages, got)
	})
}

func TestWhatIsUrgent(t *testing.T) {
	for _, m := range []wire.Message{
		&wire.Raft{RaftMessage: wire.RaftMessage{Type: 5}}, &wire.Raft{RaftMessage: wire.RaftMessage{Type: 8}},
		&wire.Hello{}, &wire.Pledge{}, &wire.Pledged{}, &wire.MapUpdate{}, &wire.Report{}, &wire.Gossip{},
	} {
		require.True(t, hasty(m), "%T", m)
	}
	for _, m := range []wire.Message{
		&wire.Raft{RaftMessage: wire.RaftMessage{Type: msgApp}}, &wire.Raft{RaftMessage: wire.RaftMessage{Type: msgAppResp}},
		&wire.Forward{}, &wire.Reply{}, &wire.SnapshotChunk{}, &wire.SnapshotAck{},
	} {
		require.False(t, hasty(m), "%T", m)
	}
	fast, data := &wire.Report{}, &wire.Forward{}
	require.True(t, urgent(&wire.Frame{Messages: []wire.Message{fast, fast}}))
	require.False(t, urgent(&wire.Frame{Messages: []wire.Message{fast, data}}), "a frame is not divided")
}
