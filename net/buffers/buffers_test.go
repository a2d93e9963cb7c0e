package buffers

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/mem"
	"pgregory.net/rapid"
)

// A pool gives out what is long enough, and takes back only what it can give out again.
func TestPool(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := new(pool)
		for range 20 {
			n := rapid.SampledFrom([]int{0, 1, 1 << classMin, 1<<classMin + 1, 40_000, Most, Most + 1}).Draw(t, "bytes")
			b := p.Get(n)
			require.Len(t, *b, n)
			if rapid.Bool().Draw(t, "grown") {
				*b = append(*b, make([]byte, cap(*b)-len(*b)+1)...)
			}
			p.Put(b)
		}
	})
}

func TestItIsTheDefault(t *testing.T) { require.Same(t, Pool, mem.DefaultBufferPool()) }
