package cluster

import (
	"torc/core/mutant"
	"torc/core/wire"
)

// Look answers a read from memory at this instant, between two turns of the lane, and reports whether it could: this node
// leads the shard, its lease holds now, and the key's expiry raises no question; or it holds a copy of the key that is promised still
// (held.go). Nothing is queued, proposed or sent, and no turn needs to follow.
//
// It is what OnCall and Flush would answer. All that this lane has acknowledged is applied when a turn ends, the lease says
// that nobody else has acknowledged anything, and the clock was read after the request had come: so the state as it is now is an
// answer of an instant between question and reply. Callers that want an order among their own requests see to it: a look
// overtakes what waits for the log.
//
// The result's value is good until anything else is done to the lane.
func (l *Lane) Look(look *wire.Look) bool {
	if len(look.Command.Key) > l.cfg.MaxKey || l.hall.Stopping() {
		return false
	}
	return l.lookStore(look) || l.lookHeld(look)
}

func (l *Lane) lookStore(look *wire.Look) bool {
	g := l.groups[look.Shard]
	if g == nil || g.store == nil || g.sealed != 0 {
		return false
	}
	holds := l.cfg.Reads == ReadLease && g.member.LeaseValid()
	if mutant.On(mutant.LookNoLease) {
		holds = g.member.IsLeader()
	}
	if !holds {
		return false
	}
	r, ok := g.store.Look(&look.Command, g.now())
	if !ok {
		return false
	}
	look.Result = r
	g.saw(look)
	l.hall.Looked()
	return true
}

// saw counts a read, and tells the policy of it.
func (g *group) saw(look *wire.Look) {
	if look.Command.Op == wire.OpGet {
		g.lane.countRead(&look.Result)
	}
	if e := g.evictor(); e != nil {
		g.used(e, &look.Command, &look.Result)
	}
}
