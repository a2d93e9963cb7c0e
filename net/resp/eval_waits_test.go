package resp

import (
	"bufio"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// Scripts whose shard does not answer hold up no scripts of other shards: they wait in no line together.
func TestScriptsOfASilentShardHoldUpNoOthers(t *testing.T) {
	n := newFakeNode(16)
	const first = "k-000-000"
	silent := n.shardOf(first)
	calls := make(chan *wire.Call, 1)
	n.submit = func(call *wire.Call) {
		if call.Shard == silent {
			calls <- call
		} else {
			n.answer(call)
		}
	}
	s := serve(t, n)
	incr := func(key string) string {
		return fmt.Sprintf("EVAL \"return redis.call('incr', KEYS[1])\" 1 %s\r\n", key)
	}
	send(t, dial(t, s), incr(first))
	<-calls
	for slot := range uint16(wire.SlotCount) {
		if wire.ShardOf(slot, 16) != silent {
			require.NotEqual(t, s.scripts.line(slot), s.scripts.line(wire.Slot([]byte(first))), slot)
		}
	}
	for i := range 100 {
		if key := fmt.Sprint(i); n.shardOf(key) != silent {
			require.Equal(t, ":1\r\n", replies(t, s, incr(key)))
		}
	}
}

// What was asked before a script that has to be compiled does not wait for that, and what comes after has all its time.
func TestNothingWaitsForAScriptToBeCompiled(t *testing.T) {
	for _, compiles := range []string{"SCRIPT LOAD \"return 1\"\r\n", "EVAL \"return 1\" 0\r\n"} {
		var now atomic.Int64
		s := serve(t, newFakeNode(1), timeIs(&now))
		s.scripts.making <- struct{}{} // others are at it
		nc := dial(t, s)
		in := bufio.NewReader(nc)
		line := func() string {
			text, err := in.ReadString('\n')
			require.NoError(t, err)
			return text
		}
		send(t, nc, "SET k 1\r\n"+compiles+"SET k 2\r\n")
		require.Equal(t, "+OK\r\n", line())
		now.Add(int64(time.Minute))
		leave(s.scripts.making)
		for text := line(); text != "+OK\r\n"; text = line() {
			require.NotContains(t, text, "-")
		}
	}
}

// What comes after a script that has waited for its turn has all its time.
func TestWhatFollowsAScriptIsNotLate(t *testing.T) {
	var now atomic.Int64
	s := serve(t, newFakeNode(1), timeIs(&now))
	for range cap(s.scripts.run) {
		s.scripts.run <- struct{}{}
	}
	nc := dial(t, s)
	send(t, nc, "EVAL \"return 1\" 0\r\nSET k 2\r\n")
	require.Eventually(t, func() bool { return s.scripts.waiting.Load() == 1 }, 5*time.Second, time.Millisecond)
	now.Add(int64(time.Minute))
	for range cap(s.scripts.run) {
		leave(s.scripts.run)
	}
	say(t, nc, "", ":1\r\n+OK\r\n")
}

// A script that waits for its writes to be done holds no copies meanwhile.
func TestAScriptWhoseWritesWaitHoldsLittle(t *testing.T) {
	const clients, size = 8, 4 << 20
	n := newFakeNode(1)
	held := make(chan *wire.Call, clients)
	n.submit = func(call *wire.Call) {
		if call.Commands[0].Op == wire.OpGuard {
			held <- call
		} else {
			n.answer(call)
		}
	}
	s := serve(t, n, func(o *Options) { o.MaxValue = size })
	value := strings.Repeat("v", size)
	for i := range clients {
		set := &wire.Command{Op: wire.OpSet, Key: fmt.Append(nil, i), Value: []byte(value)}
		n.apply(1, set)
	}
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	var calls []*wire.Call
	for i := range clients {
		send(t, dial(t, s), fmt.Sprintf("EVAL \"return redis.call('expire', KEYS[1], 100)\" 1 %d\r\n", i))
		calls = append(calls, <-held)
	}
	require.Less(t, heap()-before, int64(2*size))
	for _, call := range calls {
		n.answer(call)
	}
}

// A script that reads its long values again, as it had to wait, keeps no others from running until its shard answers.
func TestAScriptThatReadsAgainHoldsUpNoOthers(t *testing.T) {
	n := newFakeNode(1)
	s := serve(t, n)
	replies(t, s, fmt.Sprintf("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n%s\r\n", waitingMost+1, strings.Repeat("v", waitingMost+1)))
	for range cap(s.scripts.run) {
		s.scripts.run <- struct{}{}
	}
	held := make(chan *wire.Call, 1)
	first := true
	n.submit = func(call *wire.Call) {
		if first {
			first = false
			n.answer(call)
		} else {
			held <- call
		}
	}
	nc := dial(t, s)
	send(t, nc, "EVAL \"return #redis.call('get', KEYS[1])\" 1 k\r\n")
	require.Eventually(t, func() bool { return s.scripts.waiting.Load() == 1 }, 5*time.Second, time.Millisecond)
	for range cap(s.scripts.run) {
		leave(s.scripts.run)
	}
	again := <-held
	require.Equal(t, ":1\r\n", replies(t, s, "EVAL \"return 1\" 0\r\n"))
	n.answer(again)
	say(t, nc, "", fmt.Sprintf(":%d\r\n", waitingMost+1))
}
