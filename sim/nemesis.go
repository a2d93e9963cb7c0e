package sim

import (
	"fmt"
	"slices"
	"time"

	"torc/core/trace"
	"torc/core/wire"
)

// nemesis makes faults happen: those of the script, and in a swarm run those it draws. It
// also keeps the rule of lost memory (fault_memory.go).
type nemesis struct {
	w        *World
	rand     Stream
	began    int64            // when the torture began
	parts    map[string]*node // who plays what
	impeded  bool             // packets have been lost or late on purpose, so that votes are, too
	sender   *node            // of the trigger that set the last armed fault off
	receiver *node
	made     []Step    // what was done, in full: the run's decisions
	active   []func()  // how to end what is on
	armed    []When    // what waits for its moment
	beset    uint64    // nodes that stayed faulty while the core was healed
	striking faultKind // what is being done now
	on       bool      // still drawing
	open     bool      // the torture lasts
	lawless  bool      // the scenario declares a loss
	leaving  departure // the last node that was stopped politely
	asking   int       // operators who wait for an answer
	forced   bool      // a drain was forced
	low      int64     // the wall clocks' extremes, in milliseconds
	high     int64
}

// strike lets a fault happen now, and reports whether it did.
func (f *nemesis) strike(fault Fault) bool { return f.strikeAs(kindOf(fault), fault) }

// strikeAs is strike for a fault whose kind is known better than by its looks.
func (f *nemesis) strikeAs(kind faultKind, fault Fault) bool {
	fault = fault.fix(f.w)
	f.striking = kind
	said, end := fault.strike(f.w)
	if said == "" {
		return false
	}
	f.made = append(f.made, At(time.Duration(f.w.now-f.began), fault))
	f.w.tell(trace.Fault, "%s", said)
	f.w.coverage.begin(kind)
	end = f.follow(kind, fault, end)
	if end != nil {
		f.active = append(f.active, end)
	}
	return true
}

// aftermath is for how long what happens in an instant counts as going on.
const aftermath = time.Second

// follow sees to it that the end of a fault is noted. For does so by itself.
func (f *nemesis) follow(kind faultKind, fault Fault, end func()) func() {
	over := func() { f.w.coverage.end(kind) }
	down := time.Duration(0)
	switch fault := fault.(type) {
	case For:
		if end != nil {
			return end
		}
	case Crash:
		down = fault.Down
	case Stop:
		down = fault.Down
	case Rack:
		down = fault.Down
	case Drain, Weigh, Forget, RecoverMeta: // for good
		end = nil
	default:
		if end != nil {
			return func() { end(); over() }
		}
	}
	f.w.after(down+aftermath, over)
	return end
}

// healAll ends everything that is on, and disarms what waits.
func (f *nemesis) healAll() {
	active := f.active
	f.active, f.armed = nil, nil
	for i := len(active) - 1; i >= 0; i-- {
		active[i]()
	}
}

// settle heals for good: also what no fault remembers.
func (f *nemesis) settle() {
	f.on, f.open = false, false
	f.healAll()
	f.w.network.mend()
	for _, n := range f.w.nodes {
		f.w.mend(n)
	}
}

// mend heals a node: its process, its clock's rate, its memory, its name.
func (w *World) mend(n *node) {
	n.turnCost.heal()
	if n.wildRate() {
		n.clock.setRate(w.now, 1_000_000)
	}
	n.squeezed.heal()
	n.boundMemory()
	n.lies = [lieCount]int{}
	for _, l := range n.lanes {
		l.goOn(l.stalls)
	}
	n.resume()
	if n.state == stateDown && n.life > 0 {
		n.start()
	}
}

// begin draws faults until settle.
func (f *nemesis) begin() {
	f.on = true
	f.next()
	if storm := f.w.settings.Storm; storm > 0 {
		f.strike(Lossy{Drop: storm, Duplicate: storm + f.rand.IntN(3000), Delay: f.rand.Duration(0, 35*time.Millisecond)})
	}
	f.runShort()
	if f.w.settings.Ruin {
		f.w.after(f.rand.Duration(f.w.torturedFor/8, f.w.torturedFor/2), f.ruinNext)
	}
	for _, n := range f.w.nodes[len(f.w.nodes)-f.w.settings.Absent:] {
		f.w.after(f.rand.Duration(2*time.Second, 20*time.Second), func() {
			if f.on {
				f.strike(Join{Node(int(n.id))})
			}
		})
	}
}

