package resp

import (
	"crypto/sha1"
	"encoding/hex"
	"net"
	"slices"
	"strconv"

	"torc/core/wire"
)

// slotRange is a run of slots with one leader and the same other replicas.
type slotRange struct {
	first, last uint16
	leader      wire.NodeID
	replicas    []wire.NodeID // voters that lead nothing, by ID
}

// nodeHex is a node's ID as Redis Cluster clients expect one: 40 hexadecimal digits, here the
// SHA-1 of the node's name.
func nodeHex(name string) string {
	sum := sha1.Sum([]byte(name))
	return hex.EncodeToString(sum[:])
}

// hostPort splits an address; a port that is no number is 0.
func hostPort(addr string) (string, int) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr, 0
	}
	n, _ := strconv.Atoi(port)
	return host, n
}

// slotRanges lists who leads which slots, in order. Neighbouring shards with the same nodes
// are one range; slots of which no leader is known are left out.
//
// A node that leads anything is nobody's replica here, though it has copies of what others lead. In Redis Cluster a node is a master or a replica,
// and libraries hold it for what they have read first, or last (redis-py, redis-rb): as a replica it would be left out of SCAN, KEYS, DBSIZE and
// FLUSHALL, which go to the masters, and nobody would notice.
func (s *Server) slotRanges(m *wire.ClusterMap) []slotRange {
	if m == nil {
		return nil
	}
	leaders := make([]wire.NodeID, m.Shards+1) // by shard: who leads is asked once, so that the ranges agree with each other
	leads := make(map[wire.NodeID]bool)
	for shard := wire.ShardID(1); uint32(shard) <= m.Shards; shard++ {
		leaders[shard] = s.namedLeader(m, shard)
		leads[leaders[shard]] = true
	}
	var ranges []slotRange
	for shard := wire.ShardID(1); uint32(shard) <= m.Shards; shard++ {
		leader := leaders[shard]
		if m.Member(leader) == nil {
			continue
		}
		first, last := wire.SlotRange(shard, int(m.Shards))
		next := slotRange{first: first, last: last, leader: leader, replicas: followers(m, shard, leads)}
		if n := len(ranges); n > 0 {
			before := &ranges[n-1]
			if before.leader == leader && before.last+1 == first && slices.Equal(before.replicas, next.replicas) {
				before.last = last
				continue
			}
		}
		ranges = append(ranges, next)
	}
	return ranges
}

// namedLeader is whom clients are told to ask for a shard. Where no leader is known it is the node that should lead, but not this one: it would
// know if it did. It may have been restarted a moment ago, and redirects who comes to it. Were its map to send them back, they would come again
// until they gave up: some libraries take the map from the node that has redirected them (node-redis).
func (s *Server) namedLeader(m *wire.ClusterMap, shard wire.ShardID) wire.NodeID {
	leader := s.leaderOf(m, shard)
	if leader != s.self || s.backend.Leader(shard) == s.self {
		return leader
	}
	if others := followers(m, shard, map[wire.NodeID]bool{s.self: true}); len(others) > 0 {
		return others[0]
	}
	return leader
}

// followers lists the live nodes that hold a voting replica of a shard, and are not among those that lead something.
func followers(m *wire.ClusterMap, shard wire.ShardID, leads map[wire.NodeID]bool) []wire.NodeID {
	var nodes []wire.NodeID
	p := m.Placement(shard)
	if p == nil {
		return nil
	}
	for _, r := range p.Replicas {
		member := m.Member(r.Node)
		if !leads[r.Node] && r.Role.Votes() && member != nil &&
			member.State == wire.MemberActive && !slices.Contains(nodes, r.Node) {
			nodes = append(nodes, r.Node)
		}
	}
	slices.Sort(nodes)
	return nodes
}

// ledBy picks a node's slots out of all ranges, with neighbours merged whoever follows.
func ledBy(ranges []slotRange, node wire.NodeID) []slotRange {
	var own []slotRange
	for _, r := range ranges {
		if r.leader != node {
			continue
		}
		if n := len(own); n > 0 && own[n-1].last+1 == r.first {
			own[n-1].last = r.last
			continue
		}
		own = append(own, r)
	}
	return own
}

// followed is a leader whose slots a node holds copies of, or zero.
func followed(ranges []slotRange, node wire.NodeID) wire.NodeID {
	for _, r := range ranges {
		if slices.Contains(r.replicas, node) {
			return r.leader
		}
	}
	return 0
}
