package peer

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	torcv1 "torc/api/v1"
	"torc/core/wire"
)

// packed puts frames into packets, and returns them as gRPC would send them.
func packed(t require.TestingT, most int, frames ...*wire.Frame) (packets []mem.BufferSlice, left int) {
	var p packing
	var list []queued
	for _, f := range frames {
		list = append(list, queued{f, f.Size()})
	}
	for len(list) > 0 {
		out, count := p.pack(list, most, new(unwritten), func(_ int, sent bool) {
			if !sent {
				left++
			}
		})
		data, err := newPacketCodec().Marshal(&out)
		require.NoError(t, err)
		packets, list = append(packets, data), list[count:]
	}
	return packets, left
}

// cut is data in pieces of some bytes, as it comes.
func cut(data []byte, size int) (pieces mem.BufferSlice) {
	for len(data) > size {
		pieces, data = append(pieces, mem.SliceBuffer(data[:size])), data[size:]
	}
	return append(pieces, mem.SliceBuffer(data))
}

// The codec is protobuf: either side may be one that knows nothing of it.
func TestThePacketCodecIsProtobuf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var frames []*wire.Frame
		var want [][]byte
		for i := range rapid.IntRange(1, 5).Draw(t, "frames") {
			f := chunk(uint64(i), rapid.SampledFrom([]int{0, 1, 300, apartLeast - 1, apartLeast, togetherMost, 300_000}).Draw(t, "bytes"))
			if rapid.Bool().Draw(t, "two messages") {
				f.Messages = append(f.Messages, chunk(9, apartLeast+i).Messages...)
			}
			frames, want = append(frames, f), append(want, wire.AppendFrame(nil, f))
		}
		packets, left := packed(t, 64<<20, frames...)
		require.Zero(t, left)
		var got, theirs [][]byte
		for _, data := range packets {
			whole := data.Materialize()
			data.Free()
			var packet torcv1.FramePacket
			require.NoError(t, proto.Unmarshal(whole, &packet))
			theirs = append(theirs, packet.Frames...)

			ours := torcv1.FramePacket{Frames: [][]byte{[]byte("of the packet before")}}
			require.NoError(t, newPacketCodec().Unmarshal(cut(whole, rapid.IntRange(1, 20_000).Draw(t, "cut")), &ours))
			got = append(got, ours.Frames...)

			again, err := proto.Marshal(&packet) // as a peer without this codec writes it
			require.NoError(t, err)
			require.NoError(t, newPacketCodec().Unmarshal(cut(again, 16<<10), &ours))
			require.Equal(t, packet.Frames, ours.Frames)
		}
		require.Equal(t, want, theirs)
		require.Equal(t, want, got)
	})
}

// What is long leaves from where it lies.
func TestALongValueIsNotCopied(t *testing.T) {
	f := chunk(1, 1<<20)
	packets, _ := packed(t, 64<<20, f)
	require.Len(t, packets, 1)
	data := f.Messages[0].(*wire.SnapshotChunk).Data
	require.Same(t, &data[0], &packets[0][1].ReadOnlyData()[0])
	require.Len(t, packets[0], 2, "nothing follows a chunk's data")
}

func TestAFrameOverTheLimitIsLeftOut(t *testing.T) {
	packets, left := packed(t, 100_000, chunk(1, 10), chunk(2, 100_000), chunk(3, 20))
	require.Equal(t, 1, left)
	require.Len(t, packets, 1)
	var got torcv1.FramePacket
	require.NoError(t, proto.Unmarshal(packets[0].Materialize(), &got))
	require.Equal(t, [][]byte{wire.AppendFrame(nil, chunk(1, 10)), wire.AppendFrame(nil, chunk(3, 20))}, got.Frames)

	packets, left = packed(t, 100_000, chunk(2, 100_000))
	require.Equal(t, 1, left)
	require.Empty(t, packets[0])
}

// sizes are those of packets that are read together, and apart.
var sizes = []int{5, togetherMost}

// A later version may send fields that this one does not know.
func TestAnUnknownFieldIsSkipped(t *testing.T) {
	for _, size := range sizes {
		frame := bytes.Repeat([]byte("f"), size)
		b := protowire.AppendVarint(protowire.AppendTag(nil, 7, protowire.VarintType), 300)
		b = protowire.AppendFixed32(protowire.AppendTag(b, 8, protowire.Fixed32Type), 4)
		b = protowire.AppendBytes(protowire.AppendTag(b, framesField, protowire.BytesType), frame)
		b = protowire.AppendFixed64(protowire.AppendTag(b, 8, protowire.Fixed64Type), 5)
		b = protowire.AppendBytes(protowire.AppendTag(b, 9, protowire.BytesType), []byte("more"))
		var got torcv1.FramePacket
		require.NoError(t, newPacketCodec().Unmarshal(cut(b, 1000), &got))
		require.Equal(t, [][]byte{frame}, got.Frames)
	}
}

