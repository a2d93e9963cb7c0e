package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/term"

	"torc/scenarios/sweep"
)

const determinismUsage = `[FILE], a scenario file; without one, --scenario

Every seed's run is made several times: each time in other processes, with another GOMAXPROCS, and
behind other seeds in its process. All its hashes must be equal. With --binary, runs take the
programs in turn, so that a build with the race detector can stand beside another.
The exit code is 0 when all are equal, 1 when that could not be found out, and 6 when some differ.
`

// determinismFlags are what `torc sim check-determinism` takes.
type determinismFlags struct {
	simFlags
	runs     int
	binaries []string
}

func (s *determinismFlags) flags(f *flag.FlagSet) {
	f.Uint64Var(&s.seed, "seed", 1, "the first `seed`")
	f.IntVar(&s.seeds, "seeds", 100, "how many seeds")
	f.IntVar(&s.runs, "runs", 3, "how often to run each seed")
	f.StringVar(&s.scenario, "scenario", "swarm", "the scenario's `name`")
	f.DurationVar(&s.duration, "duration", 0, "simulated `time` during which faults strike; 0 means the scenario's own")
	f.StringVar(&s.mutant, "mutant", "", "a planted bug to switch on, by `name`")
	f.IntVar(&s.workers, "workers", runtime.NumCPU(), "processes at a time")
	f.DurationVar(&s.budget, "budget", 5*time.Minute, "wall-clock `time` after which a seed is given up")
	f.BoolVar(&s.json, "json", false, "print the result as JSON")
	f.Func("binary", "a `program` to run instead of this one; may be given several times", func(path string) error {
		if info, err := os.Stat(path); err != nil || info.IsDir() {
			return fmt.Errorf("%s is no program", path)
		}
		s.binaries = append(s.binaries, path)
		return nil
	})
}

// processors are the GOMAXPROCS of the runs, in turn.
var processors = []int{1, 4, 2}

// determinismResult is what a check came to.
type determinismResult struct {
	Seeds   int              `json:"seeds"`
	Runs    int              `json:"runs"`
	Done    int              `json:"done"` // runs of seeds
	Differ  []sweep.Mismatch `json:"differ"`
	Seconds float64          `json:"wall_seconds"`
}

// simCheckDeterminism holds many seeds to invariant 1 of sim.
func simCheckDeterminism(args []string) int {
	flags := newFlags("torc sim check-determinism", determinismUsage)
	var s determinismFlags
	s.flags(flags)
	files, err := parseMixed(flags, args)
	if err != nil {
		return flagsExit(err)
	}
	r, err := s.check(files)
	if err != nil {
		return simFailed("check-determinism", err)
	}
	if s.json {
		printJSON(r)
	} else {
		r.print()
	}
	switch {
	case len(r.Differ) > 0:
		return exitDifferent
	case r.Done < r.Seeds*r.Runs:
		return simFailed("check-determinism", fmt.Errorf("stopped after %d of %d runs", r.Done, r.Seeds*r.Runs))
	}
	return exitOK
}

func (s *determinismFlags) check(files []string) (*determinismResult, error) {
	if len(files) > 1 || s.seeds < 1 || s.runs < 2 {
		return nil, errors.New("wants one FILE at most, a seed at least and two --runs at least")
	}
	job, err := s.job(files)
	if err != nil {
		return nil, err
	}
	if len(s.binaries) == 0 {
		self, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("finding this program: %w", err)
		}
		s.binaries = []string{self}
	}
	c := sweep.Check{Job: job, Runs: max(s.runs, len(s.binaries)), Workers: s.workers, Budget: s.budget, Start: s.start}
	for i := range s.seeds {
		c.Seeds = append(c.Seeds, s.seed+uint64(i))
	}
	c.Stop, c.Abort = interrupts()
	r := &determinismResult{Seeds: s.seeds, Runs: c.Runs}
	c.Told = s.progress(r)
	begin := time.Now()
	r.Differ, err = c.Run()
	r.Seconds = time.Since(begin).Seconds()
	return r, err
}

// start starts a worker for a run.
func (s *determinismFlags) start(run int) (*sweep.Process, error) {
	return sweep.Spawn(s.binaries[run%len(s.binaries)], fmt.Sprintf("GOMAXPROCS=%d", processors[run%len(processors)]))
}

// progress counts the runs and shows how far they are.
func (s *determinismFlags) progress(r *determinismResult) func(run int, a sweep.Answer) {
	begin, every := time.Now(), logEvery
	live := term.IsTerminal(int(os.Stderr.Fd())) && !s.json
	if live {
		every = liveEvery
	}
	shown := begin
	return func(run int, _ sweep.Answer) {
		r.Done++
		now := time.Now()
		total := r.Seeds * r.Runs
		if now.Sub(shown) < every && (!live || r.Done < total) {
			return
		}
		shown = now
		left := time.Duration(float64(now.Sub(begin)) / float64(r.Done) * float64(total-r.Done))
		text := fmt.Sprintf("run %d of %d: %d of %d seeds; %v left", run+1, r.Runs, r.Done-run*r.Seeds, r.Seeds, left.Round(time.Second))
		switch {
		case live && r.Done == total:
			fmt.Fprint(os.Stderr, "\r\x1b[K")
		case live:
			fmt.Fprintf(os.Stderr, "\r\x1b[K%s", text)
		default:
			fmt.Fprintln(os.Stderr, text)
		}
	}
}

func (r *determinismResult) print() {
	p := newPainter(os.Stdout)
	for _, m := range r.Differ {
		fmt.Printf("seed %d: %s\n  %s\n", m.Seed, p.bad("its runs are not one"), strings.Join(m.Hashes, "\n  "))
	}
	verdict := p.good("equal hashes")
	if r.Done < r.Seeds*r.Runs {
		verdict = p.odd("stopped before the end; so far none differs")
	}
	if len(r.Differ) > 0 {
		verdict = p.bad(fmt.Sprintf("%d seeds DIFFER", len(r.Differ)))
	}
	fmt.Printf("%d seeds, %d runs each, %d runs in all in %.1f s: %s\n", r.Seeds, r.Runs, r.Done, r.Seconds, verdict)
}
