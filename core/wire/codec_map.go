package wire

import "encoding/binary"

// The least that a member, a replica and a placement take.
const (
	memberMin    = 8 + 1 + 4 + 1 + 1 + 1 + 1
	replicaMin   = 1 + 8 + 1 + 1
	placementMin = 1 + 1 + 8 + 1 + 1
)

func appendMember(b []byte, m *Member) []byte {
	b = appendID(b, uint64(m.ID))
	b = binary.AppendUvarint(b, uint64(m.Incarnation))
	b = appendString(b, m.Name)
	b = appendString(b, m.PeerAddr)
	b = appendString(b, m.RESPAddr)
	b = appendString(b, m.GRPCAddr)
	b = binary.AppendUvarint(b, uint64(m.Weight))
	b = append(b, byte(m.State))
	b = binary.AppendUvarint(b, uint64(m.Override))
	return appendBool(b, m.Draining)
}

func (d *decoder) member(m *Member) {
	m.ID = NodeID(d.id("member ID"))
	m.Incarnation = Incarnation(d.uvarint("member incarnation"))
	m.Name = d.string("member name")
	m.PeerAddr = d.string("member peer address")
	m.RESPAddr = d.string("member RESP address")
	m.GRPCAddr = d.string("member gRPC address")
	m.Weight = d.uint32("member weight")
	m.State = MemberState(d.enum("member state", byte(memberEnd)))
	m.Override = d.uint32("member override")
	m.Draining = d.bool("member draining")
}

func appendMembers(b []byte, members []Member) []byte {
	b = binary.AppendUvarint(b, uint64(len(members)))
	for i := range members {
		b = appendMember(b, &members[i])
	}
	return b
}

func (d *decoder) members(field string) []Member {
	members := list[Member](d, field, memberMin)
	for i := range members {
		d.member(&members[i])
	}
	return members
}

func appendReplica(b []byte, r *Replica) []byte {
	b = binary.AppendUvarint(b, uint64(r.ID))
	b = appendID(b, uint64(r.Node))
	b = binary.AppendUvarint(b, uint64(r.Incarnation))
	return append(b, byte(r.Role))
}

func (d *decoder) replica(r *Replica) {
	r.ID = ReplicaID(d.uvarint("replica ID"))
	r.Node = NodeID(d.id("replica node"))
	r.Incarnation = Incarnation(d.uvarint("replica incarnation"))
	r.Role = Role(d.enum("replica role", byte(roleEnd)))
}

func appendPlacement(b []byte, p *Placement) []byte {
	b = binary.AppendUvarint(b, uint64(p.Shard))
	b = binary.AppendUvarint(b, uint64(len(p.Replicas)))
	for i := range p.Replicas {
		b = appendReplica(b, &p.Replicas[i])
	}
	b = appendID(b, uint64(p.Preferred))
	b = binary.AppendUvarint(b, p.ConfIndex)
	return appendPast(b, p)
}

func (d *decoder) placement(p *Placement) {
	p.Shard = ShardID(d.uint32("placement shard"))
	p.Replicas = list[Replica](d, "placement replicas", replicaMin)
	for i := range p.Replicas {
		d.replica(&p.Replicas[i])
	}
	p.Preferred = NodeID(d.id("placement preferred"))
	p.ConfIndex = d.uvarint("placement conf index")
	d.past(p)
}

// AppendClusterMap appends a cluster map's binary form. Equal maps have equal forms, so it
// serves as a digest too.
func AppendClusterMap(b []byte, m *ClusterMap) []byte {
	b = appendID(b, m.ClusterID)
	b = binary.AppendUvarint(b, uint64(m.Epoch))
	b = binary.AppendUvarint(b, uint64(m.Shards))
	b = binary.AppendUvarint(b, uint64(m.Replication))
	b = binary.AppendUvarint(b, uint64(m.Fewest))
	b = binary.AppendUvarint(b, uint64(m.NextReplica))
	b = binary.AppendUvarint(b, uint64(m.Policy))
	b = binary.AppendUvarint(b, m.Seed[0])
	b = binary.AppendUvarint(b, m.Seed[1])
	b = appendLimits(b, &m.Limits)
	b = appendMembers(b, m.Members)
	b = binary.AppendUvarint(b, uint64(len(m.Placements)))
	for i := range m.Placements {
		b = appendPlacement(b, &m.Placements[i])
	}
	return b
}

func appendLimits(b []byte, l *Limits) []byte {
	b = binary.AppendUvarint(b, l.MaxValue)
	b = binary.AppendUvarint(b, l.SessionTTL)
	b = binary.AppendUvarint(b, uint64(l.SessionsMax))
	b = binary.AppendUvarint(b, l.SessionBytes)
	return binary.AppendUvarint(b, l.ResetGrace)
}

func (d *decoder) limits() Limits {
	return Limits{MaxValue: d.uvarint("map longest value"), SessionTTL: d.uvarint("map session time"),
		SessionsMax: d.uint32("map sessions"), SessionBytes: d.uvarint("map session bytes"), ResetGrace: d.uvarint("map reset grace")}
}

// DecodeClusterMap reads a cluster map. That it makes sense (orders, known members) is for the
// meta group to say. It shares no memory with b.
func DecodeClusterMap(b []byte) (*ClusterMap, error) {
	d, m := decoder{data: b}, new(ClusterMap)
	d.clusterMap(m)
	if err := d.end(); err != nil {
		return nil, err
	}
	return m, nil
}

func (d *decoder) clusterMap(m *ClusterMap) {
	m.ClusterID = d.id("map cluster ID")
	m.Epoch = Epoch(d.uvarint("map epoch"))
	m.Shards = d.uint32("map shards")
	m.Replication = d.uint32("map replication")
	m.Fewest = d.uint32("map fewest replicas")
	m.NextReplica = ReplicaID(d.uvarint("map next replica"))
	m.Policy = d.uint32("map policy")
	m.Seed[0], m.Seed[1] = d.uvarint("map seed"), d.uvarint("map seed")
	m.Limits = d.limits()
	m.Members = d.members("map members")
	m.Placements = list[Placement](d, "map placements", placementMin)
	for i := range m.Placements {
		d.placement(&m.Placements[i])
	}
}
