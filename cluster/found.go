package cluster

import (
	"slices"
	"time"

	"torc/core/mutant"
	"torc/core/ring"
	"torc/core/trace"
	"torc/core/wire"
)

// founding is how a cluster comes to be: every fresh life pledges itself to one other; the lowest
// node that has heard from all the expected ones gathers their pledges, and only with all of them
// hands out the first map.
//
// A proposal cannot be whole when one of its members begins a new life, or has given its pledge to
// another node (which had not heard of this one). Then it is given up, or everybody would wait for
// ever. A pledge is free again only when the life that gathered it is over or says itself that it
// has given the proposal up: by a later one, which has a greater number, or by a Pledge without
// members. What is late or comes twice can free nothing that still counts. In particular time frees
// nothing: who fell silent may have founded the cluster with others.
//
// Only lives that expect as many as this one are founders; who just joins is none. A founder that
// falls silent before it is in a proposal is forgotten, so that another can take its place.
type founding struct {
	heard    []wire.Member // fresh lives without a cluster, this one included, ordered by ID
	heardAt  map[wire.NodeID]time.Duration
	pledged  uint64
	leader   wire.Member // to whose proposal
	proposal uint64      // this node's own, or zero
	newest   uint64      // the last one that this life has made
	members  []wire.Member
	yes      []wire.NodeID

	namesake   wire.Member // a process elsewhere that says it is this node: it counts as no other founder
	namesakeAt time.Duration
}

func (l *Lane) hello(answer bool) *wire.Hello {
	h := &wire.Hello{Member: l.self(), Expect: uint32(l.cfg.Expect), Shards: uint32(l.cfg.Shards), Replicas: uint32(l.cfg.Replicas), Pledged: l.found.pledged, Answer: answer}
	if l.m != nil {
		h.ClusterID, h.Epoch = l.m.ClusterID, l.m.Epoch
	} else {
		h.Known = l.found.heard
	}
	return h
}

func (l *Lane) greet() {
	if l.m != nil {
		for _, m := range l.m.Members {
			switch {
			case m.ID == l.cfg.Self.ID:
			case forgotten(&m): // whatever life is there: that which was forgotten may live on, and knows perhaps only former lives of all others
				l.sendAddr(m.PeerAddr, m.ID, 0, l.hello(false))
			default:
				l.send(m.ID, l.hello(false))
			}
		}
		return
	}
	l.hear(l.cfg.Self)
	l.forgetSilent()
	for _, addr := range l.cfg.Join {
		if addr != l.cfg.Self.PeerAddr {
			l.sendAddr(addr, 0, 0, l.hello(false))
		}
	}
	l.propose()
}

// founderTicks is how long a founder may be silent before it is forgotten. It says hello every
// four ticks.
const founderTicks = 100

// forgetSilent forgets the founders that have been silent, and gives this node's proposal up if one of
// them was to be in it.
func (l *Lane) forgetSilent() {
	f, since := &l.found, l.env.Now()-founderTicks*l.cfg.Tick
	silent := func(m wire.Member) bool { return m.ID != l.cfg.Self.ID && f.heardAt[m.ID] < since }
	if !slices.ContainsFunc(f.heard, silent) {
		return
	}
	for _, m := range f.heard {
		if silent(m) {
			delete(f.heardAt, m.ID)
		}
	}
	f.heard = slices.DeleteFunc(slices.Clone(f.heard), silent)
	if f.proposal != 0 && slices.ContainsFunc(f.members, silent) {
		l.giveUp()
	}
}

func (l *Lane) hear(m wire.Member) {
	if l.found.heardAt == nil {
		l.found.heardAt = map[wire.NodeID]time.Duration{}
	}
	i, ok := slices.BinarySearchFunc(l.found.heard, m.ID, func(a wire.Member, id wire.NodeID) int {
		switch {
		case a.ID < id:
			return -1
		case a.ID > id:
			return 1
		}
		return 0
	})
	if ok {
		if m.Incarnation < l.found.heard[i].Incarnation {
			return // a greeting from a former life, long under way
		}
		l.found.heardAt[m.ID] = l.env.Now()
		l.found.heard = slices.Clone(l.found.heard)
		l.found.heard[i] = m
	} else if len(l.found.heard) < 64 {
		l.found.heardAt[m.ID] = l.env.Now()
		l.found.heard = slices.Insert(slices.Clone(l.found.heard), i, m)
	}
}

