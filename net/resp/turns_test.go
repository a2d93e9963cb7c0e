package resp

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// setsOf is a pipeline of SETs of one client.
func setsOf(client, each, size int) (text string) {
	value := strings.Repeat("v", size)
	for k := range each {
		text += fmt.Sprintf("*3\r\n$3\r\nSET\r\n$9\r\nk-%03d-%03d\r\n$%d\r\n%s\r\n", client, k, size, value)
	}
	return text
}

// Many clients that each send a few values at once are made to wait, and none is cut off: what is asked together stays in its bounds.
func TestManyMiddlingCommandsTakeTurns(t *testing.T) {
	const most, clients, each = 2 << 20, 100, 5
	for name, sizes := range map[string][]int{"short": {3_000}, "middling": {60_000}, "on the border": {65_300}, "mixed": {60_000, 60_000, 150_000}} {
		t.Run(name, func(t *testing.T) {
			n := newFakeNode(16)
			n.submit = func(call *wire.Call) { time.AfterFunc(100*time.Millisecond, func() { n.answer(call) }) }
			s := serve(t, n, func(o *Options) { o.BuffersMax = most })
			var all sync.WaitGroup
			replies := make(chan string, clients*each)
			for i := range clients {
				c, text := dial(t, s), setsOf(i, each, sizes[i%len(sizes)])
				go func() { _, _ = io.WriteString(c, text) }()
				all.Go(func() {
					in := bufio.NewReader(c)
					for range each {
						line, err := in.ReadString('\n')
						replies <- fmt.Sprint(line, err)
					}
				})
			}
			all.Wait()
			for range clients * each {
				require.Equal(t, "+OK\r\n<nil>", <-replies)
			}
			require.Zero(t, s.stats.cutOff.Load())
			require.Eventually(t, func() bool { return s.Buffered() == 0 }, 5*time.Second, time.Millisecond)
		})
	}
}

// A turn ends with its command's answer, or with its connection.
func TestTurnsEnd(t *testing.T) {
	const most, size = 64 << 10, 40_000
	n := newFakeNode(1)
	calls := make(chan *wire.Call, 3)
	n.submit = func(call *wire.Call) { calls <- call }
	s := serve(t, n, func(o *Options) { o.BuffersMax = most })
	waits := func(clients int64) {
		require.Eventually(t, func() bool { return s.turns.waiting.Load() == clients }, 5*time.Second, time.Millisecond)
	}
	send(t, dial(t, s), setsOf(0, 1, size))
	first := <-calls
	for i := range int64(3) {
		send(t, dial(t, s), setsOf(1, 1, size))
		waits(i + 1)
	}
	require.Contains(t, roundTrip(t, s, "PING\r\n"), "+PONG")
	require.Less(t, s.Buffered(), int64(most))
	n.answer(first)
	<-calls
	waits(2)
	over, cancel := context.WithCancel(context.Background())
	cancel()
	require.Error(t, s.Close(over)) // which cuts all connections
	waits(0)
	require.Eventually(t, func() bool { return s.Buffered() == 0 }, 5*time.Second, time.Millisecond)
}
