package swim

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"torc/core/wire"
)

func TestEnvelopesComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := envelope{
			kind: envelopeKind(rapid.IntRange(int(packet), int(accepterEnds)).Draw(t, "kind")),
			from: rapid.StringMatching(`[a-z0-9.]{1,20}:[0-9]{1,5}`).Draw(t, "from"),
			data: rapid.SliceOf(rapid.Byte()).Draw(t, "data"),
		}
		if e.kind != packet {
			e.stream = rapid.Uint64().Draw(t, "stream")
			e.number = rapid.Uint64().Draw(t, "number")
		}
		got, err := decodeEnvelope(e.encode())
		require.NoError(t, err)
		require.Equal(t, string(e.data), string(got.data))
		got.data, e.data = nil, nil
		require.Equal(t, e, got)
	})
}

func FuzzDecodeEnvelope(f *testing.F) {
	f.Add((&envelope{kind: packet, from: "a:1", data: []byte("x")}).encode())
	f.Add((&envelope{kind: dialerEnds, from: "a:1", stream: 1, number: 300}).encode())
	f.Add([]byte{2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := decodeEnvelope(b)
		if err != nil {
			return
		}
		if len(e.data) > len(b) || len(e.from) > len(b) || e.from == "" {
			t.Fatalf("%+v out of %d bytes", e, len(b))
		}
	})
}

func TestNames(t *testing.T) {
	l := life{node: 0xabc, incarnation: 0x12, addr: "[::1]:7400"}
	require.Equal(t, "0000000000000abc.12@[::1]:7400", l.String())
	got, ok := parseLife(l.String())
	require.True(t, ok)
	require.Equal(t, l, got)

	for _, bad := range []string{"", "node-1", "@a:1", "1@a:1", "x.1@a:1", "1.x@a:1", "1.1@"} {
		_, ok := parseLife(bad)
		require.False(t, ok, "%q", bad)
	}
	addr, ok := addrOf("@host.name:7400")
	require.True(t, ok)
	require.Equal(t, "host.name:7400", addr)
}

func TestALifeIsTold(t *testing.T) {
	got, ok := parseLife(life{wire.NodeIDOf("a"), 1 << 60, "a:1"}.String())
	require.True(t, ok)
	require.Equal(t, wire.NodeIDOf("a"), got.node)
}
