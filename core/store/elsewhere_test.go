package store

import (
	"testing"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// TestAFillNeedsItsOwnLease: not another one's of the same key, and none from before a FLUSH.
func TestAFillNeedsItsOwnLease(t *testing.T) {
	l := newLender(t, Config{})
	token := l.lease(1, 100)
	require.False(t, l.fill(1, token+1))
	require.True(t, l.fill(1, token))
	token = l.lease(2, 100)
	l.apply(wire.Command{Op: wire.OpFlush})
	require.False(t, l.fill(2, token))
}

// TestAGuardWaitsForTheTime: whether a key is gone that is due by now, log time decides.
func TestAGuardWaitsForTheTime(t *testing.T) {
	s := New(testConfig)
	s.Apply(&wire.Batch{Requests: []wire.Request{request(wire.Command{Op: wire.OpSet, Key: []byte("k"), TTLKind: wire.TTLRelative, TTL: 10})}})
	guard := []wire.Command{{Op: wire.OpGuard, Key: []byte("k")}}
	r, needsTick := s.Read(guard, 9)
	require.False(t, needsTick)
	require.Equal(t, wire.CodeGuard, r[0].Code)
	r, needsTick = s.Read(guard, 10)
	require.True(t, needsTick)
	require.Nil(t, r)
}

// TestKeysOfAnotherShardAreNotRead, and no guard of them is met.
func TestKeysOfAnotherShardAreNotRead(t *testing.T) {
	cfg := testConfig
	cfg.Shards = 2
	s := New(cfg)
	theirs := 0
	for s.owns(s.HashOf(keyOf(theirs))) {
		theirs++
	}
	for op, code := range map[wire.Op]wire.ErrorCode{wire.OpGet: wire.CodeUnsupported, wire.OpGuard: wire.CodeGuard} {
		c := wire.Command{Op: op, Key: keyOf(theirs)}
		r, _ := s.Read([]wire.Command{c}, 0)
		require.Equal(t, code, r[0].Code)
		require.Equal(t, code, s.Apply(&wire.Batch{Requests: []wire.Request{request(c)}})[0].Results[0].Code)
	}
}
