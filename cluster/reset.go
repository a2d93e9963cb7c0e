package cluster

import (
	"slices"

	"torc/core/mutant"
	"torc/core/wire"
)

// What the map makes of the loss of a shard's quorum. loss.go says why this is safe.

// seal asks the replicas of a shard to take no part in anything. The command names the configuration
// that it was decided on: with news of a later one it is void.
func seal(m *wire.ClusterMap, p *wire.Placement, c *wire.MetaCommand) bool {
	if p.Shard == wire.MetaShard || p.Seal != 0 || p.ConfIndex != c.Index {
		return false
	}
	p.Seal = m.Epoch + 1 // that of the map that this makes: no two seals are the same
	return true
}

func unseal(p *wire.Placement, c *wire.MetaCommand) bool {
	if p.Seal == 0 || p.Seal != c.Seal {
		return false
	}
	p.Seal = 0
	return true
}

// reset begins a lost shard anew, empty, with founders on lives that take part. It is void unless
// the seal it rests on and the replicas are those that it was decided on: one that came meanwhile
// may not have sealed itself.
func reset(m *wire.ClusterMap, p *wire.Placement, c *wire.MetaCommand) bool {
	if p.Seal == 0 || p.Seal != c.Seal || len(c.Founders) == 0 || !slices.Equal(idsOf(p.Replicas), c.Voters) {
		return false
	}
	for _, f := range c.Founders {
		if who := m.Member(f.Node); who == nil || who.Incarnation != f.Incarnation || who.State != wire.MemberActive {
			return false
		}
	}
	p.Replicas, p.Founders, p.Preferred, p.ConfIndex, p.Seal = nil, nil, c.Founders[0].Node, 0, 0
	for _, f := range c.Founders {
		p.Replicas = append(p.Replicas, wire.Replica{ID: m.NextReplica, Node: f.Node, Incarnation: f.Incarnation, Role: wire.RoleVoter})
		p.Founders = append(p.Founders, m.NextReplica)
		m.NextReplica++
	}
	if !mutant.On(mutant.SilentTotalLoss) {
		p.Losses++
		p.LostAt = c.At
	}
	return true
}

// No version of what was lost is given out again, so that a compare-and-set with one fails. What the lost group had given out nobody
// knows any more. The naive way is to begin with the founders' ID alone: IDs ascend, but those of two losses may be neighbours, and a
// shard that lives uses up the 2^32 writes between them in half a day. So each loss leaves room for more writes than a shard can be
// given, 15 years of 150,000 a second. A recovery of the meta group, after which losses that the old one had declared may be unknown, leaves
// room by the IDs that it skips, for 63 of them. A shard may be lost 131,072 times, 45 days of nothing but losses at the default grace, and
// 2^31 IDs be used, before versions begin again.
const (
	lossBits = 46
	idBits   = 32
)

// versionsAbove is what all versions are greater than that a shard's present group gives out.
func versionsAbove(p *wire.Placement) uint64 {
	if p.Losses == 0 || len(p.Founders) == 0 {
		return 0
	}
	return p.Losses<<lossBits + uint64(p.Founders[0])<<idBits
}

// forget takes the operator's word that a life is over: the map admits the one after it, of which
// nothing is known yet. So everything that holds for a former life holds for this one, everywhere;
// should it speak all the same it is told that it is over, and ends itself.
func forget(m *wire.ClusterMap, c *wire.MetaCommand) bool {
	who := m.Member(c.Node)
	if who == nil || who.Incarnation != c.Incarnation {
		return false
	}
	who.Incarnation++
	who.State, who.Draining = wire.MemberLeft, false
	return true
}

// forgotten reports whether a member stands for a life that nothing is known of, because the one before
// it was forgotten. (Who has left of its own accord was drained, and is still marked so.)
func forgotten(who *wire.Member) bool { return who.State == wire.MemberLeft && !who.Draining }

// ofFormerGroup reports whether a report is of the group that a shard had before it was lost. IDs
// ascend, so whatever was a member of that one is older than the founders.
func ofFormerGroup(p *wire.Placement, c *wire.MetaCommand) bool {
	return len(p.Founders) > 0 && c.Replica < p.Founders[0]
}

func idsOf(replicas []wire.Replica) (ids []wire.ReplicaID) {
	for _, r := range replicas {
		ids = append(ids, r.ID)
	}
	return ids
}