func (l *Lane) onHello(m *wire.Hello) {
	who := m.Member
	if who.ID == l.cfg.Self.ID {
		if who.PeerAddr != l.cfg.Self.PeerAddr {
			l.found.namesake, l.found.namesakeAt = who, l.env.Now()
		}
		return
	}
	if l.ofAnother(m) {
		l.onStranger(m)
		return
	}
	l.learnAddr(who)
	if !m.Answer {
		l.sendAddr(who.PeerAddr, who.ID, who.Incarnation, l.hello(true))
	}
	if l.m == nil {
		if m.ClusterID == 0 {
			if int(m.Expect) == l.cfg.Expect && !l.joinsOnly() {
				l.hear(who)
			}
			if l.found.pledged != 0 && l.found.leader.ID == who.ID && l.found.leader.Incarnation < who.Incarnation {
				l.found.pledged = 0 // the life that gathered this pledge is over and founded nothing
			}
		}
		return
	}
	l.epochs[who.ID] = m.Epoch
	if isNew(l.m.Member(who.ID), &who) {
		l.admitMember(m)
	}
	if m.Epoch < l.m.Epoch {
		l.sendAddr(who.PeerAddr, who.ID, who.Incarnation, &wire.MapUpdate{Map: l.m})
	}
}

// isNew reports whether a life that says hello is to be admitted, by what the map says of its node (nil: nothing).
func isNew(known, who *wire.Member) bool {
	if known == nil {
		return who.State != wire.MemberLeft // else it was dismissed (dismiss.go)
	}
	return known.Incarnation < who.Incarnation || known.Incarnation == who.Incarnation && (known.State == wire.MemberDown || forgotten(known))
}

// admitMember asks the meta group to take a fresh life in, or one that it had declared down. The
// latter on the word of its leader's own ears only: on others' it would be down again a grace later,
// because that leader does not hear it, and in and out without end.
func (l *Lane) admitMember(m *wire.Hello) {
	g := l.groups[wire.MetaShard]
	if g != nil && g.member.Leads() {
		if known := g.meta.m.Member(m.Member.ID); known != nil && known.Incarnation == m.Member.Incarnation && !l.hears(known.ID) {
			return
		}
		l.command(&wire.MetaCommand{Kind: wire.MetaJoin, Member: &m.Member})
		return
	}
	if to := l.hall.Leader(wire.MetaShard); to != 0 && to != l.cfg.Self.ID && !m.Answer {
		again := *m
		again.Answer = true
		l.send(to, &again)
	}
}

func (l *Lane) command(c *wire.MetaCommand) {
	g := l.groups[wire.MetaShard]
	_ = g.member.Propose(wire.AppendMetaCommand(nil, c)) // dropped: the next round asks again
	l.touch(g)
}

// joinsOnly reports whether this node seeks a running cluster and never founds one: it expects
// nobody but itself, yet is told of others.
func (l *Lane) joinsOnly() bool {
	return l.cfg.Expect == 1 && slices.ContainsFunc(l.cfg.Join, func(addr string) bool { return addr != l.cfg.Self.PeerAddr })
}

func (l *Lane) propose() {
	f, expect := &l.found, l.cfg.Expect
	if mutant.On(mutant.BootstrapTwice) && l.ticks > l.cfg.ElectionTicks {
		expect = min(expect, len(f.heard)) // with those who have answered
	}
	if l.joinsOnly() || len(f.heard) < expect {
		return
	}
	if f.heard[0].ID != l.cfg.Self.ID {
		if f.proposal != 0 {
			l.giveUp() // for a lower node that was heard of since
		}
		return
	}
	if f.proposal == 0 {
		if f.pledged != 0 {
			return
		}
		if f.newest += 2; f.newest == 2 {
			f.newest = l.env.Uint64()>>1 | 1
		}
		f.proposal = f.newest
		f.pledged, f.leader = f.proposal, l.cfg.Self
		f.members, f.yes = slices.Clone(f.heard[:expect]), []wire.NodeID{l.cfg.Self.ID}
	}
	for _, m := range f.members {
		if !slices.Contains(f.yes, m.ID) {
			l.sendAddr(m.PeerAddr, m.ID, 0, &wire.Pledge{Proposal: f.proposal, Members: f.members})
		}
	}
	l.maybeFound()
}

// giveUp ends this node's own proposal. Those who have given their pledge learn of it by the next
// proposal, or when they remind this node of it (onPledge, onPledged).
func (l *Lane) giveUp() {
	l.found.proposal, l.found.pledged, l.found.yes = 0, 0, nil
}

