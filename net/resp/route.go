package resp

import (
	"slices"
	"strconv"

	"torc/core/wire"
)

// leaderOf is the node to ask for a shard: its leader as far as is known, or else the node
// that should lead it. Zero when nobody is known.
func (s *Server) leaderOf(m *wire.ClusterMap, shard wire.ShardID) wire.NodeID {
	if leader := s.backend.Leader(shard); leader != 0 {
		return leader
	}
	if p := m.Placement(shard); p != nil {
		if member := m.Member(p.Preferred); member != nil && member.State == wire.MemberActive {
			return p.Preferred
		}
	}
	return 0
}

// isReplica reports whether clients are told that this node is a shard's replica (slotRanges). Some send it their reads then, after a
// READONLY, and send them again when they are redirected.
func (s *Server) isReplica(m *wire.ClusterMap, shard wire.ShardID) bool {
	for led := wire.ShardID(1); uint32(led) <= m.Shards; led++ {
		if s.namedLeader(m, led) == s.self {
			return false
		}
	}
	return slices.Contains(followers(m, shard, nil), s.self)
}

// movedTo words a redirect to a node, unless it is this one or its address is not known.
func (s *Server) movedTo(slot uint16, node wire.NodeID) (string, bool) {
	if node == 0 || node == s.self {
		return "", false
	}
	member := s.backend.Map().Member(node)
	if member == nil || member.RESPAddr == "" {
		return "", false
	}
	return "MOVED " + strconv.Itoa(int(slot)) + " " + member.RESPAddr, true
}

// ownShards are the shards that a command without a key concerns on this node.
func (s *Server) ownShards(m *wire.ClusterMap) []wire.ShardID {
	shards := make([]wire.ShardID, 0, m.Shards)
	for shard := wire.ShardID(1); uint32(shard) <= m.Shards; shard++ {
		if s.opts.Redirect && s.leaderOf(m, shard) != s.self {
			continue
		}
		shards = append(shards, shard)
	}
	return shards
}
