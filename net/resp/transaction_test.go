package resp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"torc/core/wire"
)

// calls has a node keep the calls that it gets, as what they ask, each before it is answered.
func calls(n *fakeNode) func() []string {
	var mu sync.Mutex
	var list []string
	n.submit = func(call *wire.Call) {
		var ops []string
		for i := range call.Commands {
			kind := "read"
			switch cmd := &call.Commands[i]; {
			case cmd.Op == wire.OpGuard:
				kind = "guard"
			case cmd.Op.IsWrite():
				kind = "write"
			}
			ops = append(ops, kind+" "+string(call.Commands[i].Key))
		}
		mu.Lock()
		list = append(list, strings.Join(ops, ", "))
		mu.Unlock()
		n.answer(call)
	}
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return list
	}
}

// EXEC is one request, of reads and writes as they come, and of nothing that the connection asks before or after.
func TestExecIsOneRequest(t *testing.T) {
	n := newFakeNode(1)
	asked := calls(n)
	roundTrip(t, serve(t, n), "SET {k} 0\r\nMULTI\r\nSET {k} 1\r\nGET {k}\r\nDEL {k}2 {k}3\r\nPING\r\nEXEC\r\nSET {k} 2\r\n"+
		"WATCH {k}\r\nMULTI\r\nGET {k}\r\nEXEC\r\nGET {k}\r\nMSETNX {k}4 1 {k}5 2\r\nSET {k} 3\r\n")
	require.Equal(t, []string{
		"write {k}", "write {k}, read {k}, write {k}2, write {k}3", "write {k}", "read {k}", "guard {k}, read {k}", "read {k}",
		"guard {k}4, guard {k}5, write {k}4, write {k}5", "write {k}",
	}, asked())
}

// Nor does it join what waits for the same answer: a guard is one of all that its Call asks for.
func TestExecJoinsNothing(t *testing.T) {
	n := newFakeNode(1)
	var first *wire.Call
	var sizes []int
	n.submit = func(call *wire.Call) {
		sizes = append(sizes, len(call.Commands))
		if first == nil {
			first = call // the others wait for its answer
			return
		}
		n.answer(call)
	}
	s := serve(t, n)
	nc := dial(t, s)
	_, err := io.WriteString(nc, "SET k 1\r\n")
	require.NoError(t, err)
	require.Eventually(t, func() bool { return n.submitted.Load() == 1 }, 5*time.Second, time.Millisecond)
	_, err = io.WriteString(nc, "SET k 2\r\nMULTI\r\nSET k 3\r\nSET k 4\r\nEXEC\r\nMULTI\r\nSET k 5\r\nEXEC\r\nSET k 6\r\nMSETNX {k}1 1 {k}2 2\r\nSET k 7\r\nSET k 8\r\n")
	require.NoError(t, err)
	require.Eventually(t, func() bool { // all of it has come
		c := s.clients()[0]
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.window.len() == 13
	}, 5*time.Second, time.Millisecond)
	n.answer(first)
	say(t, nc, "", "+OK\r\n+OK\r\n+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n+OK\r\n+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n+OK\r\n:1\r\n+OK\r\n+OK\r\n")
	require.Equal(t, []int{1, 1, 2, 1, 1, 4, 2}, sizes)
}

