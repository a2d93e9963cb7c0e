package sim

import (
	"slices"
	"time"

	"torc/core/trace"
	"torc/core/wire"
)

// Case is a run in which nothing is drawn but what belongs to links, clocks, nodes and brains: the
// thing that is shrunk.
type Case struct {
	Seed     uint64
	Settings Settings
	Scenario Scenario // a plan: Script and Calls, quiet
}

// CaseOf is the case that a run was.
func CaseOf(r *Result) Case { return Case{Seed: r.Seed, Settings: r.Settings, Scenario: r.Plan} }

// Shrink makes a failing run small: fewer faults, fewer operations, fewer nodes, plainer settings,
// rounder times, as long as the same oracle fires. It is delta debugging (Zeller and Hildebrandt,
// "Simplifying and isolating failure-inducing input", TSE 2002) with what is known of runs put
// first: an operation on another key hardly matters, and nothing after the violation does.
//
// Leaving an operation out moves the draws of the links that it went over, so a smaller run may
// miss by chance what the larger one hit: each candidate is tried with a few seeds.
type Shrink struct {
	Case   Case
	Mutant string
	Oracle Oracle  // must fire; 0 = whichever fires first in the given case
	Rare   int     // so many seeds, about, it takes to see such a failure once; 0 = not known. The more, the more are tried
	Lanes  Factory // nil = the real ones
	// More, when set, is asked before every run whether there is time for it.
	More func() bool
	// Progress, when set, hears of every success.
	Progress func(Shrunk)
}

// Shrunk is the smallest run that was found.
type Shrunk struct {
	Case    Case
	Oracle  Oracle
	Runs    int
	Minimal bool // leaving out any one fault or operation, the oracle is silent (for all the seeds tried)
	Result  Result
}

// With how many seeds a candidate is tried that leaves out a single thing: the more the smaller it
// is, because then a run takes less time, and more hangs on chance.
const (
	triesMany = 60   // of at most 12 things
	triesFew  = 4    // of at most 40
	triesBold = 2000 // of a small part of a long run
	passes    = 3    // so many times the given run's work is a whole pass worth
	logLeast  = 256  // bytes
	rareShare = 4    // and once more for so many seeds that it took to find it
)

// shrinking is a Shrink under way.
type shrinking struct {
	Shrink
	best  Shrunk
	whole uint64 // events of the given run
	over  bool   // there is no time left
}

// Run shrinks. ok is false when the given case does not fail (with the oracle that was asked for).
func (s Shrink) Run() (small Shrunk, ok bool) {
	k := &shrinking{Shrink: s}
	k.best = Shrunk{Case: s.Case, Oracle: s.Oracle}
	r := k.run(s.Case, s.Oracle == 0)
	if s.Oracle == 0 {
		if len(r.Violations) == 0 {
			return k.best, false
		}
		k.Oracle = r.Violations[0].Oracle
	}
	if !k.fires(&r) {
		return k.best, false
	}
	k.best.Oracle = k.Oracle
	k.keep(s.Case, r)
	k.whole = r.Events
	k.window()
	for size := -1; size != k.size() && !k.over; {
		size = k.size()
		k.shorten()
		k.operations()
		k.faults()
		k.simplify()
	}
	k.operations()
	k.faults()
	k.gamble()
	k.timings()
	for k.best.Minimal = k.minimal(); !k.best.Minimal && !k.over; k.best.Minimal = k.minimal() {
		k.operations()
		k.faults()
	}
	return k.best, true
}

func (k *shrinking) size() int {
	return len(k.best.Case.Scenario.Script) + len(k.best.Case.Scenario.Calls)
}

// run makes a run, to the first violation of the wanted oracle unless all are asked for.
func (k *shrinking) run(c Case, all bool) Result {
	k.best.Runs++
	o := Options{Seed: c.Seed, Scenario: c.Scenario, Mutant: k.Mutant, Lanes: k.Lanes}
	settings := c.Settings
	settings.Lanes = slices.Clone(settings.Lanes)
	o.Scenario.Settings = func(s *Settings) { *s = settings }
	if !all {
		o.Observe = func(e *trace.Event, _ *wire.Frame) bool {
			return e.Kind == trace.Violation && len(e.Note) > 0 && Oracle(e.Note[0]) == k.Oracle
		}
	}
	return Run(o)
}

func (k *shrinking) fires(r *Result) bool {
	return slices.ContainsFunc(r.Violations, func(v Violation) bool { return v.Oracle == k.Oracle })
}