func (f *nemesis) next() {
	f.w.after(f.rand.Around(f.w.settings.FaultEvery), func() {
		if !f.on {
			return
		}
		if kind, fault := f.draw(); fault != nil {
			f.strikeAs(kind, fault)
		}
		f.next()
	})
}

// draw draws a fault of the kinds that are on.
func (f *nemesis) draw() (faultKind, Fault) {
	s, r := &f.w.settings, &f.rand
	long := f.length()
	passing := func(fault Fault) Fault { return For{long, fault} }
	kinds := []struct {
		kind faultKind
		on   bool
		make func() Fault
	}{
		{kindIsolate, s.Faults.Isolate, func() Fault { return passing(Isolate{f.target()}) }},
		{kindSplit, s.Faults.Split, func() Fault { return passing(f.split()) }},
		{kindOneWay, s.Faults.OneWay, func() Fault { return passing(f.oneWay()) }},
		{kindBridge, s.Faults.Bridge, func() Fault { return passing(Bridge{f.target()}) }},
		{kindCrash, s.Faults.Crash, func() Fault { return f.crash(long / 2) }},
		{kindStop, s.Faults.Stop, func() Fault { return Stop{f.target(), long / 2} }},
		{kindPause, s.Faults.Pause, func() Fault { return passing(Pause{f.target()}) }},
		{kindSlow, s.Faults.Slow, func() Fault { return passing(Slow{f.target(), r.Duration(time.Millisecond, 40*time.Millisecond)}) }},
		{kindLossy, s.Faults.Lossy, func() Fault { return passing(f.lossy()) }},
		{kindRates, s.Faults.Rates, func() Fault { return Rate{Random(), r.Between(-25, 25)} }},
		{kindWallJumps, s.Faults.WallJumps, func() Fault { return WallJump{Random(), r.Duration(-5*time.Second, 5*time.Second)} }},
		{kindClog, s.Faults.Clog, func() Fault { return passing(f.clog()) }},
		{kindThrottle, s.Faults.Throttle, func() Fault { return passing(f.throttle()) }},
		{kindReplay, s.Faults.Replay, func() Fault { return f.replay(long / 2) }},
		{kindRack, s.Faults.Rack, func() Fault { return f.rack(long / 2) }},
		{kindSnapshotCrash, s.Faults.SnapshotCrash, func() Fault { return f.arm(OnSnapshot, long/2) }},
		{kindChangeCrash, s.Faults.ChangeCrash, func() Fault { return f.arm(OnChange, long/2) }},
		{kindWildRates, s.Faults.WildRates, func() Fault { return passing(Rate{f.target(), f.wildRate()}) }},
		{kindLongPause, s.Faults.LongPause, func() Fault { return For{f.longPause(), Pause{f.target()}} }},
		{kindMemory, s.Faults.Memory, func() Fault { return passing(Squeeze{f.target(), int64(1 + r.IntN(4096))}) }},
		{kindLies, s.Faults.Lies, func() Fault { return passing(Slander{f.target(), Lie(r.IntN(int(lieCount)))}) }},
		{kindDrain, s.Faults.Drain, func() Fault { return f.drain(2 * long) }},
		{kindWeigh, s.Faults.Weigh, func() Fault { return For{2 * long, Weigh{f.target(), Random(), []int{25, 50, 200, 400}[r.IntN(4)]}} }},
		{kindLag, s.Faults.Lag, func() Fault { return f.lag() }},
		{kindStall, s.Faults.Stall, func() Fault { return passing(Stall{f.target(), r.IntN(2)}) }},
	}
	var drawn []int
	for i := range kinds {
		if kinds[i].on {
			drawn = append(drawn, i)
		}
	}
	if len(drawn) == 0 {
		return kindNone, nil
	}
	k := kinds[drawn[r.IntN(len(drawn))]]
	return k.kind, k.make()
}

