package main

import (
	"errors"
	"fmt"
	"os"

	"torc/cmd/internal/real"
)

// runSoak runs a soak, and writes its report.
func (s *realFlags) runSoak() (code int, err error) {
	if s.duration != 0 {
		return 0, errors.New("--soak TIME says how long: --duration is of a FILE's run")
	}
	o := real.Options{Seed: s.seed, Soak: &real.Soak{Nodes: s.nodes, Beyond: s.beyond}}
	if o.Seed == 0 {
		o.Seed = drawSeed()
	}
	if o.File, err = real.SoakFile(o.Soak, o.Seed, s.soak); err != nil {
		return 0, err
	}
	if err := s.complete(&o); err != nil {
		return 0, err
	}
	fmt.Fprintf(os.Stderr, "soak of %v, seed %d\n", s.soak, o.Seed)
	r, err := s.make(o)
	if err != nil {
		return 0, err
	}
	if err := r.WriteSoak(os.Stdout, bool(newPainter(os.Stdout))); err != nil {
		return 0, err
	}
	if !r.Pass() {
		code = 2
	}
	return code, s.writeReport(r)
}

func (s *realFlags) writeReport(r *real.Result) error {
	if s.report == "" {
		return nil
	}
	f, err := os.Create(s.report)
	if err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return errors.Join(r.WriteSoak(f, false), f.Close())
}
