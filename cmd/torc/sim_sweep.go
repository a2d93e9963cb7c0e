package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"torc/core/mutant"
	"torc/scenarios/sweep"
	"torc/sim"
)

// exitStopped is the exit code of a sweep that a signal has stopped and that has found nothing so far, as of a program
// that Ctrl-C ends: whoever waits for all seeds has not got them.
const exitStopped = 130

// sweepResult is what a sweep came to.
type sweepResult struct {
	Scenario   string         `json:"scenario"`
	Seeds      int            `json:"seeds"`
	Done       int            `json:"done"` // fewer than Seeds when the sweep was stopped
	Failed     []sweepFailure `json:"failed"`
	Events     uint64         `json:"events"`
	SimSeconds float64        `json:"simulated_seconds"`
	Seconds    float64        `json:"wall_seconds"` // of this session
}

type sweepFailure struct {
	Seed    uint64 `json:"seed"`
	Verdict string `json:"verdict"`
	Found   string `json:"found,omitempty"`
	Replay  string `json:"replay"`
	Folder  string `json:"folder,omitempty"`
	Error   string `json:"error,omitempty"`
}

// sweep runs many seeds and returns the worst verdict's exit code, or exitStopped.
func (s *simFlags) sweep(files []string) int {
	job, err := s.job(files)
	if err != nil {
		return simFailed("--seeds", err)
	}
	self, err := os.Executable()
	if err != nil {
		return simFailed("--seeds", fmt.Errorf("finding this program: %w", err))
	}
	t := newTally(s, &job)
	journal, err := s.journal(&job, self)
	if err != nil {
		return simFailed("--seeds", err)
	}
	if journal != nil {
		defer func() { _ = journal.Close() }()
	}
	run := &sweep.Sweep{Job: job, Workers: s.workers, Budget: s.budget, KeepMax: s.keep,
		Start: func() (*sweep.Process, error) { return sweep.Spawn(self) }}
	run.Stop, run.Abort = interrupts()
	run.Seeds = t.resume(journal)
	run.Told = func(a sweep.Answer) error {
		t.take(a)
		if journal == nil {
			return nil
		}
		return journal.Add(a)
	}
	stopTicking := t.tick()
	err = run.Run()
	stopTicking()
	t.finish()
	if err != nil {
		return simFailed("--seeds", err)
	}
	if t.worst == exitOK && t.Done < t.Seeds {
		return exitStopped
	}
	return t.worst
}

// job is what all seeds have in common. What cannot be run at all is said before any worker starts.
func (s *simFlags) job(files []string) (job sweep.Job, err error) {
	job = sweep.Job{Scenario: s.scenario, Duration: s.duration, Mutant: s.mutant, Out: s.out}
	if len(files) == 1 {
		text, err := os.ReadFile(files[0])
		if err != nil {
			return job, fmt.Errorf("reading the scenario: %w", err)
		}
		job.Scenario, job.Text, job.File = filepath.Base(files[0]), string(text), files[0]
	}
	o, err := job.Options(0)
	if err == nil && o.Mutant != "" && !mutant.Compiled {
		err = fmt.Errorf("planted bug %s: this binary is built without planted bugs (make gallery builds bin/torc-sim with them: -tags mutants)", o.Mutant)
	}
	return job, err
}

// journal opens the sweep's journal in its folder, if it has one.
func (s *simFlags) journal(job *sweep.Job, self string) (*sweep.Journal, error) {
	if s.out == "" {
		if s.resume {
			return nil, fmt.Errorf("--resume needs --out, the folder of the sweep to go on with")
		}
		return nil, nil
	}
	binary, err := sweep.HashFile(self)
	if err != nil {
		return nil, err
	}
	j, err := sweep.OpenJournal(job, binary, s.resume)
	if err == nil && j.Former > 0 {
		fmt.Fprintf(os.Stderr, "an earlier sweep in %s, of which %d seeds were done, is started over; folders of its failures stay\n", s.out, j.Former)
	}
	return j, err
}

// interrupts is closed at the first and at the second Ctrl-C (or polite kill).
func interrupts() (first, second chan struct{}) {
	first, second = make(chan struct{}), make(chan struct{})
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		fmt.Fprintln(os.Stderr, "\nstopping when the seeds that are under way are done; once more stops at once")
		close(first)
		<-signals
		close(second)
	}()
	return first, second
}

// severity orders verdicts: a crash is worse than a lie, a lie worse than silence.
func severity(v sim.Verdict) int {
	switch v {
	case sim.Pass:
		return 0
	case sim.NoProgress:
		return 1
	case sim.LostTruth:
		return 2
	}
	return 3
}

// failure is what is told of a seed that failed.
func (s *simFlags) failure(job *sweep.Job, a *sweep.Answer) sweepFailure {
	f := sweepFailure{Seed: a.Seed, Verdict: a.Verdict.Sentence(), Found: a.Found, Error: a.Error}
	r := sim.Result{Seed: a.Seed, Scenario: job.Scenario, File: job.File, Mutant: job.Mutant, Duration: job.Duration}
	f.Replay = r.Replay()
	if a.Kept {
		f.Folder = filepath.Join(s.out, a.Folder())
	}
	return f
}

func (f *sweepFailure) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d: %s\n", f.Seed, f.Verdict)
	for _, line := range []string{f.Found, f.Error, f.Replay, f.Folder} {
		if line != "" {
			fmt.Fprintf(&b, "  %s\n", line)
		}
	}
	return b.String()
}

func printJSON(v any) {
	out, _ := json.MarshalIndent(v, "", "  ")
	fmt.Println(string(out))
}
