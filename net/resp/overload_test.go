package resp

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// What a shard has no room for is asked again, in its order, until the shard takes it.
func TestAFullShardIsAskedAgain(t *testing.T) {
	n := newFakeNode(1)
	var asked atomic.Int64
	n.submit = func(call *wire.Call) {
		if asked.Add(1)%3 != 0 {
			refuse(call, wire.OutcomeRefused, wire.ReasonOverloaded, 0)
			return
		}
		n.answer(call)
	}
	s := serve(t, n)
	got := roundTrip(t, s, "SET k 1\r\nGET k\r\nINCR k\r\nMULTI\r\nINCR k\r\nGET k\r\nEXEC\r\nMSET k 7 l 8\r\nMGET k l\r\nMSETNX {k}a 1 k 1\r\n")
	require.Equal(t, "+OK\r\n$1\r\n1\r\n:2\r\n+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:3\r\n$1\r\n3\r\n+OK\r\n*2\r\n$1\r\n7\r\n$1\r\n8\r\n:0\r\n+OK\r\n", got)
	require.GreaterOrEqual(t, asked.Load(), int64(15))
}

// It is asked again for as long as the command has time.
func TestAFullShardIsNotAskedForEver(t *testing.T) {
	n := newFakeNode(1)
	var now, asked atomic.Int64
	n.submit = func(call *wire.Call) {
		asked.Add(1)
		now.Add(int64(100 * time.Millisecond))
		refuse(call, wire.OutcomeRefused, wire.ReasonOverloaded, 0)
	}
	s := serve(t, n, timeIs(&now), func(o *Options) { o.Timeout = 450 * time.Millisecond })
	require.Equal(t, "-BUSY The shard has too many requests waiting: not applied, retry later\r\n+OK\r\n", roundTrip(t, s, "SET k 1\r\n"))
	require.EqualValues(t, 5, asked.Load(), "there is always time for the pause when 50 ms are left, and for none after that")
}

// What is asked together with a command that has less time left is not refused with it.
func TestWhatHasTimeLeftIsAskedAgain(t *testing.T) {
	n := newFakeNode(1)
	var now atomic.Int64
	calls := make(chan *wire.Call, 1)
	n.submit = func(call *wire.Call) { calls <- call }
	s := serve(t, n, timeIs(&now), func(o *Options) { o.Timeout = time.Second })
	nc := dial(t, s)
	set := func(key string, owed int) {
		send(t, nc, "SET "+key+" 1\r\n")
		require.Eventually(t, func() bool {
			list := s.clients()
			if len(list) == 0 {
				return false
			}
			list[0].mu.Lock()
			defer list[0].mu.Unlock()
			return list[0].window.len() == owed
		}, 5*time.Second, time.Millisecond)
	}
	set("a", 1)
	set("b", 2)
	now.Store(int64(500 * time.Millisecond))
	set("c", 3)
	n.answer(<-calls)
	both := <-calls
	require.Len(t, both.Commands, 2)
	now.Store(int64(time.Second) - 1)
	refuse(both, wire.OutcomeRefused, wire.ReasonOverloaded, 0)
	say(t, nc, "", "+OK\r\n-BUSY The shard has too many requests waiting: not applied, retry later\r\n")
	require.Eventually(t, func() bool { return len(calls) == 1 }, 5*time.Second, time.Millisecond)
	again := <-calls
	require.Equal(t, "c", string(again.Commands[0].Key))
	n.answer(again)
	say(t, nc, "", "+OK\r\n")
}
