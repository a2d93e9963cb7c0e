package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/term"

	"torc/cmd/internal/real"
	"torc/scenarios/repro"
)

// realFlags are those of `torc sim real`.
type realFlags struct {
	seed     uint64
	binary   string
	network  string
	duration time.Duration
	keep     bool

	soak   time.Duration
	nodes  int
	beyond bool
	report string
}

func (s *realFlags) flags(f *flag.FlagSet) {
	f.Uint64Var(&s.seed, "seed", 0, "run the file with this seed instead of its own")
	f.StringVar(&s.binary, "binary", "", "`path` of the torcd to run; by default the one next to this program, or on the PATH")
	f.StringVar(&s.network, "net", string(real.Auto), "where the nodes run: loopback (no link can be cut), `namespaces`, or auto: namespaces where they are permitted")
	f.DurationVar(&s.duration, "duration", 0, "`time` during which faults strike; 0 means the file's own")
	f.DurationVar(&s.soak, "soak", 0, "instead of running a FILE: random faults from the seed for this `time`, on real processes only")
	f.IntVar(&s.nodes, "nodes", 5, "how many nodes a soak starts with; one more joins later")
	f.BoolVar(&s.beyond, "beyond", false, "let a soak harm more nodes at a time than the replication tolerates; then only what is still promised is checked")
	f.StringVar(&s.report, "report", "", "also write a soak's report to this `file`")
	f.BoolVar(&s.keep, "keep", false, "keep the nodes' logs and the history, and say where")
}

// simReal runs a scenario file with real processes, and compares.
func simReal(args []string) int {
	flags := newFlags("torc sim real", "FILE, a scenario file or a repro.json; or --soak TIME")
	var s realFlags
	s.flags(flags)
	rest, err := parseMixed(flags, args)
	if err != nil {
		return flagsExit(err)
	}
	var code int
	switch {
	case s.soak > 0 && len(rest) == 0:
		code, err = s.runSoak()
	case s.soak == 0 && len(rest) == 1:
		code, err = s.run(rest[0])
	default:
		err = errors.New("takes one FILE, or --soak TIME and no FILE")
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "torc sim real: %v\n", err)
		return exitError
	}
	return code
}

func (s *realFlags) run(path string) (code int, err error) {
	o, err := s.options(path)
	if err != nil {
		return 0, err
	}
	r, err := s.make(o)
	if err != nil {
		return 0, err
	}
	c := real.Compare(r, o)
	return c.ExitCode(), c.Write(os.Stdout, bool(newPainter(os.Stdout)))
}

// make makes the run with real processes.
func (s *realFlags) make(o real.Options) (*real.Result, error) {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer cancel()
	show := &realProgress{live: term.IsTerminal(int(os.Stderr.Fd()))}
	o.Progress = show.take
	o.Before = func(list []real.Unreal) { _ = real.WriteUnreal(os.Stdout, "not modelled in reality", list) }
	r, err := real.Run(ctx, o)
	show.end()
	if err != nil {
		if ctx.Err() != nil {
			err = errors.New("interrupted: everything that was started and made has been removed")
		}
		return nil, err
	}
	return r, nil
}

func (s *realFlags) options(path string) (o real.Options, err error) {
	run, err := repro.Load(path)
	if err != nil {
		return o, err
	}
	o = real.Options{File: run.File, Seed: run.Seed, Duration: s.duration}
	if s.seed != 0 {
		o.Seed = s.seed
	}
	return o, s.complete(&o)
}

// complete fills in what files and soaks have in common.
func (s *realFlags) complete(o *real.Options) (err error) {
	o.Network, o.Keep = real.Network(s.network), s.keep
	switch o.Network {
	case real.Auto, real.Loopback, real.Namespaces:
	default:
		return fmt.Errorf("--net %s: want auto, loopback or namespaces", s.network)
	}
	o.Binary, err = findTorcd(s.binary)
	return err
}

// findTorcd is the torcd to run.
func findTorcd(given string) (string, error) {
	if given == "" {
		given = "torcd"
		if self, err := os.Executable(); err == nil {
			if beside := filepath.Join(filepath.Dir(self), "torcd"); isFile(beside) {
				given = beside
			}
		}
	}
	path, err := exec.LookPath(given)
	if err != nil {
		return "", fmt.Errorf("no torcd to run: build it beside this program (go build -o bin/ ./cmd/torcd ./cmd/torc) or give --binary: %w", err)
	}
	return filepath.Abs(path)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// plainEvery is how often progress is told where there is no terminal to draw on.
const plainEvery = 5 * time.Second

// realProgress tells a person who waits how far a run is.
type realProgress struct {
	live bool

	mu    sync.Mutex
	phase string
	told  time.Duration
}

func (s *realProgress) take(p real.Progress) {
	s.mu.Lock()
	defer s.mu.Unlock()
	line := fmt.Sprintf("%6.1fs  %-12s %7d ops", p.Elapsed.Seconds(), p.Phase, p.Ops)
	switch {
	case p.Said != "":
		fmt.Fprintf(os.Stderr, "%s%s  %s\n", s.wipe(), line, p.Said)
	case s.live:
		fmt.Fprintf(os.Stderr, "%s%s", s.wipe(), line)
	case p.Phase != s.phase || p.Elapsed-s.told >= plainEvery:
		fmt.Fprintln(os.Stderr, line)
	default:
		return
	}
	s.phase, s.told = p.Phase, p.Elapsed
}

// wipe clears the line that stands on a terminal.
func (s *realProgress) wipe() string {
	if !s.live {
		return ""
	}
	return "\r\x1b[K"
}

func (s *realProgress) end() { fmt.Fprint(os.Stderr, s.wipe()) }
