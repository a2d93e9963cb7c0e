package ring

import "torc/core/wire"

// band is what one node should hold: at least lo, at most hi, and share thousandths of one
// replica when it is exactly right.
type band struct {
	share  uint64
	lo, hi int
}

// replicaBands cuts shards*replication replicas into the members' shares by weight. A node
// can hold each shard once, so no share exceeds shards: the excess of heavy nodes is poured
// over the others, round by round. (There are enough of them: replication <= len(members).)
func replicaBands(members []wire.Member, shards, replication int) []band {
	bands := make([]band, len(members))
	full := make([]bool, len(members))
	left := uint64(shards * replication)
	for {
		weight := uint64(0)
		for i := range members {
			if !full[i] {
				weight += uint64(members[i].Weight)
			}
		}
		again := false
		pour := left
		for i := range members {
			if !full[i] && pour*uint64(members[i].Weight) >= uint64(shards)*weight {
				full[i], again = true, true
				left -= uint64(shards)
				bands[i] = band{uint64(shards) * 1000, shards * 9 / 10, shards}
			}
		}
		if again {
			continue
		}
		for i := range members {
			if !full[i] {
				bands[i] = around(left*uint64(members[i].Weight), weight, 10, shards)
			}
		}
		return bands
	}
}

// leaderBands cuts the shards' leaderships in proportion to the replica shares: a node leads
// one in replication of what it holds. So some assignment within the bands exists whenever
// the replicas are within theirs.
func leaderBands(replicas []band, shards, replication int) []band {
	bands := make([]band, len(replicas))
	for i, b := range replicas {
		bands[i] = around(b.share, 1000*uint64(replication), 15, shards)
	}
	return bands
}

// around returns the band of num/den plus and minus percent, rounded outwards.
func around(num, den uint64, percent, most int) band {
	p := uint64(percent)
	return band{
		share: num * 1000 / den,
		lo:    int(num * (100 - p) / (den * 100)),
		hi:    min(int((num*(100+p)+den*100-1)/(den*100)), most),
	}
}
