package sim

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"torc/core/mutant"
	"torc/core/session"
	"torc/core/trace"
	"torc/core/wire"
	"torc/linearizability"
)

// Options say which run to make. Equal options make equal runs.
type Options struct {
	Seed     uint64
	Scenario Scenario
	File     string        // the file that the scenario was read from, if it was: Result.Replay names it
	Duration time.Duration // of the torture, virtual; 0 = the scenario's, or 60 s
	Mutant   string        // a planted bug to switch on (needs the build tag mutants)
	NoMutant bool          // File may name a planted bug, and the run is without: Result.Replay says so
	Trace    io.Writer     // takes every event as a line of text
	Lanes    Factory       // nil = cluster.NewLane
	// Observe, when set, sees every event in order, with the frame for those of kind Send (nil
	// otherwise; it must be left as it is). True ends the run there: it is not judged.
	Observe func(e *trace.Event, f *wire.Frame) (stop bool)
	// Look, when set, is given a window on the world before anything happens in it.
	Look func(View)
	// Progress, when set, is called about every simulated second with the phase.
	Progress func(at time.Duration, phase string)
}

// Result is what a run came to.
type Result struct {
	Seed       uint64
	Scenario   string
	File       string
	Mutant     string
	NoMutant   bool
	Duration   time.Duration // as asked for; 0 = the scenario's own
	Settings   Settings
	Verdict    Verdict
	Violations []Violation
	Timeline   []Moment
	Hash       string // of every event: equal runs have equal hashes
	Events     uint64 // on the agenda
	Traced     uint64 // in the hash
	Messages   uint64
	Ops        Ops
	Began      time.Duration // when the torture began: the script's times count from there
	Answers    []Answer      // what the script's own operations came to, in the order of their calls' times
	SimSeconds float64
	// WallSeconds is for printing only; it differs from run to run.
	WallSeconds float64
	History     *linearizability.History
	Reached     Reached  // which of the points of sometimes.go
	Plan        Scenario // the same run with every decision written down: no fault, call or setting is drawn
	Stopped     bool     // by Observe, before the end: no verdict
	Err         error    // with verdict Broken: why there was no run
}

// Ops counts the workload's operations by outcome.
type Ops struct {
	OK, Refused, Unknown int
	Keys                 int
	Held                 int           // reads that nodes answered from copies of hot keys
	Reasons              []ReasonCount // why not OK, most frequent first as wire numbers them
}

// ReasonCount is how often a reason was given.
type ReasonCount struct {
	Reason wire.Reason
	Count  int
}

// The phases' limits, in the world's time.
const (
	formLimit   = 30 * time.Second // from the first start until every shard is whole
	repairLimit = 60 * time.Second // from heal until every shard is whole again
	finalLimit  = 30 * time.Second // for the final reads
	probeFactor = 20               // elections within which every shard must serve after heal
)

// Run makes a run. It panics only on a bug of the simulator.
func Run(o Options) Result {
	settings := o.Scenario.Draw(o.Seed)
	result := Result{Seed: o.Seed, Scenario: o.Scenario.Name, File: o.File, Mutant: o.Mutant, NoMutant: o.NoMutant, Duration: o.Duration, Settings: settings}
	if !mutant.Enable(o.Mutant) && o.Mutant != "" {
		result.Verdict, result.Err = Broken, fmt.Errorf("mutant %q: this binary is built without planted bugs (make gallery builds bin/torc-sim with them: -tags mutants)", o.Mutant)
		if mutant.Compiled {
			result.Err = fmt.Errorf("mutant %q: there is no such planted bug, nor is it the seal of one; torc sim gallery lists them", o.Mutant)
		}
		return result
	}
	defer mutant.Enable("")
	started := time.Now()
	w := newWorld(o.Seed, settings, o.Lanes, o.Trace)
	w.observe = o.Observe
	if o.Look != nil {
		o.Look(View{w})
	}
	defer w.entropy.seize()()
	w.live(o)
	result.Stopped = w.stopped
	if w.writer != nil {
		if err := w.writer.Flush(); err != nil {
			result.Verdict, result.Err = Broken, fmt.Errorf("writing the trace: %w", err)
			return result
		}
	}
	result.fill(w)
	result.WallSeconds = time.Since(started).Seconds()
	return result
}

