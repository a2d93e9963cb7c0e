package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"torc/scenarios"
	"torc/sim"
)

// galleryControls sweeps the controls: runs that are right, and look wrong to a bad checker.
func galleryControls(args []string) int {
	flags := newFlags("torc sim gallery controls", "")
	seeds := flags.Int("seeds", 100, "how many seeds of each control")
	first := flags.Uint64("seed", 1, "the first seed")
	out := flags.String("out", "sim-failures/controls", "the `folder` in which each control gets a folder for its failing runs and its progress")
	resume := flags.Bool("resume", false, "continue the interrupted sweeps in --out")
	if err := flags.Parse(args); err != nil {
		return flagsExit(err)
	}
	if refuseArguments(flags) {
		return exitError
	}
	stopped, release := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer release()
	worst, whole := exitOK, true
	for _, c := range scenarios.Controls() {
		if c.Comes != "" {
			fmt.Printf("C%d waits for a feature: %s\n", c.Number, c.Comes)
			continue
		}
		fmt.Printf("C%d %s\n   %s\n", c.Number, c.Scenario.Name, c.Tempts)
		s := simFlags{seed: *first, scenario: c.Scenario.Name, seeds: *seeds, workers: runtime.NumCPU(), budget: 5 * time.Minute,
			out: filepath.Join(*out, c.Scenario.Name), resume: *resume, keep: 50}
		if code := s.sweep(nil); code == exitStopped {
			whole = false
		} else if severity(sim.Verdict(code)) > severity(sim.Verdict(worst)) {
			worst = code
		}
		if stopped.Err() != nil { // the sweep has heard it, too: the next one does not begin
			whole = false
			break
		}
	}
	if worst != exitOK {
		fmt.Fprintln(os.Stderr, "a control was flagged: Torc has a bug, or the checker is itself one")
	} else if !whole {
		return exitStopped
	}
	return worst
}