// What becomes of a transaction that its shard refuses is one error, as of any other command.
func TestExecRefused(t *testing.T) {
	for _, c := range []struct {
		name, request, want string
		outcome             wire.Outcome
		reason              wire.Reason
		leader              wire.NodeID
		redirect            bool
	}{
		{name: "refused", request: "MULTI\r\nSET b 1\r\nGET b\r\nEXEC\r\n", outcome: wire.OutcomeRefused, reason: wire.ReasonNoQuorum,
			want: "+OK\r\n+QUEUED\r\n+QUEUED\r\n-CLUSTERDOWN The shard has no quorum on this side: not applied, retry later\r\n"},
		{name: "unknown", request: "MULTI\r\nSET b 1\r\nGET b\r\nEXEC\r\n", outcome: wire.OutcomeUnknown, reason: wire.ReasonDeadline,
			want: "+OK\r\n+QUEUED\r\n+QUEUED\r\n-UNKNOWN outcome: the write may or may not have been applied (deadline exceeded)\r\n"},
		{name: "of reads", request: "MULTI\r\nGET b\r\nEXEC\r\n", outcome: wire.OutcomeUnknown, reason: wire.ReasonDeadline,
			want: "+OK\r\n+QUEUED\r\n-TIMEOUT the read was not answered (deadline exceeded): it had no effect, retry\r\n"},
		{name: "moved since", request: "MULTI\r\nGET b\r\nSET b 1\r\nEXEC\r\n", outcome: wire.OutcomeRefused, reason: wire.ReasonNotLeader, leader: 2, redirect: true,
			want: "+OK\r\n+QUEUED\r\n+QUEUED\r\n-MOVED 3300 10.0.0.2:7002\r\n"},
		{name: "what asks no shard is not done either", request: "MULTI\r\nSET b 1\r\nCLIENT SETNAME me\r\nEXEC\r\nCLIENT GETNAME\r\n",
			outcome: wire.OutcomeRefused, reason: wire.ReasonOverloaded,
			want: "+OK\r\n+QUEUED\r\n+QUEUED\r\n-BUSY The shard has too many requests waiting: not applied, retry later\r\n$-1\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newFakeNode(4, "node-1", "node-2")
			n.submit = func(call *wire.Call) { refuse(call, c.outcome, c.reason, c.leader) }
			s := serve(t, n, noTimeLeft, func(o *Options) { o.Redirect = c.redirect })
			require.Equal(t, c.want+"+OK\r\n", roundTrip(t, s, c.request))
		})
	}
}

// Leadership may move between MULTI and EXEC.
func TestExecMovedBeforeItIsAsked(t *testing.T) {
	n := newFakeNode(4, "node-1", "node-2")
	s := serve(t, n, func(o *Options) { o.Redirect = true })
	nc := dial(t, s)
	say(t, nc, "MULTI\r\nSET b 1\r\n", "+OK\r\n+QUEUED\r\n")
	n.lead(n.shardOf("b"), 2)
	say(t, nc, "EXEC\r\n", "-MOVED 3300 10.0.0.2:7002\r\n")
	say(t, nc, "EXEC\r\n", "-ERR EXEC without MULTI\r\n")
}

// say sends something and awaits an answer.
func say(t testing.TB, nc io.ReadWriter, request, reply string) {
	t.Helper()
	_, err := io.WriteString(nc, request)
	require.NoError(t, err)
	got := make([]byte, len(reply))
	_, err = io.ReadFull(nc, got)
	require.NoError(t, err)
	require.Equal(t, reply, string(got))
}

