package main

import (
	"fmt"
	"os"
	"slices"
	"time"

	"torc/scenarios"
	"torc/sim"
)

// What a small run is to be at most, for nine bugs of ten.
const (
	smallFaults = 5
	smallOps    = 8
)

// galleryShrink searches for every planted bug with random seeds, and makes the first run that catches it small: one
// shrink at a time, as somebody would who looks at one failure.
func galleryShrink(args []string) int {
	flags := newFlags("torc sim gallery shrink", "")
	var s scoreFlags
	s.flags(flags)
	budget := flags.Duration("budget", time.Minute, "wall-clock `time` to spend on each bug")
	if err := flags.Parse(args); err != nil {
		return flagsExit(err)
	}
	if refuseArguments(flags) {
		return exitError
	}
	if !needMutants("shrink") {
		return exitError
	}
	h, err := newHunt(s)
	if err != nil {
		fmt.Fprintf(os.Stderr, "torc sim gallery shrink: %v\n", err)
		return exitError
	}
	t := &shrinkTable{hunt: h, budget: *budget}
	if err := t.all(); err != nil {
		return simFailed("gallery shrink", err)
	}
	t.finish()
	return exitOK
}

// shrinkTable is what became of the planted bugs' runs.
type shrinkTable struct {
	*hunt
	budget time.Duration
	small  int // as small as they should be
	took   []time.Duration
}

func (t *shrinkTable) all() error {
	fmt.Printf("%2s  %-29s %6s  %17s %17s %5s %6s %8s\n", "no", "name", "seed", "faults", "operations", "nodes", "runs", "time")
	for _, m := range t.list {
		sc, err := t.one(m)
		if err != nil {
			return err
		}
		if t.scores = append(t.scores, sc); sc.Seeds == 0 {
			fmt.Printf("%2d  %-29s not caught by %d seeds\n", sc.Number, sc.Name, sc.Budget*t.factor)
			continue
		}
		if err := t.shrink(m, t.first+uint64(sc.Seeds)-1); err != nil {
			return err
		}
	}
	return nil
}

func (t *shrinkTable) shrink(m scenarios.Mutant, seed uint64) error {
	job := huntJob(m.Name)
	o, err := job.Options(seed)
	if err != nil {
		return err
	}
	first := sim.Run(o)
	if first.Err != nil {
		return first.Err
	}
	begun, wait := time.Now(), waiting(t.live)
	k := sim.Shrink{Case: sim.CaseOf(&first), Mutant: m.Name, Rare: int(seed - t.first + 1),
		More:     func() bool { return time.Since(begun) < t.budget },
		Progress: func(b sim.Shrunk) { wait.show(time.Since(begun), &b) }}
	small, ok := k.Run()
	wait.clear()
	if !ok {
		return fmt.Errorf("seed %d caught %s in another process, and does not here", seed, m.Name)
	}
	t.tellSmall(&first, &small, m, time.Since(begun))
	return nil
}

func (t *shrinkTable) tellSmall(first *sim.Result, small *sim.Shrunk, m scenarios.Mutant, took time.Duration) {
	faults, ops := len(small.Case.Scenario.Script), countOps(small.Case.Scenario.Calls)
	t.took = append(t.took, took)
	if faults <= smallFaults && ops <= smallOps {
		t.small++
	}
	minimal := ""
	if !small.Minimal {
		minimal = "  no time to make it 1-minimal"
	}
	fmt.Printf("%2d  %-29s %6d  %6d to %7d %6d to %7d %5d %6d %6.1f s%s\n", m.Number, m.Name, first.Seed,
		len(first.Plan.Script), faults, countOps(first.Plan.Calls), ops, small.Case.Settings.Nodes, small.Runs, took.Seconds(), minimal)
}

func (t *shrinkTable) finish() {
	if len(t.took) == 0 {
		return
	}
	slices.Sort(t.took)
	fmt.Printf("%d of %d have at most %d faults and %d operations; median %.1f s, longest %.1f s\n",
		t.small, len(t.took), smallFaults, smallOps, t.took[len(t.took)/2].Seconds(), t.took[len(t.took)-1].Seconds())
}
