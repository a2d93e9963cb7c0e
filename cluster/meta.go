package cluster

import (
	"hash/fnv"
	"slices"

	"torc/core/raft"
	"torc/core/wire"
)

// meta is the meta group's state: the cluster map. Every change makes a new map.
type meta struct {
	lane *Lane
	m    *wire.ClusterMap
}

func (s *meta) digest() uint64 {
	h := fnv.New64a()
	if s.m != nil {
		_, _ = h.Write(wire.AppendClusterMap(nil, s.m))
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
		s.m = next
		s.lane.newMap(next)
	}
}

// changeMap carries out one command and reports whether it changed anything.
func changeMap(m *wire.ClusterMap, c *wire.MetaCommand) bool {
	switch c.Kind {
	case wire.MetaJoin:
		return join(m, *c.Member)
	case wire.MetaAddReplica:
		return addReplica(m, c)
	case wire.MetaSetRoles:
		return setRoles(m, c)
	case wire.MetaSetState:
		if who := m.Member(c.Node); who != nil && who.Incarnation == c.Incarnation && who.State != c.State {
			who.State = c.State
			return true
		}
	}
	return false
}

func join(m *wire.ClusterMap, who wire.Member) bool {
	who.State = wire.MemberActive
	if old := m.Member(who.ID); old != nil {
		if old.Incarnation == who.Incarnation {
			return false
		}
		*old = who
		return true
	}
	m.Members = append(m.Members, who)
	slices.SortFunc(m.Members, func(a, b wire.Member) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return true
}

func addReplica(m *wire.ClusterMap, c *wire.MetaCommand) bool {
	p, who := m.Placement(c.Shard), m.Member(c.Node)
	if p == nil || who == nil || who.Incarnation != c.Incarnation || p.On(c.Node, c.Incarnation) != nil {
		return false
	}
	p.Replicas = append(p.Replicas, wire.Replica{ID: m.NextReplica, Node: c.Node, Incarnation: c.Incarnation})
	m.NextReplica++
	return true
}

func setRoles(m *wire.ClusterMap, c *wire.MetaCommand) bool {
	p := m.Placement(c.Shard)
	if p == nil {
		return false
	}
	changed := false
	kept := p.Replicas[:0]
	for _, r := range p.Replicas {
		role := r.Role
		switch {
		case slices.Contains(c.Voters, r.ID):
			role = wire.RoleVoter
		case slices.Contains(c.Learners, r.ID):
			role = wire.RoleLearner
		case r.Role == wire.RoleVoter || !alive(m, r):
			changed = true
			continue
		}
		changed = changed || role != r.Role
		r.Role = role
		kept = append(kept, r)
	}
	p.Replicas = kept
	return changed
}

// alive reports whether a replica's life is the one the map admits.
func alive(m *wire.ClusterMap, r wire.Replica) bool {
	who := m.Member(r.Node)
	return who != nil && who.Incarnation == r.Incarnation && who.State == wire.MemberActive
}

type metaSource struct{ data []byte }

func (s *metaSource) Next(int) ([]byte, bool) { return s.data, true }

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
func (r *metaRestorer) Finish() (err error)    { r.m, err = wire.DecodeClusterMap(r.data); return err }
func (r *metaRestorer) Install() {
	r.group.meta.m = r.m
	r.group.lane.newMap(r.m)
}
