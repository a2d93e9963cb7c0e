package torcv1

import (
	"bytes"
	"testing"
)

func FuzzBatch(f *testing.F) {
	f.Add(AppendPacket(AppendPacket(nil, &Packet{Id: 1, Kind: PacketRequest, Body: []byte("body"), TimeoutMillis: 5000}), &Packet{Id: 1 << 60, Kind: PacketMapRequest}))
	f.Add([]byte{1, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, b []byte) {
		for rest := b; len(rest) > 0; {
			p, next, err := NextPacket(rest)
			if err != nil {
				return
			}
			again, more, err := NextPacket(AppendPacket(nil, p))
			if err != nil || len(more) > 0 || again.Id != p.Id || again.Kind != p.Kind || again.TimeoutMillis != p.TimeoutMillis || !bytes.Equal(again.Body, p.Body) {
				t.Fatalf("%v came back as %v, %v", p, again, err)
			}
			if len(next) >= len(rest) {
				t.Fatal("nothing was taken")
			}
			rest = next
		}
	})
}
