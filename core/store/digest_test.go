package store

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// TestAllOfTheStateIsInTheDigest: states that differ in one thing have different digests. Each is what a snapshot made by hand says, up to its
// trailer.
func TestAllOfTheStateIsInTheDigest(t *testing.T) {
	// The shard, then: time, version, uses, keys, sessions, outcomes, leases, promises; the key and its value, version and expiry; a session's
	// client, floor, use and time; an outcome's request and results; a leased key, its token and end.
	state := func(time, version, uses, promised uint64, key, value string, keyVersion, expireAt, client, floor, use, usedAt, seq uint64, results, leased string, token, until uint64) made {
		m := made(snapshotMagicCaching).numbers(1, time, version, uses, 1, 1, 1, 1, promised)
		m = m.bytes(key).bytes(value).numbers(keyVersion, expireAt)
		m = m.session(client, floor, use, usedAt)
		m = m.id(client).numbers(seq).bytes(results)
		return m.lease(leased, token, until)
	}
	nothing, long := "\x00", strings.Repeat("long", sumLeast)
	without := func(magic string, numbers ...uint64) made {
		return made(magic).numbers(append([]uint64{1, 100, 9, 5}, numbers...)...)
	}
	seen := map[uint64]string{}
	for _, c := range []struct {
		name  string
		state made
	}{
		{"it", state(100, 9, 5, 7, "key", "value", 8, 200, 3, 1, 4, 99, 2, nothing, "leased", 6, 300)},
		{"time", state(101, 9, 5, 7, "key", "value", 8, 200, 3, 1, 4, 99, 2, nothing, "leased", 6, 300)},
		{"version", state(100, 10, 5, 7, "key", "value", 8, 200, 3, 1, 4, 99, 2, nothing, "leased", 6, 300)},
		{"uses", state(100, 9, 6, 7, "key", "value", 8, 200, 3, 1, 4, 99, 2, nothing, "leased", 6, 300)},
		{"promises", state(100, 9, 5, 8, "key", "value", 8, 200, 3, 1, 4, 99, 2, nothing, "leased", 6, 300)},
		{"key", state(100, 9, 5, 7, "keY", "value", 8, 200, 3, 1, 4, 99, 2, nothing, "leased", 6, 300)},
		{"value", state(100, 9, 5, 7, "key", "valuE", 8, 200, 3, 1, 4, 99, 2, nothing, "leased", 6, 300)},
		{"where the key ends", state(100, 9, 5, 7, "keyv", "alue", 8, 200, 3, 1, 4, 99, 2, nothing, "leased", 6, 300)},
		{"the key's version", state(100, 9, 5, 7, "key", "value", 7, 200, 3, 1, 4, 99, 2, nothing, "leased", 6, 300)},
		{"the key's expiry", state(100, 9, 5, 7, "key", "value", 8, 201, 3, 1, 4, 99, 2, nothing, "leased", 6, 300)},
		{"none", state(100, 9, 5, 7, "key", "value", 8, 0, 3, 1, 4, 99, 2, nothing, "leased", 6, 300)},
		{"a long value", state(100, 9, 5, 7, "key", long, 8, 200, 3, 1, 4, 99, 2, nothing, "leased", 6, 300)},
		{"its last byte", state(100, 9, 5, 7, "key", long[1:]+"G", 8, 200, 3, 1, 4, 99, 2, nothing, "leased", 6, 300)},
		{"its version", state(100, 9, 5, 7, "key", long, 7, 200, 3, 1, 4, 99, 2, nothing, "leased", 6, 300)},
		{"its expiry", state(100, 9, 5, 7, "key", long, 8, 201, 3, 1, 4, 99, 2, nothing, "leased", 6, 300)},
		{"client", state(100, 9, 5, 7, "key", "value", 8, 200, 2, 1, 4, 99, 2, nothing, "leased", 6, 300)},
		{"floor", state(100, 9, 5, 7, "key", "value", 8, 200, 3, 2, 4, 99, 2, nothing, "leased", 6, 300)},
		{"last use", state(100, 9, 5, 7, "key", "value", 8, 200, 3, 1, 3, 99, 2, nothing, "leased", 6, 300)},
		{"time of that", state(100, 9, 5, 7, "key", "value", 8, 200, 3, 1, 4, 98, 2, nothing, "leased", 6, 300)},
		{"request", state(100, 9, 5, 7, "key", "value", 8, 200, 3, 1, 4, 99, 3, nothing, "leased", 6, 300)},
		{"results", state(100, 9, 5, 7, "key", "value", 8, 200, 3, 1, 4, 99, 2, string(appendResults(nil, []wire.Result{{Kind: wire.KindOK}})), "leased", 6, 300)},
		{"leased key", state(100, 9, 5, 7, "key", "value", 8, 200, 3, 1, 4, 99, 2, nothing, "leaseD", 6, 300)},
		{"token", state(100, 9, 5, 7, "key", "value", 8, 200, 3, 1, 4, 99, 2, nothing, "leased", 5, 300)},
		{"end", state(100, 9, 5, 7, "key", "value", 8, 200, 3, 1, 4, 99, 2, nothing, "leased", 6, 301)},
		{"nothing", without(snapshotMagic, 0, 0, 0)},
		{"only a lease", without(snapshotMagicLeases, 0, 0, 0, 1).lease("leased", 6, 300)},
		{"only promises", without(snapshotMagicCaching, 0, 0, 0, 0, 7)},
	} {
		r := NewRestorer(testConfig)
		for _, chunk := range chunksOf(c.state, len(c.state)) {
			require.NoError(t, r.Add(chunk), c.name)
		}
		require.Equal(t, partTrailer, r.part, c.name)
		digest := r.store.Digest()
		require.Empty(t, seen[digest], fmt.Sprintf("%s is no difference", c.name))
		seen[digest] = c.name
		r.Close()
	}
}
