package real

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"torc/cmd/internal/netns"
	"torc/linearizability"
	"torc/scenarios/script"
	"torc/sim"
)

// Inside a run all times count from its first moment; fromTorture makes them count from the torture.

// tell notes what was done to the cluster.
func (r *run) tell(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	r.mu.Lock()
	r.result.Timeline = append(r.result.Timeline, sim.Moment{At: r.now(), Text: text})
	r.mu.Unlock()
	r.report(text)
}

// violate notes a violation.
func (r *run) violate(o sim.Oracle, format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.Violations = append(r.result.Violations, sim.Violation{Oracle: o, At: r.now(), Text: fmt.Sprintf(format, args...)})
}

// leaveOut notes what was not done, once.
func (r *run) leaveOut(what, why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if u := (Unreal{what, why}); !slices.Contains(r.result.LeftOut, u) {
		r.result.LeftOut = append(r.result.LeftOut, u)
	}
}

// enter begins a phase.
func (r *run) enter(phase string) {
	r.mu.Lock()
	r.phase = phase
	r.mu.Unlock()
	r.report("")
}

// report tells how far the run is.
func (r *run) report(said string) {
	if r.o.Progress == nil {
		return
	}
	r.mu.Lock()
	p := Progress{Elapsed: r.now(), Phase: r.phase, Said: said, Ops: r.record.Len()}
	r.mu.Unlock()
	r.o.Progress(p)
}

// count counts an operation by its outcome.
func (r *run) count(a reply) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch a.outcome {
	case linearizability.OK:
		r.result.Ops.OK++
	case linearizability.Failed:
		r.result.Ops.Refused++
	default:
		r.result.Ops.Unknown++
	}
	if a.reason != "" {
		r.result.Reasons[a.reason]++
	}
}

// open notes that a scripted operation begins, and names its answer.
func (r *run) open(call, op int) (answer int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.Answers = append(r.result.Answers, sim.Answer{Call: call, Op: op, At: r.now()})
	r.result.Whys = append(r.result.Whys, "")
	return len(r.result.Answers) - 1
}

// answered notes what became of a scripted operation.
func (r *run) answered(answer int, op *sim.Op, a reply) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := &r.result.Answers[answer]
	at.Got, at.Took = sim.OutcomeText(op.Kind, a.outcome, &a.out), r.now()-at.At
	r.result.Whys[answer] = a.why
}

// ttlTolerance is by how much a key's expiry may be off: the processes share one clock, but log time
// advances by ticks, and an answer may be under way for a while on a busy machine.
func ttlTolerance(s *sim.Settings) time.Duration {
	return 2*longestElection(s)/electionTicks + 100*time.Millisecond
}

// judge gives the history to the checkers, and holds the script's operations to what it wants.
func (r *run) judge(finalFrom time.Duration) {
	var losses []linearizability.Loss
	if r.o.File.Loss {
		losses = []linearizability.Loss{{From: 0, To: int64(r.now())}}
	}
	r.result.History = r.record.History()
	for _, v := range linearizability.Check(r.result.History, linearizability.Options{
		TTLEpsilon: ttlTolerance(&r.settings), FinalFrom: int64(finalFrom), Losses: losses, ViolationsMax: 2}) {
		text := "key " + v.Key + ": " + v.Sentence
		if v.Result == linearizability.Undecided {
			text = "undecided: " + text
		}
		r.violate(sim.OracleOf(v.Oracle), "%s", text)
	}
	r.result.Elections = r.watch.elections()
	if r.result.faultsLeftOut() {
		return // what the script wants rests on what was not done
	}
	for i, a := range r.result.Answers {
		op := &r.o.File.Calls[a.Call].Ops[a.Op]
		if a.Got != "" && !op.Met(a.Got) {
			r.violate(sim.OracleExpectation, "%s came to %s%s; the script wants %s", r.result.spell(a), a.Got, because(r.result.Whys[i]), op.Want)
			r.result.Violations[len(r.result.Violations)-1].At = a.At
		}
	}
}

func (r *run) fromTorture() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.result.Timeline {
		r.result.Timeline[i].At -= r.tortured
	}
	for i := range r.result.Violations {
		r.result.Violations[i].At -= r.tortured
	}
	for i := range r.result.Answers {
		r.result.Answers[i].At -= r.tortured
	}
	for i := range r.result.StruckAt {
		r.result.StruckAt[i] -= r.tortured
	}
	if s := r.result.Soak; s != nil {
		s.Longest.At -= r.tortured
		for i := range s.Suspicions {
			s.Suspicions[i].At -= r.tortured
		}
	}
	for i := range r.result.Elections {
		r.result.Elections[i].At -= r.tortured
	}
}

// spell is a scripted operation as its file spells it.
func (r *Result) spell(a sim.Answer) string {
	c := &r.File.Calls[a.Call]
	via := ""
	if c.Via != (sim.Target{}) {
		via = fmt.Sprintf("via %v ", c.Via)
	}
	return fmt.Sprintf("c%d %s%s", c.Client+1, via, script.SpellOp(c.Ops[a.Op]))
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return " (" + why + ")"
}

// The folders of runs: what is kept has another name than what a killed run left.
const (
	dirPrefix  = "torc-real-"
	keepPrefix = "torc-kept-"
)

// makeDir makes a folder for the run, and removes those of runs that were killed.
func makeDir(keep bool) (string, error) {
	stale, _ := filepath.Glob(filepath.Join(os.TempDir(), dirPrefix+"*"))
	for _, dir := range stale {
		pid, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), dirPrefix), "-")
		if number, err := strconv.Atoi(pid); err == nil && !netns.Lives(number) {
			_ = os.RemoveAll(dir) // another run may do the same
		}
	}
	prefix := dirPrefix
	if keep {
		prefix = keepPrefix
	}
	dir, err := os.MkdirTemp("", fmt.Sprintf("%s%d-", prefix, os.Getpid()))
	if err != nil {
		return "", fmt.Errorf("making a folder for the nodes' logs: %w", err)
	}
	return dir, nil
}
