package cluster

import (
	"torc/core/trace"
	"torc/core/wire"
)

// A replica's side of a seal; loss.go says what it is for.

// sealedEvery is how many ticks a sealed replica lets pass between saying so.
const sealedEvery = 4

// underSeal reports whether this replica takes part in nothing. It seals itself when the map asks
// for it and it knows no leader; one that does not vote as far as it knows has no say in who leads,
// and may believe in a leader that is long gone, so it does so at once. Only a later map lifts the seal.
func (g *group) underSeal() bool {
	p := g.lane.m.Placement(g.shard)
	if p == nil || p.Seal == 0 {
		g.sealed = 0
		return false
	}
	if g.sealed == p.Seal {
		return true
	}
	g.sealed = 0
	g.member.Flush() // what is committed counts
	if g.member.IsLeader() || g.votes() && g.member.Leader() != 0 {
		return false
	}
	g.sealed = p.Seal
	return true
}

// tellSealed tells the meta group's leader of the seal, again and again: it may change. Without a seal it tells of a
// replica that is stranded.
func (g *group) tellSealed() {
	l := g.lane
	if (l.ticks+int(g.shard))%sealedEvery != 0 {
		return
	}
	s := &wire.Sealed{Shard: g.shard, Seal: g.sealed, Replica: g.replica, Applied: g.member.Applied(), Last: g.member.LastIndex(), Conf: g.member.Conf()}
	if l.index == 0 {
		l.onSealed(l.cfg.Self.ID, l.cfg.Self.Incarnation, s)
	} else {
		l.send(l.cfg.Self.ID, s) // lane 0 knows who leads the meta group
	}
}

// isRouted reports whether a message is a call on its way, which a sealed replica's node answers as
// any other.
func isRouted(m wire.Message) bool {
	switch m.(type) {
	case *wire.Raft, *wire.SnapshotChunk, *wire.SnapshotAck:
		return false
	}
	return true
}

// declare tells of shards that were begun anew, before anything comes of it: lane 0 has every map first.
func (l *Lane) declare(lost []*wire.Placement) {
	for _, p := range lost {
		if l.trace != nil && l.index == 0 {
			l.trace.Emit(trace.Event{Kind: trace.Lost, Node: l.cfg.Self.ID, Shard: p.Shard, A: p.Losses})
		}
	}
}
