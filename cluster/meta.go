package cluster

import (
	"cmp"
	"hash/fnv"
	"slices"

	"torc/core/mutant"
	"torc/core/raft"
	"torc/core/wire"
)

// meta is the meta group's state: the cluster map. Every change makes a new map.
type meta struct {
	lane *Lane
	m    *wire.ClusterMap
}

func (s *meta) digest() uint64 { return digestOf(s.m) }

// digestOf describes a map: equal maps have equal digests.
func digestOf(m *wire.ClusterMap) uint64 {
	h := fnv.New64a()
	if m != nil {
		_, _ = h.Write(wire.AppendClusterMap(nil, m))
	}
	return h.Sum64()
}

func (s *meta) apply(data []byte) {
	c, err := wire.DecodeMetaCommand(data)
	if err != nil {
		panic("meta log holds an unreadable entry: " + err.Error())
	}
	if c.IfEpoch != 0 && c.IfEpoch != s.m.Epoch {
		return
	}
	next := s.m.Clone()
	if changeMap(next, c) {
		next.Epoch++
		next.Fewest = fewest(next)
		s.m = next
		s.lane.newMap(next)
	}
}

// changeMap carries out one command and reports whether it changed anything.
func changeMap(m *wire.ClusterMap, c *wire.MetaCommand) bool {
	switch c.Kind {
	case wire.MetaJoin:
		return join(m, *c.Member)
	case wire.MetaSetState:
		who := m.Member(c.Node)
		if who == nil || who.Incarnation != c.Incarnation || who.State == c.State {
			return false
		}
		who.State = c.State
		return true
	case wire.MetaSetWeight:
		return overrideWeight(m, c)
	case wire.MetaSetPolicy:
		return setPolicy(m, c)
	case wire.MetaDrain:
		return drainMember(m, c)
	case wire.MetaUndrain:
		return undrainMember(m, c.Node)
	case wire.MetaForget:
		return forget(m, c)
	}
	p := m.Placement(c.Shard)
	if p == nil {
		return false
	}
	switch c.Kind {
	case wire.MetaAddReplica:
		return addReplica(m, p, c)
	case wire.MetaRelieve:
		return relieve(p, c.Replica)
	case wire.MetaSetRoles:
		return setRoles(m, p, c)
	case wire.MetaSeal:
		return seal(m, p, c)
	case wire.MetaUnseal:
		return unseal(p, c)
	case wire.MetaReset:
		return reset(m, p, c)
	case wire.MetaPrefer:
		changed := p.Preferred != c.Node && m.Member(c.Node) != nil
		if changed {
			p.Preferred = c.Node
		}
		return changed
	}
	return false
}

// join admits a life of a node. Of two lives the greater incarnation is the later one. What operators
// have decided about the node outlives its lives.
func join(m *wire.ClusterMap, who wire.Member) bool {
	who.State, who.Override, who.Draining = wire.MemberActive, 0, false
	if old := m.Member(who.ID); old != nil {
		left := old.State == wire.MemberLeft
		unknown := forgotten(old)
		who.Override, who.Draining = old.Override, old.Draining && !left
		if left && !unknown && who.Incarnation == old.Incarnation {
			return false // it has left in this life; a later one may join
		}
		if who.Incarnation < old.Incarnation || *old == who {
			return false
		}
		*old = who
		return true
	}
	dismiss(m)
	m.Members = append(m.Members, who)
	slices.SortFunc(m.Members, func(a, b wire.Member) int { return cmp.Compare(a.ID, b.ID) })
	return true
}

// addReplica gives a shard a new replica, in the place of another one if the command names one.
// A replica that was to leave, but is wanted after all, stays.
func addReplica(m *wire.ClusterMap, p *wire.Placement, c *wire.MetaCommand) bool {
	who := m.Member(c.Node)
	if who == nil || who.Incarnation != c.Incarnation || !who.MayHold() {
		return false
	}
	if there := p.On(c.Node, c.Incarnation); there != nil {
		if there.Role != wire.RoleLeaving {
			return false
		}
		there.Role = wire.RoleVoter
		return true
	}
	relieve(p, c.Replica)
	p.Replicas = append(p.Replicas, wire.Replica{ID: m.NextReplica, Node: c.Node, Incarnation: c.Incarnation})
	m.NextReplica++
	return true
}

// relieve marks a voter as one that leaves as soon as the shard can do without it.
func relieve(p *wire.Placement, id wire.ReplicaID) bool {
	r := p.Replica(id)
	if r == nil || r.Role != wire.RoleVoter {
		return false
	}
	r.Role = wire.RoleLeaving
	return true
}

// setRoles writes a group's configuration into the map, unless the map's is from a later report.
func setRoles(m *wire.ClusterMap, p *wire.Placement, c *wire.MetaCommand) bool {
	if c.Index < p.ConfIndex || ofFormerGroup(p, c) {
		return false
	}
	changed := false
	kept := make([]wire.Replica, 0, len(p.Replicas))
	for _, r := range p.Replicas {
		role, keep := reportedRole(m, r, c)
		changed = changed || !keep || role != r.Role
		if r.Role = role; keep {
			kept = append(kept, r)
		}
	}
	if changed {
		p.Replicas, p.ConfIndex = kept, c.Index
	}
	return changed
}

// reportedRole is what a report makes of a replica: one that is in the configuration has its
// role there, one that was in it has gone, one that never was still waits, unless its life is over or a
// later one has been in: then its turn is over, and the shard gets another in its place. (One whose node
// is merely silent stays: a leader who has not heard of that may yet make it a voter, and whoever asks
// if a quorum is lost must know of all that can vote.)
func reportedRole(m *wire.ClusterMap, r wire.Replica, c *wire.MetaCommand) (role wire.Role, keep bool) {
	switch {
	case slices.Contains(c.Voters, r.ID):
		if r.Role == wire.RoleLeaving {
			return wire.RoleLeaving, true
		}
		return wire.RoleVoter, true
	case slices.Contains(c.Learners, r.ID):
		return wire.RoleLearner, true
	}
	return r.Role, r.Role == wire.RoleLearner && !superseded(m, r) && (r.ID > c.Replica || mutant.On(mutant.ZombieMember))
}

// alive reports whether a replica's life is the one the map admits.
func alive(m *wire.ClusterMap, r wire.Replica) bool {
	who := m.Member(r.Node)
	return who != nil && who.Incarnation == r.Incarnation && who.State == wire.MemberActive
}

type metaSource struct{ data []byte }

func (s *metaSource) Next(int) ([]byte, bool) { return s.data, true }
func (s *metaSource) Close()                  {}

func (s *meta) snapshot() raft.Source {
	if s.m == nil {
		return &metaSource{}
	}
	return &metaSource{wire.AppendClusterMap(nil, s.m)}
}

type metaRestorer struct {
	group *group
	data  []byte
	m     *wire.ClusterMap
}

func (r *metaRestorer) Add(chunk []byte) error { r.data = append(r.data, chunk...); return nil }
func (r *metaRestorer) Close()                 {}
func (r *metaRestorer) Finish() (err error) {
	r.m, err = wire.DecodeClusterMap(r.data)
	return r.group.lane.refusals.refuse(r.group.shard, err)
}
func (r *metaRestorer) Install() {
	r.group.meta.m = r.m
	r.group.lane.newMap(r.m)
}
