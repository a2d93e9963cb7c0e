package cluster

import (
	"time"

	"torc/core/router"
	"torc/core/wire"
)

// front is the lane as its front hall (core/router) sees it.
type front struct{ lane *Lane }

var _ router.Port = front{}

// Now is part of router.Port.
func (f front) Now() time.Duration { return f.lane.env.Now() }

// Map is part of router.Port.
func (f front) Map() *wire.ClusterMap { return f.lane.m }

// Uint64 is part of router.Port.
func (f front) Uint64() uint64 { return f.lane.env.Uint64() }

// Send is part of router.Port.
func (f front) Send(to wire.NodeID, m wire.Message) { f.lane.send(to, m) }

// Answer is part of router.Port.
func (f front) Answer(to wire.NodeID, life wire.Incarnation, m wire.Message) {
	if who, ok := f.lane.known[to]; ok {
		f.lane.sendAddr(who.PeerAddr, to, life, m) // another life that listens there drops it
	}
}

// Take is part of router.Port.
func (f front) Take(c *router.Call) bool {
	g := f.lane.groups[c.Shard]
	if g == nil || !g.serves(c) {
		return false
	}
	g.take(c)
	return true
}

// Leader is part of router.Port.
func (f front) Leader(shard wire.ShardID) (leader wire.NodeID, known bool) {
	g := f.lane.groups[shard]
	if g == nil {
		return 0, false
	}
	if p := f.lane.m.Placement(shard); p != nil {
		if r := p.Replica(g.member.Leader()); r != nil {
			return r.Node, true
		}
	}
	return 0, g.votes() // one that nobody has made a member yet knows less than the map
}

// Hint is part of router.Port.
func (f front) Hint(shard wire.ShardID) wire.NodeID { return f.lane.hint(shard) }
