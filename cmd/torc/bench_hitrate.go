package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"torc/cmd/internal/hitrate"
)

// hitrateShape is what `torc bench hitrate` is told.
type hitrateShape struct {
	dir, write, with string
	seed             uint64
	requests         int
	bytes, json      bool
	replicated       bool
}

func benchHitrate(args []string) int {
	flags := newFlags("torc bench hitrate", "")
	var s hitrateShape
	flags.StringVar(&s.dir, "traces", "", "read the traces in this `DIR`: gzipped text files *.gz with one request per line, 'key' or 'key size'; by default traces are generated")
	flags.Uint64Var(&s.seed, "seed", 1, "seed of the generated traces")
	flags.IntVar(&s.requests, "requests", 0, "how many requests of each trace; 0 means all of them, or 200000 of a generated one")
	flags.BoolVar(&s.bytes, "bytes", false, "measure cache size in bytes, not objects: only traces with sizes, only policies that count sizes")
	flags.StringVar(&s.with, "with", "", "add results of other caches from this `FILE` (- is standard input), written by bench/hitrate")
	flags.BoolVar(&s.replicated, "replicated", false, "also replay the default policy through three nodes with one shard, without and with ten failovers (slow)")
	flags.StringVar(&s.write, "write", "", "write the traces to this `DIR` and exit")
	flags.BoolVar(&s.json, "json", false, "print JSON")
	if err := flags.Parse(args); err != nil {
		return flagsExit(err)
	}
	if refuseArguments(flags) {
		return exitError
	}
	if err := s.run(os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "torc bench hitrate: %v\n", err)
		return exitError
	}
	return exitOK
}

func (s *hitrateShape) run(out io.Writer) error {
	traces, err := s.traces()
	if err != nil {
		return err
	}
	if s.write != "" {
		return hitrate.WriteDir(s.write, traces)
	}
	names := hitrate.Names(s.bytes)
	rows := hitrate.Run(traces, names, s.bytes)
	if s.with != "" {
		more, err := s.others(rows)
		if err != nil {
			return err
		}
		names = append(names, more...)
	}
	if s.replicated && !s.bytes {
		more, err := hitrate.AddReplicated(rows, traces, os.Stderr)
		if err != nil {
			return err
		}
		names = append(names, more...)
	}
	if s.json {
		text, err := json.MarshalIndent(rows, "", "  ")
		if err == nil {
			_, err = fmt.Fprintln(out, string(text))
		}
		return err
	}
	hitrate.Print(out, rows, names, s.bytes)
	return nil
}

func (s *hitrateShape) traces() (traces []*hitrate.Trace, err error) {
	if s.requests < 0 {
		return nil, fmt.Errorf("--requests: want how many requests of each trace, or 0 for all, not %d", s.requests)
	}
	if s.dir == "" {
		requests := s.requests
		if requests == 0 {
			requests = 200_000
		}
		traces = hitrate.Generated(s.seed, requests)
	} else if traces, err = hitrate.ReadDir(s.dir); err != nil {
		return nil, err
	}
	kept := traces[:0]
	for _, t := range traces {
		if t.Sizes != nil || !s.bytes {
			kept = append(kept, t.Cut(s.requests))
		}
	}
	if len(kept) == 0 {
		return nil, errors.New("none of the traces has sizes: leave --bytes away")
	}
	return kept, nil
}

func (s *hitrateShape) others(rows []hitrate.Row) ([]string, error) {
	if s.with == "-" {
		return hitrate.Merge(rows, os.Stdin)
	}
	f, err := os.Open(s.with)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return hitrate.Merge(rows, f)
}
