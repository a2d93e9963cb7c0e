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
			n := rapid.SampledFrom([]int{0, 1, 1 << leastBits, 1<<leastBits + 1, 40_000, Most, Most + 1}).Draw(t, "bytes")
			b := p.Get(n)
			require.Len(t, *b, n)
			if rapid.Bool().Draw(t, "grown") {
				*b = append(*b, make([]byte, cap(*b)-len(*b)+1)...)
			}
			p.Put(b)
		}
	})
}

// TestSizes: no buffer of a class is shorter than what it is for, nor longer by more than a quarter, and the next class is longer.
func TestSizes(t *testing.T) {
	require.Equal(t, Most, sizeOf(classes-1))
	for class := range classes {
		size := sizeOf(class)
		require.Equal(t, class, classOf(size))
		if class > 0 {
			least := sizeOf(class-1) + 1
			require.Equal(t, class, classOf(least))
			require.LessOrEqual(t, 4*size, 5*least)
		}
	}
}

// TestOnlyItsOwnComesBack: a buffer whose length is none of the pool's is not given out as one of them.
func TestOnlyItsOwnComesBack(t *testing.T) {
	p := new(pool)
	for _, n := range []int{0, 1, 1<<leastBits - 1, 1<<leastBits + 1, Most - 1, Most + 1} {
		b := make([]byte, n)
		p.Put(&b)
	}
	for class := range classes {
		require.Nil(t, p.classes[class].Get(), sizeOf(class))
	}
}

func TestItIsTheDefault(t *testing.T) { require.Same(t, Pool, mem.DefaultBufferPool()) }
