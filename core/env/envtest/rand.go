package envtest

import (
	"github.com/stretchr/testify/require"

	"torc/core/env"
)

// draw takes numbers from the node's stream.
func (n *node) draw(count int) []uint64 {
	numbers := make([]uint64, count)
	n.do(func() {
		for i := range numbers {
			numbers[i] = n.Env().Uint64()
		}
	})
	return numbers
}

// randomStreamsDiffer: no two nodes draw alike, and no stream stands still. 600 draws of 64
// bits hold a pair of equals once in 10^14 runs.
func (s *suite) randomStreamsDiffer() {
	seen := map[uint64]string{}
	for _, name := range []string{"a", "b", "c"} {
		for i, v := range s.start(name).draw(200) {
			if by, ok := seen[v]; ok {
				require.Failf(s, "not random", "%s's draw %d was drawn by %s before", name, i, by)
			}
			seen[v] = name
		}
	}
}

// randomNumbersAreSpread: every bit is set now and then, and clear now and then; IntN reaches
// each of a few numbers. (256 draws miss a bit once in 10^75 runs.)
func (s *suite) randomNumbersAreSpread() {
	n := s.start("a")
	var or uint64
	and := ^uint64(0)
	for _, v := range n.draw(256) {
		or |= v
		and &= v
	}
	require.Equal(s, ^uint64(0), or, "some bits were never set")
	require.Zero(s, and, "some bits were never clear")
	hits := [7]int{}
	n.do(func() {
		for range 1000 {
			hits[env.IntN(n.Env(), len(hits))]++
		}
	})
	require.NotContains(s, hits[:], 0, "IntN(7) never drew some number: %v", hits)
}
