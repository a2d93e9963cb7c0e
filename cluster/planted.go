package cluster

import (
	"slices"

	"torc/core/wire"
)

// What planted bugs (core/mutant) do that is longer than a line. No build without them calls any
// of it, so none of it is in a release.

// byNode takes a message as if it came from the replica that lives on the node now, whichever
// life sent it.
func (l *Lane) byNode(from wire.NodeID, m wire.Message) wire.Message {
	r, ok := m.(*wire.Raft)
	p := l.m.Placement(m.Group())
	if !ok || p == nil {
		return m
	}
	again := *r
	for i := range p.Replicas {
		if p.Replicas[i].Node == from {
			again.From = p.Replicas[i].ID
		}
	}
	return &again
}

// ringWithout is a new ring that this node makes for itself.
func (l *Lane) ringWithout(node wire.NodeID, life wire.Incarnation) {
	if l.m == nil {
		return
	}
	next := l.m.Clone()
	if changeMap(next, &wire.MetaCommand{Kind: wire.MetaSetState, Node: node, Incarnation: life, State: wire.MemberDown}) {
		next.Epoch++
		l.newMap(next)
	}
}

// compareNow compares versions with what this leader has applied, and lets what is equal be
// written whatever comes between.
func (g *group) compareNow(b *wire.Batch) {
	for i := range b.Requests {
		commands := slices.Clone(b.Requests[i].Commands)
		for j := range commands {
			c := &commands[j]
			if now, _ := g.store.Read([]wire.Command{{Op: wire.OpGet, Key: c.Key}}, 0); c.Flags&wire.FlagVersion != 0 && now[0].Version == c.Version {
				c.Flags &^= wire.FlagVersion
			}
		}
		b.Requests[i].Commands = commands
	}
}

// guardNow compares guards with what this leader has applied, and those that are met with nothing that comes between.
func (g *group) guardNow(b *wire.Batch) {
	for i := range b.Requests {
		commands := slices.Clone(b.Requests[i].Commands)
		for j := range commands {
			c := &commands[j]
			if now, _ := g.store.Read([]wire.Command{{Op: wire.OpExists, Key: c.Key}}, 0); c.Op == wire.OpGuard && now[0].Version == c.Version {
				*c = wire.Command{Op: wire.OpExists, Key: c.Key}
			}
		}
		b.Requests[i].Commands = commands
	}
}

// deleteDue proposes to delete the keys whose time is over, whatever they hold by then.
func (g *group) deleteDue() {
	b := &wire.Batch{Time: g.now()}
	keys, _ := g.store.Read([]wire.Command{{Op: wire.OpScan, End: 4096}}, 0) // as they are by log time
	for _, key := range keys[0].List {
		expiry, _ := g.store.Read([]wire.Command{{Op: wire.OpExpireTime, Key: key}}, 0)
		if at := expiry[0].Int; at > 0 && at <= b.Time {
			b.Requests = append(b.Requests, wire.Request{Shard: g.shard, Commands: []wire.Command{{Op: wire.OpDelete, Key: key}}})
		}
	}
	g.propose(b, nil)
}

// chooseLocally puts victims of this replica's own choice in the place of the leader's.
func (g *group) chooseLocally(b *wire.Batch) {
	e := g.evictor()
	if e == nil || len(b.Victims) == 0 {
		return
	}
	for i := range b.Victims {
		if c, found := e.policy.Pick(shelf{g.store}, func(uint64) bool { return false }); found {
			b.Victims[i] = wire.Victim{Hash: c.Hash, Version: c.Version}
		}
	}
}