// A client that sends all up to EXEC at once is protected by versions that are not known yet when EXEC comes.
func TestExecAwaitsTheVersions(t *testing.T) {
	n := newFakeNode(1)
	set := &wire.Command{Op: wire.OpSet, Key: []byte("k"), Value: []byte("1")}
	n.apply(1, set)
	n.submit = func(call *wire.Call) {
		if call.Commands[0].Op != wire.OpExists {
			n.answer(call)
			return
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		seen := n.apply(1, &call.Commands[0])
		n.apply(1, set) // by somebody else
		go call.Sink.Deliver(call.Tag, &wire.Response{Outcome: wire.OutcomeOK, Results: []wire.Result{seen}})
	}
	require.Equal(t, "+OK\r\n+OK\r\n+QUEUED\r\n*-1\r\n+OK\r\n", roundTrip(t, serve(t, n), "WATCH k\r\nMULTI\r\nINCR k\r\nEXEC\r\n"))
}

// A WATCH that failed protects nothing: EXEC is refused to a client that cannot have known, and done for one that was told.
func TestWatchThatFails(t *testing.T) {
	n := newFakeNode(1)
	n.submit = func(call *wire.Call) {
		if call.Commands[0].Op == wire.OpExists {
			refuse(call, wire.OutcomeRefused, wire.ReasonNoQuorum, 0)
			return
		}
		n.answer(call)
	}
	s := serve(t, n)
	const down = "CLUSTERDOWN The shard has no quorum on this side: not applied, retry later\r\n"
	const rest = "+OK\r\n+QUEUED\r\n-EXECABORT Transaction discarded because of: " + down
	require.Equal(t, "-"+down+rest+"+OK\r\n", roundTrip(t, s, "WATCH k\r\nMULTI\r\nSET k 1\r\nEXEC\r\n"))
	require.Equal(t, "-"+down+"+OK\r\n+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n+OK\r\n", roundTrip(t, s, "WATCH k\r\nUNWATCH\r\nMULTI\r\nSET k 1\r\nEXEC\r\n"))

	nc := dial(t, s)
	say(t, nc, "WATCH k\r\n", "-"+down)
	say(t, nc, "MULTI\r\nSET k 1\r\nEXEC\r\n", "+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n")
	say(t, nc, "WATCH k\r\nMULTI\r\n", "-"+down+"+OK\r\n") // which it sent before it knew
	say(t, nc, "SET k 1\r\nEXEC\r\n", "+QUEUED\r\n-EXECABORT Transaction discarded because of: "+down)
	say(t, nc, "MULTI\r\nSET k 1\r\nEXEC\r\n", "+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n")
}

// What was watched and forgotten before the answer came is not watched.
func TestUnwatchOvertakesTheVersions(t *testing.T) {
	require.Equal(t, "+OK\r\n+OK\r\n+OK\r\n+OK\r\n+QUEUED\r\n*1\r\n$1\r\n1\r\n+OK\r\n",
		roundTrip(t, serve(t, newSlowShards(1, 1)), "WATCH k\r\nUNWATCH\r\nSET k 1\r\nMULTI\r\nGET k\r\nEXEC\r\n"))
}

// EXEC that is refused for a watched key has done nothing, to the connection neither; and RESP3 has a null of its own.
func TestExecOfAChangedKeyDoesNothing(t *testing.T) {
	s := serve(t, newFakeNode(4))
	require.Equal(t, "+OK\r\n+OK\r\n+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*-1\r\n$-1\r\n$1\r\n1\r\n+OK\r\n",
		roundTrip(t, s, "WATCH k\r\nSET k 1\r\nMULTI\r\nCLIENT SETNAME me\r\nHELLO 3\r\nSET k 2\r\nEXEC\r\nCLIENT GETNAME\r\nGET k\r\n"))
	got := roundTrip(t, s, "HELLO 3\r\nWATCH k\r\nSET k 1\r\nMULTI\r\nGET k\r\nEXEC\r\nMULTI\r\nGET nope\r\nEXEC\r\n")
	_, got, _ = strings.Cut(got, "modules\r\n*0\r\n")
	require.Equal(t, "+OK\r\n+OK\r\n+OK\r\n+QUEUED\r\n_\r\n+OK\r\n+QUEUED\r\n*1\r\n_\r\n+OK\r\n", got)
}

// HELLO may change the protocol between two commands of a transaction.
func TestHelloInATransaction(t *testing.T) {
	got := roundTrip(t, serve(t, newFakeNode(4)), "MULTI\r\nGET nope\r\nHELLO 3\r\nGET nope\r\nEXEC\r\nGET nope\r\n")
	require.True(t, strings.HasPrefix(got, "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n$-1\r\n%7\r\n"), got)
	require.True(t, strings.HasSuffix(got, "*0\r\n_\r\n_\r\n+OK\r\n"), got)
}

// Whatever command is put into a transaction, EXEC has one element for each that was queued, and the connection goes on in step.
func TestEveryCommandInATransaction(t *testing.T) {
	s := serve(t, newFakeNode(4))
	for _, spec := range everyCommand() {
		if spec.name == "quit" || spec.name == "client|kill" || spec.name == "config|resetstat" {
			continue
		}
		args := strings.ReplaceAll(spec.name, "|", " ")
		for n := len(strings.Fields(args)); !spec.takes(n); n++ {
			args += " 1"
		}
		t.Run(args, func(t *testing.T) {
			db := redis.NewClient(&redis.Options{Addr: s.Addr().String(), Protocol: 2, MaxRetries: -1, DisableIdentity: true})
			defer db.Close()
			cn := db.Conn()
			defer cn.Close()
			do := func(args ...any) (any, error) { return cn.Do(context.Background(), args...).Result() }
			_, err := do("multi")
			require.NoError(t, err)
			var list []any
			for _, a := range strings.Fields(args) {
				list = append(list, a)
			}
			reply, err := do(list...)
			switch results, execErr := do("exec"); {
			case reply == "QUEUED":
				require.NoError(t, execErr)
				require.Len(t, results, 1)
			case aloneInMulti(spec.name):
			default:
				require.Error(t, err)
				require.ErrorContains(t, execErr, "EXECABORT")
			}
			reply, err = do("echo", "in step")
			require.NoError(t, err)
			require.Equal(t, "in step", reply)
		})
	}
}

func everyCommand() (list []*command) {
	for i := range table {
		if list = append(list, &table[i]); len(table[i].sub) > 0 {
			list = list[:len(list)-1]
			for j := range table[i].sub {
				list = append(list, &table[i].sub[j])
			}
		}
	}
	return list
}

// CLIENT LIST tells of transactions and watches.
func TestClientListTellsOfTransactions(t *testing.T) {
	s := serve(t, newFakeNode(4))
	nc, other := dial(t, s), dial(t, s)
	say(t, nc, "WATCH {k}1 {k}2 {k}1\r\n", "+OK\r\n")
	line := func() string { return s.clients()[0].describe() }
	say(t, other, "PING\r\n", "+PONG\r\n")
	require.Contains(t, line(), " flags=N ")
	require.Contains(t, line(), " multi=-1 watch=3 ")
	say(t, nc, "MULTI\r\nSET {k}1 v\r\nPING\r\n", "+OK\r\n+QUEUED\r\n+QUEUED\r\n")
	require.Contains(t, line(), " flags=x ")
	require.Contains(t, line(), " multi=2 watch=3 ")
	require.NotContains(t, line(), " multi-mem=0 ")
	say(t, nc, "EXEC\r\n", "*2\r\n+OK\r\n+PONG\r\n")
	require.Contains(t, line(), " multi=-1 watch=0 ")
	require.Contains(t, line(), " multi-mem=0 ")
}

// What is queued is held for the client, and counted; and it is bounded.
func TestTransactionIsBounded(t *testing.T) {
	s := serve(t, newFakeNode(4), func(o *Options) { o.MaxValue, o.QueryBufferMax, o.BuffersMax = 1<<20, 3<<20, 16<<20 })
	nc := dial(t, s)
	say(t, nc, "MULTI\r\n", "+OK\r\n")
	value := strings.Repeat("v", 1<<20)
	set := fmt.Sprintf("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n%s\r\n", len(value), value)
	say(t, nc, set+set, "+QUEUED\r\n+QUEUED\r\n")
	require.Greater(t, s.Buffered(), int64(2<<20))
	limit := errTransactionSize(s.opts.shardKeysMost(), s.opts.QueryBufferMax) + "\r\n"
	say(t, nc, set, "-"+limit)
	require.Eventually(t, func() bool { return s.Buffered() == 0 }, 5*time.Second, time.Millisecond, "a transaction that is broken keeps nothing")
	say(t, nc, "EXEC\r\n", "-EXECABORT Transaction discarded because of: "+limit)
	say(t, nc, "MULTI\r\n"+set+"EXEC\r\n", "+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n")
	require.Eventually(t, func() bool { return s.Buffered() == 0 }, 5*time.Second, time.Millisecond)
	say(t, nc, "MULTI\r\n"+set, "+OK\r\n+QUEUED\r\n")
	require.NoError(t, nc.Close())
	require.Eventually(t, func() bool { return s.Buffered() == 0 }, 5*time.Second, time.Millisecond, "what was queued goes with its client")

}

// A WATCH that fails holds nothing, however often it is tried.
func TestAWatchThatFailsHoldsNothing(t *testing.T) {
	n := newFakeNode(1)
	n.submit = func(call *wire.Call) { refuse(call, wire.OutcomeRefused, wire.ReasonNoQuorum, 0) }
	s := serve(t, n, func(o *Options) { o.BuffersMax = 16 << 20 })
	nc := dial(t, s)
	const down = "-CLUSTERDOWN The shard has no quorum on this side: not applied, retry later\r\n"
	for range 3 {
		say(t, nc, "WATCH k\r\n", down)
	}
	require.Eventually(t, func() bool { return s.Buffered() == 0 }, 5*time.Second, time.Millisecond)
}

// waitingTransaction has a connection's transaction of many values asked of its shard, which does not answer yet.
func waitingTransaction(t *testing.T, values int) (s *Server, nc net.Conn, answer func()) {
	n := newFakeNode(1)
	held := make(chan *wire.Call, 1)
	n.submit = func(call *wire.Call) {
		if len(call.Commands) > 1 {
			held <- call
			return
		}
		n.answer(call)
	}
	s = serve(t, n, func(o *Options) { o.BuffersMax = 1 << 20 })
	nc = dial(t, s)
	set := "SET k " + strings.Repeat("v", 60<<10) + "\r\n"
	say(t, nc, "MULTI\r\n"+strings.Repeat(set, values)+"PING\r\n", "+OK\r\n"+strings.Repeat("+QUEUED\r\n", values+1))
	_, err := io.WriteString(nc, "EXEC\r\n")
	require.NoError(t, err)
	call := <-held
	return s, nc, func() { n.answer(call) }
}

// What was queued counts once when it is asked, as what is asked: nobody is cut off for both.
func TestATransactionThatIsAskedCountsOnce(t *testing.T) {
	s, nc, answer := waitingTransaction(t, 24)
	other := dial(t, s)
	for range 3 {
		say(t, other, "SET other 1\r\n", "+OK\r\n")
	}
	require.Less(t, s.Buffered(), int64(25*60<<10))
	answer()
	say(t, nc, "", "*25\r\n+OK\r\n")
	require.Zero(t, s.stats.cutOff.Load())
}

// Who is cut off while it waits for a shard ends at once, and nobody else is cut off for what it holds.
func TestCutOffWhileItWaitsForAShard(t *testing.T) {
	s, nc, answer := waitingTransaction(t, 2)
	defer answer()
	greedy := s.clients()[0]
	greedy.holds.Add(4 << 20) // as if it had a reply of that length
	s.buffered.Add(4 << 20)
	other := dial(t, s)
	for range 3 {
		say(t, other, "SET other 1\r\n", "+OK\r\n")
	}
	_, err := nc.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
	require.Eventually(t, func() bool { return len(s.clients()) == 1 }, 5*time.Second, time.Millisecond, "it does not wait for the answer")
	require.EqualValues(t, 1, s.stats.cutOff.Load())
}

// Commands that ask no shard may have replies far longer than themselves: together they are bounded, too, and the connection goes on.
func TestRepliesOfATransactionAreBounded(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"of all connections": func(o *Options) { o.BuffersMax = 1 << 20 },
		"of this one":        func(o *Options) { o.OutputBufferMax = 2 << 20 },
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, newFakeNode(4), change)
			const times = 1000
			docs := roundTrip(t, s, "COMMAND DOCS\r\n")
			require.Greater(t, times*len(docs), 4<<20)
			got := roundTrip(t, s, "MULTI\r\n"+strings.Repeat("COMMAND DOCS\r\n", times)+"CLIENT SETNAME me\r\nEXEC\r\nCLIENT GETNAME\r\n")
			require.Less(t, len(got), 3<<20)
			require.Contains(t, got, "ERR key, value, batch or answer is larger than the node allows")
			require.True(t, strings.HasSuffix(got, "\r\n+OK\r\n$2\r\nme\r\n+OK\r\n"), "what is short is answered")
		})
	}
}

