package cluster

import (
	"time"

	"torc/core/gossip"
	"torc/core/mutant"
	"torc/core/wire"
)

// overseer is what the meta group's leader keeps beside the map: whom it has heard from and what
// gossip believes. It is advice: it decides when to change the map, never what is true.
type overseer struct {
	view   gossip.View
	heard  map[wire.NodeID]time.Duration // for look-up, never ranged
	newest map[wire.NodeID]admitted      // the life that the map admits; for look-up, never ranged
	since  time.Duration                 // leads since
	epochs map[wire.NodeID]wire.Epoch    // of whose maps nodes have told last; for look-up, never ranged

	leading bool
	planned wire.Epoch              // the map of this epoch needs no change
	pushed  wire.Epoch              // newest map sent to nodes outside the meta group
	doubts  map[wire.ShardID]*doubt // the shards that may be lost; for look-up, never ranged

	moves map[wire.ShardID]underWay // the shards on the move; for look-up, never ranged

	stranded map[wire.ShardID]strandedWord // that a group has lost its quorum, by its replicas' word; for look-up, never ranged
}

func newOverseer() overseer {
	return overseer{heard: map[wire.NodeID]time.Duration{}, newest: map[wire.NodeID]admitted{},
		epochs: map[wire.NodeID]wire.Epoch{}, moves: map[wire.ShardID]underWay{}}
}

// admitted is a life, and since when this node knows that it is admitted.
type admitted struct {
	life wire.Incarnation
	at   time.Duration
}

// admittedAt is since when this leader knows that a life is admitted. Whoever joins by way of another node has never spoken to this one,
// and is not to be taken for silent before it could.
func (l *Lane) admittedAt(who *wire.Member) time.Duration {
	a, known := l.newest[who.ID]
	if !known || a.life != who.Incarnation {
		a = admitted{who.Incarnation, l.env.Now()}
		l.newest[who.ID] = a
	}
	return a.at
}

// heardFrom notes that a node's present life speaks. One that has been admitted and has no map yet is in no cluster by its own word.
func (l *Lane) heardFrom(f *wire.Frame) {
	if l.known[f.From].Incarnation == f.FromIncarnation && !l.m.IsOther(f.Cluster) {
		l.heard[f.From] = l.env.Now()
	}
}

// hears reports whether a node has spoken to this one itself, not long ago.
func (l *Lane) hears(id wire.NodeID) bool {
	at, ok := l.heard[id]
	return ok && l.env.Now()-at < l.cfg.Grace/2
}

// oversee is the meta leader's round: who is gone, who should hold what, who has an old map.
func (l *Lane) oversee() {
	g := l.groups[wire.MetaShard]
	leads := g != nil && g.member.Leads()
	if leads && !l.leading {
		l.since, l.planned, l.pushed, l.doubts = l.env.Now(), 0, 0, map[wire.ShardID]*doubt{}
		l.stranded, l.moves = map[wire.ShardID]strandedWord{}, map[wire.ShardID]underWay{}
	}
	l.leading = leads
	if !leads {
		return
	}
	m := g.meta.m
	l.mournSilent(m)
	l.letGo(m)
	if l.planned != m.Epoch && l.plan(m) == 0 {
		l.planned = m.Epoch
	}
	l.overseeLosses(m)
	l.pushMap(m)
}

// mournSilent declares nodes down that have been silent for the grace period. It takes two to
// say so, this leader's ears and gossip; without gossip the ears alone, after three times as long.
// When there would be too few nodes left to hold the replicas nothing is gained by it.
func (l *Lane) mournSilent(m *wire.ClusterMap) {
	spare := len(holders(m)) > int(m.Replication)
	now := l.env.Now()
	for _, who := range m.Members {
		admitted := l.admittedAt(&who)
		if who.State != wire.MemberActive || who.ID == l.cfg.Self.ID || who.MayHold() && !spare {
			continue
		}
		grace := l.cfg.Grace
		if e, ok := l.view.Of(who.ID); !ok || e.Incarnation != who.Incarnation || e.Status == gossip.Alive || e.Status == gossip.Suspect {
			grace *= 3
		}
		if mutant.On(mutant.GossipHairTrigger) && l.view.Is(who.ID, who.Incarnation, gossip.Suspect) {
			grace = 0
		}
		if now-max(l.heard[who.ID], l.since, admitted) > grace {
			l.command(&wire.MetaCommand{Kind: wire.MetaSetState, Node: who.ID, Incarnation: who.Incarnation, State: wire.MemberDown})
			return // one at a time: each changes how many are left
		}
	}
}

// pushMap sends a new map to the nodes that do not get it from the meta group's log.
func (l *Lane) pushMap(m *wire.ClusterMap) {
	if l.pushed == m.Epoch {
		return
	}
	l.pushed = m.Epoch
	p := m.Placement(wire.MetaShard)
	for _, who := range m.Members {
		if r := p.On(who.ID, who.Incarnation); (r == nil || !r.Role.Votes()) && who.State == wire.MemberActive {
			l.send(who.ID, &wire.MapUpdate{Map: m})
		}
	}
}
