package resp

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// What connections hold of long commands that have not come whole is bounded together; short commands are served all the while; and who keeps the
// others waiting for what does not come is cut off, so that they get their turn.
func TestUnfinishedCommandsAreBounded(t *testing.T) {
	const most, long = 1 << 20, 8 << 20
	s := serve(t, newFakeNode(4), func(o *Options) { o.BuffersMax = most })
	s.unfinished.mu.Lock()
	s.unfinished.stall = 500 * time.Millisecond
	s.unfinished.mu.Unlock()
	head := fmt.Sprintf("*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$%d\r\n", long)
	text := strings.Repeat("v", long)
	for range 5 {
		go func(c net.Conn) { _, _ = io.WriteString(c, head+text[:long-1]) }(dial(t, s)) // and stops
	}
	require.Eventually(t, func() bool { return s.Buffered() > most }, 5*time.Second, time.Millisecond, "nothing waits: the test is none")
	for range 50 {
		require.Less(t, s.Buffered(), int64(2*most+2*long))
		require.Contains(t, roundTrip(t, s, "SET k v\r\n"), "+OK")
		time.Sleep(2 * time.Millisecond)
	}
	late := dial(t, s)
	go func() { _, _ = io.WriteString(late, head+text+"\r\n") }()
	line, err := bufio.NewReader(late).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "+OK\r\n", line)
	require.Positive(t, s.stats.cutOff.Load())
}

// Nobody who sends what it announces is cut off, however many do so at a time.
func TestLongCommandsTakeTurns(t *testing.T) {
	const most, long, clients = 1 << 20, 4 << 20, 20
	s := serve(t, newFakeNode(4), func(o *Options) { o.BuffersMax = most })
	text := fmt.Sprintf("*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$%d\r\n%s\r\n", long, strings.Repeat("v", long))
	var all sync.WaitGroup
	replies := make(chan string, 3*clients)
	for range clients {
		c := dial(t, s)
		all.Go(func() {
			in := bufio.NewReader(c)
			for range 3 {
				_, _ = io.WriteString(c, text)
				line, err := in.ReadString('\n')
				replies <- fmt.Sprint(line, err)
			}
		})
	}
	all.Wait()
	for range 3 * clients {
		require.Equal(t, "+OK\r\n<nil>", <-replies)
	}
	require.Zero(t, s.stats.cutOff.Load())
	require.Eventually(t, func() bool { return s.Buffered() == 0 }, 5*time.Second, time.Millisecond)
}

// Who waits for room notices that the server closes.
func TestWhoWaitsForRoomIsClosed(t *testing.T) {
	s := serve(t, newFakeNode(4), func(o *Options) { o.BuffersMax = 64 << 10 })
	text := fmt.Sprintf("*2\r\n$4\r\nECHO\r\n$%d\r\n%s", 4<<20, strings.Repeat("v", 1<<20))
	for range 4 {
		go func(c net.Conn) { _, _ = io.WriteString(c, text) }(dial(t, s))
	}
	require.Eventually(t, func() bool {
		s.unfinished.mu.Lock()
		defer s.unfinished.mu.Unlock()
		return s.unfinished.waiting == 3
	}, 5*time.Second, time.Millisecond)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	require.NoError(t, s.Close(ctx))
}

// A long command that waits for its answer counts once.
func TestALongCommandCountsOnce(t *testing.T) {
	const long = 1 << 20
	n := newFakeNode(4)
	s := serve(t, n, func(o *Options) { o.BuffersMax = 4 << 20 })
	asked := make(chan *wire.Call, 1)
	n.submit = func(call *wire.Call) { asked <- call }
	c := dial(t, s)
	_, err := fmt.Fprintf(c, "*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$%d\r\n%s\r\n", long, strings.Repeat("v", long))
	require.NoError(t, err)
	call := <-asked
	require.Eventually(t, func() bool { return s.Buffered() >= long }, 5*time.Second, time.Millisecond)
	require.Less(t, s.Buffered(), int64(long+long/2))
	refuse(call, wire.OutcomeRefused, wire.ReasonOverloaded, 0)
	require.Eventually(t, func() bool { return s.Buffered() == 0 }, 5*time.Second, time.Millisecond)
}
