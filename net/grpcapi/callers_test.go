package grpcapi

import (
	"runtime"
	"testing"
	"time"
	"weak"

	"github.com/stretchr/testify/require"

	torcv1 "torc/api/v1"
)

// What an answer was made of goes as soon as it is coded: what waits for a client that does not read is there once, as it counts.
func TestAnAnswerIsKeptOnce(t *testing.T) {
	s := &Server{opts: Options{BuffersMax: 1 << 20}}
	s.callers.guesses = newGuesses()
	resp := &torcv1.GetResponse{Found: true, Value: make([]byte, 100_000)}
	value := weak.Make(&resp.Value[0])
	counted, err := s.counted(torcv1.Cache_Get_FullMethodName, resp)
	require.NoError(t, err)
	coded, err := callCodec{}.Marshal(counted)
	require.NoError(t, err)
	resp, counted = nil, nil
	require.Eventually(t, func() bool { runtime.GC(); return value.Value() == nil }, 5*time.Second, time.Millisecond)
	require.Greater(t, s.Buffered(), int64(100_000))
	coded.Free()
	require.Zero(t, s.Buffered())
}
