package router

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"torc/core/wire"
)

// A number is taken once, whatever came between; and what comes for the first time is taken, unless
// it is far behind.
func TestTakenOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var window taken
		seen, greatest := map[uint64]bool{}, uint64(0)
		for range rapid.IntRange(1, 300).Draw(t, "count") {
			low := uint64(1)
			if greatest > 400 {
				low = greatest - 400
			}
			number := rapid.Uint64Range(low, greatest+uint64(rapid.SampledFrom([]int{1, 3, 70, 300, 100_000}).Draw(t, "ahead"))).Draw(t, "number")
			greatest = max(greatest, number)
			want := !seen[number] && greatest-number < recentMax
			require.Equal(t, want, window.first(number), "number %d, greatest %d", number, greatest)
			seen[number] = true
		}
	})
}

// A write that was refused is not applied when its double comes later, though there is room by then
// (seed 1278 of the swarm).
func TestDoubleOfARefusedForward(t *testing.T) {
	n := &node{m: testMap(), leader: self}
	h := New(testConfig, self, n)
	forward := func(id uint64) *wire.Forward {
		return &wire.Forward{ID: id, TimeoutMillis: 1000, Request: wire.Request{Shard: here, Session: wire.Session{Client: 9, Seq: id, Floor: id},
			Commands: []wire.Command{{Op: wire.OpSet, Key: []byte("k"), Value: []byte("v")}}}}
	}
	h.OnForward(3, 1, forward(1))
	require.Len(t, n.taken, 1)
	h.Refuse(n.taken[0], wire.ReasonOutOfMemory)
	require.Len(t, n.sent, 1)

	h.OnForward(3, 1, forward(1))
	require.Len(t, n.taken, 1, "its double")
	h.OnForward(3, 1, forward(2))
	require.Len(t, n.taken, 2)
	h.OnForward(3, 2, forward(1))
	require.Len(t, n.taken, 3, "a new life counts anew")
	h.OnForward(3, 1, forward(3))
	require.Len(t, n.taken, 3, "what a former life asked nobody waits for")
	require.Len(t, n.sent, 1, "and nobody is told")
}

// A life that follows uses the same numbers for other questions, so an answer names the life that
// asked (seed 177 of the swarm with all kinds of fault: an increment was answered with what a former
// life had read).
func TestAnswersGoToTheLifeThatAsked(t *testing.T) {
	n := &node{m: testMap(), leader: self}
	h := New(testConfig, self, n)
	read := wire.Request{Shard: here, Commands: []wire.Command{{Op: wire.OpGet, Key: []byte("k")}}}
	h.OnForward(3, 1, &wire.Forward{ID: 1, TimeoutMillis: 1000, Request: read})
	h.OnForward(3, 2, &wire.Forward{ID: 1, TimeoutMillis: 1000, Request: read})
	require.Len(t, n.taken, 2)
	for _, c := range n.taken {
		h.Finish(c, &wire.Response{Results: []wire.Result{{}}})
	}
	require.Equal(t, []wire.Incarnation{1, 2}, n.lives)
}
