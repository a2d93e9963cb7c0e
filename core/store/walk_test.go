package store

import (
	"bytes"
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