func (r *Result) fill(w *World) {
	r.Settings = w.settings
	r.Violations, r.Timeline = w.violations, w.timeline
	r.Verdict = verdictOf(w.violations)
	r.Plan = w.plan(r.Scenario)
	r.Hash, r.Events, r.Traced, r.Messages = w.hash.Sum(), w.events, w.hash.Events(), w.network.Sent
	r.SimSeconds = time.Duration(w.now).Seconds()
	if w.work == nil {
		return
	}
	r.Reached = w.coverage.set(w.work.reasons[:])
	r.History = w.work.record.History()
	r.Began, r.Answers = time.Duration(w.faults.began), w.work.answers
	r.Ops = Ops{OK: w.work.oks[wire.OutcomeOK], Refused: w.work.oks[wire.OutcomeRefused], Unknown: w.work.oks[wire.OutcomeUnknown], Keys: len(w.work.keys), Held: w.work.held}
	for reason, n := range w.work.reasons {
		if n > 0 {
			r.Ops.Reasons = append(r.Ops.Reasons, ReasonCount{wire.Reason(reason), n})
		}
	}
}

// live is a world's life from its first event to its judgement.
func (w *World) live(o Options) {
	w.scenario = o.Scenario
	w.work = newWorkload(w)
	if o.Progress != nil {
		w.report(o.Progress)
	}
	w.inspect()
	if !w.warmUp() {
		w.finish(o, 0)
		return
	}
	w.torture(o)
	if w.settings.Core {
		w.healCore()
	}
	w.heal()
	w.calm()
	w.evenOut()
	from := time.Duration(w.now)
	w.readAll()
	w.finish(o, from)
}

// report tells how far the run is, for a person who waits.
func (w *World) report(progress func(time.Duration, string)) {
	phase := "start"
	if n := len(w.timeline); n > 0 {
		phase = w.timeline[n-1].Text
	}
	progress(time.Duration(w.now), phase)
	w.after(time.Second, func() { w.report(progress) })
}

// warmUp starts the nodes and waits until they are a cluster.
func (w *World) warmUp() bool {
	quiet := w.found()
	formed := func() bool { return w.now >= quiet && w.formed() }
	if !w.await(formLimit, 100*time.Millisecond, formed) && !(w.recoverStillborn() && w.await(formLimit, 100*time.Millisecond, formed)) {
		w.violateUnlessEnded(OracleLiveness, "the cluster was not formed within %v", formLimit)
		return false
	}
	w.seedConfs()
	w.tell(trace.Fault, "formed: every shard has its leader and voters")
	return true
}

func (w *World) violateUnlessEnded(o Oracle, format string, args ...any) {
	if !w.ended {
		w.violate(o, format, args...)
	}
}

// torture lets the workloads and the faults loose on the cluster.
func (w *World) torture(o Options) {
	w.faults.lawless, w.faults.began, w.faults.open = o.Scenario.Loss, w.now, true
	w.faults.sawWalls()
	for _, c := range w.users() {
		c.begin(!o.Scenario.Quiet)
	}
	w.prober().brain.Start()
	for i := range o.Scenario.Calls {
		call := &o.Scenario.Calls[i]
		w.after(call.At, func() { w.makeCall(call, i) })
	}
	for _, step := range o.Scenario.Script {
		w.after(step.At, func() { w.faults.strike(step.Fault) })
	}
	w.torturedFor = o.Duration
	if w.torturedFor == 0 {
		w.torturedFor = o.Scenario.Duration
	}
	if w.torturedFor == 0 {
		w.torturedFor = time.Minute
	}
	if o.Scenario.Swarm {
		w.faults.begin()
	}
	w.until(time.Duration(w.now) + w.torturedFor)
}

