package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	torcv1 "torc/api/v1"
	"torc/cmd/internal/real"
)

// drainsWithin is how long a node of a soak may take to give everything away: the soak's data is small,
// but its links may lose one packet in ten meanwhile.
const drainsWithin = time.Minute

// drainInSoak drains a node by the Admin API, as an operator does, and waits until it has left.
func drainInSoak(ctx context.Context, addr, name string) error {
	ctx, cancel := context.WithTimeout(ctx, drainsWithin)
	defer cancel()
	conn, err := grpc.NewClient("passthrough:///"+addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return fmt.Errorf("asking %s: %w", addr, err)
	}
	defer func() { _ = conn.Close() }()
	admin := torcv1.NewAdminClient(conn)
	for {
		// Asking again does no harm, and tells when it is done.
		_, err := admin.Drain(ctx, &torcv1.DrainRequest{Node: name})
		switch code := status.Code(err); {
		case code == codes.AlreadyExists && strings.Contains(err.Error(), "has left already"):
			return nil
		case err != nil && code != codes.AlreadyExists && code != codes.Unavailable && code != codes.Unknown:
			return fmt.Errorf("asking for it: %w", err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not done within %v, the last answer was: %w", drainsWithin, err)
		case <-time.After(250 * time.Millisecond):
		}
	}
}

// runSoak runs a soak, and writes its report.
func (s *realFlags) runSoak() (code int, err error) {
	if s.duration != 0 {
		return 0, errors.New("--soak TIME says how long: --duration is of a FILE's run")
	}
	o := real.Options{Seed: s.seed, Soak: &real.Soak{Nodes: s.nodes, Beyond: s.beyond, Drain: drainInSoak}}
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