// And so is how many commands and keys it has, each of which costs more than its bytes.
func TestTransactionHasSoManyCommands(t *testing.T) {
	s := serve(t, newFakeNode(4), func(o *Options) { o.BuffersMax = 3 << 20 })
	require.Equal(t, shardKeysLeast, s.opts.shardKeysMost())
	nc := dial(t, s)
	del := "*10001\r\n$3\r\nDEL\r\n" + strings.Repeat("$1\r\nk\r\n", 10000)
	say(t, nc, "MULTI\r\n"+strings.Repeat(del, 6), "+OK\r\n"+strings.Repeat("+QUEUED\r\n", 6))
	say(t, nc, del, "-"+errTransactionSize(shardKeysLeast, s.opts.transactionMost())+"\r\n")
}

// A connection watches so many keys, which count as what it holds, and no more.
func TestWatchesAreBounded(t *testing.T) {
	s := serve(t, newFakeNode(4), func(o *Options) { o.BuffersMax = 16 << 20 })
	nc := dial(t, s)
	keys := ""
	for i := range watchedMost {
		keys += fmt.Sprintf(" {k}%d", i)
	}
	say(t, nc, "WATCH"+keys+"\r\n", "+OK\r\n")
	require.Greater(t, s.buffered.Load(), int64(len(keys)-watchedMost))
	say(t, nc, "WATCH {k}more\r\n", "-ERR a connection can watch 1024 keys\r\n")
	say(t, nc, "UNWATCH\r\nWATCH {k}more\r\nMULTI\r\nGET {k}more\r\nEXEC\r\n", "+OK\r\n+OK\r\n+OK\r\n+QUEUED\r\n*1\r\n$-1\r\n")
	require.Eventually(t, func() bool { return s.Buffered() == 0 }, 5*time.Second, time.Millisecond)
}

