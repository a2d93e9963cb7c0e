package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"torc/scenarios/sweep"
	"torc/sim"
)

// What one run did not reach another one may have; what none did is printed, a fault's operations on
// one line.
func TestPrintReached(t *testing.T) {
	names := sim.PointNames()
	report := func(points ...int) sim.Reached {
		set := make(sim.Reached, (len(names)+7)/8)
		for _, p := range points {
			set[p/8] |= 1 << (p % 8)
		}
		return reachedBy(&sweep.Answer{Reached: set.String()})
	}
	var most []int
	for i := range names {
		if i != 1 && i != 2 && i != len(names)-1 {
			most = append(most, i)
		}
	}
	var out strings.Builder
	var all sim.Reached
	for _, one := range []sim.Reached{report(most...), report(2, len(names)-1), reachedBy(&sweep.Answer{Error: "it hangs"})} {
		all.Merge(one)
	}
	printReached(&out, all)
	require.Equal(t, fmt.Sprintf("reached %d of %d points; never reached:\n  isolate during write\n", len(names)-1, len(names)), out.String())

	out.Reset()
	printReached(&out, report(most...))
	require.Contains(t, out.String(), "  isolate during write, delete\n  a client is told: not ready\n")

	out.Reset()
	printReached(&out, nil)
	require.Empty(t, out.String(), "nobody told")
}
