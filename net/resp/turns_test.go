package resp

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
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

// waitFor waits until so many connections stand in a line.
func waitFor(t *testing.T, s *Server, line int, clients int64) {
	t.Helper()
	require.Eventually(t, func() bool { return s.turns.lines[line].length.Load() == clients }, 5*time.Second, time.Millisecond)
}

// oneSilentShard is a node of which all shards answer but the first client's. What that one is asked comes out of calls.
func oneSilentShard() (n *fakeNode, silent wire.ShardID, calls chan *wire.Call) {
	n, calls = newFakeNode(16), make(chan *wire.Call, 3)
	silent = n.shardOf("k-000-000")
	n.submit = func(call *wire.Call) {
		if call.Shard == silent {
			calls <- call
		} else {
			n.answer(call)
		}
	}
	return n, silent, calls
}

// othersAreServed lets another client ask all shards but the silent one.
func othersAreServed(t *testing.T, s *Server, n *fakeNode, silent wire.ShardID, size int) {
	t.Helper()
	other := dial(t, s)
	in := bufio.NewReader(other)
	for client := 1; client < 40; client++ {
		if n.shardOf(fmt.Sprintf("k-%03d-000", client)) != silent {
			require.Equal(t, "+OK\r\n", replyTo(t, other, in, setsOf(client, 1, size)))
		}
	}
}

// A client that asks for a lot at once of shards that do not answer keeps nobody from others that do.
func TestOneClientDoesNotTakeAllTurns(t *testing.T) {
	const most, size = 512 << 10, 60_000
	n, silent, _ := oneSilentShard()
	s := serve(t, n, func(o *Options) { o.BuffersMax = most })
	greedy := dial(t, s)
	go func() { _, _ = io.WriteString(greedy, strings.Repeat(setsOf(0, 1, size), 20)) }()
	waitFor(t, s, 1, 1)
	othersAreServed(t, s, n, silent, size)
	waitFor(t, s, 1, 1)
	require.LessOrEqual(t, s.turns.taken.Load(), int64(most/2))
}

// Who waits for another turn comes behind those that have none, for as long as it has one itself.
func TestWhoseTurnIsOverAdvances(t *testing.T) {
	const most, size = 200_000, 60_000
	n := newFakeNode(1)
	calls := make(chan *wire.Call, 5)
	n.submit = func(call *wire.Call) { calls <- call }
	s := serve(t, n, func(o *Options) { o.BuffersMax = most })
	two := dial(t, s)
	send(t, two, setsOf(0, 2, size))
	own := <-calls
	waitFor(t, s, 1, 1)
	var others []*wire.Call
	for i := range 2 {
		send(t, dial(t, s), setsOf(1+i, 1, size))
		others = append(others, <-calls)
	}
	send(t, dial(t, s), setsOf(3, 1, size))
	waitFor(t, s, 0, 1)
	n.answer(own)
	third := <-calls
	require.Equal(t, "k-003-000", string(third.Commands[0].Key))
	waitFor(t, s, 0, 1)
	waitFor(t, s, 1, 0)
	n.answer(others[0])
	require.Equal(t, "k-000-001", string((<-calls).Commands[0].Key))
	waitFor(t, s, 0, 0)
}

// A turn ends with its command's answer, or with its connection.
func TestTurnsEnd(t *testing.T) {
	const most, size = 64 << 10, 40_000
	n := newFakeNode(1)
	calls := make(chan *wire.Call, 3)
	n.submit = func(call *wire.Call) { calls <- call }
	s := serve(t, n, func(o *Options) { o.BuffersMax = most })
	waits := func(clients int64) { waitFor(t, s, 0, clients) }
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

// Who has waited for its turn has as long as any command from then on.
func TestWhoHasWaitedForATurnIsNotLate(t *testing.T) {
	const most, size = 64 << 10, 40_000
	n := newFakeNode(1)
	calls := make(chan *wire.Call, 1)
	n.submit = func(call *wire.Call) { calls <- call }
	var now atomic.Int64
	s := serve(t, n, timeIs(&now), func(o *Options) { o.BuffersMax, o.Timeout = most, 400*time.Millisecond })
	first, second := dial(t, s), dial(t, s)
	send(t, first, setsOf(0, 1, size))
	own := <-calls
	send(t, second, setsOf(1, 1, size))
	waitFor(t, s, 0, 1)
	now.Add(int64(600 * time.Millisecond))
	n.submit = n.answer
	n.answer(own)
	line, err := bufio.NewReader(second).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "+OK\r\n", line)
}

// Nobody waits for a turn for ever: a client that has given up long since is not there to be noticed, for nobody reads what it sends.
func TestWhoWaitsTooLongForATurnIsRefused(t *testing.T) {
	const most, size = 64 << 10, 40_000
	n := newFakeNode(1)
	calls := make(chan *wire.Call, 1)
	n.submit = func(call *wire.Call) { calls <- call }
	var now atomic.Int64
	s := serve(t, n, timeIs(&now), func(o *Options) { o.BuffersMax = most })
	first, second, third := dial(t, s), dial(t, s), dial(t, s)
	send(t, first, setsOf(0, 1, size))
	own := <-calls
	send(t, second, setsOf(1, 1, size)+"PING\r\n")
	waitFor(t, s, 0, 1)
	now.Add(int64(time.Second))
	send(t, third, setsOf(2, 1, size))
	waitFor(t, s, 0, 2)
	now.Add(int64(s.lineMax()))
	say(t, second, "", "-"+refusals[wire.ReasonDeadline]+"\r\n+PONG\r\n")
	waitFor(t, s, 0, 1)
	n.answer(own)
	n.answer(<-calls)
	say(t, third, "", "+OK\r\n")
	n.submit = n.answer
	say(t, second, setsOf(1, 1, size), "+OK\r\n")
	require.Eventually(t, func() bool { return s.Buffered() == 0 }, 5*time.Second, time.Millisecond)
}

// Who is cut off waits no longer.
func TestWhoIsKilledLeavesTheLine(t *testing.T) {
	const most, size = 64 << 10, 40_000
	n := newFakeNode(1)
	calls := make(chan *wire.Call, 1)
	n.submit = func(call *wire.Call) { calls <- call }
	s := serve(t, n, func(o *Options) { o.BuffersMax = most })
	send(t, dial(t, s), setsOf(0, 1, size))
	own := <-calls
	send(t, dial(t, s), setsOf(1, 1, size))
	waitFor(t, s, 0, 1)
	clients := s.clients()
	clients[1].kill()
	waitFor(t, s, 0, 0)
	require.Eventually(t, func() bool { return len(s.clients()) == 1 }, 5*time.Second, time.Millisecond)
	n.answer(own)
	require.Eventually(t, func() bool { return s.Buffered() == 0 }, 5*time.Second, time.Millisecond)
}
