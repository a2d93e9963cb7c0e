package store

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"torc/core/slab"
)

// wheel is a wheel beside a sorted list.
type wheel struct {
	due
	list []wheelEntry
}

type wheelEntry struct {
	moment
	ref slab.Ref
}

func newWheel() *wheel { return &wheel{due: due{cells: slab.New(new(ledger))}} }

func (w *wheel) insert(at int64, version uint64) {
	r, b := w.cells.Alloc(cellSize(1, 0, version, at))
	var e entry
	e.write(r, b, []byte("k"), nil, nil, false, version, at)
	w.add(r, moment{at, version})
	w.list = append(w.list, wheelEntry{moment{at, version}, r})
}

func (w *wheel) take(i int) {
	e := w.list[i]
	if !w.remove(e.ref, e.moment) {
		panic("an entry is not there")
	}
	w.cells.Free(e.ref)
	w.list = slices.Delete(w.list, i, i+1)
}

func (w *wheel) compact(budget int) {
	w.cells.Compact(budget, func(from, to slab.Ref) {
		if w.cells.Bytes(to)[0]&(flagNode|flagBucket) != 0 {
			w.movedCell(to)
			return
		}
		w.list[slices.IndexFunc(w.list, func(e wheelEntry) bool { return e.ref == from })].ref = to
		if !w.moved(from, to) {
			panic("a moved entry is not there")
		}
	})
}

// TestWheelIsASortedList drives a wheel with expiries near and far, of one moment and of many, and compares what
// comes first, and what is there, with a list.
func TestWheelIsASortedList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWheel()
		version := uint64(0)
		t.Repeat(map[string]func(*rapid.T){
			"insert": func(t *rapid.T) {
				base := rapid.SampledFrom([]int64{1, 1000, expireBase - 100, expireBase + 1<<39, expireBase + 1<<40 - 100, 1<<63 - 2000}).Draw(t, "base")
				step := rapid.SampledFrom([]int64{0, 1, 7}).Draw(t, "step")
				for i := range rapid.Int64Range(1, 200).Draw(t, "count") {
					version += rapid.SampledFrom([]uint64{1, 1, 16, 256}).Draw(t, "gap")
					w.insert(base+i*step, version)
				}
			},
			"remove": func(t *rapid.T) {
				for range rapid.IntRange(0, 150).Draw(t, "count") {
					if len(w.list) > 0 {
						w.take(rapid.IntRange(0, len(w.list)-1).Draw(t, "which"))
					}
				}
			},
			"expire": func(t *rapid.T) {
				for range rapid.IntRange(0, 100).Draw(t, "count") {
					r, _, ok := w.first()
					if !ok {
						return
					}
					w.take(slices.IndexFunc(w.list, func(e wheelEntry) bool { return e.ref == r }))
				}
			},
			"expire some": func(t *rapid.T) {
				slices.SortFunc(w.list, func(a, b wheelEntry) int { return w.compare(a.ref, b.ref) })
				by := int64(0)
				if len(w.list) > 0 {
					by = w.list[rapid.IntRange(0, len(w.list)-1).Draw(t, "by")].at
				}
				refs := make([]slab.Ref, rapid.IntRange(1, 40).Draw(t, "most"))
				n := w.due.take(by, refs)
				require.Equal(t, len(w.list) > 0, n > 0)
				for i, r := range refs[:n] {
					require.Equal(t, w.list[i].ref, r)
					require.LessOrEqual(t, w.list[i].at, by)
					w.cells.Free(r)
				}
				w.list = slices.Delete(w.list, 0, n)
			},
			"compact": func(*rapid.T) { w.compact(10_000) },
			"": func(t *rapid.T) {
				cells, err := w.verify()
				require.NoError(t, err)
				require.EqualValues(t, len(w.list)+cells, w.cells.Stats().Cells)
				slices.SortFunc(w.list, func(a, b wheelEntry) int { return w.compare(a.ref, b.ref) })
				n := rapid.IntRange(0, 80).Draw(t, "soonest")
				var got []slab.Ref
				w.soonest(n, func(r slab.Ref) { got = append(got, r) })
				require.Len(t, got, min(n, len(w.list)))
				for i, r := range got {
					require.Equal(t, w.list[i].ref, r)
				}
				seen := 0
				w.sample(uint64(n), 10, func(slab.Ref) { seen++ })
				require.Equal(t, min(10, len(w.list)), seen)
			},
		})
	})
}

