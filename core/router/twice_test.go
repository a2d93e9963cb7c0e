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

// Of nodes that the map dismisses nothing is kept, or a cluster whose nodes come with new names would grow for ever. A double of what one of them
// sent is not taken for all that, whether it is gone, back in the same life, or in another; what they and others send from then on is.
func TestDismissedSendersAreForgotten(t *testing.T) {
	n := &node{m: testMap(), leader: self}
	h := New(testConfig, self, n)
	number := uint64(0)
	forward := func(epoch wire.Epoch) *wire.Forward {
		number++
		return &wire.Forward{ID: number, TimeoutMillis: 1000, Request: wire.Request{Shard: here, Epoch: epoch, Session: wire.Session{Client: 9, Seq: number, Floor: number},
			Commands: []wire.Command{{Op: wire.OpSet, Key: []byte("k"), Value: []byte("v")}}}}
	}
	taken := func(from wire.NodeID, life wire.Incarnation, f *wire.Forward) bool {
		before := len(n.taken)
		h.OnForward(from, life, f)
		if len(n.taken) == before {
			return false
		}
		h.Refuse(n.taken[before], wire.ReasonOutOfMemory)
		return true
	}
	become := func(epoch wire.Epoch, members ...wire.NodeID) {
		n.m = n.m.Clone()
		n.m.Epoch, n.m.Members = epoch, nil
		for _, id := range append(members, self) {
			n.m.Members = append(n.m.Members, wire.Member{ID: id, Incarnation: 1})
		}
		h.MapChanged(n.m)
	}
	const gone, ahead, stays, comes = 21, 22, 23, 24
	become(6, gone, ahead, stays)
	former, old, late, kept := forward(6), forward(6), forward(9), forward(6)
	require.True(t, taken(gone, 1, former))
	require.True(t, taken(gone, 2, old))
	require.True(t, taken(ahead, 1, late))
	require.True(t, taken(stays, 1, kept))
	for range 5 {
		h.breaker(gone).Failure(0)
	}
	for range 1000 {
		require.True(t, taken(wire.NodeID(1000+number), 1, forward(6)))
	}
	require.Greater(t, len(h.taken), 1000)
	require.NotEmpty(t, h.breakers)
	become(8, stays)
	require.Len(t, h.taken, 2, "and one that has a newer map than this node, until that has come here")
	require.Empty(t, h.breakers)

	require.False(t, taken(gone, 1, former), "a double")
	require.False(t, taken(gone, 2, old))
	require.False(t, taken(ahead, 1, late))
	require.False(t, taken(stays, 1, kept))
	require.False(t, taken(comes, 1, forward(6)), "nobody can tell if this is one")
	require.True(t, taken(comes, 1, forward(7)))
	require.True(t, taken(stays, 1, forward(6)), "of this one all is remembered")
	require.True(t, taken(gone, 2, forward(8)), "it is back")
	require.False(t, taken(gone, 2, old), "with a number a little below")
	become(10, stays, comes)
	require.Len(t, h.taken, 2)
	require.False(t, taken(ahead, 1, late))
	require.True(t, taken(ahead, 1, forward(10)))
	require.False(t, taken(ahead, 1, late))
}

// Of senders that are forgotten the newest map counts that any of their forwards was sent under: whichever life sent it, in whatever
// order they came, and whoever else was forgotten. What others send under the present map is taken.
func TestTheNewestMapOfAllWhoAreForgottenCounts(t *testing.T) {
	type sent struct {
		from  wire.NodeID
		life  wire.Incarnation
		under wire.Epoch
	}
	for _, c := range []struct {
		name   string
		before []sent
	}{
		{"of one forward", []sent{{21, 1, 7}}},
		{"of a former life", []sent{{21, 1, 7}, {21, 2, 6}}},
		{"of one that was not the last to come", []sent{{21, 1, 7}, {21, 1, 6}}},
		{"of the first to be forgotten", []sent{{21, 1, 7}, {22, 1, 6}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := &node{m: testMap(), leader: self}
			h := New(testConfig, self, n)
			number := uint64(0)
			taken := func(s sent) bool {
				before := len(n.taken)
				number++
				h.OnForward(s.from, s.life, &wire.Forward{ID: number, TimeoutMillis: 1000, Request: wire.Request{Shard: here, Epoch: s.under, Commands: []wire.Command{get}}})
				return len(n.taken) > before
			}
			for _, s := range c.before {
				require.True(t, taken(s))
			}
			n.m.Epoch = 8
			h.MapChanged(n.m)
			require.Empty(t, h.taken)
			require.False(t, taken(sent{21, 1, 7}), "nobody can tell if it is a double")
			require.True(t, taken(sent{23, 1, 8}))
			h.MapChanged(n.m)
			require.Len(t, h.taken, 1, "who has sent under the present map is kept, or nobody who is no further could be heard")
			require.True(t, taken(sent{21, 1, 8}))
		})
	}
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
