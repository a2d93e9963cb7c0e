package main

import (
	"flag"
	"fmt"
	"io"
	"os"

	"torc/scenarios/replay"
	"torc/scenarios/repro"
	"torc/sim"
)

const replayUsage = `FILE, a repro.json or a scenario file

The run is made again and stopped where you say, with the last events before that and how every
node stands. --break and --show take conditions over an event's fields, parted by spaces:
  kind node peer shard replica term index a b at note    with = != < <= > >= and, for note, ~
  kind=role node=2 term>=5      at>12.5s note~split      peer=c1 (the first client)
The exit code is 0 when the run was stopped, its verdict's when it went to its end, 1 when there
was no run, and 6 when it is not the run that the file keeps.
`

// exitDifferent says that two runs that were held against each other are not the same.
const exitDifferent = 6

// replayFlags are what `torc sim replay` takes.
type replayFlags struct {
	seed   uint64
	mutant string
	until  string
	breaks string
	show   string
	step   bool
	around int
	given  map[string]bool
}

func (s *replayFlags) flags(f *flag.FlagSet) {
	f.Uint64Var(&s.seed, "seed", 0, "a `seed` instead of the file's own")
	f.StringVar(&s.mutant, "mutant", "", "the `name` of a planted bug instead of the file's, or none")
	f.StringVar(&s.until, "until", "", "stop at this simulated `time`, such as 12.5s")
	f.StringVar(&s.breaks, "break", "", "stop at the first event that meets these `conditions`")
	f.StringVar(&s.show, "show", "", "print only events that meet these `conditions`")
	f.BoolVar(&s.step, "step", false, "step interactively (? for help), starting at --until, --break or the first event")
	f.IntVar(&s.around, "around", 20, "how many events before the stop to print")
}

// simReplay makes a run that was kept again, for a person to look at.
func simReplay(args []string) int {
	flags := newFlags("torc sim replay", replayUsage)
	s := replayFlags{given: map[string]bool{}}
	s.flags(flags)
	rest, err := parseMixed(flags, args)
	if err != nil {
		return flagsExit(err)
	}
	flags.Visit(func(f *flag.Flag) { s.given[f.Name] = true })
	if len(rest) != 1 {
		return simFailed("replay", fmt.Errorf("wants one FILE, not %q", rest))
	}
	code, err := s.replay(rest[0], os.Stdin, os.Stdout, newPainter(os.Stdout).paint)
	if err != nil {
		return simFailed("replay", err)
	}
	return code
}

func simFailed(command string, err error) int {
	fmt.Fprintf(os.Stderr, "torc sim %s: %v\n", command, err)
	return exitError
}

// player reads the flags that say where to stop.
func (s *replayFlags) player() (p *replay.Player, err error) {
	p = &replay.Player{Last: s.around}
	if s.until != "" {
		if p.Until, err = replay.ParseTime(s.until); err != nil {
			return nil, fmt.Errorf("--until: %w", err)
		}
	}
	if p.Break, err = whereOf("--break", s.breaks); err != nil {
		return nil, err
	}
	p.Show, err = whereOf("--show", s.show)
	return p, err
}

func whereOf(name, text string) (*replay.Where, error) {
	if text == "" {
		return nil, nil
	}
	w, err := replay.ParseWhere(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return w, nil
}

func (s *replayFlags) replay(path string, in io.Reader, out io.Writer, paint func(code, text string) string) (int, error) {
	p, err := s.player()
	if err != nil {
		return 0, err
	}
	run, err := repro.Load(path)
	if err != nil {
		return 0, err
	}
	p.Out, p.Paint = out, paint
	if s.step {
		p.In = in
	}
	o := runOptions(run, s.mutant)
	if s.given["seed"] {
		o.Seed = s.seed
	}
	_, _ = fmt.Fprintf(out, "%s\n", titleOf(path, o))
	same := true
	if run.Hash != "" && !s.given["seed"] && o.Mutant == run.Mutant {
		same, err = verify(run, out)
		if err != nil {
			return 0, err
		}
	}
	_, _ = fmt.Fprintln(out)
	r, stopped := p.Play(o)
	switch {
	case r.Err != nil:
		return 0, r.Err
	case !same:
		return exitDifferent, nil
	case stopped:
		return exitOK, nil
	}
	return int(r.Verdict), nil
}

// runOptions are a kept run's, with another planted bug if one is named.
func runOptions(run *repro.Run, mutant string) sim.Options {
	o := run.Options()
	switch mutant {
	case "":
	case "none":
		o.Mutant = ""
	default:
		o.Mutant = mutant
	}
	return o
}

func titleOf(path string, o sim.Options) string {
	title := fmt.Sprintf("%s: seed %d", path, o.Seed)
	if o.Mutant != "" {
		title += ", planted bug " + o.Mutant
	}
	return title
}

// verify makes the whole run and holds it to the hash that was kept with it.
func verify(run *repro.Run, out io.Writer) (same bool, err error) {
	r := sim.Run(run.Options())
	if r.Err != nil {
		return false, r.Err
	}
	if r.Hash == run.Hash {
		_, _ = fmt.Fprintf(out, "it is the run that was kept: trace hash %s\n", r.Hash)
		return true, nil
	}
	_, _ = fmt.Fprintf(out, "IT IS NOT THE RUN THAT WAS KEPT: its trace hash is %s, the file's is %s\n", r.Hash, run.Hash)
	switch here := repro.Commit(); {
	case run.Commit == "" || here == "":
		_, _ = fmt.Fprintf(out, "the file was written by commit %q, this program is of commit %q: whether the code differs cannot be told\n", run.Commit, here)
	case run.Commit != here:
		_, _ = fmt.Fprintf(out, "the commit differs: the file was written by %s, this program is of %s\n", run.Commit, here)
	default:
		_, _ = fmt.Fprintf(out, "the commit is the same (%s): local changes, other build tags, or a bug of the simulator\n", here)
	}
	return false, nil
}