// Many clients that queue more than there is room for together are cut off, those with most first.
func TestTransactionsTogetherAreBounded(t *testing.T) {
	s := serve(t, newFakeNode(4), func(o *Options) { o.BuffersMax = 1 << 20 })
	value := strings.Repeat("v", 8<<10)
	set := strings.Repeat(fmt.Sprintf("SET k %s\r\n", value), 64)
	for range 16 {
		nc := dial(t, s)
		_, err := io.WriteString(nc, "MULTI\r\n"+set)
		require.NoError(t, err)
		_, _ = io.ReadFull(nc, make([]byte, len("+OK\r\n")+64*len("+QUEUED\r\n"))) // some are cut off before
	}
	require.Eventually(t, func() bool { return s.Buffered() <= 2<<20 }, 5*time.Second, time.Millisecond)
	require.Positive(t, s.stats.cutOff.Load())
}

// What is queued lies nowhere where later commands are received.
func TestQueuedArgumentsStay(t *testing.T) {
	n := newFakeNode(1)
	s := serve(t, n)
	nc := dial(t, s)
	say(t, nc, "MULTI\r\n", "+OK\r\n")
	var want strings.Builder
	fmt.Fprintf(&want, "*%d\r\n", 2*500)
	for i := range 500 {
		say(t, nc, fmt.Sprintf("SET {k}%d value-%d\r\n", i, i), "+QUEUED\r\n")
		say(t, nc, fmt.Sprintf("GET {k}%d\r\n", i), "+QUEUED\r\n")
		v := fmt.Sprintf("value-%d", i)
		fmt.Fprintf(&want, "+OK\r\n$%d\r\n%s\r\n", len(v), v)
	}
	say(t, nc, "EXEC\r\n", want.String())
}

