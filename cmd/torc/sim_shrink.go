package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/term"

	"torc/scenarios/repro"
	"torc/scenarios/script"
	"torc/sim"
)

// shrinkFlags are those of `torc sim shrink`.
type shrinkFlags struct {
	seed   uint64
	seeded bool // it was given
	mutant string
	oracle string
	budget time.Duration
	out    string
	rare   int
}

func (s *shrinkFlags) flags(f *flag.FlagSet) {
	f.Uint64Var(&s.seed, "seed", 0, "run the file with this seed instead of its own")
	f.StringVar(&s.mutant, "mutant", "", "the `name` of a planted bug to switch on instead of the file's (needs a build with -tags mutants), or none")
	f.StringVar(&s.oracle, "oracle", "", "`letter` of the oracle that must keep firing; by default the first that fires")
	f.DurationVar(&s.budget, "budget", time.Minute, "wall-clock `time` to spend")
	f.IntVar(&s.rare, "rare", 10, "about how many `seeds` it takes to see the failure once; the higher, the more seeds are tried for each smaller run")
	f.StringVar(&s.out, "out", "", "write NAME.scenario and NAME_test.go beginning with this `path`; FILE-small when not given")
}

// simShrink makes a failing run small.
func simShrink(args []string) int {
	flags := newFlags("torc sim shrink", "FILE, a repro.json or a scenario file that fails")
	var s shrinkFlags
	s.flags(flags)
	rest, err := parseMixed(flags, args)
	if err != nil {
		return flagsExit(err)
	}
	s.seeded = given(flags, "seed")
	if len(rest) != 1 || len(s.oracle) > 1 {
		fmt.Fprintln(os.Stderr, "torc sim shrink: takes one FILE, and of --oracle one letter")
		return exitError
	}
	if s.rare < 1 {
		fmt.Fprintf(os.Stderr, "torc sim shrink: --rare %d: want 1 or more, about as many seeds as it takes to see the failure once\n", s.rare)
		return exitError
	}
	if s.out == "" {
		s.out = strings.TrimSuffix(rest[0], filepath.Ext(rest[0])) + "-small"
	}
	if err := s.shrink(rest[0]); err != nil {
		fmt.Fprintf(os.Stderr, "torc sim shrink: %v\n", err)
		return exitError
	}
	return exitOK
}

func (s *shrinkFlags) shrink(path string) error {
	run, err := repro.Load(path)
	if err != nil {
		return err
	}
	o := runOptions(run, s.mutant)
	if s.seeded {
		o.Seed = s.seed
	}
	first := sim.Run(o)
	if first.Err != nil {
		return first.Err
	}
	begun, wait := time.Now(), newWaiting()
	k := sim.Shrink{Case: sim.CaseOf(&first), Mutant: o.Mutant, Rare: s.rare,
		More:     func() bool { return time.Since(begun) < s.budget },
		Progress: func(b sim.Shrunk) { wait.show(time.Since(begun), &b) }}
	if s.oracle != "" {
		k.Oracle = sim.Oracle(s.oracle[0])
	}
	small, ok := k.Run()
	wait.clear()
	if !ok {
		return fmt.Errorf("%s does not fail with seed %d%s: there is nothing to shrink", path, o.Seed, withOracle(s.oracle))
	}
	return s.tell(&first, &small, time.Since(begun))
}

func withOracle(letter string) string {
	if letter == "" {
		return ""
	}
	return " by oracle " + letter
}

// tell writes the small run down and says what became of the large one.
func (s *shrinkFlags) tell(first *sim.Result, small *sim.Shrunk, took time.Duration) error {
	f := smallFile(first, small, filepath.Base(s.out))
	text, err := f.Format()
	if err != nil {
		return err
	}
	test, err := script.GoTest(f)
	if err != nil {
		return err
	}
	for name, content := range map[string]string{s.out + ".scenario": text, s.out + "_test.go": test} {
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			return fmt.Errorf("writing the small run: %w", err)
		}
	}
	p := newPainter(os.Stdout)
	fmt.Print(text)
	fmt.Printf("\n%s by oracle %v: %s\n", p.bad("fails"), small.Oracle, small.Oracle.Meaning())
	for _, v := range small.Result.Violations {
		if v.Oracle == small.Oracle {
			fmt.Printf("  %s\n", v.Text)
			break
		}
	}
	minimal := "1-minimal: without any one fault or operation it passes"
	if !small.Minimal {
		minimal = "there was no time to make it 1-minimal (--budget)"
	}
	fmt.Printf("from %d faults and %d operations to %d and %d in %d runs, %.1f s; %s\nwritten: %s.scenario, %[8]s_test.go\n",
		len(first.Plan.Script), countOps(first.Plan.Calls), len(f.Script), countOps(f.Calls), small.Runs, took.Seconds(), minimal, s.out)
	return nil
}

// smallFile is the small run as a scenario file.
func smallFile(first *sim.Result, small *sim.Shrunk, name string) *script.File {
	f := script.Of(small.Case.Scenario, small.Case.Settings)
	f.Name = strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '-'
	}, name)
	f.Doc = fmt.Sprintf("The smallest run that was found in seed %d of %s.", first.Seed, first.Scenario)
	f.Expect = fmt.Sprintf("It fails by oracle %v (%s) until the fault is mended.", small.Oracle, small.Oracle.Meaning())
	f.Seed, f.Mutant, f.Catches = small.Case.Seed, first.Mutant, []sim.Oracle{small.Oracle}
	f.Trim()
	return f
}

func countOps(calls []sim.Call) (n int) {
	for _, c := range calls {
		n += len(c.Ops)
	}
	return n
}

// waiting shows on a terminal how far it is.
type waiting bool

func newWaiting() waiting { return waiting(term.IsTerminal(int(os.Stderr.Fd()))) }

func (w waiting) show(took time.Duration, b *sim.Shrunk) {
	if w {
		fmt.Fprintf(os.Stderr, "\r\x1b[K%.1f s, %d runs: %d faults, %d operations, %v of torture", took.Seconds(), b.Runs,
			len(b.Case.Scenario.Script), countOps(b.Case.Scenario.Calls), b.Case.Scenario.Duration.Round(time.Millisecond))
	}
}

func (w waiting) clear() {
	if w {
		fmt.Fprint(os.Stderr, "\r\x1b[K")
	}
}
