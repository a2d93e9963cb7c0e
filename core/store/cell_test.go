package store

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"torc/core/wire"
)

// A long entry keeps its digest in its cell. Whatever becomes of it, longer and shorter, the sum is that of what is
// there (verify computes it anew), and so are the values.
func TestLongEntriesKeepTheirDigests(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := New(Config{Shard: 1, Shards: 1, MaxValue: 1 << 20, SessionTTL: 500})
		want := map[string][]byte{}
		now := int64(1)
		length := rapid.SampledFrom([]int{0, 1, 100, sumLeast - 2, sumLeast - 1, sumLeast, 2 * sumLeast, 40_000, 41_000})
		for range rapid.IntRange(1, 40).Draw(t, "commands") {
			now++
			key := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "key")
			value := make([]byte, length.Draw(t, "length"))
			for i := range value { // no two places alike: a value that is moved within its cell may be torn
				value[i] = byte(now) + byte(i) + byte(i>>8)
			}
			c := wire.Command{Key: []byte(key)}
			switch rapid.IntRange(0, 4).Draw(t, "what") {
			case 0:
				c.Op, c.Value, want[key] = wire.OpSet, value, value
			case 1:
				c.Op, c.Value, want[key] = wire.OpAppend, value, append(bytes.Clone(want[key]), value...)
			case 2:
				c.Op = wire.OpDelete
				delete(want, key)
			case 3:
				c.Op, c.TTLKind, c.TTL = wire.OpExpire, wire.TTLAbsolute, now+1_000_000 // the head becomes longer
			case 4:
				c.Op = wire.OpPersist
			}
			s.Apply(&wire.Batch{Time: now, Requests: []wire.Request{{Commands: []wire.Command{c}}}})
			require.NoError(t, s.verify())
			for key, value := range want {
				r, _ := s.Read([]wire.Command{{Op: wire.OpGet, Key: []byte(key)}}, now)
				require.True(t, bytes.Equal(value, r[0].Value), key)
			}
		}
	})
}

// What an overwrite of a large value takes is copying it and one hash of it: that of the old one is known.
func BenchmarkOverwrite(b *testing.B) {
	for _, c := range []struct {
		name string
		size int
	}{{"1KiB", 1 << 10}, {"64KiB", 64 << 10}, {"1MiB", 1 << 20}} {
		b.Run(c.name, func(b *testing.B) {
			s := New(Config{Shard: 1, Shards: 1, MaxValue: 1 << 20, SessionTTL: 500})
			batch := &wire.Batch{Time: 1, Requests: []wire.Request{{Commands: []wire.Command{{Op: wire.OpSet, Key: []byte("key"), Value: make([]byte, c.size)}}}}}
			b.SetBytes(int64(c.size))
			for b.Loop() {
				s.Apply(batch)
			}
		})
	}
}
