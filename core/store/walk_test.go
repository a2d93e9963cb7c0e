package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// TestWhatASnapshotHasStillToReadMoves: it stands in the midst of a bucket, or of a value, when memory is compacted. It finds on where the
// rest lies then.
func TestWhatASnapshotHasStillToReadMoves(t *testing.T) {
	for _, size := range []int{40, 2000} { // many entries in a chunk, and a value in many chunks
		cfg := testConfig
		cfg.Pages = new(ledger)
		s := New(cfg)
		key := func(i int) []byte { return fmt.Appendf(nil, "{a}%03d", i) }
		for i := range 400 {
			s.Apply(&wire.Batch{Requests: []wire.Request{request(wire.Command{Op: wire.OpSet, Key: key(i), Value: bytes.Repeat([]byte{byte(i)}, size)})}})
		}
		for i := range 400 { // not by Apply, which would compact as it goes
			if i%8 != 0 {
				p := s.locate(key(i), HashOf(key(i)))
				s.drop(&p)
			}
		}
		sn, into, done := s.Snapshot(), NewRestorer(cfg), false
		for moved := false; !done; moved = true {
			var chunk []byte
			chunk, done = sn.Next(500)
			require.NoError(t, into.Add(chunk))
			if !moved {
				require.False(t, s.Tended(), "there is something to move")
			}
			s.Tend(1 << 30)
		}
		restored, err := into.Finish()
		require.NoError(t, err)
		require.Equal(t, s.Digest(), restored.Digest())
		sn.Close()
	}
}

// TestARestoredStoreIsItsSource, or it is none: a stream that was altered, checksums and all, does not have its source's digest.
func TestARestoredStoreIsItsSource(t *testing.T) {
	cfg := testConfig
	s := New(cfg)
	s.Apply(&wire.Batch{Requests: []wire.Request{request(wire.Command{Op: wire.OpSet, Key: []byte("k"), Value: []byte("as it was")})}})
	sn := s.Snapshot()
	chunk, done := sn.Next(1 << 20)
	require.True(t, done)
	sn.Close()
	altered := bytes.Replace(chunk[:len(chunk)-8], []byte("as it was"), []byte("as it is!"), 1)
	altered = binary.LittleEndian.AppendUint64(altered, chunkSum(0, altered))

	pages := new(ledger)
	cfg.Pages = pages
	r := NewRestorer(cfg)
	require.NoError(t, r.Add(altered))
	_, err := r.Finish()
	require.ErrorIs(t, err, ErrBadSnapshot)
	require.Zero(t, pages.held, "nothing of it is kept")

	r = NewRestorer(cfg)
	require.NoError(t, r.Add(chunk))
	restored, err := r.Finish()
	require.NoError(t, err)
	require.Equal(t, s.Digest(), restored.Digest())
	_, err = r.Finish()
	require.ErrorIs(t, err, ErrBadSnapshot, "it was given away")
	r.Close()
	require.NoError(t, restored.verify(), "and whoever has it keeps it")
}
