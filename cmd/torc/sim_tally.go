package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/term"

	"torc/scenarios/sweep"
	"torc/sim"
)

// How often progress is shown: on a terminal, and in a log.
const (
	liveEvery = 200 * time.Millisecond
	logEvery  = 10 * time.Second
)

// tally counts what comes in and shows it.
type tally struct {
	sweepResult
	flags *simFlags
	job   *sweep.Job
	begin time.Time
	live  bool // there is a terminal for the progress line
	worst int

	reached sim.Reached // by any run
	lock    sync.Mutex
	session int     // seeds done in this session, by which speed is measured
	seconds float64 // simulated, in this session
}

func newTally(s *simFlags, job *sweep.Job) *tally {
	return &tally{sweepResult: sweepResult{Scenario: job.Scenario, Seeds: s.seeds, Failed: []sweepFailure{}}, flags: s, job: job,
		begin: time.Now(), live: term.IsTerminal(int(os.Stderr.Fd())) && !s.json}
}

// resume counts what an earlier session has done, and returns the seeds that are left.
func (t *tally) resume(j *sweep.Journal) (left []uint64) {
	done := map[uint64]sweep.Answer{}
	if j != nil {
		done = j.Done
	}
	for i := range t.flags.seeds {
		seed := t.flags.seed + uint64(i)
		if _, ok := done[seed]; !ok {
			left = append(left, seed)
		}
	}
	for _, seed := range slices.Sorted(maps.Keys(done)) {
		if seed >= t.flags.seed && seed-t.flags.seed < uint64(t.flags.seeds) {
			t.take(done[seed])
		}
	}
	if t.Done > 0 && !t.flags.json {
		fmt.Fprintf(os.Stderr, "%d of %d seeds were done before\n", t.Done, t.Seeds)
	}
	t.session, t.seconds = 0, 0
	return left
}

// take counts a seed.
func (t *tally) take(a sweep.Answer) {
	t.lock.Lock()
	defer t.lock.Unlock()
	t.Done++
	t.session++
	t.reached.Merge(reachedBy(&a))
	t.Events, t.SimSeconds, t.seconds = t.Events+a.Events, t.SimSeconds+a.SimSeconds, t.seconds+a.SimSeconds
	if a.Verdict == sim.Pass && a.Error == "" {
		return
	}
	if severity(a.Verdict) > severity(sim.Verdict(t.worst)) {
		t.worst = int(a.Verdict)
	}
	f := t.flags.failure(t.job, &a)
	t.Failed = append(t.Failed, f)
	t.wipe()
	if !t.flags.json {
		fmt.Print(f.String())
	}
}

// tick shows progress now and then, until it is stopped.
func (t *tally) tick() (stop func()) {
	every := logEvery
	if t.live {
		every = liveEvery
	}
	done := make(chan struct{})
	var ticking sync.WaitGroup
	ticking.Go(func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				t.show()
			case <-done:
				return
			}
		}
	})
	return func() { close(done); ticking.Wait() }
}

func (t *tally) show() {
	t.lock.Lock()
	defer t.lock.Unlock()
	switch {
	case t.live:
		fmt.Fprintf(os.Stderr, "\r\x1b[K%s", t.line(time.Since(t.begin)))
	default:
		fmt.Fprintln(os.Stderr, t.line(time.Since(t.begin)))
	}
}

// wipe takes the progress line off the terminal.
func (t *tally) wipe() {
	if t.live {
		fmt.Fprint(os.Stderr, "\r\x1b[K")
	}
}

// line is the progress in one line, after so much time.
func (t *tally) line(wall time.Duration) string {
	text := fmt.Sprintf("%d of %d seeds, %d failed; %.0f simulated seconds", t.Done, t.Seeds, len(t.Failed), t.SimSeconds)
	if t.session == 0 || wall <= 0 {
		return text
	}
	left := time.Duration(float64(wall) / float64(t.session) * float64(t.Seeds-t.Done))
	return fmt.Sprintf("%s; %.0f seeds a minute, %.0fx real time; %v left",
		text, float64(t.session)/wall.Minutes(), t.seconds/wall.Seconds(), left.Round(time.Second))
}

// finish prints what the sweep came to.
func (t *tally) finish() {
	t.wipe()
	wall := time.Since(t.begin)
	t.Seconds = wall.Seconds()
	slices.SortFunc(t.Failed, func(a, b sweepFailure) int {
		if a.Seed < b.Seed {
			return -1
		}
		return 1
	})
	if t.flags.json {
		printJSON(t.sweepResult)
		t.sayStopped(os.Stderr)
		return
	}
	p := newPainter(os.Stdout)
	verdict := p.good("all passed")
	if len(t.Failed) > 0 {
		verdict = p.bad(fmt.Sprintf("%d FAILED", len(t.Failed)))
	}
	fmt.Printf("%d seeds of %s from %d: %s; %.0f simulated seconds and %d events; %d seeds in %.1f s: %.0f seeds a minute, %.0fx real time\n",
		t.Done, t.Scenario, t.flags.seed, verdict, t.SimSeconds, t.Events, t.session, t.Seconds, float64(t.session)/wall.Minutes(), t.seconds/t.Seconds)
	printReached(os.Stdout, t.reached)
	t.sayStopped(os.Stdout)
}

// sayStopped says how far a sweep has come that was stopped.
func (t *tally) sayStopped(w io.Writer) {
	if t.Done == t.Seeds {
		return
	}
	advice := "; --resume goes on"
	if t.flags.out == "" {
		advice = "" // nothing was kept
	}
	_, _ = fmt.Fprintf(w, "stopped: %d of %d seeds are done, %d are left%s\n", t.Done, t.Seeds, t.Seeds-t.Done, advice)
}
