package peer

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	torcv1 "torc/api/v1"
)

// The codec is protobuf: either side may be one that knows nothing of it.
func TestThePacketCodecIsProtobuf(t *testing.T) {
	codec := newPacketCodec()
	for _, frames := range [][][]byte{nil, {[]byte("one")}, {[]byte("one"), {}, bytes.Repeat([]byte("x"), 300)}, {make([]byte, togetherMost), []byte("two")}} {
		packet := &torcv1.FramePacket{Frames: frames}
		ours, err := codec.Marshal(packet)
		require.NoError(t, err)
		theirs, err := proto.Marshal(packet)
		require.NoError(t, err)
		require.Equal(t, theirs, append([]byte{}, ours.Materialize()...))

		got := &torcv1.FramePacket{Frames: [][]byte{[]byte("of the packet before")}}
		require.NoError(t, codec.Unmarshal(ours, got))
		ours.Free()
		require.Len(t, got.Frames, len(frames))
		for i := range frames {
			require.True(t, bytes.Equal(frames[i], got.Frames[i]))
		}
	}
}

// A later version may send fields that this one does not know.
func TestAnUnknownFieldIsSkipped(t *testing.T) {
	b := protowire.AppendVarint(protowire.AppendTag(nil, 7, protowire.VarintType), 300)
	b = protowire.AppendBytes(protowire.AppendTag(b, framesField, protowire.BytesType), []byte("frame"))
	b = protowire.AppendBytes(protowire.AppendTag(b, 9, protowire.BytesType), []byte("more"))
	var got torcv1.FramePacket
	require.NoError(t, newPacketCodec().Unmarshal(mem.BufferSlice{mem.SliceBuffer(b)}, &got))
	require.Equal(t, [][]byte{[]byte("frame")}, got.Frames)
}

func TestABrokenPacketIsAnError(t *testing.T) {
	whole, err := proto.Marshal(&torcv1.FramePacket{Frames: [][]byte{[]byte("frame")}})
	require.NoError(t, err)
	for n := 1; n < len(whole); n++ {
		require.Error(t, newPacketCodec().Unmarshal(mem.BufferSlice{mem.SliceBuffer(whole[:n])}, &torcv1.FramePacket{}), "%d of %d bytes", n, len(whole))
	}
	require.Error(t, newPacketCodec().Unmarshal(mem.BufferSlice{mem.SliceBuffer(protowire.AppendTag(nil, 2, protowire.BytesType))}, &torcv1.FramePacket{}))
}

// Frames of a large packet do not keep each other in memory.
func TestFramesOfALargePacketAreApart(t *testing.T) {
	whole, err := proto.Marshal(&torcv1.FramePacket{Frames: [][]byte{[]byte("small"), make([]byte, togetherMost)}})
	require.NoError(t, err)
	var got torcv1.FramePacket
	require.NoError(t, newPacketCodec().Unmarshal(mem.BufferSlice{mem.SliceBuffer(whole)}, &got))
	require.Less(t, cap(got.Frames[0]), 64)
}

func BenchmarkPacket(b *testing.B) {
	codec, packet := newPacketCodec(), &torcv1.FramePacket{Frames: [][]byte{make([]byte, 400), make([]byte, 300)}}
	got := &torcv1.FramePacket{}
	b.ReportAllocs()
	for b.Loop() {
		data, err := codec.Marshal(packet)
		if err != nil {
			b.Fatal(err)
		}
		if err := codec.Unmarshal(data, got); err != nil {
			b.Fatal(err)
		}
		data.Free()
	}
}
