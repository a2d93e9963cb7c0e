package main

import (
	"fmt"
	"io"
	"strings"

	"torc/scenarios/sweep"
	"torc/sim"
)

// reachedBy is what a run of a sweep reached; nothing, if there was no run.
func reachedBy(a *sweep.Answer) sim.Reached {
	r, err := sim.ParseReached(a.Reached)
	if err != nil {
		return nil
	}
	return r
}

// printReached prints which points no run of a sweep reached: what is never reached is not tested.
func printReached(w io.Writer, all sim.Reached) {
	if all == nil {
		return
	}
	names, missing := sim.PointNames(), all.Missing()
	_, _ = fmt.Fprintf(w, "reached %d of %d points", len(names)-len(missing), len(names))
	if len(missing) == 0 {
		_, _ = fmt.Fprintln(w)
		return
	}
	_, _ = fmt.Fprintln(w, "; never reached:")
	for _, line := range gathered(missing) {
		_, _ = fmt.Fprintf(w, "  %s\n", line)
	}
}

// gathered puts the operations that a kind of fault never met into one line.
func gathered(names []string) (lines []string) {
	for _, name := range names {
		fault, op, pair := strings.Cut(name, " during ")
		if last := len(lines) - 1; pair && last >= 0 && strings.HasPrefix(lines[last], fault+" during ") {
			lines[last] += ", " + op
			continue
		}
		lines = append(lines, name)
	}
	return lines
}
