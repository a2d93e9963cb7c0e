package store

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"torc/core/wire"
)

// TestSipHash: the reference's own example (SipHash-2-4, key 00..0f, message 00..0e), and lengths around a word.
func TestSipHash(t *testing.T) {
	var b [16]byte
	for i := range b {
		b[i] = byte(i)
	}
	k0, k1 := binary.LittleEndian.Uint64(b[:]), binary.LittleEndian.Uint64(b[8:])
	require.EqualValues(t, uint64(0xa129ca6149be45e5), siphash(k0, k1, b[:15], 2, 4))
	require.EqualValues(t, uint64(0x726fdb47dd0e0e31), siphash(k0, k1, nil, 2, 4))
	require.EqualValues(t, uint64(0x93f5f5799a932462), siphash(k0, k1, b[:8], 2, 4))
}

// collidingKey is the n-th of as many keys as one likes that have one slot and one xxhash64, under any seed that that takes: the
// second word undoes what the first one did.
func collidingKey(n uint64) []byte {
	const p1, p2, p4 uint64 = 11400714785074694791, 14029467366897019727, 9650029242287828579
	inverse := func(p uint64) uint64 { // modulo 2^64, by Newton
		x := p
		for range 6 {
			x *= 2 - p*x
		}
		return x
	}
	round := func(lane uint64) uint64 { return bits.RotateLeft64(lane*p2, 31) * p1 }
	unround := func(k uint64) uint64 { return bits.RotateLeft64(k*inverse(p1), -31) * inverse(p2) }
	const prefix = "{a}....." // a word, so that the two that follow are words
	h := uint64(2870177450012600261) + uint64(len(prefix)+16)
	step := func(h, k uint64) uint64 { return bits.RotateLeft64(h^k, 27)*p1 + p4 }
	h = step(h, round(binary.LittleEndian.Uint64([]byte(prefix))))
	first := n * 0x9e3779b97f4a7c15
	h = step(h, round(first))
	second := unround(h ^ 0x123456789) // h ^ round(second) is the same for all
	key := []byte(prefix)
	key = binary.LittleEndian.AppendUint64(key, first)
	return binary.LittleEndian.AppendUint64(key, second)
}

// TestFlooding: keys that collide under xxhash64 are as fast as any others under a seed, and would be a list without.
func TestFlooding(t *testing.T) {
	const keys = 6000
	require.Equal(t, xxhash.Sum64(collidingKey(1)), xxhash.Sum64(collidingKey(2)))
	require.NotEqual(t, collidingKey(1), collidingKey(2))
	load := func(seed Seed, key func(uint64) []byte) (took time.Duration, longest int) {
		s := New(Config{Seed: seed})
		began := time.Now()
		for i := range uint64(keys) {
			s.Apply(&wire.Batch{Requests: []wire.Request{request(wire.Command{Op: wire.OpSet, Key: key(i)})}})
		}
		took = time.Since(began)
		require.Equal(t, keys, s.Len())
		for i := range s.keys.slots {
			for _, r := range s.keys.slots[i].leaves {
				n := 0
				for ; r != 0; r = s.keys.leaf(r).next {
					n += int(s.keys.leaf(r).count)
				}
				longest = max(longest, n)
			}
		}
		return took, longest
	}
	seed := Seed{0x0123456789abcdef, 42}
	plain, _ := load(seed, func(n uint64) []byte { return fmt.Appendf(nil, "{a}......%015d", n) })
	seeded, longest := load(seed, collidingKey)
	open, chain := load(Seed{}, collidingKey)
	t.Logf("%d keys: %v; made to collide: %v with a seed (%d keys in the longest chain), %v without (%d)", keys, plain, seeded, longest, open, chain)
	require.LessOrEqual(t, longest, 2*leafMax)
	require.Equal(t, keys, chain, "the keys do not collide: the test is none")
}

// TestSeedPlacesOnly: what commands answer does not depend on the seed, and two stores of one seed are equal.
func TestSeedPlacesOnly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := testConfig
		plain := New(cfg)
		cfg.Seed = Seed{rapid.Uint64Min(1).Draw(t, "k0"), rapid.Uint64().Draw(t, "k1")}
		a, b := New(cfg), New(cfg)
		time := int64(0)
		for range rapid.IntRange(1, 20).Draw(t, "entries") {
			time += rapid.Int64Range(0, 40).Draw(t, "time")
			batch := &wire.Batch{Time: time}
			for range rapid.IntRange(0, 10).Draw(t, "requests") {
				batch.Requests = append(batch.Requests, drawRequest(t))
			}
			want := showAll(plain.Apply(batch))
			got := showAll(a.Apply(batch))
			require.Equal(t, got, showAll(b.Apply(batch)))
			require.Equal(t, a.Digest(), b.Digest())
			require.Equal(t, plain.Digest(), a.Digest(), "%s\n%s", want, got)
		}
		require.NoError(t, a.verify())
		again, err := copyOf(cfg, a, 100)
		require.NoError(t, err)
		require.Equal(t, a.Digest(), again.Digest())
		require.NoError(t, again.verify())
	})
}

// HashOf is the hash of a key in the stores of most tests, which have no seed.
func HashOf(key []byte) uint64 { return Seed{}.HashOf(key) }
