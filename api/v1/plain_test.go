package torcv1

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"
)

// What Codec sends is what protobuf would have sent, as far as protobuf can tell.
func TestOutgoingIsAPacket(t *testing.T) {
	for _, size := range []int{0, 1, 100, 5000, 300_000} {
		o := NewOutgoing()
		var want []byte
		for id := range uint64(3) {
			p := Plain{ID: id, Kind: PacketRequest, TimeoutMillis: 7, Body: []byte(strings.Repeat("x", size))}
			o.Add(p)
			want = AppendPlain(want, p)
		}
		require.Equal(t, len(want), o.Len())
		slice, err := Codec{}.Marshal(&o)
		require.NoError(t, err)
		var p Packet
		require.NoError(t, proto.Unmarshal(slice.Materialize(), &p))
		slice.Free()
		require.Equal(t, PacketBatch, p.Kind)
		require.Equal(t, want, p.Body)
		require.Zero(t, p.Id)
		require.Empty(t, p.ProtoReflect().GetUnknown())
	}
}

// A packet by itself is what protobuf would have sent, and its pooled memory is whole until it is freed.
func TestSingleIsAPacket(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := Plain{
			ID: rapid.Uint64().Draw(t, "id"), Kind: rapid.Uint32().Draw(t, "kind"), TimeoutMillis: rapid.Uint32().Draw(t, "timeout"),
			Body: rapid.SliceOfN(rapid.Byte(), 0, 10_000).Draw(t, "body"),
		}
		s := Single{Plain: want}
		if rapid.Bool().Draw(t, "pooled") {
			s.Memory = mem.DefaultBufferPool().Get(len(want.Body) + 100)
			s.Body = append((*s.Memory)[:0], want.Body...)
		}
		slice, err := Codec{}.Marshal(&s)
		require.NoError(t, err)
		var p Packet
		require.NoError(t, proto.Unmarshal(slice.Materialize(), &p))
		slice.Free()
		require.Equal(t, want.ID, p.Id)
		require.Equal(t, want.Kind, p.Kind)
		require.Equal(t, want.TimeoutMillis, p.TimeoutMillis)
		require.Equal(t, string(want.Body), string(p.Body))
		require.Empty(t, p.ProtoReflect().GetUnknown())
	})
}

// What is no packet of a stream's is protobuf's.
func TestAllElseIsProtobufs(t *testing.T) {
	slice, err := Codec{}.Marshal(&GetRequest{Key: []byte("k")})
	require.NoError(t, err)
	var got GetRequest
	require.NoError(t, Codec{}.Unmarshal(slice, &got))
	require.Equal(t, "k", string(got.Key))
}

// What protobuf sends is what Codec receives, in one piece or in many, with fields of later versions or without.
func TestIncomingIsAPacket(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &Packet{
			Id: rapid.Uint64().Draw(t, "id"), Kind: rapid.Uint32().Draw(t, "kind"),
			TimeoutMillis: rapid.Uint32().Draw(t, "timeout"), Body: rapid.SliceOf(rapid.Byte()).Draw(t, "body"),
		}
		b, err := proto.Marshal(p)
		require.NoError(t, err)
		b = append(b, rapid.SampledFrom([]string{"", "\x28\x01", "\x32\x02hi", "\xa5\x06abcd"}).Draw(t, "later")...)
		at := rapid.IntRange(0, len(b)).Draw(t, "cut")
		var in Incoming
		require.NoError(t, Codec{}.Unmarshal(mem.BufferSlice{mem.SliceBuffer(b[:at]), mem.SliceBuffer(b[at:])}, &in))
		require.Equal(t, Plain{p.Id, p.Kind, p.TimeoutMillis, in.Body}, in.Plain)
		require.Equal(t, string(p.Body), string(in.Body))
		in.Free()
	})
}

func TestMalformedPackets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")
		var in Incoming
		if (Codec{}).Unmarshal(mem.BufferSlice{mem.SliceBuffer(b)}, &in) == nil { // protobuf takes it too, unless it is stricter about a field of its own
			require.Equal(t, len(b), in.Size())
		}
	})
	for _, bad := range []string{"\x08", "\x12\x05abc", "\xff", "\x00\x01", "\x0b"} {
		var in Incoming
		require.ErrorIs(t, Codec{}.Unmarshal(mem.BufferSlice{mem.SliceBuffer(bad)}, &in), errPacket, "%q", bad)
	}
}
