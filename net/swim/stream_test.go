package swim

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// pair is two transports that hear each other; spoil may swallow a message.
type pair struct {
	mu    sync.Mutex
	ends  map[string]*transport
	spoil func(e envelope) bool
}

type pairSender struct{ p *pair }

func (s pairSender) SendGossip(addr string, data []byte) {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	e, err := decodeEnvelope(data)
	if err != nil || s.p.spoil != nil && s.p.spoil(e) {
		return
	}
	_ = s.p.ends[addr].receive(data)
}

func newPair(t *testing.T) (*pair, *transport, *transport) {
	p := &pair{ends: map[string]*transport{}}
	a, b := newTransport("a:1", pairSender{p}), newTransport("b:1", pairSender{p})
	p.ends["a:1"], p.ends["b:1"] = a, b
	t.Cleanup(func() {
		require.NoError(t, a.Shutdown())
		require.NoError(t, b.Shutdown())
		require.Empty(t, a.streams)
		require.Empty(t, b.streams)
	})
	return p, a, b
}

func accept(t *testing.T, tr *transport) net.Conn {
	t.Helper()
	select {
	case c := <-tr.StreamCh():
		_ = c.SetDeadline(time.Now().Add(10 * time.Second)) // fails when the stream is broken already: the test will see
		return c
	case <-time.After(10 * time.Second):
		require.FailNow(t, "nobody called")
		return nil
	}
}

// A push/pull: one side says much, the other reads it and answers with as much.
func TestAStreamCarriesBothWays(t *testing.T) {
	_, a, b := newPair(t)
	question, answer := bytes.Repeat([]byte("question"), 20_000), bytes.Repeat([]byte("answer"), 30_000)

	caller, err := a.DialTimeout("b:1", time.Second)
	require.NoError(t, err)
	require.NoError(t, caller.SetDeadline(time.Now().Add(10*time.Second)))
	require.Equal(t, "b:1", caller.RemoteAddr().String())
	go func() { _, _ = caller.Write(question) }()

	called := accept(t, b)
	require.Equal(t, "a:1", called.RemoteAddr().String())
	got := make([]byte, len(question))
	_, err = io.ReadFull(called, got)
	require.NoError(t, err)
	require.Equal(t, question, got)
	go func() {
		_, _ = called.Write(answer)
		_ = called.Close()
	}()
	got, err = io.ReadAll(caller)
	require.NoError(t, err)
	require.Equal(t, answer, got)
	require.NoError(t, caller.Close())
}

func TestALostChunkBreaksTheStream(t *testing.T) {
	p, a, b := newPair(t)
	p.spoil = func(e envelope) bool { return e.kind == fromDialer && e.number == 1 }
	caller, err := a.DialTimeout("b:1", time.Second)
	require.NoError(t, err)
	go func() { _, _ = caller.Write(make([]byte, 4*chunkMax)) }()
	called := accept(t, b)
	got, err := io.ReadAll(called)
	require.True(t, err != nil || len(got) < 4*chunkMax, "what came is not all and must not look so")
	require.LessOrEqual(t, len(got), chunkMax)
	require.NoError(t, caller.Close())
	require.NoError(t, called.Close())
}

func TestSilenceRunsOutOfTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, a, _ := newPair(t)
		p.spoil = func(envelope) bool { return true }
		caller, err := a.DialTimeout("b:1", time.Second)
		require.NoError(t, err)
		require.NoError(t, caller.SetDeadline(time.Now().Add(20*time.Millisecond)))
		_, err = caller.Write([]byte("hello"))
		require.NoError(t, err)
		_, err = caller.Read(make([]byte, 1))
		var timeout net.Error
		require.ErrorAs(t, err, &timeout)
		require.True(t, timeout.Timeout())
		require.NoError(t, caller.Close())
	})
}

func TestStreamsAreBounded(t *testing.T) {
	_, a, _ := newPair(t)
	for range streamsMax {
		_, err := a.DialTimeout("b:1", time.Second)
		require.NoError(t, err)
	}
	_, err := a.DialTimeout("b:1", time.Second)
	require.ErrorIs(t, err, errStreams)
}