func (k *shrinking) keep(c Case, r Result) {
	k.best.Case, k.best.Result = c, r
	if k.Progress != nil {
		k.Progress(k.best)
	}
}

// try keeps a candidate if the oracle fires on it, with one of so many seeds; with more of them if all together take no more
// work than the smallest run so far does once: much less of a run is worth as much chance.
func (k *shrinking) try(c Case, seeds int) bool {
	return k.search(c, seeds, triesMany, k.best.Result.Events)
}

// search keeps a candidate if the oracle fires on it with one of the least number of seeds, or of more, up to the most, as long as
// all together take less work (in events) than is said.
func (k *shrinking) search(c Case, least, most int, work uint64) bool {
	spent := uint64(0)
	for i := 0; i < least || i < most && spent < work; i++ {
		if k.over = k.over || k.More != nil && !k.More(); k.over {
			return false
		}
		next := c
		next.Seed = c.Seed + uint64(i)
		r := k.run(next, false)
		if k.fires(&r) {
			k.keep(next, r)
			return true
		}
		spent += r.Events
	}
	return false
}

// with is the best case so far, changed.
func (k *shrinking) with(change func(*Case)) Case {
	c := k.best.Case
	c.Scenario.Script, c.Scenario.Calls = slices.Clone(c.Scenario.Script), slices.Clone(c.Scenario.Calls)
	c.Settings.Lanes = slices.Clone(c.Settings.Lanes)
	change(&c)
	return c
}

// shorten ends the torture sooner: nothing that happens after the violation is its cause.
func (k *shrinking) shorten() {
	for _, share := range []time.Duration{4, 2} {
		for k.best.Case.Scenario.Duration > time.Second {
			c := k.with(func(c *Case) { c.truncate(c.Scenario.Duration - c.Scenario.Duration/share*(share-1)) })
			if !k.try(c, 1) {
				break
			}
		}
	}
}

func (c *Case) truncate(end time.Duration) {
	c.Scenario.Duration = end
	c.Scenario.Script = slices.DeleteFunc(c.Scenario.Script, func(s Step) bool { return s.At > end })
	c.Scenario.Calls = slices.DeleteFunc(c.Scenario.Calls, func(s Call) bool { return s.At > end })
}

// operations leaves out calls: all, all but those on one key, and then by halves.
func (k *shrinking) operations() {
	if k.try(k.with(func(c *Case) { c.Scenario.Calls = nil }), 1) {
		return
	}
	if named := k.named(); len(named) > 0 && k.try(k.with(func(c *Case) { c.Scenario.Calls = named }), triesFew) {
		k.unbatch()
		return
	}
	var tried []string
	for i := range k.best.Case.Scenario.Calls {
		if i >= len(k.best.Case.Scenario.Calls) || len(tried) > 40 {
			break
		}
		key := k.best.Case.Scenario.Calls[i].Ops[0].Key
		if slices.Contains(tried, key) || !k.accused(key) {
			continue
		}
		tried = append(tried, key)
		if k.try(k.with(func(c *Case) { c.Scenario.Calls = only(c.Scenario.Calls, key) }), 2) {
			break
		}
	}
	k.leaveOut(
		func(c *Case) int { return len(c.Scenario.Calls) },
		func(c *Case, i, j int) { c.Scenario.Calls = slices.Delete(c.Scenario.Calls, i, j) })
	k.unbatch()
}

// named are the calls that the wanted oracle's first finding speaks of: often they are all it takes.
// A history numbers operations in the order in which calls were made.
func (k *shrinking) named() (calls []Call) {
	var ids []int
	for _, v := range k.best.Result.Violations {
		if v.Oracle == k.Oracle {
			ids = v.Operations
			break
		}
	}
	number := 0
	for _, c := range k.best.Case.Scenario.Calls {
		first := number + 1
		number += len(c.Ops)
		if slices.ContainsFunc(ids, func(id int) bool { return id >= first && id <= number }) {
			calls = append(calls, c)
		}
	}
	return calls
}

// accused says that a violation names the key. When none names any, every key may be meant.
func (k *shrinking) accused(key string) bool {
	named := false
	for _, v := range k.best.Result.Violations {
		if v.Oracle != k.Oracle || v.Key == "" {
			continue
		}
		if named = true; v.Key == key {
			return true
		}
	}
	return !named
}

// only keeps what is done to one key.
func only(calls []Call, key string) (kept []Call) {
	for _, c := range calls {
		c.leave(slices.DeleteFunc(slices.Clone(c.Ops), func(op Op) bool { return op.Key != key }))
		if len(c.Ops) > 0 {
			kept = append(kept, c)
		}
	}
	return kept
}

