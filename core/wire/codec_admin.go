package wire

import "encoding/binary"

func appendAsk(b []byte, m *Ask) []byte {
	b = binary.AppendUvarint(b, m.ID)
	b = appendVarint(b, m.TimeoutMillis)
	b = append(b, byte(m.Op))
	b = binary.AppendUvarint(b, uint64(m.Shard))
	b = appendID(b, uint64(m.Node))
	b = binary.AppendUvarint(b, uint64(m.Weight))
	b = appendBool(b, m.Force)
	return binary.AppendUvarint(b, m.Confirm)
}

func (d *decoder) ask() *Ask {
	return &Ask{ID: d.uvarint("ask ID"), TimeoutMillis: d.varint("ask timeout"), Op: AdminOp(d.enum("ask op", byte(adminEnd))),
		Shard: ShardID(d.uint32("ask shard")), Node: NodeID(d.id("ask node")), Weight: d.uint32("ask weight"), Force: d.bool("ask force"), Confirm: d.uvarint("ask confirm")}
}

func appendTold(b []byte, m *Told) []byte {
	b = binary.AppendUvarint(b, m.ID)
	b = append(b, byte(m.Refusal))
	b = binary.AppendUvarint(b, uint64(len(m.Lines)))
	for _, line := range m.Lines {
		b = appendString(b, line)
	}
	for _, n := range m.Progress.numbers() {
		b = binary.AppendUvarint(b, *n)
	}
	return binary.AppendUvarint(b, m.Confirm)
}

func (d *decoder) told() *Told {
	m := &Told{ID: d.uvarint("told ID"), Refusal: Refusal(d.enum("told refusal", byte(refusalEnd))), Lines: list[string](d, "told lines", 1)}
	for i := range m.Lines {
		m.Lines[i] = d.string("told line")
	}
	for _, n := range m.Progress.numbers() {
		*n = d.uvarint("told progress")
	}
	m.Confirm = d.uvarint("told confirm")
	return m
}

// numbers are the fields, in their order.
func (p *Progress) numbers() [7]*uint64 {
	return [...]*uint64{&p.Draining, &p.Open, &p.Replicas, &p.Bytes, &p.Sent, &p.Shards, &p.NoAnswers}
}

func appendInspected(b []byte, m *Inspected) []byte {
	b = binary.AppendUvarint(b, m.ID)
	b = binary.AppendUvarint(b, uint64(m.Shard))
	b = binary.AppendUvarint(b, m.Term)
	b = appendConfState(b, &m.Conf)
	b = appendUvarints(b, m.Well)
	b = binary.AppendUvarint(b, m.Bytes)
	return binary.AppendUvarint(b, m.Sent)
}

func (d *decoder) inspected() *Inspected {
	m := &Inspected{ID: d.uvarint("inspected ID"), Shard: ShardID(d.uint32("inspected shard")), Term: d.uvarint("inspected term")}
	d.confState(&m.Conf)
	m.Well = uvarints[ReplicaID](d, "inspected well")
	m.Bytes, m.Sent = d.uvarint("inspected bytes"), d.uvarint("inspected sent")
	return m
}
