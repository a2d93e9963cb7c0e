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
	e.write(r, b, []byte("k"), nil, nil, version, at)
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
				base := rapid.SampledFrom([]int64{1, 1000, 1 << 40, 1<<40 + 5000, 1<<63 - 2000}).Draw(t, "base")
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
