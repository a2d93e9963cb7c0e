package real

import (
	"context"
	"fmt"
	"strings"
	"time"

	"torc/scenarios/script"
	"torc/sim"
)

// deed is a fault that was done: what is said of it, and the way to end it (nil: there is nothing to
// end). When why is set it was not done, or not in full, and why says why.
type deed struct {
	said string
	end  func() error
	why  string
}

// stopWithin is how long a polite stop may take before it is made a hard one, as in the simulator.
const stopWithin = 10 * time.Second

// strike lets a step's fault happen now.
func (r *run) strike(ctx context.Context, step int, f sim.Fault) error {
	d, err := r.do(ctx, f)
	if err != nil {
		return fmt.Errorf("%s: %w", script.SpellFault(f), err)
	}
	if d.why != "" {
		r.leaveOut(script.SpellFault(f), d.why)
	}
	if d.said == "" {
		return nil
	}
	r.result.Struck[step], r.result.StruckAt[step] = true, r.now()
	r.tell("%s", d.said)
	if d.end != nil {
		r.active = append(r.active, d.end)
	}
	return nil
}

// do does a fault.
func (r *run) do(ctx context.Context, f sim.Fault) (deed, error) {
	switch f := f.(type) {
	case sim.For:
		return r.doFor(ctx, f)
	case sim.Isolate, sim.Split, sim.Deaf, sim.OneWay, sim.Cut, sim.Bridge:
		return r.cut(ctx, f)
	case sim.Crash:
		return r.crash(r.find(f.Target), f.Down)
	case sim.Stop:
		return r.stop(r.find(f.Target), f.Down)
	case sim.Restart:
		return r.revived(r.find(f.Target), true)
	case sim.Join:
		return r.revived(r.find(f.Target), false)
	case sim.Pause:
		return r.pause(r.find(f.Target))
	case sim.Lossy:
		return r.lossy(ctx, f)
	case sim.Demand:
		r.demand(ctx, f)
		return deed{said: fmt.Sprintf("demand: no pause over %v, at most %d elections a shard, for %v", f.Gap, f.Elections, f.For)}, nil
	case sim.Heal:
		return deed{said: "heal"}, r.healAll()
	case sim.Cast:
		return r.cast(f), nil
	}
	return deed{why: "not done with real processes"}, nil
}

func (r *run) doFor(ctx context.Context, f sim.For) (deed, error) {
	d, err := r.do(ctx, f.Fault)
	if err != nil || d.end == nil {
		return d, err
	}
	over, end, said := false, d.end, d.said
	d.end = func() error {
		if over {
			return nil
		}
		over = true
		if err := end(); err != nil {
			return err
		}
		r.tell("over: %s", said)
		return nil
	}
	d.said = fmt.Sprintf("%s for %v", said, f.Duration)
	r.agenda.after(f.Duration, d.end)
	return d, nil
}

// cut does the faults that cut links.
func (r *run) cut(ctx context.Context, f sim.Fault) (deed, error) {
	cut, said := r.linksOf(f)
	if said == "" {
		return deed{}, nil
	}
	mend, err := r.links.cutting(ctx, cut)
	if err == errNoCuts {
		r.links.cuts = map[link]int{}
		return deed{why: errNoCuts.Error()}, nil
	}
	return deed{said: said, end: mend}, err
}

// linksOf is which links a fault cuts, and how to say it.
func (r *run) linksOf(f sim.Fault) (cut []link, said string) {
	both := func(a, b int) { cut = append(cut, link{a, b}, link{b, a}) }
	others := func(n int, each func(other int)) {
		for other := range r.nodes {
			if other != n {
				each(other)
			}
		}
	}
	switch f := f.(type) {
	case sim.Isolate:
		n := r.find(f.Target)
		others(n, func(o int) { both(n, o) })
		return cut, "isolate " + r.name(n)
	case sim.Deaf:
		n, verb := r.find(f.Target), "deafen "
		if f.Mute {
			verb = "mute "
		}
		others(n, func(o int) {
			if f.Mute {
				cut = append(cut, link{n, o})
			} else {
				cut = append(cut, link{o, n})
			}
		})
		return cut, verb + r.name(n)
	case sim.OneWay:
		a, b := r.find(f.From), r.find(f.To)
		if a == b {
			return nil, ""
		}
		return []link{{a, b}}, fmt.Sprintf("cut %v -> %v", r.nodes[a], r.nodes[b])
	case sim.Cut:
		a, b := r.find(f.A), r.find(f.B)
		if a == b {
			return nil, ""
		}
		both(a, b)
		return cut, fmt.Sprintf("cut %v -- %v", r.nodes[a], r.nodes[b])
	case sim.Bridge:
		m := r.find(f.Middle)
		side, i := map[int]bool{}, 0
		others(m, func(o int) { side[o] = i%2 == 0; i++ })
		for a := range r.nodes {
			for b := range a {
				if a != m && b != m && side[a] != side[b] {
					both(a, b)
				}
			}
		}
		return cut, "bridge: two sides meet only in " + r.name(m)
	case sim.Split:
		return r.split(f)
	}
	return nil, ""
}

