package sim

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Sweep runs many seeds, each in a process of its own, because a process can hold one world
// at a time (see invariant 2 of the package). It is the host's business: goroutines and
// processes are fine here, and nothing in it reaches a world.
type Sweep struct {
	First   uint64
	Count   int
	Workers int // processes at a time, at least 1
	// Exec makes the run of one seed and returns its report and its exit code; see Spawn.
	Exec func(seed uint64) (report []byte, code int, err error)
	// Done, when set, is called for every seed as it ends, one call at a time.
	Done func(SeedResult)
}

// SeedResult is what one seed of a sweep came to.
type SeedResult struct {
	Seed    uint64
	Verdict Verdict
	Hash    string
	Report  []byte
	Err     error // there was no run
}

// Spawn returns an Exec that starts binary with the arguments and "--seed N", and kills what takes
// longer than budget.
func Spawn(budget time.Duration, binary string, args ...string) func(seed uint64) ([]byte, int, error) {
	return func(seed uint64) ([]byte, int, error) {
		ctx, cancel := context.WithTimeout(context.Background(), budget)
		defer cancel()
		all := append(append([]string(nil), args...), "--seed", strconv.FormatUint(seed, 10))
		report, err := exec.CommandContext(ctx, binary, all...).CombinedOutput()
		if ctx.Err() != nil {
			return report, int(Broken), fmt.Errorf("running seed %d: not done after %v", seed, budget)
		}
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.ExitCode() >= 0 {
			return report, exit.ExitCode(), nil
		}
		if err != nil {
			return report, int(Broken), fmt.Errorf("running seed %d: %w", seed, err)
		}
		return report, 0, nil
	}
}

// Run runs the sweep and returns the results by seed.
func (s Sweep) Run() []SeedResult {
	results := make([]SeedResult, s.Count)
	next := make(chan int)
	var workers sync.WaitGroup
	var telling sync.Mutex
	for range max(s.Workers, 1) {
		workers.Go(func() {
			for i := range next {
				results[i] = s.one(s.First + uint64(i))
				if s.Done != nil {
					telling.Lock()
					s.Done(results[i])
					telling.Unlock()
				}
			}
		})
	}
	for i := range s.Count {
		next <- i
	}
	close(next)
	workers.Wait()
	return results
}

func (s Sweep) one(seed uint64) SeedResult {
	report, code, err := s.Exec(seed)
	r := SeedResult{Seed: seed, Verdict: Verdict(code), Report: report, Err: err, Hash: hashIn(report)}
	if r.Hash == "" && err == nil { // a Go panic exits with 2, which must not pass for a verdict
		r.Verdict, r.Err = Broken, fmt.Errorf("seed %d: the process ended with code %d and no trace hash", seed, code)
	}
	return r
}

// hashIn finds the trace hash in a report.
func hashIn(report []byte) string {
	for _, line := range strings.Split(string(report), "\n") {
		if hash, found := strings.CutPrefix(line, "trace hash: "); found {
			return strings.TrimSpace(hash)
		}
	}
	return ""
}
