package peer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // what packetCodec stands before
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"

	torcv1 "torc/api/v1"
)

// packetCodec is protobuf's binary form of a FramePacket, written and read by hand: what travels is the same, but
// of what is long nothing is copied when it leaves (packet.go), and once when it comes.
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
	if p, ok := v.(*packet); ok {
		return p.parts, nil
	}
	return c.other.Marshal(v)
}

// Unmarshal is part of encoding.CodecV2.
func (c packetCodec) Unmarshal(data mem.BufferSlice, v any) error {
	in, ok := v.(*torcv1.FramePacket)
	if !ok {
		return c.other.Unmarshal(data, v)
	}
	in.Frames = in.Frames[:0]
	if data.Len() > togetherMost {
		return apart(data, in)
	}
	return together(data.Materialize(), in)
}

// together reads a packet whose frames may lie in one piece.
func together(b []byte, in *torcv1.FramePacket) error {
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
		in.Frames = append(in.Frames, frame[:len(frame):len(frame)])
	}
	return nil
}

// apart reads a packet whose frames get memory of their own, straight from the buffers that it came in.
func apart(data mem.BufferSlice, in *torcv1.FramePacket) error {
	r := data.Reader()
	defer func() { _ = r.Close() }()
	var pieces [][]byte
	for r.Remaining() > 0 {
		tag, err := binary.ReadUvarint(r)
		if err != nil {
			return fmt.Errorf("peer: packet: %w", err)
		}
		number, kind := protowire.DecodeTag(tag)
		if number < protowire.MinValidNumber {
			return errors.New("peer: packet: no field has this number")
		}
		if kind != protowire.BytesType {
			if err := skipField(r, number, kind); err != nil {
				return err
			}
			continue
		}
		n, err := binary.ReadUvarint(r)
		if err != nil || n > uint64(r.Remaining()) {
			return fmt.Errorf("peer: packet: field %d goes beyond the packet's end", number)
		}
		if number == framesField {
			if pieces, err = r.Peek(int(n), pieces[:0]); err != nil {
				return fmt.Errorf("peer: packet: %w", err)
			}
			frame := bytes.Join(pieces, nil) // into memory that is not cleared before
			in.Frames = append(in.Frames, frame[:len(frame):len(frame)])
		}
		if _, err := r.Discard(int(n)); err != nil {
			return fmt.Errorf("peer: packet: %w", err)
		}
	}
	return nil
}

// skipField skips a field that a later version may know, and that is no run of bytes.
func skipField(r *mem.Reader, number protowire.Number, kind protowire.Type) error {
	var err error
	switch kind {
	case protowire.VarintType:
		_, err = binary.ReadUvarint(r)
	case protowire.Fixed32Type:
		_, err = r.Discard(4)
	case protowire.Fixed64Type:
		_, err = r.Discard(8)
	default:
		err = errors.New("a kind that is not known")
	}
	if err != nil {
		return fmt.Errorf("peer: packet: field %d: %w", number, err)
	}
	return nil
}
