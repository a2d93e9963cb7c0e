package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"torc/sim"
)

// What one run did not reach another one may have; what none did is printed, a fault's operations on
// one line.
func TestPrintReached(t *testing.T) {
	names := sim.PointNames()
	report := func(points ...int) sim.SeedResult {
		set := make(sim.Reached, (len(names)+7)/8)
		for _, p := range points {
			set[p/8] |= 1 << (p % 8)
		}
		return sim.SeedResult{Report: []byte("verdict: PASS\ntrace hash: 1\nreached: " + set.String() + "\n")}
	}
	var most []int
	for i := range names {
		if i != 1 && i != 2 && i != len(names)-1 {
			most = append(most, i)
		}
	}
	var out strings.Builder
	printReached(&out, []sim.SeedResult{report(most...), report(2, len(names)-1), {Report: []byte("panic: boom\n")}})
	require.Equal(t, "reached 225 of 226 points; never reached:\n  isolate during write\n", out.String())

	out.Reset()
	printReached(&out, []sim.SeedResult{report(most...)})
	require.Contains(t, out.String(), "  isolate during write, delete\n  a client is told: not ready\n")

	out.Reset()
	printReached(&out, []sim.SeedResult{{Report: []byte("panic: boom\n")}})
	require.Empty(t, out.String(), "nobody told")
}
