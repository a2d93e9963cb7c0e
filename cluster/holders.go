package cluster

import "torc/core/wire"

// holders are the nodes that may be given replicas, with the weights that count.
func holders(m *wire.ClusterMap) (list []wire.Member) {
	for _, who := range m.Members {
		if who.MayHold() {
			who.Weight = who.Share()
			list = append(list, who)
		}
	}
	return list
}

// wanted is how many replicas each shard should have: fewer than the cluster was made for while
// there are too few nodes to hold them, but never none.
func wanted(m *wire.ClusterMap) int {
	n := 0
	for i := range m.Members {
		if m.Members[i].MayHold() {
			n++
		}
	}
	return max(min(int(m.Replication), n), 1)
}

// fewest is the fewest replicas that a shard's leader may find enough, by this map or by any before it: the leader may be late.
func fewest(m *wire.ClusterMap) uint32 {
	if m.Fewest == 0 {
		return uint32(wanted(m))
	}
	return min(m.Fewest, uint32(wanted(m)))
}