// makeCall lets a script's client act; a script may name clients that the settings do not have.
func (w *World) makeCall(c *Call, number int) {
	if c.Client < len(w.users()) && w.users()[c.Client].issues {
		w.users()[c.Client].make(c, number)
	}
}

// heal ends all faults and demands that every shard serves soon.
func (w *World) heal() {
	if w.ended {
		return
	}
	w.tell(trace.Fault, "heal everything")
	w.faults.settle()
	w.awaitResets()
	w.markLost()
	limit := w.settings.ServesWithin()
	must := make([]bool, w.settings.Shards+1)
	for shard := 1; shard <= w.settings.Shards; shard++ {
		if must[shard] = !w.lost[shard]; w.lost[shard] {
			w.denyShard(wire.ShardID(shard))
		}
	}
	for _, shard := range w.silent(must, limit) {
		w.violateUnlessEnded(OracleLiveness, "shard %d took no write within %v (%d election timeouts) after everything was healed", shard, limit, probeFactor)
	}
}

// silent probes shards and returns those that have taken no write within the time.
func (w *World) silent(must []bool, limit time.Duration) (shards []int) {
	served, left := make([]bool, len(must)), 0
	for shard := 1; shard < len(must); shard++ {
		if served[shard] = !must[shard]; served[shard] {
			continue
		}
		left++
		w.probeShard(wire.ShardID(shard), w.now+int64(limit), func() {
			if !served[shard] {
				served[shard] = true
				left--
			}
		})
	}
	w.await(limit, 50*time.Millisecond, func() bool { return left == 0 })
	for shard := 1; shard < len(must); shard++ {
		if !served[shard] {
			shards = append(shards, shard)
		}
	}
	return shards
}

// markLost notes for good which shards have lost the majority of their voters' memory. Only a
// scenario that declares a loss can bring that about, or a bug.
func (w *World) markLost() {
	w.lost = w.lostShards()
	var names []string
	for shard, lost := range w.lost {
		if lost {
			names = append(names, strconv.Itoa(shard))
		}
	}
	if len(names) == 0 {
		return
	}
	w.tell(trace.Fault, "lost for good: the majority of the voters of shards %s (0: the meta group)", strings.Join(names, ", "))
	if !w.scenario.Loss && !w.settings.Ruin {
		w.violate(OracleDurability, "shards %s have lost the majority of their memory, though the faults kept to what the cluster bears", strings.Join(names, ", "))
	}
}

// denyShard holds that a lost shard stays down: nobody knows what it had acknowledged, so whoever
// answered for it would be guessing.
func (w *World) denyShard(shard wire.ShardID) {
	w.prober().probe(wire.Command{Op: wire.OpGet, Key: w.keyOn("probe", shard)}, func(item session.Item) {
		if item.Outcome == wire.OutcomeOK {
			w.violate(OracleDurability, "shard %d answers, though the majority of its voters lost their memory: it was resurrected by chance", shard)
		}
	})
}

// probeShard writes to a shard until a write succeeds or the time is over.
func (w *World) probeShard(shard wire.ShardID, until int64, done func()) {
	key := w.keyOn("probe", shard)
	var try func()
	try = func() {
		w.prober().probe(wire.Command{Op: wire.OpSet, Key: key, Value: []byte("x")}, func(item session.Item) {
			switch {
			case item.Outcome == wire.OutcomeOK:
				done()
			case w.now < until:
				w.after(50*time.Millisecond, try)
			}
		})
	}
	try()
}

// keyOn finds a key that lives on a shard.
func (w *World) keyOn(prefix string, shard wire.ShardID) []byte {
	for i := 0; ; i++ {
		key := fmt.Appendf(nil, "%s.%d", prefix, i)
		if wire.ShardOf(wire.Slot(key), w.settings.Shards) == shard {
			return key
		}
	}
}

