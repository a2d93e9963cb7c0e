package gossip

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"torc/core/wire"
)

var wellAndBusy = Health{
	Epoch: 7, Uptime: 90 * time.Second, RequestRate: 12_000, Waiting: 31, MemoryUsed: 3 << 30, MemoryMax: 4 << 30, HitRate: 934,
	Replicas: 40, LeadCount: 3, Term: 5, Leads: []wire.ShardID{0, 9, 64},
}

func TestHealthComesBack(t *testing.T) {
	got, err := DecodeHealth(wellAndBusy.Encode())
	require.NoError(t, err)
	require.Equal(t, wellAndBusy, got)
	require.Less(t, len(wellAndBusy.Encode()), 50, "what a node says every second is small")
}

// A node that leads too many shards for the bitmap says how many.
func TestHealthIsBounded(t *testing.T) {
	h := Health{HitRate: HitRateUnknown, Epoch: 1<<64 - 1, RequestRate: 1<<64 - 1, MemoryUsed: 1<<64 - 1}
	for s := wire.ShardID(1); s <= wire.SlotCount; s += 2 {
		h.Leads = append(h.Leads, s)
	}
	h.LeadCount = uint64(len(h.Leads))
	b := h.Encode()
	require.LessOrEqual(t, len(b), DigestMax)
	got, err := DecodeHealth(b)
	require.NoError(t, err)
	require.Nil(t, got.Leads)
	require.Equal(t, h.LeadCount, got.LeadCount)

	h.Leads = h.Leads[:1500]
	h.LeadCount = 1500
	b = h.Encode()
	require.LessOrEqual(t, len(b), DigestMax)
	got, err = DecodeHealth(b)
	require.NoError(t, err)
	require.Equal(t, h.Leads, got.Leads, "1500 shards of 3000 do fit")
}

func TestMalformedHealth(t *testing.T) {
	good := wellAndBusy.Encode()
	for _, c := range []struct {
		name string
		b    []byte
		is   error
		says string
	}{
		{"nothing", nil, ErrDigestMalformed, "it is empty"},
		{"another version", append([]byte{2}, good[1:]...), ErrDigestVersion, "2, not 1"},
		{"words", []byte("load 3"), ErrDigestVersion, "108, not 1"},
		{"the first half", good[:len(good)/2], ErrDigestMalformed, "number 5 is cut off"},
		{"a short bitmap", good[:len(good)-1], ErrDigestMalformed, "the bitmap's length is not what is left"},
		{"more behind it", append(good[:len(good):len(good)], 0), ErrDigestMalformed, "the bitmap's length is not what is left"},
		{"too much", make([]byte, DigestMax+1), ErrDigestMalformed, "it has 513 bytes, more than 512"},
		{"a hit rate above one", (&Health{HitRate: 1001}).Encode(), ErrDigestMalformed, "a hit rate of 1002"},
		{"more shards than it counts", (&Health{Leads: []wire.ShardID{1}}).Encode(), ErrDigestMalformed, "it names 1 shards and counts 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := DecodeHealth(c.b)
			require.ErrorIs(t, err, c.is)
			require.ErrorContains(t, err, c.says)
		})
	}
}

func TestEveryHealthComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := Health{
			Epoch: wire.Epoch(rapid.Uint64().Draw(t, "epoch")), Uptime: time.Duration(rapid.IntRange(0, 1<<30).Draw(t, "uptime")) * time.Second,
			RequestRate: rapid.Uint64().Draw(t, "rate"), Waiting: rapid.Uint64().Draw(t, "waiting"), MemoryUsed: rapid.Uint64().Draw(t, "used"),
			MemoryMax: rapid.Uint64().Draw(t, "max"), HitRate: rapid.IntRange(HitRateUnknown, 1000).Draw(t, "hits"),
			Replicas: rapid.Uint64().Draw(t, "replicas"), Term: rapid.Uint64().Draw(t, "term"),
		}
		for s := range rapid.IntRange(0, 400).Draw(t, "shards") {
			if rapid.Bool().Draw(t, "leads") {
				h.Leads = append(h.Leads, wire.ShardID(s))
			}
		}
		h.LeadCount = uint64(len(h.Leads))
		got, err := DecodeHealth(h.Encode())
		require.NoError(t, err)
		require.Equal(t, h, got)
	})
}

func FuzzDecodeHealth(f *testing.F) {
	f.Add(wellAndBusy.Encode())
	f.Add((&Health{HitRate: HitRateUnknown}).Encode())
	f.Add([]byte("load 3"))
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := DecodeHealth(b)
		if err != nil {
			return
		}
		again := h.Encode()
		if len(again) > DigestMax {
			t.Fatalf("%d bytes out of %d", len(again), len(b))
		}
		twice, err := DecodeHealth(again)
		if err != nil {
			t.Fatalf("what was read is not readable when written: %v", err)
		}
		require.Equal(t, h, twice)
	})
}