func TestABrokenPacketIsAnError(t *testing.T) {
	for _, size := range sizes {
		one := protowire.AppendBytes(protowire.AppendTag(nil, framesField, protowire.BytesType), bytes.Repeat([]byte("f"), size))
		for _, bad := range [][]byte{
			{0x80}, {1<<3 | 2}, {1<<3 | 2, 5, 'a'}, {1<<3 | 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, // cut short; longer than all
			{2 << 3}, {2<<3 | 1, 1}, {2<<3 | 5, 1}, {2<<3 | 6}, {2}, // fields of other kinds, cut short; a kind that is none; no field
		} {
			err := newPacketCodec().Unmarshal(cut(append(one[:len(one):len(one)], bad...), 1000), &torcv1.FramePacket{})
			require.Error(t, err, "%d bytes and % x", size, bad)
		}
		for n := max(1, len(one)-50); n < len(one); n++ {
			require.Error(t, newPacketCodec().Unmarshal(cut(one[:n], 1000), &torcv1.FramePacket{}), "%d of %d bytes", n, len(one))
		}
	}
}

// Frames of a large packet do not keep each other in memory.
func TestFramesOfALargePacketAreApart(t *testing.T) {
	whole, err := proto.Marshal(&torcv1.FramePacket{Frames: [][]byte{[]byte("small"), make([]byte, togetherMost)}})
	require.NoError(t, err)
	var got torcv1.FramePacket
	require.NoError(t, newPacketCodec().Unmarshal(mem.BufferSlice{mem.SliceBuffer(whole)}, &got))
	require.Less(t, cap(got.Frames[0]), 64)
}

func FuzzPacket(f *testing.F) {
	for _, size := range sizes {
		f.Add(protowire.AppendBytes(protowire.AppendTag(nil, framesField, protowire.BytesType), make([]byte, size)), uint16(1000))
	}
	f.Fuzz(func(t *testing.T, b []byte, size uint16) {
		var together1, apart1 torcv1.FramePacket
		errTogether := together(b, &together1)
		errApart := apart(cut(b, int(size)+1), &apart1)
		if errApart == nil { // what is read apart is what is read together; groups are not read apart
			require.NoError(t, errTogether)
			require.Equal(t, len(together1.Frames), len(apart1.Frames))
			for i := range together1.Frames {
				require.True(t, bytes.Equal(together1.Frames[i], apart1.Frames[i]))
			}
		}
	})
}

func BenchmarkPacket(b *testing.B) {
	for _, c := range []struct {
		name  string
		bytes int
	}{{"small", 300}, {"64KiB", 64 << 10}, {"1MiB", 1 << 20}} {
		b.Run(c.name, func(b *testing.B) {
			f := chunk(1, c.bytes)
			frames := []queued{{f, f.Size()}}
			var p packing
			codec, got := newPacketCodec(), &torcv1.FramePacket{}
			b.SetBytes(int64(c.bytes))
			b.ReportAllocs()
			for b.Loop() {
				out, _ := p.pack(frames, 64<<20, new(unwritten), func(int, bool) {})
				data, err := codec.Marshal(&out)
				if err != nil {
					b.Fatal(err)
				}
				if err := codec.Unmarshal(data, got); err != nil {
					b.Fatal(err)
				}
				data.Free()
			}
		})
	}
}

// The longest request is no longer than a frame may be, on its way to the leader and from there to the replicas.
func TestTheLongestRequestIsCarried(t *testing.T) {
	r := wire.Request{Session: wire.Session{Client: 1 << 63, Seq: 1 << 63, Floor: 1 << 63}}
	for value := make([]byte, 1<<20); r.Size()+len(value) < wire.RequestMax; {
		r.Commands = append(r.Commands, wire.Command{Op: wire.OpSet, TTLKind: wire.TTLAbsolute, TTL: 1 << 62, Value: value})
	}
	last := &r.Commands[0]
	last.Key = make([]byte, wire.RequestMax-r.Size())
	b := &wire.Batch{Time: 1 << 62, Proposer: 1 << 62, Number: 1 << 62, Requests: []wire.Request{r}}
	for _, m := range []wire.Message{&wire.Forward{ID: 1 << 63, Request: r}, &wire.Raft{RaftMessage: wire.RaftMessage{Entries: []wire.Entry{{Data: wire.AppendBatch(nil, b)}}}}} {
		f := &wire.Frame{Messages: []wire.Message{m}}
		var p packing
		out, _ := p.pack([]queued{{f, f.Size()}}, Options{}.withDefaults().FrameMax, new(unwritten), func(size int, sent bool) {
			require.True(t, sent, "%d bytes", size)
		})
		out.parts.Free()
	}
}

// The longest answer that a shard gives to a request is no longer than a frame may be, whether it has few values or many.
func TestTheLongestAnswerIsCarried(t *testing.T) {
	value := make([]byte, 1<<20)
	for _, size := range []int{1 << 20, 1000} {
		reply := &wire.Reply{}
		for left := wire.AnswerMax; ; {
			r := wire.Result{Kind: wire.KindBytes, Version: 1 << 63, Value: value[:size]}
			if left -= r.Size(); left < 0 {
				break
			}
			reply.Response.Results = append(reply.Response.Results, r)
		}
		f := &wire.Frame{Messages: []wire.Message{reply}}
		var p packing
		out, _ := p.pack([]queued{{f, f.Size()}}, Options{}.withDefaults().FrameMax, new(unwritten), func(size int, sent bool) {
			require.True(t, sent, "%d results in %d bytes", len(reply.Response.Results), size)
		})
		out.parts.Free()
	}
}
