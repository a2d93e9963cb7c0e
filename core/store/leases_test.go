package store

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// lender grants leases and fills under them.
type lender struct {
	t     *testing.T
	store *Store
	time  int64
}

func newLender(t *testing.T, cfg Config) *lender {
	cfg.Shard, cfg.Shards = 1, 1
	return &lender{t: t, store: New(cfg)}
}

func (l *lender) apply(c wire.Command) wire.Result {
	l.t.Helper()
	r := l.store.Apply(&wire.Batch{Time: l.time, Requests: []wire.Request{{Commands: []wire.Command{c}}}})[0].Results[0]
	require.NoError(l.t, l.store.verify())
	return r
}

func keyOf(i int) []byte { return fmt.Appendf(nil, "key%02d", i) }

// lease returns what is positive if it is granted: the token.
func (l *lender) lease(i int, ttl int64) int64 {
	l.t.Helper()
	return l.apply(wire.Command{Op: wire.OpLease, Key: keyOf(i), TTL: ttl}).Int
}

func (l *lender) fill(i int, token int64) bool {
	l.t.Helper()
	return l.apply(wire.Command{Op: wire.OpFill, Key: keyOf(i), Version: uint64(token), Value: []byte("v")}).Kind == wire.KindOK
}

// TestLeasesHaveABound: in number and in bytes. The lease that would end first makes room: whoever loads that key fills nothing.
func TestLeasesHaveABound(t *testing.T) {
	const size = int64(leaseOverhead + len("key00"))
	for _, c := range []struct {
		name string
		cfg  Config
	}{
		{"in number", Config{LeasesMax: 4}},
		{"in bytes", Config{LeaseBytes: 4 * size}},
		{"in bytes, not by one less", Config{LeaseBytes: 5*size - 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLender(t, c.cfg)
			ends := []int64{500, 100, 400, 200, 300, 600}
			tokens := make([]int64, len(ends))
			for i, ttl := range ends {
				tokens[i] = l.lease(i, ttl)
				require.Positive(t, tokens[i])
				require.LessOrEqual(t, l.store.SessionBytes(), 4*size)
			}
			for i, ttl := range ends {
				require.Equal(t, ttl > 200, l.fill(i, tokens[i]), "the one that ends at %d", ttl)
			}
		})
	}
}

// TestManyLeasesEndAtOnce: more than an entry forgets. The others are over all the same, and are forgotten soon.
func TestManyLeasesEndAtOnce(t *testing.T) {
	const many = 3 * leasesExpireMax
	l := newLender(t, Config{})
	tokens := make([]int64, many)
	for i := range tokens {
		tokens[i] = l.lease(i, 100)
	}
	l.time = 99
	require.True(t, l.fill(0, tokens[0]), "a moment before")
	l.time = 100
	last, _ := l.store.leases.Max() // still in the table when the others are not
	late := slices.IndexFunc(tokens, func(token int64) bool { return uint64(token) == last.token })
	require.False(t, l.fill(late, tokens[late]))
	require.Positive(t, l.lease(late, 50), "and another one may load it")
	for range many / leasesExpireMax {
		l.apply(wire.Command{Op: wire.OpTick})
	}
	require.Equal(t, 1, l.store.leases.Len())
	require.EqualValues(t, leaseOverhead+len(keyOf(late)), l.store.SessionBytes())
}

// TestALeaseLastsForATime: for a millisecond at least, and for a day at most.
func TestALeaseLastsForATime(t *testing.T) {
	for ttl, lasts := range map[int64]int64{-5: 1, 0: 1, 1: 1, 70: 70, leaseMax: leaseMax, leaseMax + 1: leaseMax, math.MaxInt64: leaseMax} {
		l := newLender(t, Config{})
		l.time = 1000
		require.Positive(t, l.lease(1, ttl))
		require.Equal(t, -lasts, l.lease(1, 5), "somebody is loading it for so long")
	}
}

// TestWhatIsLoadedAnewMayBeGone: a value is there and leased. A reader is told so; and when there is nothing to be loaded any more the value goes.
func TestWhatIsLoadedAnewMayBeGone(t *testing.T) {
	l := newLender(t, Config{})
	token := l.lease(1, 100)
	require.True(t, l.fill(1, token))
	read := func() wire.Result {
		r, _ := l.store.Read([]wire.Command{{Op: wire.OpGet, Key: keyOf(1), Flags: wire.FlagLoad}}, l.time)
		return r[0]
	}
	require.EqualValues(t, -1, read().Int, "it does not expire")
	l.apply(wire.Command{Op: wire.OpExpire, Key: keyOf(1), TTLKind: wire.TTLRelative, TTL: 900})
	require.EqualValues(t, 900, read().Int)
	version := read().Version
	token = l.apply(wire.Command{Op: wire.OpLease, Key: keyOf(1), TTL: 100, Version: version}).Int
	require.Positive(t, token)
	require.EqualValues(t, -1, read().Int, "somebody is loading it")
	r := l.apply(wire.Command{Op: wire.OpFill, Key: keyOf(1), Version: uint64(token), Flags: wire.FlagAbsent, TTL: 50})
	require.Equal(t, wire.KindOK, r.Kind)
	require.Equal(t, wire.KindNil, read().Kind)
	require.EqualValues(t, 50, read().Int, "it is known to be absent for so long")
}