// leave keeps these of a call's operations; a single one is no batch.
func (c *Call) leave(ops []Op) {
	c.Ops = ops
	c.Atomic = c.Atomic && len(ops) > 1
}

// unbatch leaves out single operations of batches.
func (k *shrinking) unbatch() {
	for i := 0; i < len(k.best.Case.Scenario.Calls) && !k.over; i++ {
		for j := 0; j < len(k.best.Case.Scenario.Calls[i].Ops) && len(k.best.Case.Scenario.Calls[i].Ops) > 1; {
			c := k.with(func(c *Case) {
				c.Scenario.Calls[i].leave(slices.Delete(slices.Clone(c.Scenario.Calls[i].Ops), j, j+1))
			})
			if !k.try(c, 1) {
				j++
			}
		}
	}
}

// faults leaves out steps of the script.
func (k *shrinking) faults() {
	if k.try(k.with(func(c *Case) { c.Scenario.Script = nil }), 1) {
		return
	}
	k.leaveOut(
		func(c *Case) int { return len(c.Scenario.Script) },
		func(c *Case, i, j int) { c.Scenario.Script = slices.Delete(c.Scenario.Script, i, j) })
}

// leaveOut leaves out pieces of a list, halves first, single ones last, from the end: what came
// last is the least likely to be the cause of anything.
func (k *shrinking) leaveOut(length func(*Case) int, remove func(c *Case, i, j int)) {
	for piece := (length(&k.best.Case) + 1) / 2; piece >= 1 && !k.over; piece /= 2 {
		for end := length(&k.best.Case); end > 0 && !k.over; {
			from := max(0, end-piece)
			k.try(k.with(func(c *Case) { remove(c, from, end) }), k.seeds(piece))
			end = min(from, length(&k.best.Case))
		}
	}
}

// seeds is how many seeds it is worth to try when pieces of this size are left out of what is left, one after the other: all
// of them together may take as much work as the given run did a few times. Single things of a small run are worth more.
func (k *shrinking) seeds(piece int) int {
	n := k.size()
	least := 1
	switch {
	case piece > 1:
	case n <= 12:
		return triesMany
	case n <= 40:
		least = triesFew
	}
	candidates := uint64(max(1, n/piece))
	afford := uint64(passes+k.Rare/rareShare) * k.whole / (candidates * max(1, k.best.Result.Events))
	return int(min(triesMany, max(uint64(least), afford)))
}

// plain are the settings that a reader need not think about.
var plain = [][2]string{
	{"core", "no"}, {"rough", "no"},
	{"codec", "no"}, {"redirect", "no"}, {"link.duplicate", "0"}, {"link.drop", "0"}, {"link.tail", "0"}, {"link.tail-delay", "0s"},
	{"swim.false-alarm", "0"}, {"swim.libel", "0"}, {"swim.old-rumour", "0"}, {"swim.bad-digest", "0"}, {"skew", "0s"}, {"drift-used", "0"},
	{"shards", "1"}, {"grace", "0s"}, {"log", "4096KiB"}, {"link.delay", "500µs"}, {"link.jitter", "1ms"}, {"turn", "10µs"}, {"reads", "lease"},
	{"swim.every", "500ms"}, {"swim.misses", "2"}, {"swim.suspect", "2s"}, {"timeout", "2s"},
}

// simplify takes nodes away, and makes settings plain.
func (k *shrinking) simplify() {
	k.dropNodes()
	k.try(k.with(func(c *Case) {
		for i := range c.Settings.Lanes {
			c.Settings.Lanes[i] = 1
		}
	}), triesFew)
	for _, p := range plain {
		c := k.with(func(c *Case) { _ = c.Settings.Set(p[0], p[1]) }) // every name and value is tested
		if before, after := k.best.Case.Settings.String(), c.Settings.String(); before != after {
			k.try(c, 2)
		}
	}
	if k.best.Case.Settings.LogBytes < logLong { // a short log was needed: the shorter, the fewer writes go beyond it
		k.try(k.with(func(c *Case) { c.Settings.LogBytes = logLeast }), triesFew)
	}
	k.fewNodes()
	k.try(k.with((*Case).dropIdle), triesFew)
}

func (k *shrinking) dropNodes() {
	for k.best.Case.Settings.Nodes > 1 && k.try(k.with((*Case).dropNode), k.seeds(1)) {
	}
}

