package peer

import (
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"

	"torc/core/wire"
	"torc/net/buffers"
)

const (
	// packetMax is how many bytes of frames share a packet. Beyond it the cost of a packet of
	// its own is lost in the noise, and smaller ones let other streams in between.
	packetMax = 256 << 10
	// packetRoom is left in a packet for what protobuf adds to a large frame.
	packetRoom = 64
	// apartLeast is the least that is sent from where it lies. What is shorter is copied sooner than noted.
	apartLeast = 8 << 10
)

// packet is a FramePacket in its binary form, in the pieces that it lies in: those of a pooled buffer, and between them
// values that are anybody's but change no more. gRPC frees each when it has written it.
type packet struct{ parts mem.BufferSlice }

// A frame's head is its field's tag and its length, in as many bytes however small that is: so it can be written when
// the frame is there. Protobuf takes numbers that are longer than they need to be.
const (
	headSize   = 5
	lengthEnd  = 1 << (7 * (headSize - 1))
	moreFollow = 0x80
)

func putHead(b []byte, length int) {
	b[0] = byte(protowire.EncodeTag(framesField, protowire.BytesType))
	for i := 1; i < headSize; i++ {
		b[i] = byte(length>>(7*(i-1))) | moreFollow
	}
	b[headSize-1] &^= moreFollow
}

// packing writes packets.
type packing struct{ apart wire.Apart }

// pack puts the first of some frames into a packet. It says how many: as many as stay within packetMax, but at
// least one. A frame that is longer than most is left out, and told. Until gRPC has written the packet it counts as unwritten.
func (p *packing) pack(frames []queued, most int, waits *unwritten, told func(size int, sent bool)) (packet, int) {
	count, size := 1, frames[0].size
	for count < len(frames) && size+frames[count].size <= packetMax {
		size += frames[count].size
		count++
	}
	p.apart.Least = apartLeast
	p.apart.Forget(0)
	buf := buffers.Pool.Get(min(size+headSize*count, packetMax))
	b := (*buf)[:0]
	for _, q := range frames[:count] {
		from, pieces := len(b), len(p.apart.Pieces)
		b = wire.AppendFrameApart(append(b, make([]byte, headSize)...), q.frame, &p.apart)
		length := len(b) - from - headSize + p.apart.Len(pieces)
		sent := length <= min(most, lengthEnd)-packetRoom
		if sent {
			putHead(b[from:], length)
		} else {
			b = b[:from]
			p.apart.Forget(pieces)
		}
		told(length, sent)
	}
	*buf = b
	out := packet{parts: join(waits.pooled(buf), p.apart.Pieces, waits)}
	p.apart.Forget(0)
	return out, count
}

// join lists a packet's bytes in their order.
func join(whole mem.Buffer, pieces []wire.Piece, waits *unwritten) mem.BufferSlice {
	if whole.Len() == 0 {
		whole.Free()
		return nil
	}
	if len(pieces) == 0 {
		return mem.BufferSlice{whole}
	}
	parts, at := make(mem.BufferSlice, 0, 2*len(pieces)+1), 0
	for _, p := range pieces {
		parts = append(parts, whole.Slice(at, p.At), waits.foreign(p.Data))
		at = p.At
	}
	if at < whole.Len() {
		parts = append(parts, whole.Slice(at, whole.Len()))
	}
	whole.Free()
	return parts
}
