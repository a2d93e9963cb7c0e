package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"torc/scenarios"
	"torc/sim"
)

// sweepResult is what a sweep came to.
type sweepResult struct {
	Scenario   string         `json:"scenario"`
	Seeds      int            `json:"seeds"`
	Failed     []sweepFailure `json:"failed"`
	Events     uint64         `json:"events"`
	SimSeconds float64        `json:"simulated_seconds"`
	Seconds    float64        `json:"wall_seconds"`
}

type sweepFailure struct {
	Seed    uint64 `json:"seed"`
	Verdict string `json:"verdict"`
	Replay  string `json:"replay"`
	Error   string `json:"error,omitempty"`
}

// sweep runs many seeds and returns the worst verdict's exit code.
func (s *simFlags) sweep() int {
	if _, err := scenarios.Find(s.scenario); err != nil {
		fmt.Fprintf(os.Stderr, "torc sim: %v\n", err)
		return 1
	}
	self, err := os.Executable()
	if err != nil {
		fmt.Fprintf(os.Stderr, "torc sim: find this program: %v\n", err)
		return 1
	}
	args := []string{"sim", "--scenario", s.scenario, "--duration", s.duration.String()}
	if s.mutant != "" {
		args = append(args, "--mutant", s.mutant)
	}
	t := &tally{sweepResult: sweepResult{Scenario: s.scenario, Seeds: s.seeds, Failed: []sweepFailure{}}, flags: s, begin: time.Now(),
		live: term.IsTerminal(int(os.Stderr.Fd())) && !s.json}
	sim.Sweep{First: s.seed, Count: s.seeds, Workers: s.workers, Exec: sim.Spawn(s.budget, self, args...), Done: t.take}.Run()
	t.Seconds = time.Since(t.begin).Seconds()
	t.finish()
	return t.worst
}

// tally counts what comes in and shows it.
type tally struct {
	sweepResult
	flags *simFlags
	begin time.Time
	live  bool // there is a terminal for the progress line
	done  int
	worst int
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

func (t *tally) take(r sim.SeedResult) {
	t.done++
	events, seconds := workOf(r.Report)
	t.Events, t.SimSeconds = t.Events+events, t.SimSeconds+seconds
	if r.Verdict != sim.Pass {
		t.fail(r)
	}
	if t.live {
		fmt.Fprintf(os.Stderr, "\r\x1b[K%s", t.line())
	}
}

func (t *tally) fail(r sim.SeedResult) {
	if severity(r.Verdict) > severity(sim.Verdict(t.worst)) {
		t.worst = int(r.Verdict)
	}
	replay := sim.Result{Seed: r.Seed, Scenario: t.flags.scenario, Mutant: t.flags.mutant, Duration: t.flags.duration}
	f := sweepFailure{Seed: r.Seed, Verdict: r.Verdict.Sentence(), Replay: replay.Replay()}
	if r.Err != nil {
		f.Error = r.Err.Error()
	}
	t.Failed = append(t.Failed, f)
	if t.live {
		fmt.Fprint(os.Stderr, "\r\x1b[K")
	}
	if !t.flags.json {
		fmt.Printf("seed %d: %s\n  %s\n", f.Seed, strings.TrimSpace(f.Verdict+" "+f.Error), f.Replay)
	}
}

// line is the progress in one line.
func (t *tally) line() string {
	wall := time.Since(t.begin).Seconds()
	left := time.Duration(wall / float64(t.done) * float64(t.Seeds-t.done) * float64(time.Second))
	return fmt.Sprintf("%d of %d seeds, %d failed; %.0f seeds a minute, %.0fx real time, %.0f events/s; %v left",
		t.done, t.Seeds, len(t.Failed), float64(t.done)*60/wall, t.SimSeconds/wall, float64(t.Events)/wall, left.Round(time.Second))
}

func (t *tally) finish() {
	if t.live {
		fmt.Fprint(os.Stderr, "\r\x1b[K")
	}
	if t.flags.json {
		out, _ := json.MarshalIndent(t.sweepResult, "", "  ")
		fmt.Println(string(out))
		return
	}
	p := newPainter(os.Stdout)
	verdict := p.good("all passed")
	if len(t.Failed) > 0 {
		verdict = p.bad(fmt.Sprintf("%d FAILED", len(t.Failed)))
	}
	fmt.Printf("%d seeds of %s from %d: %s; %.0f simulated seconds and %d events in %.1f s: %.0f seeds a minute, %.0fx real time, %.0f events/s\n",
		t.Seeds, t.Scenario, t.flags.seed, verdict, t.SimSeconds, t.Events, t.Seconds,
		float64(t.Seeds)*60/t.Seconds, t.SimSeconds/t.Seconds, float64(t.Events)/t.Seconds)
}

// workOf reads from a report how much was done.
func workOf(report []byte) (events uint64, seconds float64) {
	for line := range strings.Lines(string(report)) {
		var messages uint64
		if n, _ := fmt.Sscanf(line, "  %d events, %d messages, %f simulated seconds", &events, &messages, &seconds); n == 3 {
			return events, seconds
		}
	}
	return 0, 0
}
