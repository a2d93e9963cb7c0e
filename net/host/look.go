package host

import "torc/core/wire"

// Looker answers reads at once, on the goroutine of whoever asks: while no turn of the lane is under way, what has been applied
// lies there to be read, and a lane that need not be woken costs neither a switch of goroutines nor any memory. While one is,
// Look says no: the read goes by Submit, and the turn that takes it serves many others.
//
// A Looker is for one goroutine. From the first Look to Done it keeps the lanes from their turns, so that is to be soon, and nothing
// may be waited for.
type Looker struct {
	host    *Host
	entered []bool // lanes, until Done
	refused []bool // those that had a turn under way, until Done
}

// Looker makes one.
func (h *Host) Looker() *Looker {
	return &Looker{host: h, entered: make([]bool, len(h.loops)), refused: make([]bool, len(h.loops))}
}

// Look answers a read that has come before the first Look since Done, or reports that it must be asked by Submit. The result is good
// until Done.
func (k *Looker) Look(l *wire.Look) bool {
	i := laneOf(l.Shard, len(k.entered))
	if !k.entered[i] && !k.enter(i) {
		return false
	}
	return k.host.loops[i].lane.Look(l)
}

// enter goes into a lane and reads its clock there: see invariant 2.
func (k *Looker) enter(i int) bool {
	l := k.host.loops[i]
	if k.refused[i] || !l.gate.tryEnter() {
		k.refused[i] = true
		return false
	}
	if !l.started.Load() { // or it has ended
		l.gate.leave()
		k.refused[i] = true
		return false
	}
	k.entered[i] = true
	l.world.clock.refresh()
	return true
}

// Done lets the lanes go on.
func (k *Looker) Done() {
	for i := range k.entered {
		if k.entered[i] {
			k.host.loops[i].gate.leave()
		}
		k.entered[i], k.refused[i] = false, false
	}
}
