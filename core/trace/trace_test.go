package trace

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"torc/core/wire"
)

func hashOf(events ...Event) string {
	h := NewHasher()
	for _, e := range events {
		h.Emit(e)
	}
	return h.Sum()
}

const goldenHash = "2da55eb26257100d2b4d7a3e9f4abfc0cf723a5c8fec15b7b3456be947f9e4f1"

var sample = Event{At: 1_500_000_000, Kind: Commit, Node: 1, Peer: 2, Shard: 3, Replica: 4, Term: 5, Index: 6, A: 7, B: 8, Note: "note"}

// TestHashIsGolden: a hash names a run in bug reports and in seeds' stories, so it must stay what
// it is from build to build.
func TestHashIsGolden(t *testing.T) {
	require.Equal(t, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", hashOf())
	require.Equal(t, goldenHash, hashOf(sample, Event{Kind: Violation, Note: "stale read"}))
}

// TestHashSeesEveryField changes one field at a time.
func TestHashSeesEveryField(t *testing.T) {
	changes := []func(*Event){
		func(e *Event) { e.At++ }, func(e *Event) { e.Kind++ }, func(e *Event) { e.Node++ }, func(e *Event) { e.Peer++ },
		func(e *Event) { e.Shard++ }, func(e *Event) { e.Replica++ }, func(e *Event) { e.Term++ }, func(e *Event) { e.Index++ },
		func(e *Event) { e.A++ }, func(e *Event) { e.B++ }, func(e *Event) { e.Note += "!" },
	}
	seen := map[string]int{hashOf(sample): -1}
	for i, change := range changes {
		e := sample
		change(&e)
		sum := hashOf(e)
		require.NotContains(t, seen, sum, "change %d hashes as %d did", i, seen[sum])
		seen[sum] = i
	}
}

var drawEvent = rapid.Custom(func(t *rapid.T) Event {
	number := func(label string) uint64 { return rapid.Uint64().Draw(t, label) }
	return Event{
		At: rapid.Int64().Draw(t, "at"), Kind: Kind(rapid.IntRange(0, int(kindEnd)-1).Draw(t, "kind")),
		Node: wire.NodeID(number("node")), Peer: wire.NodeID(number("peer")), Shard: wire.ShardID(rapid.Uint32().Draw(t, "shard")),
		Replica: wire.ReplicaID(number("replica")), Term: number("term"), Index: number("index"), A: number("a"), B: number("b"),
		Note: rapid.StringN(0, 20, -1).Draw(t, "note"),
	}
})

// TestHashIsOfTheSequence: equal streams hash alike however often the sum is asked for in
// between (the buffer's edges do not show), and different streams differently: an event more,
// or two in another order.
func TestHashIsOfTheSequence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := rapid.SliceOfN(drawEvent, 1, 200).Draw(t, "events")
		h := NewHasher()
		for _, e := range events {
			h.Emit(e)
			if rapid.IntRange(0, 20).Draw(t, "ask") == 0 {
				h.Sum()
			}
		}
		require.Equal(t, hashOf(events...), h.Sum())
		require.EqualValues(t, len(events), h.Events())
		require.NotEqual(t, h.Sum(), hashOf(events[:len(events)-1]...))

		i := rapid.IntRange(0, len(events)-1).Draw(t, "swap with the last")
		swapped := append([]Event(nil), events...)
		last := len(events) - 1
		swapped[i], swapped[last] = swapped[last], swapped[i]
		require.Equal(t, events[i] == events[last], h.Sum() == hashOf(swapped...))
	})
}

// TestNotesDoNotRunTogether: what ends one event cannot be taken for the start of the next.
func TestNotesDoNotRunTogether(t *testing.T) {
	require.NotEqual(t, hashOf(Event{Note: "ab"}, Event{Note: "c"}), hashOf(Event{Note: "a"}, Event{Note: "bc"}))
}

// TestKindNames: each kind has a name of its own; an unknown one says its number.
func TestKindNames(t *testing.T) {
	seen := map[string]Kind{}
	for k := None; k < kindEnd; k++ {
		require.NotEmpty(t, k.String())
		require.NotContains(t, seen, k.String())
		seen[k.String()] = k
		named, ok := KindNamed(k.String())
		require.Equal(t, k != None, ok)
		require.Equal(t, k, named)
	}
	require.Len(t, KindNames(), int(kindEnd)-1)
	require.Equal(t, "violation", Violation.String())
	require.Equal(t, "role", Role.String())
	require.Equal(t, "kind(200)", Kind(200).String())
}

func TestString(t *testing.T) {
	require.Equal(t, "    1.500000 commit    node=n1 peer=n2 shard=3 replica=4 term=5 index=6 a=7 b=8 note", sample.String())
	require.True(t, strings.HasPrefix(Event{At: 1_999_999_999_999}.String(), " 1999."), "a late event keeps its column")
}

// TestEmitAllocatesNothing: the hash is on for every simulated run.
func TestEmitAllocatesNothing(t *testing.T) {
	h := NewHasher()
	require.Zero(t, testing.AllocsPerRun(1000, func() { h.Emit(sample) }))
}

func BenchmarkEmit(b *testing.B) {
	h := NewHasher()
	for b.Loop() {
		h.Emit(sample)
	}
}
