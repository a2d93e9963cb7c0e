package load

import (
	"bufio"
	"cmp"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// sluggish answers SETs, one each so often, and refuses every third.
func sluggish(t *testing.T, each time.Duration) (addr string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	serve := func(conn net.Conn) {
		defer func() { _ = conn.Close() }()
		in := bufio.NewReader(conn)
		for n := 1; ; n++ {
			for range 7 { // *3, and each part's length and text
				if _, err := in.ReadString('\n'); err != nil {
					return
				}
			}
			time.Sleep(each)
			answer := "+OK\r\n"
			if n%3 == 0 {
				answer = "-BUSY come again\r\n"
			}
			if _, err := io.WriteString(conn, answer); err != nil {
				return
			}
		}
	}
	go func() {
		for conn, err := l.Accept(); err == nil; conn, err = l.Accept() {
			go serve(conn)
		}
	}()
	return l.Addr().String()
}

// TestFloodWaitsForNobody: a server that does a few hundred requests a second is sent as many as fall due, up to the backlog;
// every one of them is accounted for.
func TestFloodWaitsForNobody(t *testing.T) {
	writes := Mix{Space: &Keyspace{Keys: []string{"a", "b"}, Value: []byte(strings.Repeat("x", 10))}}
	r, err := Flood{Mix: writes, Addrs: []string{sluggish(t, 5*time.Millisecond)}, Conns: 2, Rate: 2000,
		For: 500 * time.Millisecond, Drain: 300 * time.Millisecond, Backlog: 100}.Run()
	require.NoError(t, err)
	require.InDelta(t, 1000, r.Due, 100)
	require.Equal(t, r.Due, r.Held+r.Right+r.Refused+r.Lost)
	require.Greater(t, r.Held, int64(100))
	require.Greater(t, r.Right, r.Refused)
	require.Greater(t, r.Refused, int64(0))
	require.Greater(t, r.Lost, int64(0))
	require.Equal(t, "BUSY come again", r.Refusal)
	require.Empty(t, r.Broken)
	later := slices.MaxFunc(r.Slots[1:], func(a, b Slot) int { return cmp.Compare(a.P50, b.P50) }) // of some slot none may be answered in time
	require.Greater(t, later.P50, r.Slots[0].P50, "who comes later waits longer")
}

// TestFloodOfAFastServer: nothing is held back.
func TestFloodOfAFastServer(t *testing.T) {
	writes := Mix{Space: &Keyspace{Keys: []string{"a"}, Value: []byte("x")}}
	r, err := Flood{Mix: writes, Addrs: []string{sluggish(t, 0)}, Conns: 3, Rate: 300, For: 300 * time.Millisecond, Drain: 5 * time.Second, Backlog: 100}.Run()
	require.NoError(t, err)
	require.Zero(t, r.Held+r.Lost)
	require.Equal(t, r.Due, r.Right+r.Refused)
}
