package torcv1

import (
	"errors"

	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // what Codec leaves all else to
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
)

// Stream's own codec. A stream carries one sort of message, a Packet, thousands of times a second; made by protobuf each
// costs an allocation or more on either side, and a copy of its body. This one writes the few bytes of a Packet itself,
// before a body that is there already, and reads a Packet where gRPC has put it. What travels is the same.

// Outgoing is a batch that is to be sent: room for its head, then packets. Begin it with NewOutgoing.
type Outgoing struct {
	memory *[]byte
}

// headRoom is the most that stands before a batch's body: its kind (2 bytes), its field's key, its length.
const headRoom = 2 + 1 + 10

// NewOutgoing begins a batch in pooled memory.
func NewOutgoing() Outgoing {
	memory := mem.DefaultBufferPool().Get(4 << 10)
	*memory = (*memory)[:headRoom]
	return Outgoing{memory: memory}
}

// Add puts a packet into the batch.
func (o *Outgoing) Add(p Plain) { *o.memory = AppendPlain(*o.memory, p) }

// Len is how many bytes of packets there are.
func (o *Outgoing) Len() int {
	if o.memory == nil {
		return 0
	}
	return len(*o.memory) - headRoom
}

// finish writes the head and gives the memory away, to be used again when gRPC has written it.
func (o *Outgoing) finish() mem.BufferSlice {
	var head [headRoom]byte
	b := protowire.AppendTag(head[:0], packetKind, protowire.VarintType)
	b = protowire.AppendVarint(b, uint64(PacketBatch))
	b = protowire.AppendTag(b, packetBody, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(o.Len()))
	skip := headRoom - len(b)
	copy((*o.memory)[skip:], b)
	whole := mem.NewBuffer(o.memory, mem.DefaultBufferPool())
	if skip == 0 {
		return mem.BufferSlice{whole}
	}
	part := whole.Slice(skip, whole.Len())
	whole.Free()
	return mem.BufferSlice{part}
}

// Single is one packet that is to be sent by itself. Its body is not copied: it must not be used any more.
type Single struct {
	Plain
	Memory *[]byte // of mem.DefaultBufferPool, if the body lies in such
}

// finish writes the head, and gives the body away.
func (s *Single) finish() mem.BufferSlice {
	head := make([]byte, 0, 32)
	for _, f := range []struct {
		number protowire.Number
		value  uint64
	}{{packetID, s.ID}, {packetKind, uint64(s.Kind)}, {packetTimeout, uint64(s.TimeoutMillis)}} {
		if f.value != 0 {
			head = protowire.AppendTag(head, f.number, protowire.VarintType)
			head = protowire.AppendVarint(head, f.value)
		}
	}
	if len(s.Body) == 0 {
		return mem.BufferSlice{mem.SliceBuffer(head)}
	}
	head = protowire.AppendTag(head, packetBody, protowire.BytesType)
	head = protowire.AppendVarint(head, uint64(len(s.Body)))
	body := mem.Buffer(mem.SliceBuffer(s.Body))
	if s.Memory != nil {
		*s.Memory = s.Body
		body = mem.NewBuffer(s.Memory, mem.DefaultBufferPool())
	}
	return mem.BufferSlice{mem.SliceBuffer(head), body}
}

// Incoming is a packet that was received. Its body lies in memory that is used again after Free.
type Incoming struct {
	Plain
	buffer mem.Buffer
}

// Free gives the memory back. Who keeps something that aliases the body must not call it.
func (i *Incoming) Free() { i.buffer.Free() }

// Size is how much memory the packet keeps.
func (i *Incoming) Size() int { return i.buffer.Len() }

// The numbers of Packet's fields.
const (
	packetID protowire.Number = iota + 1
	packetBody
	packetKind
	packetTimeout
)

// Codec is for gRPC's ForceCodecV2 and ForceServerCodecV2: on a Stream it sends *Outgoing and *Single, and receives *Incoming. All
// else is left to protobuf.
type Codec struct{}

// Name is protobuf's, for that is what travels.
func (Codec) Name() string { return "proto" }

// Marshal makes an *Outgoing or a *Single into what is sent; it must not be used any more.
func (Codec) Marshal(v any) (mem.BufferSlice, error) {
	switch v := v.(type) {
	case *Outgoing:
		return v.finish(), nil
	case *Single:
		return v.finish(), nil
	}
	return encoding.GetCodecV2("proto").Marshal(v)
}

var errPacket = errors.New("torcv1: malformed packet")

// Unmarshal reads an *Incoming.
func (Codec) Unmarshal(data mem.BufferSlice, v any) error {
	in, ok := v.(*Incoming)
	if !ok {
		return encoding.GetCodecV2("proto").Unmarshal(data, v)
	}
	*in = Incoming{buffer: data.MaterializeToBuffer(mem.DefaultBufferPool())}
	if err := in.parse(in.buffer.ReadOnlyData()); err != nil {
		in.buffer.Free()
		return err
	}
	return nil
}

func (p *Plain) parse(b []byte) error {
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return errPacket
		}
		b = b[n:]
		switch {
		case number == packetBody && kind == protowire.BytesType:
			p.Body, n = protowire.ConsumeBytes(b)
		case number == packetID && kind == protowire.VarintType:
			p.ID, n = protowire.ConsumeVarint(b)
		case number == packetKind && kind == protowire.VarintType:
			var v uint64
			v, n = protowire.ConsumeVarint(b)
			p.Kind = uint32(v)
		case number == packetTimeout && kind == protowire.VarintType:
			var v uint64
			v, n = protowire.ConsumeVarint(b)
			p.TimeoutMillis = uint32(v)
		default: // of a later version
			n = protowire.ConsumeFieldValue(number, kind, b)
		}
		if n < 0 {
			return errPacket
		}
		b = b[n:]
	}
	return nil
}