// calm ends the workloads and waits until every shard is whole again.
func (w *World) calm() {
	if w.ended {
		return
	}
	w.until(time.Duration(w.now) + 2*time.Second)
	for _, c := range w.clients {
		c.issues = false
	}
	idle := func() bool { return !slices.ContainsFunc(w.clients, func(c *client) bool { return !c.idle() }) }
	if !w.await(w.settings.Timeout+10*time.Second, 50*time.Millisecond, idle) {
		w.violateUnlessEnded(OracleSanity, "an operation of a client never came to an end, not even an unknown one")
	}
	whole := func() bool { return !w.faults.leaving.on() && w.mended() }
	if !w.await(repairLimit, 250*time.Millisecond, whole) {
		w.violateUnlessEnded(OracleLiveness, "some shard has not all its voters %v after everything was healed: %s", repairLimit, w.diagnose())
	}
}

// mended is formed, but for the shards that are lost for good. Without the meta group no replica
// can be replaced, so nothing is demanded of the others then.
func (w *World) mended() bool {
	if w.lost[wire.MetaShard] {
		return true
	}
	_, groups := w.living()
	for shard, lost := range w.lost {
		if !lost && !w.whole(wire.ShardID(shard), groups) {
			return false
		}
	}
	return w.faults.asking == 0 && w.drained()
}

// diagnose says which shards are not whole.
func (w *World) diagnose() (text string) {
	_, groups := w.living()
	for shard := 0; shard <= w.settings.Shards; shard++ {
		if !w.whole(wire.ShardID(shard), groups) {
			text += fmt.Sprintf("shard %d", shard)
			for _, g := range groups[shard] {
				text += fmt.Sprintf(" [replica %d %s term %d applied %d voters %v learners %v]", g.Replica, g.Role, g.Term, g.Applied, g.Voters, g.Learners)
			}
			text += "; "
		}
	}
	return text
}

// readAll reads every key back, a few at a time, through the session client.
func (w *World) readAll() {
	if w.ended {
		return
	}
	keys := slices.DeleteFunc(slices.Clone(w.work.keys), func(k touched) bool { return w.lost[k.shard] })
	w.tell(trace.Fault, "settled: final reads")
	next, open := 0, 0
	deadline := w.now + int64(finalLimit)
	var read func(k touched)
	read = func(k touched) {
		id := w.work.record.Invoke(w.prober().index+1, w.now, linearizability.Read, k.key, linearizability.Input{})
		op := operation{Op: Op{Kind: linearizability.Read}}
		w.prober().probe(wire.Command{Op: wire.OpGet, Key: []byte(k.key)}, func(item session.Item) {
			word, out := outcomeOf(&op, item.Outcome, &item.Result)
			w.work.record.Return(id, w.now, word, out)
			if item.Outcome != wire.OutcomeOK && w.now < deadline {
				read(k)
				return
			}
			open--
		})
	}
	w.await(finalLimit+w.settings.Timeout, 10*time.Millisecond, func() bool {
		for ; open < 16 && next < len(keys); next++ {
			open++
			read(keys[next])
		}
		return open == 0
	})
}

// finish judges the run.
func (w *World) finish(o Options, finalFrom time.Duration) {
	if w.stopped {
		return
	}
	losses := w.excuses()
	if o.Scenario.Loss {
		losses = append(losses, w.downed()...)
	}
	w.judge(finalFrom, losses)
}

// downed are what a scenario that declares a loss may have lost and never got back: the keys of the
// shards that have lost a majority, and no others.
func (w *World) downed() []linearizability.Loss {
	all := linearizability.Loss{From: 0, To: w.now}
	if w.lost == nil {
		return []linearizability.Loss{all} // the run ended before anybody looked
	}
	for _, k := range w.work.keys {
		if w.lost[k.shard] {
			all.Keys = append(all.Keys, k.key)
		}
	}
	if all.Keys == nil {
		return nil
	}
	return []linearizability.Loss{all}
}
