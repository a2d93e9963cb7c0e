package main

import (
	"flag"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/term"

	"torc/scenarios/replay"
	"torc/scenarios/repro"
)

const diffUsage = `A [B], each a repro.json or a scenario file

Both runs are made; the first event (or frame) that differs is named, with what is around it in
both. With one file, its run with the planted bug (the file's or --mutant-a) is held against the
same schedule without it.
The exit code is 0 when both runs are one, 1 when they could not be made, and 6 when they differ.
`

// diffFlags are what `torc sim diff` takes.
type diffFlags struct {
	mutantA, mutantB string
	seed             uint64
	seeded           bool
	context          int
	width            int
}

func (s *diffFlags) flags(f *flag.FlagSet) {
	f.StringVar(&s.mutantA, "mutant-a", "", "the `name` of a planted bug for A instead of the file's, or none")
	f.StringVar(&s.mutantB, "mutant-b", "", "the same for B")
	f.Uint64Var(&s.seed, "seed", 0, "a `seed` for both runs, instead of the files' own")
	f.IntVar(&s.context, "context", 8, "how many events before and after to print")
	f.IntVar(&s.width, "width", 0, "`columns` of the output; 0: the terminal's, or 160")
}

// simDiff shows where two runs part.
func simDiff(args []string) int {
	flags := newFlags("torc sim diff", diffUsage)
	var s diffFlags
	s.flags(flags)
	files, err := parseMixed(flags, args)
	if err != nil {
		return flagsExit(err)
	}
	flags.Visit(func(f *flag.Flag) { s.seeded = s.seeded || f.Name == "seed" })
	a, b, err := s.sides(files)
	if err != nil {
		return simFailed("diff", err)
	}
	d, err := replay.Diff(a, b, s.context)
	if err == nil {
		err = d.Print(os.Stdout, s.columns(), newPainter(os.Stdout).paint)
	}
	switch {
	case err != nil:
		return simFailed("diff", err)
	case d.Same:
		return exitOK
	}
	return exitDifferent
}

// sides are the two runs: of two files, or of one with and without its planted bug.
func (s *diffFlags) sides(files []string) (a, b *replay.Side, err error) {
	mutantB := s.mutantB
	switch len(files) {
	case 2:
	case 1:
		files = append(files, files[0])
		if mutantB == "" {
			mutantB = "none"
		}
	default:
		return nil, nil, fmt.Errorf("wants one file or two, not %q", files)
	}
	if a, err = s.side(files[0], s.mutantA); err != nil {
		return nil, nil, err
	}
	if b, err = s.side(files[1], mutantB); err != nil {
		return nil, nil, err
	}
	if files[0] == files[1] && a.Options.Mutant == b.Options.Mutant {
		return nil, nil, fmt.Errorf("%s is held against itself; name a second file, or a planted bug with --mutant-a", files[0])
	}
	return a, b, nil
}

func (s *diffFlags) side(path, mutant string) (*replay.Side, error) {
	run, err := repro.Load(path)
	if err != nil {
		return nil, err
	}
	o := runOptions(run, mutant)
	if s.seeded {
		o.Seed = s.seed
	}
	return &replay.Side{Name: titleOf(path, o), Options: o}, nil
}

// columns is how wide the output may be.
func (s *diffFlags) columns() int {
	if s.width > 0 {
		return s.width
	}
	if width, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil && width > 0 {
		return width
	}
	if width, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && width > 0 {
		return width
	}
	return 160
}
