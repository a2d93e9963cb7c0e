package store

import (
	"testing"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// Whether promises are given to caching clients is part of the state: of its digest, and of snapshots.
func TestCachingIsPartOfTheState(t *testing.T) {
	s := New(Config{})
	say := func(length int64) {
		s.Apply(&wire.Batch{Requests: []wire.Request{{Commands: []wire.Command{{Op: wire.OpCaching, Delta: length}}}}})
	}
	without := s.Digest()
	say(1500)
	require.EqualValues(t, 1500, s.Caching())
	require.NotEqual(t, without, s.Digest())

	r := NewRestorer(Config{})
	for sn, done := s.Snapshot(), false; !done; {
		var chunk []byte
		chunk, done = sn.Next(64)
		require.NoError(t, r.Add(chunk))
	}
	other, err := r.Finish()
	require.NoError(t, err)
	require.EqualValues(t, 1500, other.Caching())
	require.Equal(t, s.Digest(), other.Digest())

	say(0)
	require.Zero(t, s.Caching())
	require.Equal(t, without, s.Digest())
}
