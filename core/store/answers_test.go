package store

import (
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// TestAnswersToWritesAreBounded: a request may name a large value again and again. Whatever would say more of it than one answer may hold
// has no effect, and what says nothing of it goes on.
func TestAnswersToWritesAreBounded(t *testing.T) {
	const size, most = 32 << 20, wire.AnswerMax / (32 << 20)
	key := []byte("k")
	s := New(Config{Shard: 1, Shards: 1})
	defer s.Close()
	s.Apply(&wire.Batch{Requests: []wire.Request{request(wire.Command{Op: wire.OpSetRange, Key: key, Start: size - 1, Value: []byte("x")})}})
	before := s.Digest()

	var commands []wire.Command
	for range most {
		commands = append(commands, wire.Command{Op: wire.OpGetExpire, Key: key})
	}
	tooMuch := []wire.Command{
		{Op: wire.OpGetExpire, Key: key, TTLKind: wire.TTLRelative, TTL: 10},
		{Op: wire.OpSet, Key: key, Value: []byte("y"), Flags: wire.FlagGet},
		{Op: wire.OpGetDelete, Key: key},
		{Op: wire.OpLease, Key: key},
		{Op: wire.OpGet, Key: key},
		{Op: wire.OpGetRange, Key: key, End: -1},
	}
	commands = append(append(commands, tooMuch...), wire.Command{Op: wire.OpStrLen, Key: key})
	results := s.Apply(&wire.Batch{Requests: []wire.Request{request(commands...)}})[0].Results
	for _, r := range results[:most] {
		require.Len(t, r.Value, size)
	}
	for i, r := range results[most : most+len(tooMuch)] {
		require.Equal(t, wire.CodeTooLong, r.Code, "%v", tooMuch[i].Op)
	}
	require.EqualValues(t, size, results[len(commands)-1].Int)
	require.Equal(t, before, s.Digest())

	s.Apply(&wire.Batch{Requests: []wire.Request{request(wire.Command{Op: wire.OpSet, Key: key, Value: []byte("y")})}}) // another request
	require.NotEqual(t, before, s.Digest())
}

// TestWhatNobodyReadsIsNotGathered: of what a batch's requests answer a replica that follows holds no more than one of them says.
func TestWhatNobodyReadsIsNotGathered(t *testing.T) {
	const size, requests = 16 << 20, 64
	key := []byte("k")
	s := New(Config{Shard: 1, Shards: 1})
	defer s.Close()
	s.Follow(&wire.Batch{Requests: []wire.Request{request(wire.Command{Op: wire.OpSetRange, Key: key, Start: size - 1, Value: []byte("x")})}})
	b := &wire.Batch{}
	for range requests {
		b.Requests = append(b.Requests, request(wire.Command{Op: wire.OpGetExpire, Key: key}))
	}
	held := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapSys - m.HeapReleased
	}
	debug.FreeOSMemory()
	before := held()
	s.Follow(b)
	require.Less(t, held(), before+size*requests/4)
	for _, r := range s.unread[:cap(s.unread)] {
		require.Zero(t, r, "the last one's is forgotten, too")
	}
}
