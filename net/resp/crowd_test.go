package resp

import (
	"bufio"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// TestCrowd: clients that ask for much and do not read keep no more than the bound, and do not hold up those who do.
func TestCrowd(t *testing.T) {
	const most = 1 << 20
	s := serve(t, newFakeNode(4), func(o *Options) { o.BuffersMax = most })
	big := strings.Repeat("v", 100_000)
	require.Contains(t, roundTrip(t, s, "*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$100000\r\n"+big+"\r\n"), "+OK")
	for range 20 {
		conn := dial(t, s)
		_ = conn.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
		_, _ = io.WriteString(conn, strings.Repeat("GET big\r\n", 200))
	}
	require.Eventually(t, func() bool { return s.Buffered() > most/2 }, 5*time.Second, time.Millisecond, "nothing waits: the test is none")
	for range 50 {
		require.Less(t, s.Buffered(), int64(2*most+callBytesMax+100_000), "beyond twice the bound and what one call brings")
		time.Sleep(2 * time.Millisecond)
	}
	// Who reads is served all the while, also one after another what is more than a share.
	conn := dial(t, s)
	_, err := io.WriteString(conn, strings.Repeat("GET big\r\n", 20))
	require.NoError(t, err)
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	in := bufio.NewReader(conn)
	for i := range 20 {
		head, err := in.ReadString('\n')
		require.NoError(t, err, i)
		require.Equal(t, "$100000\r\n", head)
		_, err = io.CopyN(io.Discard, in, 100_002)
		require.NoError(t, err)
	}
}

// TestCutOff: what nobody could foresee, and nobody reads, is not kept.
func TestCutOff(t *testing.T) {
	const most = 64 << 10
	n := newFakeNode(4)
	s := serve(t, n, func(o *Options) { o.BuffersMax = most })
	require.Contains(t, roundTrip(t, s, "*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$1000000\r\n"+strings.Repeat("v", 1_000_000)+"\r\n"), "+OK")
	s.guess.Store(0)
	conn := dial(t, s)
	_, err := io.WriteString(conn, strings.Repeat("GET big\r\n", 100))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return s.stats.cutOff.Load() == 1 }, 5*time.Second, time.Millisecond)
	require.Eventually(t, func() bool { return s.Buffered() == 0 }, 5*time.Second, time.Millisecond)
	require.Contains(t, roundTrip(t, s, "PING\r\n"), "+PONG")
}

// TestOneLargeValueIsNoCrowd: a value that a node takes it gives, too, whatever the bound: one may always be there. Of several that nobody reads
// only one stays.
func TestOneLargeValueIsNoCrowd(t *testing.T) {
	const most, long = 64 << 10, 16 << 20 // more than the system's buffers have room for
	s := serve(t, newFakeNode(4), func(o *Options) { o.BuffersMax = most })
	value := strings.Repeat("v", long)
	require.Contains(t, roundTrip(t, s, "*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$16777216\r\n"+value+"\r\n"), "+OK")
	got := roundTrip(t, s, "GET none\r\nGET big\r\nGET none\r\n")
	require.Equal(t, long, strings.Count(got, "v"))
	require.Equal(t, 2, strings.Count(got, "$-1"))
	require.Zero(t, s.stats.cutOff.Load())
	for others := range uint64(4) {
		silent := dial(t, s)
		_, err := io.WriteString(silent, "GET big\r\n")
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			return s.stats.cutOff.Load() == others && s.Buffered() > long/2 && s.Buffered() < long+most
		}, 5*time.Second, time.Millisecond)
	}
	require.Contains(t, roundTrip(t, s, "GET none\r\n"), "$-1")
}

// TestLargeValuesOneAfterAnother: who reads gets each value of a pipeline when the one before it has left.
func TestLargeValuesOneAfterAnother(t *testing.T) {
	const most, long = 64 << 10, 1 << 20
	s := serve(t, looksWork(), func(o *Options) { o.BuffersMax = most })
	require.Contains(t, roundTrip(t, s, "*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$1048576\r\n"+strings.Repeat("v", long)+"\r\n"), "+OK")
	got := roundTrip(t, s, "GET none\r\n"+strings.Repeat("GET big\r\n", 20))
	require.Equal(t, 20*long, strings.Count(got, "v"))
	require.Zero(t, s.stats.cutOff.Load())
}

// TestAnAnswerBeyondTheBound: an MGET for whose values the bound has no room, if nobody asks for anything else, is refused; its connection goes on.
func TestAnAnswerBeyondTheBound(t *testing.T) {
	const most = 64 << 10
	s := serve(t, newFakeNode(4), func(o *Options) { o.BuffersMax = most })
	require.Contains(t, roundTrip(t, s, "*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$60000\r\n"+strings.Repeat("v", 60_000)+"\r\n"), "+OK")
	got := roundTrip(t, s, "MGET"+strings.Repeat(" big", 8)+"\r\nGET none\r\nMGET none big none\r\n")
	require.Contains(t, got, strings.Repeat("v", 60_000), "the second one has room")
	require.True(t, strings.HasPrefix(got, "-ERR key, value, batch or answer is larger than the node allows: not applied\r\n$-1\r\n*3\r\n"), "%.200s", got)
	require.Zero(t, s.stats.cutOff.Load())
}

// TestIdleConnectionsHoldNoLargeValues: what a client has sent is not kept until it says something else.
func TestIdleConnectionsHoldNoLargeValues(t *testing.T) {
	const clients, size = 64, 1 << 20
	n := newFakeNode(4)
	n.submit = func(call *wire.Call) {
		call.Sink.Deliver(call.Tag, &wire.Response{Outcome: wire.OutcomeOK, Results: make([]wire.Result, len(call.Commands))})
	}
	s := serve(t, n)
	set := []byte("*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$1048576\r\n" + strings.Repeat("v", size) + "\r\n")
	before := heapNow()
	for range clients {
		conn := dial(t, s)
		_, err := conn.Write(set)
		require.NoError(t, err)
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		_, err = bufio.NewReaderSize(conn, 16).ReadString('\n')
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool { return heapNow() < before+clients*size/8 }, 5*time.Second, 10*time.Millisecond)
}

// heapNow is what is live in the heap.
func heapNow() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
