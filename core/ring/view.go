package ring

import "torc/core/wire"

// View answers "who owns this key?" from a cluster map. It is immutable, like the map, and
// holds a pointer to it: making one is free.
type View struct{ m *wire.ClusterMap }

// NewView returns the view of a map. The map may be nil: nothing is owned by anybody then.
func NewView(m *wire.ClusterMap) *View { return &View{m} }

// Epoch returns the map's epoch, or 0 without a map.
func (v *View) Epoch() wire.Epoch {
	if v.m == nil {
		return 0
	}
	return v.m.Epoch
}

// ShardOfKey returns the data shard of a key. It panics without a map, whose number of
// shards it needs.
func (v *View) ShardOfKey(key []byte) wire.ShardID {
	return wire.ShardOf(wire.Slot(key), int(v.m.Shards))
}

// Has reports whether the map knows this shard.
func (v *View) Has(shard wire.ShardID) bool { return v.m.Placement(shard) != nil }

// Owners returns the nodes that may lead a shard, those with a replica that votes, in the order of the replicas. One that does not
// leads nothing, and its node may be of another cluster (cluster/stranger.go), where a request would be carried out.
func (v *View) Owners(shard wire.ShardID) []wire.NodeID {
	p := v.m.Placement(shard)
	if p == nil {
		return nil
	}
	owners := make([]wire.NodeID, 0, len(p.Replicas))
	for _, r := range p.Replicas {
		if r.Role.Votes() {
			owners = append(owners, r.Node)
		}
	}
	return owners
}

// Preferred returns the node that should lead a shard, or zero: the best first guess at who
// does.
func (v *View) Preferred(shard wire.ShardID) wire.NodeID {
	if p := v.m.Placement(shard); p != nil {
		return p.Preferred
	}
	return 0
}

// Member returns the member with this ID, or nil.
func (v *View) Member(id wire.NodeID) *wire.Member { return v.m.Member(id) }
