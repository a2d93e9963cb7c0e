package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// TestALongValueIsRestoredAtOnce: that it comes in many chunks makes it no dearer than as many short ones.
func TestALongValueIsRestoredAtOnce(t *testing.T) {
	const all, piece = 16 << 20, 4 << 10
	cfg := testConfig
	cfg.MaxValue = all
	takes := func(values int) (least time.Duration) {
		s := New(cfg)
		for i := range values {
			s.Apply(&wire.Batch{Requests: []wire.Request{request(wire.Command{Op: wire.OpSet, Key: keyOf(i), Value: make([]byte, all/values)})}})
		}
		var chunks [][]byte
		for sn, done := s.Snapshot(), false; !done; {
			var chunk []byte
			chunk, done = sn.Next(piece)
			chunks = append(chunks, chunk)
		}
		for range 3 {
			r, began := NewRestorer(cfg), time.Now()
			for _, chunk := range chunks {
				require.NoError(t, r.Add(chunk))
			}
			if took := time.Since(began); least == 0 || took < least {
				least = took
			}
			r.Close()
		}
		return least
	}
	short, long := takes(all/piece), takes(1)
	require.Less(t, long, 20*short, "it takes as long as all its chunks times its length")
}