// TestWheelSamplesEvenly: each entry is as likely as any other, however unevenly they expire.
func TestWheelSamplesEvenly(t *testing.T) {
	w := newWheel()
	for i := range uint64(1000) {
		at := int64(1_000_000)
		if i < 100 {
			at += int64(i) << 30 // a few, far apart
		}
		w.insert(at, i+1)
	}
	far := 0
	for at := range uint64(1000) {
		w.sample(at*64, 16, func(r slab.Ref) {
			if w.momentOf(r).at > 1_000_000 {
				far++
			}
		})
	}
	require.InDelta(t, 99*16, far, 200)
}

// TestWheelGoesBack: when all is gone nothing is left, whatever the order in which it went.
func TestWheelGoesBack(t *testing.T) {
	for seed := range uint64(4) {
		w := newWheel()
		random := rand.New(rand.NewPCG(seed, 0))
		for i := range uint64(20_000) {
			w.insert(int64(1_000_000+random.Uint64N(1<<(6*seed+1))), i+1)
		}
		for len(w.list) > 0 {
			if seed%2 == 0 {
				w.take(len(w.list) - 1)
				continue
			}
			r, _, _ := w.first()
			at := slices.IndexFunc(w.list, func(e wheelEntry) bool { return e.ref == r })
			w.list[at], w.list[len(w.list)-1] = w.list[len(w.list)-1], w.list[at]
			w.take(len(w.list) - 1)
		}
		require.Zero(t, w.root)
		require.Zero(t, w.cells.Stats().Cells)
	}
}

// TestExpiriesAreKept: whatever an expiry is, it is read as it was written, and takes no more than it must.
func TestExpiriesAreKept(t *testing.T) {
	const near, far = 1 + nearSize + 3 + 1, 1 + farSize + 3 + 1
	for at, size := range map[int64]int{1: far, -1: far, expireBase - 1: far, expireBase: near, expireBase + 255<<32: near,
		expireBase + 1<<40 - 1: near, expireBase + 1<<40: far, 1<<63 - 1: far, -1 << 63: far} {
		require.Equal(t, size, cellSize(1, 0, 5, at), at)
		b := make([]byte, 64)
		var wrote, got entry
		wrote.write(7, b, []byte("k"), nil, nil, false, 5, at)
		got.read(7, b)
		require.Equal(t, at, got.expireAt)
		require.Equal(t, []byte("k"), got.key)
	}
}

// TestWheelIsSmall: five or six bytes for an entry, however many expire at a time, and whether they came in order or not.
func TestWheelIsSmall(t *testing.T) {
	for _, c := range []struct {
		name string
		at   func(i uint64) int64
	}{
		{"five in a millisecond", func(i uint64) int64 { return expireBase + int64(scatter(i)%20_000) }},
		{"one in ten milliseconds", func(i uint64) int64 { return expireBase + int64(scatter(i)%1_000_000) }},
		{"one a second, in order", func(i uint64) int64 { return expireBase + int64(i)*1000 }},
		{"all at once", func(uint64) int64 { return expireBase }},
	} {
		w := newWheel()
		var cells int64
		for i := range uint64(100_000) {
			cells += int64(slab.Room(cellSize(1, 0, i, c.at(i))))
			w.insert(c.at(i), i)
		}
		each := float64(w.cells.Stats().Used-cells) / 100_000
		t.Logf("%s: %.2f bytes each", c.name, each)
		require.Less(t, each, 6.0, c.name)
	}
}