// length draws how long a fault lasts: mostly about as long as the settings say, at times a blip,
// at times much longer.
func (f *nemesis) length() time.Duration {
	d := f.rand.Around(f.w.settings.FaultFor)
	switch roll := f.rand.IntN(10); {
	case roll < 2:
		return d / 16
	case roll == 2:
		return 3 * d
	}
	return d
}

// target draws whom a fault hits: leaders much more often than chance would.
func (f *nemesis) target() Target {
	if f.rand.IntN(3) > 0 {
		return Leader(f.w.drawShard(&f.rand))
	}
	return Random()
}

func (f *nemesis) split() Fault {
	side := []Target{f.target()}
	if len(f.w.nodes) > 3 && f.rand.Bool() {
		side = append(side, Random())
	}
	return Split{Side: side, Clients: f.rand.Bool()}
}

func (f *nemesis) oneWay() Fault {
	switch f.rand.IntN(3) {
	case 0:
		return Deaf{Target: f.target()}
	case 1:
		return Deaf{Target: f.target(), Mute: true}
	}
	return OneWay{f.target(), Random()}
}

func (f *nemesis) lossy() Fault {
	return Lossy{Drop: f.rand.IntN(3000), Duplicate: f.rand.IntN(5000), Delay: f.rand.Duration(0, 50*time.Millisecond), Clients: f.rand.Bool()}
}

func (f *nemesis) clog() Fault {
	switch f.rand.IntN(3) {
	case 0:
		return Clog{A: f.target(), B: Random(), Pair: true, OneWay: true}
	case 1:
		return Clog{A: f.target(), B: Random(), Pair: true}
	}
	return Clog{A: f.target(), Clients: f.rand.Bool()}
}

// lag draws a moment of a link from which all arrives late, or twice: an election timeout later, give or take a good deal.
func (f *nemesis) lag() Fault {
	election := f.w.settings.election()
	late := Lag{A: f.target(), B: Random(), Both: f.rand.IntN(3) == 0, By: f.rand.Duration(election/8, 3*election)}
	long := f.rand.Duration(election/16, 2*election)
	if f.rand.IntN(3) == 0 {
		return For{long, Echo(late)}
	}
	return For{long, late}
}

func (f *nemesis) throttle() Fault {
	t := Throttle{Target: f.target(), Delay: f.rand.Duration(time.Millisecond, 200*time.Millisecond)}
	if f.rand.Bool() {
		t.Bytes = 1 << f.rand.Between(12, 18)
	}
	if sizes := NewStream(f.w.seed, fmt.Sprint("throttle at ", f.w.now)); sizes.Chance(2500) { // its own: other draws are what they were
		t.Over = 1 << sizes.Between(8, 13)
	}
	return t
}

// replay crashes a node, and lets what it said and was told arrive again when its new life is young.
func (f *nemesis) replay(down time.Duration) Fault {
	victim := Node(int(f.target().find(f.w).id))
	f.w.after(down+f.rand.Duration(time.Millisecond, 2*time.Second), func() {
		if f.on {
			f.strike(Replay{victim})
		}
	})
	return Crash{victim, down}
}

func (f *nemesis) rack(down time.Duration) Fault {
	r := Rack{Targets: []Target{f.target(), Random()}, Down: down}
	if f.rand.Bool() {
		r.Targets = append(r.Targets, Random())
	}
	return r
}

// crash crashes a node; now and then its network is not up yet when it comes back.
func (f *nemesis) crash(down time.Duration) Fault {
	if f.rand.IntN(4) > 0 {
		return Crash{f.target(), down}
	}
	victim := f.target().find(f.w)
	cut, life := For{f.rand.Duration(time.Second, 8*time.Second), Isolate{Node(int(victim.id))}}, victim.life
	f.w.after(down*9/10, func() {
		if f.on && victim.state == stateDown && victim.life == life+1 {
			f.w.reached(branchCameBackCut)
			f.strike(cut)
		}
	})
	return Crash{Node(int(victim.id)), down}
}

