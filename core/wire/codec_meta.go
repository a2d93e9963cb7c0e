package wire

import "encoding/binary"

// Presence bits of a meta command. They take two bytes, the low one first.
const (
	hasMetaShard = 1 << iota
	hasMetaNode
	hasMetaIncarnation
	hasMetaReplica
	hasMetaState
	hasMetaWeight
	hasMetaIndex
	hasMetaIfEpoch
	hasMetaVoters
	hasMetaLearners
	hasMetaMember
	hasMetaMap
	hasMetaForce // the bit is the value
	hasMetaLoss  // any of Seal, At and Founders, all of which follow

	metaMask = 1<<14 - 1
)

func metaPresence(c *MetaCommand) (has uint16) {
	for i, present := range [...]bool{c.Shard != 0, c.Node != 0, c.Incarnation != 0, c.Replica != 0, c.State != 0, c.Weight != 0,
		c.Index != 0, c.IfEpoch != 0, len(c.Voters) > 0, len(c.Learners) > 0, c.Member != nil, c.Map != nil, c.Force,
		c.Seal != 0 || c.At != 0 || len(c.Founders) > 0} {
		has |= uint16(bit(present, 0)) << i
	}
	return has
}

// AppendMetaCommand appends a meta command's binary form: kind, presence, then the fields
// that are there in the order of the struct.
func AppendMetaCommand(b []byte, c *MetaCommand) []byte {
	has := metaPresence(c)
	b = append(b, byte(c.Kind))
	b = binary.LittleEndian.AppendUint16(b, has)
	if has&hasMetaShard != 0 {
		b = binary.AppendUvarint(b, uint64(c.Shard))
	}
	if has&hasMetaNode != 0 {
		b = appendID(b, uint64(c.Node))
	}
	if has&hasMetaIncarnation != 0 {
		b = binary.AppendUvarint(b, uint64(c.Incarnation))
	}
	if has&hasMetaReplica != 0 {
		b = binary.AppendUvarint(b, uint64(c.Replica))
	}
	if has&hasMetaState != 0 {
		b = append(b, byte(c.State))
	}
	if has&hasMetaWeight != 0 {
		b = binary.AppendUvarint(b, uint64(c.Weight))
	}
	if has&hasMetaIndex != 0 {
		b = binary.AppendUvarint(b, c.Index)
	}
	if has&hasMetaIfEpoch != 0 {
		b = binary.AppendUvarint(b, uint64(c.IfEpoch))
	}
	if has&hasMetaVoters != 0 {
		b = appendUvarints(b, c.Voters)
	}
	if has&hasMetaLearners != 0 {
		b = appendUvarints(b, c.Learners)
	}
	if has&hasMetaMember != 0 {
		b = appendMember(b, c.Member)
	}
	if has&hasMetaMap != 0 {
		b = AppendClusterMap(b, c.Map)
	}
	if has&hasMetaLoss != 0 {
		b = appendMetaLoss(b, c)
	}
	return b
}

// DecodeMetaCommand reads a meta command. It shares no memory with b.
func DecodeMetaCommand(b []byte) (*MetaCommand, error) {
	d, c := decoder{data: b}, new(MetaCommand)
	d.metaCommand(c)
	if err := d.end(); err != nil {
		return nil, err
	}
	return c, nil
}

func (d *decoder) metaCommand(c *MetaCommand) {
	c.Kind = MetaKind(d.enum("meta kind", byte(metaEnd)))
	at := d.pos
	has := uint16(d.byte("meta presence")) | uint16(d.byte("meta presence"))<<8
	if has&^metaMask != 0 {
		d.fail(at, "meta presence", "unknown bits")
	}
	c.Force = has&hasMetaForce != 0
	if has&hasMetaShard != 0 {
		c.Shard = ShardID(d.someUint32("meta shard"))
	}
	if has&hasMetaNode != 0 {
		c.Node = NodeID(d.someID("meta node"))
	}
	if has&hasMetaIncarnation != 0 {
		c.Incarnation = Incarnation(d.someUvarint("meta incarnation"))
	}
	if has&hasMetaReplica != 0 {
		c.Replica = ReplicaID(d.someUvarint("meta replica"))
	}
	if has&hasMetaState != 0 {
		c.State = MemberState(d.someEnum("meta state", byte(memberEnd)))
	}
	if has&hasMetaWeight != 0 {
		c.Weight = d.someUint32("meta weight")
	}
	if has&hasMetaIndex != 0 {
		c.Index = d.someUvarint("meta index")
	}
	if has&hasMetaIfEpoch != 0 {
		c.IfEpoch = Epoch(d.someUvarint("meta if-epoch"))
	}
	if has&hasMetaVoters != 0 {
		c.Voters = someUvarints[ReplicaID](d, "meta voters")
	}
	if has&hasMetaLearners != 0 {
		c.Learners = someUvarints[ReplicaID](d, "meta learners")
	}
	if has&hasMetaMember != 0 {
		c.Member = new(Member)
		d.member(c.Member)
	}
	if has&hasMetaMap != 0 {
		c.Map = new(ClusterMap)
		d.clusterMap(c.Map)
	}
	if has&hasMetaLoss != 0 {
		d.metaLoss(c)
	}
}