func (l *Lane) onPledge(from wire.NodeID, m *wire.Pledge) {
	f := &l.found
	if len(m.Members) == 0 && f.leader.ID == from && f.pledged == m.Proposal {
		f.pledged = 0
	}
	i := slices.IndexFunc(m.Members, func(x wire.Member) bool { return x.ID == l.cfg.Self.ID })
	j := slices.IndexFunc(m.Members, func(x wire.Member) bool { return x.ID == from })
	if l.m != nil || i < 0 || j < 0 || l.joinsOnly() {
		return
	}
	later := f.leader.ID == from && f.leader.Incarnation == m.Members[j].Incarnation && m.Proposal > f.pledged
	ok := m.Members[i].Incarnation == l.cfg.Self.Incarnation && (f.pledged == 0 || f.pledged == m.Proposal || later)
	switch {
	case ok:
		f.pledged, f.leader = m.Proposal, m.Members[j]
	case f.pledged != 0 && f.leader.ID != from && f.leader.ID != l.cfg.Self.ID: // does it still want the pledge?
		l.sendAddr(f.leader.PeerAddr, f.leader.ID, f.leader.Incarnation, &wire.Pledged{Proposal: f.pledged, Accept: true, Other: f.pledged})
	}
	l.sendAddr(m.Members[j].PeerAddr, from, m.Members[j].Incarnation, &wire.Pledged{Proposal: m.Proposal, Accept: ok, Other: f.pledged})
}

func (l *Lane) onPledged(from wire.NodeID, m *wire.Pledged) {
	f := &l.found
	if l.m != nil {
		return
	}
	if m.Proposal != f.proposal || f.proposal == 0 {
		if m.Accept {
			l.send(from, &wire.Pledge{Proposal: m.Proposal}) // it was given up
		}
		return
	}
	if !m.Accept {
		l.giveUp() // this proposal can never be whole: begin another
		return
	}
	if !slices.Contains(f.yes, from) {
		f.yes = append(f.yes, from)
	}
	l.maybeFound()
}

func (l *Lane) maybeFound() {
	f := &l.found
	if l.m != nil || f.proposal == 0 || len(f.yes) < len(f.members) {
		return
	}
	first := firstMap(f.proposal, f.members, l.cfg.Shards, l.cfg.Replicas)
	first.Seed, first.Limits = l.cfg.Seed, l.cfg.limits()
	for _, m := range f.members {
		if m.ID != l.cfg.Self.ID {
			l.sendAddr(m.PeerAddr, m.ID, m.Incarnation, &wire.MapUpdate{Proposal: f.proposal, Initial: true, Map: first})
		}
	}
	l.newMap(first)
	if l.trace != nil {
		l.trace.Emit(trace.Event{Kind: trace.Founded, Node: l.cfg.Self.ID, A: first.ClusterID})
	}
}

// firstMap lays out a new cluster. It says with which voters the data shards begin, as do all maps after it: it may reach a founder
// only after them, as when a rack is cut off in the very moment. Were that so for all founders of a shard, and did they not know, each of
// them would wait for ever for another one to make him a member; and as they all live, nothing would be repaired. (Of the meta group's
// founders a majority had this map, or there would be no later one; they tell the others.)
func firstMap(id uint64, members []wire.Member, shards, replicas int) *wire.ClusterMap {
	m := &wire.ClusterMap{ClusterID: id, Epoch: 1, Shards: uint32(shards), Replication: uint32(replicas), NextReplica: 1, Members: members}
	for _, t := range ring.Place(members, shards, replicas, nil) {
		p := wire.Placement{Shard: t.Shard, Preferred: t.Nodes[0]}
		for _, n := range t.Nodes {
			p.Replicas = append(p.Replicas, wire.Replica{ID: m.NextReplica, Node: n, Incarnation: m.Member(n).Incarnation, Role: wire.RoleVoter})
			m.NextReplica++
		}
		if t.Shard != wire.MetaShard {
			p.Founders = idsOf(p.Replicas)
		}
		m.Placements = append(m.Placements, p)
	}
	m.Fewest = fewest(m)
	return m
}

func (l *Lane) onMapUpdate(m *wire.MapUpdate) {
	if m.Map == nil || m.Initial && (l.m != nil || m.Proposal != l.found.pledged) {
		return
	}
	l.newMap(m.Map)
}

// Seeking is what a node that has no cluster yet can tell about its search.
type Seeking struct {
	Expect   int           // how many nodes found a cluster; 0: this node only joins one
	Founders []wire.Member // that are there now, this one included, ordered by ID
	Pledged  wire.Member   // to whose founding this life is pledged; no ID: to nobody's
	Silent   bool          // it has not spoken for a while
	Namesake wire.Member   // a process elsewhere under this node's name; no ID: none was heard
}

// seeking tells how the search for a cluster stands, or nil when it has ended.
func (l *Lane) seeking() *Seeking {
	if l.m != nil || l.index != 0 {
		return nil
	}
	s := &Seeking{Expect: l.cfg.Expect, Founders: slices.Clone(l.found.heard)}
	if l.env.Now()-l.found.namesakeAt < founderTicks*l.cfg.Tick {
		s.Namesake = l.found.namesake
	}
	if l.joinsOnly() {
		s.Expect, s.Founders = 0, nil
	}
	if l.found.pledged != 0 {
		s.Pledged = l.found.leader
		s.Silent = !slices.ContainsFunc(l.found.heard, func(m wire.Member) bool { return m == s.Pledged })
	}
	return s
}