// ruin crashes two of a shard's three voters. They come back, empty, and the shard is begun anew for that; or an
// operator takes them for gone before, and says so.
func (f *nemesis) ruin(down time.Duration) Fault {
	w, victims := f.w, f.doomed()
	if f.rand.Bool() {
		down = w.settings.Grace + 2*w.settings.ResetGrace
		for _, victim := range victims {
			w.after(f.rand.Duration(time.Millisecond, w.settings.Grace), func() {
				if f.on {
					f.strike(Forget{victim, Random()})
				}
			})
		}
	}
	return Rack{Targets: victims, Down: down}
}

// doomed are two voters of a shard that may be lost without the meta group, if there is one.
func (f *nemesis) doomed() []Target {
	first := f.w.drawShard(&f.rand)
	pair := func(shard wire.ShardID, other int) []*node {
		return []*node{Leader(shard).find(f.w), Voter(shard, other).find(f.w)}
	}
	chosen := pair(first, 1)
search:
	for i := range f.w.settings.Shards {
		shard := wire.ShardID(1 + (int(first)+i-1)%f.w.settings.Shards)
		for other := 1; other < f.w.settings.Replicas; other++ {
			if p := pair(shard, other); p[0] != p[1] && p[0].state != stateDown && p[1].state != stateDown && f.mayLose(p...) {
				chosen = p
				break search
			}
		}
	}
	return []Target{Node(int(chosen[0].id)), Node(int(chosen[1].id))}
}

// ruinNext loses a shard, or tries again soon if none may be lost now; and another one later.
func (f *nemesis) ruinNext() {
	if !f.on {
		return
	}
	f.strikeAs(kindRack, f.ruin(f.length()/2))
	next := 2 * time.Second
	if slices.Contains(f.w.lostShards(), true) {
		next = f.rand.Around(f.w.torturedFor / 4)
	}
	f.w.after(next, f.ruinNext)
}

// drain drains a node, for a while or for good. At times the node crashes half-way, or who places replicas.
func (f *nemesis) drain(long time.Duration) Fault {
	d := Drain{Target: Node(int(f.target().find(f.w).id)), Via: Random()}
	switch f.rand.IntN(4) {
	case 0:
		f.crashSoon(d.Target, long/4)
	case 1:
		f.crashSoon(Leader(wire.MetaShard), long/4)
	}
	if f.rand.IntN(3) == 0 {
		return d
	}
	return For{long, d}
}

// crashSoon crashes a node when what has just been asked for is under way.
func (f *nemesis) crashSoon(victim Target, down time.Duration) {
	f.w.after(f.rand.Duration(time.Millisecond, time.Second), func() {
		if f.on {
			f.strike(Crash{victim, down})
		}
	})
}

// arm lets a crash wait for its moment.
func (f *nemesis) arm(t Trigger, down time.Duration) Fault {
	victim := Sender()
	if f.rand.Bool() {
		victim = Receiver()
	}
	after := f.rand.Duration(time.Microsecond, 20*time.Millisecond)
	if len(f.armed) >= armedMax {
		return nil
	}
	return When{Trigger: t, After: after, Fault: Crash{victim, down}}
}

// wildRate draws a clock's rate from a quarter of true time to double, in thousandths from it.
func (f *nemesis) wildRate() int {
	return []int{-750, -500, -250, 250, 500, 1000}[f.rand.IntN(6)] + f.rand.Between(-50, 0)
}

// longPauseMin is more than any pause that is not meant to be long.
const longPauseMin = 12 * time.Second

// longPause draws a pause that outlasts the grace of silent nodes, if that is short enough for a
// run to see it.
func (f *nemesis) longPause() time.Duration {
	return longPauseMin + f.rand.Duration(time.Second, 10*time.Second)
}

// sawWalls notes how far the wall clocks are off now.
func (f *nemesis) sawWalls() {
	for _, n := range f.w.nodes {
		f.low, f.high = min(f.low, n.clock.wall), max(f.high, n.clock.wall)
	}
}

// wallSpread is the largest difference between any two wall clocks at any time of the run.
func (f *nemesis) wallSpread() time.Duration {
	f.sawWalls()
	return time.Duration(f.high-f.low) * time.Millisecond
}

// drawShard draws a data shard.
func (w *World) drawShard(r *Stream) wire.ShardID {
	return wire.ShardID(1 + r.IntN(w.settings.Shards))
}