// fewNodes looks for the least number of nodes once more, from one up: with little left that
// happens, and with plain settings, each number is worth a try of its own.
func (k *shrinking) fewNodes() {
	for n := 1; n < k.best.Case.Settings.Nodes; n++ {
		k.try(k.with(func(c *Case) {
			for c.Settings.Nodes > n {
				c.dropNode()
			}
		}), k.seeds(1))
	}
}

// dropNode takes the last node away, with what is done to it.
func (c *Case) dropNode() {
	last := Node(c.Settings.Nodes)
	c.Settings.Nodes--
	c.Settings.Absent = max(0, c.Settings.Absent-1)
	c.Scenario.Script = slices.DeleteFunc(c.Scenario.Script, func(s Step) bool { return names(s.Fault, last) })
	for i := range c.Scenario.Calls {
		if c.Scenario.Calls[i].Via == last {
			c.Scenario.Calls[i].Via = Node(1)
		}
	}
}

// names says that a fault is done to a node, and not merely to a side that the node is on.
func names(f Fault, t Target) bool {
	switch f := f.(type) {
	case For:
		return names(f.Fault, t)
	case Split:
		return len(f.Side) == 1 && f.Side[0] == t
	case Cut:
		return f.A == t || f.B == t
	case OneWay:
		return f.From == t || f.To == t
	case Cast:
		return slices.ContainsFunc(f, func(r Role) bool { return r.Target == t })
	case Clog:
		return f.A == t || f.Pair && f.B == t
	case Lag:
		return f.A == t || f.B == t
	case Echo:
		return f.A == t || f.B == t
	case Rack:
		return slices.Contains(f.Targets, t)
	case Drain:
		return f.Target == t || f.Via == t
	case Undrain:
		return f.Target == t || f.Via == t
	case Weigh:
		return f.Target == t || f.Via == t
	case Forget:
		return f.Target == t || f.Via == t
	case RecoverMeta:
		return f.Via == t
	}
	return aim(f) == t
}

// aim is the one node that a fault is about, or no node.
func aim(f Fault) Target {
	switch f := f.(type) {
	case Isolate:
		return f.Target
	case Deaf:
		return f.Target
	case Bridge:
		return f.Middle
	case Crash:
		return f.Target
	case Stop:
		return f.Target
	case Restart:
		return f.Target
	case Join:
		return f.Target
	case Pause:
		return f.Target
	case Slow:
		return f.Target
	case Stall:
		return f.Target
	case Rate:
		return f.Target
	case WallJump:
		return f.Target
	case Throttle:
		return f.Target
	case Replay:
		return f.Target
	case Squeeze:
		return f.Target
	case Slander:
		return f.Target
	case Roll:
		return f.Target
	}
	return Target{}
}

// dropIdle takes away the clients that do nothing and numbers the others anew.
func (c *Case) dropIdle() {
	sessions, all := 0, c.Settings.Clients+c.Settings.Plain
	number := make([]int, all)
	used := 0
	for i := range all {
		number[i] = -1
		if slices.ContainsFunc(c.Scenario.Calls, func(call Call) bool { return call.Client == i }) {
			number[i] = used
			used++
			if i < c.Settings.Clients {
				sessions++
			}
		}
	}
	for i := range c.Scenario.Calls {
		if old := c.Scenario.Calls[i].Client; old < all {
			c.Scenario.Calls[i].Client = number[old]
		}
	}
	for i, s := range c.Scenario.Script {
		c.Scenario.Script[i].Fault = renumber(s.Fault, number)
	}
	c.Settings.Clients, c.Settings.Plain, c.Settings.Threads = sessions, used-sessions, 1
}

func renumber(f Fault, number []int) Fault {
	switch f := f.(type) {
	case For:
		f.Fault = renumber(f.Fault, number)
		return f
	case Split:
		if f.Near == nil {
			return f
		}
		near := []int{}
		for _, i := range f.Near {
			if i < len(number) && number[i] >= 0 {
				near = append(near, number[i])
			}
		}
		f.Near = near
		return f
	}
	return f
}

// minimal says whether leaving out any one fault or operation silences the oracle.
func (k *shrinking) minimal() bool {
	best := k.best
	s := &best.Case.Scenario
	for i := range len(s.Script) + len(s.Calls) {
		c := k.with(func(c *Case) {
			if i < len(s.Script) {
				c.Scenario.Script = slices.Delete(c.Scenario.Script, i, i+1)
			} else {
				c.Scenario.Calls = slices.Delete(c.Scenario.Calls, i-len(s.Script), i-len(s.Script)+1)
			}
		})
		if k.try(c, k.seeds(1)) {
			return false // try has kept the smaller one, which is welcome
		}
	}
	return !k.over
}
