package cluster

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The watch never counts more reads of a key than there were, and one that most reads are of keeps its place.
func TestTheWatchCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var w watch
		reads := map[uint64]int{}
		total := 0
		hashes := rapid.Uint64Range(1, uint64(rapid.SampledFrom([]int{4, 40, 4000}).Draw(t, "keys")))
		hot := hashes.Draw(t, "hot")
		for range rapid.IntRange(0, 600).Draw(t, "reads") {
			hash := hot
			if rapid.IntRange(0, 2).Draw(t, "which") == 0 {
				hash = hashes.Draw(t, "hash") * watchSets // all of them in one set, beside each other
			}
			got := int(w.read(hash))
			reads[hash]++
			total++
			if got > reads[hash] {
				t.Fatalf("read %d is counted as read %d", reads[hash], got)
			}
		}
		if now := int(w.read(hot)); 2*reads[hot] > total && now == 0 {
			t.Fatalf("%d of %d reads, and it has no place", reads[hot], total)
		}
	})
}

func TestTheWatchForgets(t *testing.T) {
	var w watch
	for range 9 {
		w.read(7)
	}
	w.halve()
	require.EqualValues(t, 5, w.read(7))
	w.forget(7)
	require.EqualValues(t, 1, w.read(7))
	w.halve()
	require.EqualValues(t, 1, w.read(7), "it has lost its place")
}

func TestKeysThatAreRecalledRest(t *testing.T) {
	const s = time.Second
	var r recalled
	r.note(1, 1*s, 10*s)
	require.False(t, r.rests(1, 1*s), "once is nothing")
	r.note(1, 7*s, 10*s)
	require.False(t, r.rests(1, 7*s), "twice in a long time neither")
	r.note(1, 11*s, 10*s)
	require.True(t, r.rests(1, 20*s))
	require.False(t, r.rests(1, 21*s))
	require.False(t, r.rests(2, 20*s))
	r.rest(2, 20*s, 10*s)
	require.True(t, r.rests(2, 29*s))
	for hash := uint64(10); hash < 10+recallsKept; hash++ {
		r.note(hash, 21*s, 10*s)
	}
	require.False(t, r.rests(2, 22*s), "no more are remembered")
}
