package cluster

import "torc/core/wire"

// ShardLoss is what a cluster map says of a shard that has lost its quorum for good, now or before.
type ShardLoss struct {
	Shard  wire.ShardID
	Losses uint64 // how often it was begun anew, empty
	LostAt int64  // the last time, in Unix milliseconds; zero: never
	Gone   bool   // so many of its replicas are over that it cannot serve now
	Sealed bool   // it is about to be begun anew, or to be found well
}

// LossesOf lists the shards that were lost, or are. The meta group (shard 0) is among them.
func LossesOf(m *wire.ClusterMap) (list []ShardLoss) {
	if m == nil {
		return nil
	}
	for i := range m.Placements {
		p := &m.Placements[i]
		if s := (ShardLoss{p.Shard, p.Losses, p.LostAt, m.QuorumGone(p), p.Seal != 0}); s.Losses > 0 || s.Gone || s.Sealed {
			list = append(list, s)
		}
	}
	return list
}
