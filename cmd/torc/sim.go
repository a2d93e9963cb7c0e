package main

import (
	crand "crypto/rand"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"os"

	"torc/scenarios"
	"torc/sim"
)

// simulate runs one simulation and returns the verdict's exit code.
func simulate(args []string) int {
	flags := flag.NewFlagSet("torc sim", flag.ContinueOnError)
	seed := flags.Uint64("seed", drawSeed(), "the run's seed; drawn when not given")
	name := flags.String("scenario", "swarm", "the scenario's name")
	duration := flags.Duration("duration", 0, "simulated time of the torture; 0 is the scenario's own")
	mutant := flags.String("mutant", "", "a planted bug to switch on (build with -tags mutants)")
	events := flags.String("trace", "", "write every event to this file")
	if err := flags.Parse(args); err != nil {
		return 1
	}
	o := sim.Options{Seed: *seed, Duration: *duration, Mutant: *mutant}
	if *events != "" {
		f, err := os.Create(*events)
		if err != nil {
			fmt.Fprintf(os.Stderr, "torc sim: open the trace file: %v\n", err)
			return 1
		}
		defer f.Close()
		o.Trace = io.Writer(f)
	}
	r, err := scenarios.Run(*name, o)
	if err != nil {
		fmt.Fprintf(os.Stderr, "torc sim: %v\n", err)
		return 1
	}
	r.Report(os.Stdout, false)
	return int(r.Verdict)
}

func drawSeed() uint64 {
	var b [8]byte
	_, _ = crand.Read(b[:])
	return uint64(binary.LittleEndian.Uint32(b[:]))
}
