package main

import (
	crand "crypto/rand"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"torc/scenarios"
	"torc/scenarios/repro"
	"torc/scenarios/script"
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

	page   pageFlags
	out    string
	resume bool
	keep   int
}

func (s *simFlags) flags(f *flag.FlagSet) {
	f.Uint64Var(&s.seed, "seed", 0, "the run's seed, or the first of a sweep; a random one by default")
	f.StringVar(&s.scenario, "scenario", "swarm", "the scenario's `name`; \"list\" lists them")
	f.DurationVar(&s.duration, "duration", 0, "simulated `time` during which faults strike; 0 means the scenario's own")
	f.StringVar(&s.mutant, "mutant", "", "the `name` of a planted bug to switch on (needs a build with -tags mutants), or none")
	f.StringVar(&s.trace, "trace", "", "write every event to this `file`")
	f.IntVar(&s.seeds, "seeds", 0, "sweep this many seeds, in worker processes")
	f.IntVar(&s.workers, "workers", runtime.NumCPU(), "how many worker processes a sweep uses")
	f.DurationVar(&s.budget, "budget", 5*time.Minute, "wall-clock `time` after which a sweep gives up on a seed")
	f.BoolVar(&s.json, "json", false, "print a sweep's result as JSON")
	s.page.flags(f)
	f.StringVar(&s.out, "out", "sim-failures", "`folder` for a sweep's failing runs and its progress; \"\" keeps nothing")
	f.BoolVar(&s.resume, "resume", false, "continue the interrupted sweep in --out")
	f.IntVar(&s.keep, "keep", 50, "how many failing seeds of a sweep get a folder; the others are only listed")
}

// simCommands are what `torc sim` does besides running a scenario.
func simCommands() []command {
	return []command{
		{"gallery", "the planted bugs: list them, learn from them, score the simulator by them", gallery},
		{"real", "run a file with real torcd processes, and say where model and reality differ", simReal},
		{"shrink", "make a failing run small: fewer faults, operations, nodes; a scenario file and a Go test", simShrink},
		{"words", "every word that a scenario file may use", simWords},
		{"replay", "make a run that was kept again: up to a time or an event, or step by step", simReplay},
		{"diff", "where two runs part, side by side: a planted bug against the code without it", simDiff},
		{"check-determinism", "many seeds, several times each, in different processes: are the hashes equal?", simCheckDeterminism},
		{"worker", "make the runs of a sweep, as its questions on stdin say (not for people)", simWorker},
	}
}

func simUsage() string {
	var b strings.Builder
	b.WriteString("[FILE], a scenario file or a repro.json; or torc sim COMMAND:\n")
	for _, c := range simCommands() {
		fmt.Fprintf(&b, "  %-17s  %s\n", c.name, c.summary)
	}
	return b.String()
}

// simulate runs one simulation, or many, and returns the verdict's exit code.
func simulate(args []string) int {
	if len(args) > 0 {
		all := simCommands()
		if i := slices.IndexFunc(all, func(c command) bool { return c.name == args[0] }); i >= 0 {
			return all[i].run(args[1:])
		}
	}
	flags := newFlags("torc sim", simUsage())
	var s simFlags
	s.flags(flags)
	rest, err := parseMixed(flags, args)
	if err != nil {
		return flagsExit(err)
	}
	if len(rest) > 1 {
		fmt.Fprintf(os.Stderr, "torc sim: one FILE at most, not %q\n", rest)
		return exitError
	}
	if err := s.misfit(flags, rest); err != nil {
		fmt.Fprintf(os.Stderr, "torc sim: %v\n", err)
		return exitError
	}
	seeded := given(flags, "seed")
	switch {
	case s.seeds > 0:
		if !seeded {
			s.seed = 1
		}
		return s.sweep(rest)
	case len(rest) == 1:
		return s.file(rest[0], seeded)
	case s.scenario == "list":
		listScenarios(os.Stdout)
		return 0
	case !seeded:
		s.seed = drawSeed()
	}
	return s.one()
}

// Flags that only a single run, or only a sweep, has a use for.
var (
	runFlags   = []string{"trace", "report", "porcupine", "shiviz", "shiviz-from", "shiviz-to"}
	sweepFlags = []string{"workers", "budget", "json", "out", "resume", "keep"}
)

// misfit finds flags that nothing would come of: whoever gave them waits for a file, or for JSON.
func (s *simFlags) misfit(flags *flag.FlagSet, files []string) error {
	useless, why := sweepFlags, "is for a sweep: say --seeds, too"
	if given(flags, "seeds") {
		useless, why = runFlags, "is of one run: leave --seeds away, or replay what the sweep keeps"
	}
	if i := slices.IndexFunc(useless, func(name string) bool { return given(flags, name) }); i >= 0 {
		return fmt.Errorf("--%s %s", useless[i], why)
	}
	switch {
	case given(flags, "seeds") && s.seeds < 1:
		return fmt.Errorf("--seeds %d: want at least one", s.seeds)
	case len(files) > 0 && given(flags, "scenario"):
		return fmt.Errorf("--scenario and the file %s: give one of them", files[0])
	}
	return nil
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

// one runs a named scenario.
func (s *simFlags) one() int {
	scenario, err := scenarios.Find(s.scenario)
	if err != nil {
		fmt.Fprintf(os.Stderr, "torc sim: %v\n", err)
		return exitError
	}
	name := s.mutant
	if name == "none" { // a scenario that is named has none of its own
		name = ""
	}
	return s.run(sim.Options{Seed: s.seed, Scenario: scenario, Duration: s.duration, Mutant: name})
}

// file runs a scenario file or a repro.json; flags that are given go before what it says.
func (s *simFlags) file(path string, seeded bool) int {
	run, err := repro.Load(path)
	if err != nil {
		fmt.Fprintf(os.Stderr, "torc sim: %v\n", err)
		return exitError
	}
	o := run.Options()
	o.File, o.Duration = path, s.duration
	if seeded {
		o.Seed = s.seed
	}
	switch s.mutant {
	case "":
	case "none":
		o.Mutant, o.NoMutant = "", true
	default:
		o.Mutant = s.mutant
	}
	return s.run(o)
}

func (s *simFlags) run(o sim.Options) int {
	if s.trace != "" {
		f, err := os.Create(s.trace)
		if err != nil {
			fmt.Fprintf(os.Stderr, "torc sim: open the trace file: %v\n", err)
			return 1
		}
		defer func() { _ = f.Close() }()
		o.Trace = io.Writer(f)
	}
	r, pageErr := s.page.run(o)
	if err := r.Report(os.Stdout, bool(newPainter(os.Stdout))); err != nil {
		fmt.Fprintf(os.Stderr, "torc sim: %v\n", err)
		return 1
	}
	if r.Err == nil {
		fmt.Fprintln(os.Stderr, r.Pace()) // apart, so that equal runs print equal reports
	}
	if pageErr != nil {
		fmt.Fprintf(os.Stderr, "torc sim: %v\n", pageErr)
		return 1
	}
	return int(r.Verdict)
}

// simWords prints the language of scenario files.
func simWords(args []string) int {
	flags := newFlags("torc sim words", "prints every word that a scenario file may use")
	if err := flags.Parse(args); err != nil {
		return flagsExit(err)
	}
	if refuseArguments(flags) {
		return exitError
	}
	if err := script.Usage(os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "torc sim words: %v\n", err)
		return exitError
	}
	return exitOK
}

func drawSeed() uint64 {
	var b [8]byte
	_, _ = crand.Read(b[:])
	return uint64(binary.LittleEndian.Uint32(b[:]))
}