func (r *run) split(f sim.Split) (cut []link, said string) {
	left := map[int]bool{}
	for _, t := range f.Side {
		left[r.find(t)] = true
	}
	ends := len(r.nodes)
	if f.Clients {
		near := f.Near
		for i := range r.users {
			if f.Near == nil && r.rand.Bool() {
				near = append(near, i)
			}
		}
		ends += len(r.users)
		for _, i := range near {
			left[len(r.nodes)+i] = true
		}
	}
	for a := range ends {
		for b := range a {
			if left[a] != left[b] && (a < len(r.nodes) || b < len(r.nodes)) { // clients do not talk to each other
				cut = append(cut, link{a, b}, link{b, a})
			}
		}
	}
	var sides [2][]string
	for n := range r.nodes {
		side := 1
		if left[n] {
			side = 0
		}
		sides[side] = append(sides[side], r.name(n))
	}
	return cut, "split " + strings.Join(sides[0], ",") + " | " + strings.Join(sides[1], ",")
}

// crash kills a process, under the simulator's rule: no memory is lost while another loss is not
// repaired.
func (r *run) crash(n int, downFor time.Duration) (deed, error) {
	p := r.nodes[n]
	if p.is() == down {
		return deed{}, nil
	}
	if err := r.mayLose(); err != nil {
		return deed{why: "another loss of memory is not repaired yet: " + err.Error()}, nil
	}
	said := "crash " + r.name(n)
	if err := p.kill(); err != nil {
		return deed{}, err
	}
	r.watch.forget(p.number)
	if downFor == 0 {
		return deed{said: said}, nil
	}
	return deed{said: fmt.Sprintf("%s, down for %v", said, downFor), end: r.revive(p, downFor)}, nil
}

// mayLose says why no node's memory may go now, or nil.
func (r *run) mayLose() error {
	if r.o.File.Loss {
		return nil
	}
	for _, p := range r.nodes {
		if p.is() == stopping {
			return fmt.Errorf("%v is stopping", p)
		}
	}
	return r.watch.whole(r.settings.Replicas)
}

// revive plans a process's restart, and gives the way to have it at once.
func (r *run) revive(p *process, after time.Duration) func() error {
	life := p.life()
	start := func() error {
		if p.is() != down || p.life() != life {
			return nil
		}
		r.tell("restart %v", p)
		return p.start()
	}
	r.agenda.after(after, start)
	return start
}

// revived starts a process that is down, or (not again) one that never lived.
func (r *run) revived(n int, again bool) (deed, error) {
	p := r.nodes[n]
	if p.is() != down || again != (p.life() > 0) {
		return deed{}, nil
	}
	verb := "%v joins"
	if again {
		verb = "restart %v"
	}
	return deed{said: fmt.Sprintf(verb, p)}, p.start()
}

// stop ends a process politely.
func (r *run) stop(n int, downFor time.Duration) (deed, error) {
	p := r.nodes[n]
	if p.is() != up {
		return deed{}, nil
	}
	if err := r.mayLose(); err != nil {
		return deed{why: "another loss of memory is not repaired yet: " + err.Error()}, nil
	}
	said := "stop " + r.name(n)
	if err := p.stop(); err != nil {
		return deed{}, err
	}
	exited, life := p.exited, p.life()
	go func() {
		<-exited
		r.watch.forget(p.number)
		if downFor > 0 {
			r.revive(p, downFor)
		}
	}()
	r.agenda.after(stopWithin, func() error {
		if p.life() != life || p.is() != stopping {
			return nil
		}
		r.tell("%v did not stop within %v: killed", p, stopWithin)
		return p.kill()
	})
	if downFor > 0 {
		said += fmt.Sprintf(", down for %v", downFor)
	}
	return deed{said: said}, nil
}

// pause freezes a process.
func (r *run) pause(n int) (deed, error) {
	p := r.nodes[n]
	if signalPause == nil {
		return deed{why: "this system has no signal that freezes a process"}, nil
	}
	if p.is() != up {
		return deed{}, nil
	}
	life := p.life()
	return deed{said: "pause " + r.name(n), end: func() error {
		if p.life() != life || p.is() != paused {
			return nil
		}
		return p.resume()
	}}, p.pause()
}

// lossy makes links lose packets and take longer.
func (r *run) lossy(ctx context.Context, f sim.Lossy) (deed, error) {
	mend, err := r.links.impeding(ctx, f.Drop, f.Delay, f.Clients)
	if err == errNoCuts {
		r.links.drop, r.links.delay = [2]int{}, [2]time.Duration{}
		return deed{why: errNoCuts.Error()}, nil
	}
	d := deed{said: fmt.Sprintf("lossy links: drop %d‱ of the packets, delay +%v", f.Drop, f.Delay), end: mend}
	if f.Duplicate > 0 {
		d.why = "TCP never doubles what it carries: duplicate= is left out"
	}
	return d, err
}

// cast settles who plays the parts.
func (r *run) cast(f sim.Cast) deed {
	said := "cast:"
	numbers := make([]int, len(f))
	for i, role := range f {
		numbers[i] = r.find(role.Target) // all at the same instant
	}
	for i, role := range f {
		r.parts[role.Part] = numbers[i] + 1
		said += fmt.Sprintf(" %s=%s", role.Part, r.name(numbers[i]))
	}
	return deed{said: said}
}

// healAll ends everything that is on, the latest first.
func (r *run) healAll() error {
	active := r.active
	r.active = nil
	for i := len(active) - 1; i >= 0; i-- {
		if err := active[i](); err != nil {
			return fmt.Errorf("healing: %w", err)
		}
	}
	return nil
}

// settle heals for good: also what no fault remembers.
func (r *run) settle() error {
	if err := r.healAll(); err != nil {
		return err
	}
	for _, p := range r.nodes {
		switch {
		case p.is() == paused:
			if err := p.resume(); err != nil {
				return err
			}
		case p.is() == down && p.life() > 0:
			if err := p.start(); err != nil {
				return err
			}
		}
	}
	return nil
}
