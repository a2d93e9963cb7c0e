package wire

import "encoding/binary"

// Sealed tells the meta group's leader that a replica has sealed itself, as the map asks of it, and
// what it knows of its group. It will take no part in anything unless a later map lifts the seal.
// Without a seal it says, unasked, that nobody leads the replica's group.
type Sealed struct {
	Shard   ShardID
	Seal    Epoch // which of the seals; zero: none
	Replica ReplicaID
	Applied uint64 // the index that Conf is of
	Last    uint64 // last index in its log; zero: it has never been told anything
	Conf    ConfState
}

// Group says which lane handles the message.
func (m *Sealed) Group() ShardID { return MetaShard }

func (*Sealed) kind() messageKind { return kindSealed }

func appendSealed(b []byte, m *Sealed) []byte {
	b = binary.AppendUvarint(b, uint64(m.Shard))
	b = binary.AppendUvarint(b, uint64(m.Seal))
	b = binary.AppendUvarint(b, uint64(m.Replica))
	b = binary.AppendUvarint(b, m.Applied)
	b = binary.AppendUvarint(b, m.Last)
	return appendConfState(b, &m.Conf)
}

func (d *decoder) sealed() *Sealed {
	m := &Sealed{Shard: ShardID(d.uint32("sealed shard")), Seal: Epoch(d.uvarint("seal")), Replica: ReplicaID(d.uvarint("sealed replica")),
		Applied: d.uvarint("sealed applied"), Last: d.uvarint("sealed last")}
	d.confState(&m.Conf)
	return m
}

// Bits of what a placement has been through. A shard that nothing ever happened to takes one zero.
const (
	hasSeal = 1 << iota
	hasLosses
	hasFounders
)

func appendPast(b []byte, p *Placement) []byte {
	has := bit(p.Seal != 0, 0) | bit(p.Losses != 0 || p.LostAt != 0, 1) | bit(len(p.Founders) > 0, 2)
	b = append(b, has)
	if has&hasSeal != 0 {
		b = binary.AppendUvarint(b, uint64(p.Seal))
	}
	if has&hasLosses != 0 {
		b = binary.AppendUvarint(b, p.Losses)
		b = appendVarint(b, p.LostAt)
	}
	if has&hasFounders != 0 {
		b = appendUvarints(b, p.Founders)
	}
	return b
}

func (d *decoder) past(p *Placement) {
	at := d.pos
	has := d.bits("placement past", hasSeal|hasLosses|hasFounders)
	if has&hasSeal != 0 {
		p.Seal = Epoch(d.someUvarint("placement seal"))
	}
	if has&hasLosses != 0 {
		p.Losses = d.uvarint("placement losses")
		if p.LostAt = d.varint("placement lost at"); p.Losses == 0 && p.LostAt == 0 {
			d.fail(at, "placement past", "present but zero")
		}
	}
	if has&hasFounders != 0 {
		p.Founders = someUvarints[ReplicaID](d, "placement founders")
	}
}

func appendMetaLoss(b []byte, c *MetaCommand) []byte {
	b = binary.AppendUvarint(b, uint64(c.Seal))
	b = appendVarint(b, c.At)
	b = binary.AppendUvarint(b, uint64(len(c.Founders)))
	for i := range c.Founders {
		b = appendReplica(b, &c.Founders[i])
	}
	return b
}

func (d *decoder) metaLoss(c *MetaCommand) {
	at := d.pos
	c.Seal, c.At = Epoch(d.uvarint("meta seal")), d.varint("meta at")
	c.Founders = list[Replica](d, "meta founders", replicaMin)
	if c.Seal == 0 && c.At == 0 && len(c.Founders) == 0 {
		d.fail(at, "meta seal", "present but empty")
	}
	for i := range c.Founders {
		d.replica(&c.Founders[i])
	}
}

// Over reports whether a replica is on a life that is over: its node has begun a later one, or an
// operator has said that it never comes back. What is in memory only does not come back either.
func (m *ClusterMap) Over(r *Replica) bool {
	who := m.Member(r.Node)
	return who == nil || who.Incarnation > r.Incarnation
}

// QuorumGone reports whether so many replicas of a shard are over that those who vote by the map can
// make no quorum. It is a reason to ask, not a proof: the map may lag.
func (m *ClusterMap) QuorumGone(p *Placement) bool {
	voters, over := 0, 0
	for i := range p.Replicas {
		if p.Replicas[i].Role.Votes() {
			voters++
		}
		if m.Over(&p.Replicas[i]) {
			over++
		}
	}
	return voters > 0 && voters-over < voters/2+1
}

// An epoch's upper bits count the times that the meta group was begun anew on an operator's word, after it
// had lost its own quorum. So every epoch after such a time is greater than any that the lost group can
// ever make, and whoever compares epochs needs to know nothing of it.
const (
	recoveryShift = 40
	saltBits      = 36 // of the rest; what is left is enough for a change a second, for ever
)

// Recoveries is how often the meta group was begun anew on an operator's word.
func (e Epoch) Recoveries() uint64 { return uint64(e) >> recoveryShift }

// Recovered is the epoch of the first map after another such time; different salts make different ones.
func (e Epoch) Recovered(salt uint64) Epoch {
	return Epoch((e.Recoveries()+1)<<recoveryShift | salt>>(64-saltBits))
}
