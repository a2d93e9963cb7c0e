package store

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"torc/core/slab"
)

// TestIndex inserts, removes and moves at random, with orders of so few bits that many keys share a bucket
// for ever: leaves grow, split, join, and are chained where bits do not part the keys.
func TestIndex(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cells := slab.New(slab.Plain{})
		x := newIndex(cells, Seed{}, 0, lastOrder(3))
		type key struct {
			order uint64
			ref   slab.Ref
		}
		var keys []key
		order := func() uint64 {
			bits := rapid.Uint64Range(0, 1<<rapid.SampledFrom([]int{0, 1, 6, 20}).Draw(t, "width")-1).Draw(t, "bits")
			return rapid.Uint64Range(0, 3).Draw(t, "slot")<<slotShift | bits<<30
		}
		move := func(from, to slab.Ref) {
			if cells.Bytes(to)[0] == flagLeaf {
				x.moved(from, to)
				return
			}
			for i := range keys {
				if keys[i].ref == from {
					require.True(t, x.replace(keys[i].order, from, to))
					keys[i].ref = to
					return
				}
			}
			t.Fatalf("a cell moved that nobody has")
		}
		t.Repeat(map[string]func(*rapid.T){
			"insert": func(t *rapid.T) {
				for range rapid.IntRange(1, 120).Draw(t, "count") {
					r, b := cells.Alloc(64)
					b[0] = 0
					k := key{order(), r}
					x.insert(k.order, r)
					keys = append(keys, k)
				}
			},
			"remove": func(t *rapid.T) {
				for range min(len(keys), rapid.IntRange(1, 150).Draw(t, "count")) {
					i := rapid.IntRange(0, len(keys)-1).Draw(t, "which")
					require.True(t, x.remove(keys[i].order, keys[i].ref))
					require.False(t, x.remove(keys[i].order, keys[i].ref))
					cells.Free(keys[i].ref)
					keys[i] = keys[len(keys)-1]
					keys = keys[:len(keys)-1]
				}
			},
			"compact": func(*rapid.T) { cells.Compact(10_000, move) },
			"": func(t *rapid.T) {
				leaves, err := x.verify()
				require.NoError(t, err)
				require.Equal(t, len(keys), x.count)
				require.Equal(t, int64(leaves+len(keys)), cells.Stats().Cells, "a leaf was lost")
				for _, k := range keys {
					_, l, i := x.locate(k.order, k.ref)
					require.NotNil(t, l.leafHeader)
					require.Equal(t, spotOf(tagOf(k.order), k.ref), l.keys[i])
				}
			},
		})
	})
}

// TestDirectoryIsShort: keys that no bits part do not make the directory long.
func TestDirectoryIsShort(t *testing.T) {
	cells := slab.New(slab.Plain{})
	x := newIndex(cells, Seed{}, 0, lastOrder(0))
	for range 5000 {
		r, b := cells.Alloc(64)
		b[0] = 0
		x.insert(12345, r)
	}
	require.LessOrEqual(t, len(x.slots[0].leaves), 5000)
	_, err := x.verify()
	require.NoError(t, err)
}

// TestIndexShrinks: when most keys are gone, so are most leaves, and the directory is short again.
func TestIndexShrinks(t *testing.T) {
	cells := slab.New(slab.Plain{})
	x := newIndex(cells, Seed{}, 0, lastOrder(0))
	var refs []slab.Ref
	order := func(i int) uint64 { return uint64(i) * 0x9E3779B97F4A7C15 >> (64 - slotShift) }
	for i := range 20_000 {
		r, b := cells.Alloc(64)
		b[0] = 0
		x.insert(order(i), r)
		refs = append(refs, r)
	}
	full, err := x.verify()
	require.NoError(t, err)
	long := len(x.slots[0].leaves)
	for i, r := range refs {
		if i%20 != 0 {
			require.True(t, x.remove(order(i), r))
		}
	}
	left, err := x.verify()
	require.NoError(t, err)
	require.Less(t, left*10, full)
	require.Less(t, len(x.slots[0].leaves)*8, long)
}
