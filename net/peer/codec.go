package peer

import (
	"fmt"
	"slices"

	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // what packetCodec stands before
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"

	torcv1 "torc/api/v1"
)

// packetCodec is protobuf's binary form of a FramePacket, written and read by hand: what travels is the same, but
// the frames are copied once when they leave and once when they come, and nothing else is allocated.
// Everything that is no FramePacket is left to gRPC's own codec.
type packetCodec struct{ other encoding.CodecV2 }

func newPacketCodec() packetCodec { return packetCodec{encoding.GetCodecV2("proto")} }

// framesField is the number of FramePacket's only field.
const framesField protowire.Number = 1

// togetherMost is up to which size the frames of a packet share their memory. Who keeps a part of a frame keeps
// all of that; it may be an entry of a log that nobody writes to for long.
const togetherMost = 16 << 10

// Name is part of encoding.CodecV2.
func (packetCodec) Name() string { return "proto" }

// Marshal is part of encoding.CodecV2.
func (c packetCodec) Marshal(v any) (mem.BufferSlice, error) {
	packet, ok := v.(*torcv1.FramePacket)
	if !ok {
		return c.other.Marshal(v)
	}
	size := 0
	for _, f := range packet.Frames {
		size += protowire.SizeTag(framesField) + protowire.SizeBytes(len(f))
	}
	pool := mem.DefaultBufferPool()
	buf := pool.Get(size)
	b := (*buf)[:0]
	for _, f := range packet.Frames {
		b = protowire.AppendTag(b, framesField, protowire.BytesType)
		b = protowire.AppendBytes(b, f)
	}
	*buf = b
	return mem.BufferSlice{mem.NewBuffer(buf, pool)}, nil
}

// Unmarshal is part of encoding.CodecV2.
func (c packetCodec) Unmarshal(data mem.BufferSlice, v any) error {
	packet, ok := v.(*torcv1.FramePacket)
	if !ok {
		return c.other.Unmarshal(data, v)
	}
	b := data.Materialize()
	apart := len(b) > togetherMost
	packet.Frames = packet.Frames[:0]
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return fmt.Errorf("peer: packet: %w", protowire.ParseError(n))
		}
		b = b[n:]
		if number != framesField || kind != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(number, kind, b); n < 0 {
				return fmt.Errorf("peer: packet: field %d: %w", number, protowire.ParseError(n))
			}
			b = b[n:]
			continue
		}
		frame, n := protowire.ConsumeBytes(b)
		if n < 0 {
			return fmt.Errorf("peer: packet: frame: %w", protowire.ParseError(n))
		}
		b = b[n:]
		if apart && len(b) > 0 || apart && len(packet.Frames) > 0 {
			frame = slices.Clone(frame)
		}
		packet.Frames = append(packet.Frames, frame[:len(frame):len(frame)])
	}
	return nil
}