// With SplitTransactions each shard answers for its own part.
func TestSplitTransaction(t *testing.T) {
	n := newFakeNode(4)
	n.submit = func(call *wire.Call) {
		if call.Shard == n.shardOf("b") {
			refuse(call, wire.OutcomeRefused, wire.ReasonNoQuorum, 0)
			return
		}
		n.answer(call)
	}
	s := serve(t, n, func(o *Options) { o.SplitTransactions = true })
	require.NotEqual(t, n.shardOf("a"), n.shardOf("b"))
	require.Equal(t, "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n+OK\r\n-CLUSTERDOWN The shard has no quorum on this side: not applied, retry later\r\n$1\r\n1\r\n+OK\r\n",
		roundTrip(t, s, "MULTI\r\nSET a 1\r\nSET b 1\r\nGET a\r\nEXEC\r\n"))
}

// model is Redis, of one database and a few commands.
type model struct {
	data    map[string]int
	changes map[string]int // how often a key was changed while it was there; 0: it is not
	count   int
}

func (m *model) set(key string, value int) {
	m.count++
	m.data[key], m.changes[key] = value, m.count
}

func (m *model) del(key string) int {
	if _, ok := m.data[key]; !ok {
		return 0
	}
	delete(m.data, key)
	delete(m.changes, key)
	return 1
}

