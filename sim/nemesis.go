package sim

import (
	"time"

	"torc/core/trace"
	"torc/core/wire"
)

// nemesis makes faults happen: those of the script, and in a swarm run those it draws. It
// also keeps the rule that no memory is lost while another loss is not repaired.
type nemesis struct {
	w       *World
	rand    Stream
	began   int64            // when the torture began
	parts   map[string]*node // who plays what
	made    []Step           // what was done, in full: the run's decisions
	active  []func()         // how to end what is on
	on      bool             // still drawing
	lawless bool             // the scenario declares a loss
	leaving bool             // a node is stopping politely
	low     int64            // the wall clocks' extremes, in milliseconds
	high    int64
}

// strike lets a fault happen now.
func (f *nemesis) strike(fault Fault) {
	fault = fault.fix(f.w)
	said, end := fault.strike(f.w)
	if said == "" {
		return
	}
	f.made = append(f.made, At(time.Duration(f.w.now-f.began), fault))
	f.w.tell(trace.Fault, "%s", said)
	if end != nil {
		f.active = append(f.active, end)
	}
}

// healAll ends everything that is on.
func (f *nemesis) healAll() {
	active := f.active
	f.active = nil
	for i := len(active) - 1; i >= 0; i-- {
		active[i]()
	}
}

// settle heals for good: also what no fault remembers.
func (f *nemesis) settle() {
	f.on = false
	f.healAll()
	f.w.network.mend()
	for _, n := range f.w.nodes {
		n.turnCost = f.w.settings.TurnCost
		n.resume()
		if n.state == stateDown && n.life > 0 {
			n.start()
		}
	}
}

// mayLose reports whether one node's memory may go: every shard has all its voters, alive
// and close to their leader.
func (f *nemesis) mayLose() bool { return f.lawless || !f.leaving && f.w.formed() }

// begin draws faults until settle.
func (f *nemesis) begin() {
	f.on = true
	f.next()
}

func (f *nemesis) next() {
	f.w.after(f.rand.Around(f.w.settings.FaultEvery), func() {
		if !f.on {
			return
		}
		if fault := f.draw(); fault != nil {
			f.strike(fault)
		}
		f.next()
	})
}

// draw draws a fault of the kinds that are on.
func (f *nemesis) draw() Fault {
	s, r := &f.w.settings, &f.rand
	long := r.Around(s.FaultFor)
	passing := func(fault Fault) Fault { return For{long, fault} }
	kinds := []struct {
		on   bool
		make func() Fault
	}{
		{s.Faults.Isolate, func() Fault { return passing(Isolate{f.target()}) }},
		{s.Faults.Split, func() Fault { return passing(f.split()) }},
		{s.Faults.OneWay, func() Fault { return passing(f.oneWay()) }},
		{s.Faults.Bridge, func() Fault { return passing(Bridge{f.target()}) }},
		{s.Faults.Crash, func() Fault { return Crash{f.target(), long / 2} }},
		{s.Faults.Stop, func() Fault { return Stop{f.target(), long / 2} }},
		{s.Faults.Pause, func() Fault { return passing(Pause{f.target()}) }},
		{s.Faults.Slow, func() Fault { return passing(Slow{f.target(), r.Duration(time.Millisecond, 40*time.Millisecond)}) }},
		{s.Faults.Lossy, func() Fault { return passing(f.lossy()) }},
		{s.Faults.Rates, func() Fault { return Rate{Random(), r.Between(-25, 25)} }},
		{s.Faults.WallJumps, func() Fault { return WallJump{Random(), r.Duration(-5*time.Second, 5*time.Second)} }},
	}
	var drawn []func() Fault
	for _, k := range kinds {
		if k.on {
			drawn = append(drawn, k.make)
		}
	}
	if len(drawn) == 0 {
		return nil
	}
	return drawn[r.IntN(len(drawn))]()
}

// target draws whom a fault hits: leaders twice as often as chance would.
func (f *nemesis) target() Target {
	if f.rand.Bool() {
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
	return Lossy{Drop: f.rand.IntN(2000), Duplicate: f.rand.IntN(2000), Delay: f.rand.Duration(0, 50*time.Millisecond), Clients: f.rand.Bool()}
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
