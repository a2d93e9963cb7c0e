package pages

import (
	"math/bits"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"torc/core/slab"
)

var _ slab.Source = new(Source)

// TestSource allocates and frees at random: no byte is anybody else's, and the counts are right.
func TestSource(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := new(Source)
		type run struct {
			b    []byte
			mark byte
		}
		var runs []run
		var used int64
		mark := byte(0)
		t.Repeat(map[string]func(*rapid.T){
			"alloc": func(t *rapid.T) {
				n := block * rapid.SampledFrom([]int{1, 3, 4, 16, 63, 64, 65, 200, 5000, regionBytes / block, regionBytes/block + 1}).Draw(t, "blocks")
				for range rapid.IntRange(1, 1+min(200, 1000*block/n)).Draw(t, "count") {
					mark++
					b := s.Alloc(n)
					require.Len(t, b, n)
					for i := 0; i < n; i += step(n) {
						b[i], b[i+block-1] = mark, mark
					}
					runs, used = append(runs, run{b, mark}), used+int64(n)
				}
			},
			"free": func(t *rapid.T) {
				for range min(len(runs), rapid.IntRange(1, 150).Draw(t, "count")) {
					at := rapid.IntRange(0, len(runs)-1).Draw(t, "which")
					r := runs[at]
					for i := 0; i < len(r.b); i += step(len(r.b)) {
						require.Equal(t, []byte{r.mark, r.mark}, []byte{r.b[i], r.b[i+block-1]}, "somebody else wrote here")
					}
					used -= int64(len(r.b))
					s.Free(r.b)
					runs[at] = runs[len(runs)-1]
					runs = runs[:len(runs)-1]
				}
			},
			"": func(t *rapid.T) {
				st := s.Stats()
				require.Equal(t, used, st.Used)
				require.GreaterOrEqual(t, st.Mapped, st.Used+st.Idle)
				require.GreaterOrEqual(t, st.Idle, int64(0))
				idle := 0
				for _, r := range s.regions {
					for w := range r.idle {
						idle += bits.OnesCount64(r.idle[w])
						require.Zero(t, r.idle[w]&r.used[w])
					}
				}
				require.Equal(t, int64(idle)*block, st.Idle)
			},
		})
		for _, r := range runs {
			s.Free(r.b)
		}
		st := s.Stats()
		require.Zero(t, st.Used)
		require.LessOrEqual(t, st.Idle, int64(idleMin))
		require.LessOrEqual(t, st.Mapped, int64(regionBytes))
		s.Alloc(regionBytes + block)
		s.Release()
		require.Zero(t, s.Stats())
	})
}

// step is how far apart the blocks are that are looked at.
func step(n int) int { return max(1, n/block/50) * block }

// TestMemoryGoesBack: what was freed is not resident any more, but for a little.
func TestMemoryGoesBack(t *testing.T) {
	s := new(Source)
	var runs [][]byte
	before := resident(t)
	for range 1000 {
		b := s.Alloc(256 << 10)
		for i := 0; i < len(b); i += block {
			b[i] = 1
		}
		runs = append(runs, b)
	}
	require.Greater(t, resident(t)-before, int64(240<<20))
	for i, b := range runs {
		if i%10 != 0 {
			s.Free(b)
		}
	}
	require.Less(t, resident(t)-before, int64(40<<20))
}

func resident(t *testing.T) int64 {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("only Linux tells")
	}
	pages, err := strconv.ParseInt(strings.Fields(string(statm))[1], 10, 64)
	require.NoError(t, err)
	return pages * int64(os.Getpagesize())
}