// do is what Redis answers.
func (m *model) do(verb, key string) any {
	switch verb {
	case "SET":
		m.set(key, 7)
		return "OK"
	case "INCR":
		m.set(key, m.data[key]+1)
		return int64(m.data[key])
	case "DEL":
		return int64(m.del(key))
	case "MSETNX":
		if m.changes[key] != 0 || m.changes[key+"x"] != 0 {
			return int64(0)
		}
		m.set(key, 1)
		m.set(key+"x", 2)
		return int64(1)
	}
	v, ok := m.data[key]
	if !ok {
		return nil
	}
	return fmt.Sprint(v)
}

// modelClient is one connection, and what it has queued and watched.
type modelClient struct {
	*redis.Conn
	multi   bool
	queued  [][2]string
	watched map[string]int
}

func (c *modelClient) do(m *model, verb, key string) any {
	switch {
	case verb == "MULTI":
		c.multi = true
		return "OK"
	case verb == "WATCH":
		if _, ok := c.watched[key]; !ok {
			c.watched[key] = m.changes[key]
		}
		return "OK"
	case verb == "UNWATCH" && !c.multi:
		clear(c.watched)
		return "OK"
	case verb == "DISCARD":
		c.multi, c.queued = false, nil
		clear(c.watched)
		return "OK"
	case verb == "EXEC":
		return c.exec(m)
	case c.multi:
		c.queued = append(c.queued, [2]string{verb, key})
		return "QUEUED"
	}
	return m.do(verb, key)
}

func (c *modelClient) exec(m *model) any {
	defer func() { c.multi, c.queued, c.watched = false, nil, map[string]int{} }()
	for key, version := range c.watched {
		if m.changes[key] != version {
			return nil
		}
	}
	answers := []any{}
	for _, q := range c.queued {
		answers = append(answers, m.do(q[0], q[1]))
	}
	return answers
}

