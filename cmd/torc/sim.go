package main

import (
	crand "crypto/rand"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"torc/scenarios"
	"torc/sim"
)

// simFlags are what both a run and a sweep take.
type simFlags struct {
	seed     uint64
	scenario string
	duration time.Duration
	mutant   string
	trace    string

	seeds   int
	workers int
	budget  time.Duration
	json    bool
}

func (s *simFlags) flags(f *flag.FlagSet) {
	f.Uint64Var(&s.seed, "seed", 0, "the run's seed, or a sweep's first; drawn for a run when not given")
	f.StringVar(&s.scenario, "scenario", "swarm", "the scenario's `name`; \"list\" lists them")
	f.DurationVar(&s.duration, "duration", 0, "simulated `time` of the torture; 0 is the scenario's own")
	f.StringVar(&s.mutant, "mutant", "", "a planted bug to switch on, by `name` (build with -tags mutants)")
	f.StringVar(&s.trace, "trace", "", "write every event to this `file`")
	f.IntVar(&s.seeds, "seeds", 0, "sweep so many seeds, each in a process of its own")
	f.IntVar(&s.workers, "workers", runtime.NumCPU(), "processes at a time, in a sweep")
	f.DurationVar(&s.budget, "budget", 5*time.Minute, "wall `time` after which a sweep gives a seed up")
	f.BoolVar(&s.json, "json", false, "print a sweep's result as JSON")
}

// simulate runs one simulation, or many, and returns the verdict's exit code.
func simulate(args []string) int {
	flags := newFlags("torc sim", "")
	var s simFlags
	s.flags(flags)
	if err := flags.Parse(args); err != nil {
		return flagsExit(err)
	}
	given := false
	flags.Visit(func(f *flag.Flag) { given = given || f.Name == "seed" })
	switch {
	case s.scenario == "list":
		listScenarios(os.Stdout)
		return 0
	case s.seeds > 0:
		if !given {
			s.seed = 1
		}
		return s.sweep()
	case !given:
		s.seed = drawSeed()
	}
	return s.one()
}

func listScenarios(w io.Writer) {
	for _, c := range scenarios.All() {
		_, _ = fmt.Fprintf(w, "%-22s %s\n%22s Expected: %s\n", c.Name, c.Doc, "", c.Expect)
	}
	_, _ = fmt.Fprintln(w, "\nOne for each planted bug (make sim MUTANT=name SCENARIO=name):")
	for _, m := range scenarios.Mutants() {
		_, _ = fmt.Fprintf(w, "%-22s %s\n", m.Scenario.Name, m.Lesson)
	}
}

func (s *simFlags) one() int {
	o := sim.Options{Seed: s.seed, Duration: s.duration, Mutant: s.mutant}
	if s.trace != "" {
		f, err := os.Create(s.trace)
		if err != nil {
			fmt.Fprintf(os.Stderr, "torc sim: open the trace file: %v\n", err)
			return 1
		}
		defer func() { _ = f.Close() }()
		o.Trace = io.Writer(f)
	}
	r, err := scenarios.Run(s.scenario, o)
	if err != nil {
		fmt.Fprintf(os.Stderr, "torc sim: %v\n", err)
		return 1
	}
	if err := r.Report(os.Stdout, bool(newPainter(os.Stdout))); err != nil {
		fmt.Fprintf(os.Stderr, "torc sim: %v\n", err)
		return 1
	}
	return int(r.Verdict)
}

func drawSeed() uint64 {
	var b [8]byte
	_, _ = crand.Read(b[:])
	return uint64(binary.LittleEndian.Uint32(b[:]))
}