// Clients that come between each other's commands see what a model of Redis would answer.
func TestTransactionsOfSeveralClients(t *testing.T) {
	n := newFakeNode(4)
	s := serve(t, n)
	ctx := context.Background()
	db := redis.NewClient(&redis.Options{Addr: s.Addr().String(), Protocol: 2, PoolSize: 4, MaxRetries: -1})
	defer db.Close()
	rapid.Check(t, func(rt *rapid.T) {
		require.NoError(rt, db.FlushAll(ctx).Err())
		m := &model{data: map[string]int{}, changes: map[string]int{}}
		clients := make([]*modelClient, 3)
		for i := range clients {
			clients[i] = &modelClient{Conn: db.Conn(), watched: map[string]int{}}
			defer clients[i].Close()
		}
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			c := rapid.SampledFrom(clients).Draw(rt, "client")
			verbs := []string{"SET", "INCR", "DEL", "GET", "MSETNX", "WATCH", "WATCH", "UNWATCH", "MULTI", "MULTI"}
			if c.multi {
				verbs = []string{"SET", "INCR", "DEL", "GET", "EXEC", "EXEC", "DISCARD"}
			}
			verb := rapid.SampledFrom(verbs).Draw(rt, "verb")
			key := rapid.SampledFrom([]string{"{k}1", "{k}2"}).Draw(rt, "key")
			args := []any{verb}
			switch verb {
			case "SET":
				args = append(args, key, "7")
			case "MSETNX":
				args = append(args, key, "1", key+"x", "2")
			case "INCR", "DEL", "GET", "WATCH":
				args = append(args, key)
			}
			want := c.do(m, verb, key)
			got, err := c.Do(ctx, args...).Result()
			if !errors.Is(err, redis.Nil) {
				require.NoError(rt, err)
			}
			require.Equal(rt, want, got, "%v", args)
		}
		for _, c := range clients {
			_ = c.Do(ctx, "RESET").Err()
		}
	})
}

// A counter of many clients that read, add and write under WATCH comes out exact.
func TestGoRedisWatch(t *testing.T) {
	n := newFakeNode(8)
	s := serve(t, n)
	ctx := context.Background()
	db := redis.NewClient(&redis.Options{Addr: s.Addr().String(), MaxRetries: -1})
	defer db.Close()
	var wg sync.WaitGroup
	const clients, each = 8, 25
	for range clients {
		wg.Go(func() {
			for done := 0; done < each; {
				err := db.Watch(ctx, func(tx *redis.Tx) error {
					v, err := tx.Get(ctx, "{n}counter").Int()
					if err != nil && !errors.Is(err, redis.Nil) {
						return err
					}
					_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
						p.Set(ctx, "{n}counter", v+1, 0)
						p.Incr(ctx, "{n}beside")
						return nil
					})
					return err
				}, "{n}counter")
				if err == nil {
					done++
				} else if !errors.Is(err, redis.TxFailedErr) {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	require.Equal(t, fmt.Sprint(clients*each), db.Get(ctx, "{n}counter").Val())
	require.Equal(t, fmt.Sprint(clients*each), db.Get(ctx, "{n}beside").Val())
}

// A library takes its connection for its own again once a transaction has failed, with what it has not read of it: the error must reach the user, and the next
// command must get its own answer.
func TestGoRedisAfterATransactionThatFails(t *testing.T) {
	s := serve(t, newFakeNode(8))
	ctx := context.Background()
	db := redis.NewClient(&redis.Options{Addr: s.Addr().String(), Protocol: 2, PoolSize: 1, MaxRetries: -1})
	defer db.Close()
	require.NoError(t, db.Set(ctx, "mine", "its value", 0).Err())
	_, err := db.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, "late", "never", 0)
		p.Set(ctx, "mine", "never", 0)
		return nil
	})
	require.ErrorContains(t, err, "CROSSSLOT")
	require.ErrorContains(t, err, "{tag}")
	require.Equal(t, "its value", db.Get(ctx, "mine").Val(), "the answer to another command")
	require.ErrorIs(t, db.Get(ctx, "late").Err(), redis.Nil)

	var get *redis.StringCmd
	_, err = db.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, "{mine}", "text", 0)
		p.Incr(ctx, "mine")
		get = p.Get(ctx, "{mine}")
		return nil
	})
	require.ErrorContains(t, err, "not an integer")
	require.Equal(t, "text", get.Val(), "what fails alone fails alone")
}
