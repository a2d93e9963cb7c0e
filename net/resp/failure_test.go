package resp

import (
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// Every failure says whether a write surely did not happen.
func TestFailures(t *testing.T) {
	for _, c := range []struct {
		outcome wire.Outcome
		reason  wire.Reason
		get     string
		set     string
	}{
		{wire.OutcomeRefused, wire.ReasonNoQuorum,
			"CLUSTERDOWN The shard has no quorum on this side: not applied, retry later", ""},
		{wire.OutcomeRefused, wire.ReasonNotLeader, "CLUSTERDOWN The shard's leader has changed: not applied, retry later", ""},
		{wire.OutcomeRefused, wire.ReasonOverloaded, "BUSY The shard has too many requests waiting: not applied, retry later", ""},
		{wire.OutcomeRefused, wire.ReasonNotReady, "LOADING Torc has not joined a cluster yet: not applied, retry later", ""},
		{wire.OutcomeRefused, wire.ReasonOutOfMemory, "OOM command not allowed when used memory > 'maxmemory'. Not applied", ""},
		{wire.OutcomeUnknown, wire.ReasonDeadline,
			"TIMEOUT the read was not answered (deadline exceeded): it had no effect, retry",
			"UNKNOWN outcome: the write may or may not have been applied (deadline exceeded)"},
		{wire.OutcomeUnknown, wire.ReasonLeadershipLost,
			"TIMEOUT the read was not answered (leadership lost): it had no effect, retry",
			"UNKNOWN outcome: the write may or may not have been applied (leadership lost)"},
	} {
		if c.set == "" {
			c.set = c.get
		}
		n := newFakeNode(4)
		n.submit = func(call *wire.Call) { refuse(call, c.outcome, c.reason, 0) }
		got := roundTrip(t, serve(t, n, noTimeLeft), "GET k\r\nSET k v\r\nMGET a b c\r\nMSET a 1 b 2\r\nDEL a b\r\n")
		require.Equal(t, "-"+strings.Join([]string{c.get, c.set, c.get, c.set, c.set}, "\r\n-")+"\r\n+OK\r\n", got)
	}
}

// Every reason has a text, and no text that a client library repeats upon stands for an
// outcome that is not certain.
func TestFailureTexts(t *testing.T) {
	for reason := wire.ReasonNone; reason <= wire.ReasonNotReady; reason++ {
		require.Contains(t, refusals, reason)
		refused := failure{outcome: wire.OutcomeRefused, reason: reason}
		require.Contains(t, strings.ToLower(refused.text(true)), "not applied")
		unknown := failure{outcome: wire.OutcomeUnknown, reason: reason}
		require.True(t, strings.HasPrefix(unknown.text(true), "UNKNOWN "))
		require.True(t, strings.HasPrefix(unknown.text(false), "TIMEOUT "))
	}
}

// A write that one shard applied and another refused is not "not applied".
func TestPartialWrite(t *testing.T) {
	n := newFakeNode(4)
	n.submit = func(call *wire.Call) {
		if call.Shard == 1 {
			refuse(call, wire.OutcomeRefused, wire.ReasonNoQuorum, 0)
			return
		}
		n.answer(call)
	}
	// hello and b are on shard 1, foo on 3, bar on 2.
	got := converse(t, n, 1024, "MSET hello 1 foo 2 bar 3\r\nMGET hello foo\r\nFLUSHALL\r\nSET b 1\r\n", 1<<20)
	no := "CLUSTERDOWN The shard has no quorum on this side: not applied, retry later"
	require.Equal(t, "-UNKNOWN outcome: applied to 2 of 3 keys, the others were refused ("+no+")\r\n-"+no+
		"\r\n-UNKNOWN outcome: some shards were emptied, the others refused ("+no+")\r\n-"+no+"\r\n+OK\r\n", got)
}

// Without a quorum on this side the error names a node of the other side, if one is known.
func TestNoQuorumSaysWhere(t *testing.T) {
	n := newFakeNode(4, "node-1", "node-2")
	there := wire.NodeID(2)
	n.submit = func(call *wire.Call) { refuse(call, wire.OutcomeRefused, wire.ReasonNoQuorum, there) }
	s := serve(t, n)
	text := "-CLUSTERDOWN The shard has no quorum on this side: not applied, retry later"
	require.Equal(t, text+" (its majority may be on the side of 10.0.0.2:7002)\r\n+OK\r\n", roundTrip(t, s, "SET foo 1\r\n"))
	there = 99
	require.Equal(t, text+"\r\n+OK\r\n", roundTrip(t, s, "SET foo 1\r\n"))
}

// In redirect mode a shard that has moved in the meantime redirects; a cluster client follows.
func TestRedirectFromShard(t *testing.T) {
	n := newFakeNode(4, "node-1", "node-2")
	leader := wire.NodeID(2)
	n.submit = func(call *wire.Call) {
		require.True(t, call.Local)
		refuse(call, wire.OutcomeRefused, wire.ReasonNotLeader, leader)
	}
	s := serve(t, n, func(o *Options) { o.Redirect = true })
	require.Equal(t, "-MOVED 12182 10.0.0.2:7002\r\n-MOVED 3300 10.0.0.2:7002\r\n+OK\r\n",
		roundTrip(t, s, "GET foo\r\nMSET {b}1 1 {b}2 2\r\n"))
	for _, leader = range []wire.NodeID{0, 1, 99} { // nobody, itself, unknown: nowhere to go
		require.Equal(t, "-CLUSTERDOWN The shard's leader has changed: not applied, retry later\r\n+OK\r\n",
			roundTrip(t, s, "SET foo 1\r\n"))
	}
}

// Errors of the state machine are final, and named after the command where Redis does so.
func TestCodes(t *testing.T) {
	n := newFakeNode(1)
	code := wire.CodeNone
	n.submit = func(call *wire.Call) {
		results := make([]wire.Result, len(call.Commands))
		for i := range results {
			results[i] = errResult(code)
		}
		call.Sink.Deliver(call.Tag, &wire.Response{Results: results})
	}
	for _, c := range []struct {
		code wire.ErrorCode
		want string
	}{
		{wire.CodeOverflow, "ERR increment or decrement would overflow"},
		{wire.CodeInvalidExpire, "ERR invalid expire time in 'getex' command"},
		{wire.CodeOutOfMemory, "OOM command not allowed when used memory > 'maxmemory'."},
	} {
		code = c.code
		require.Equal(t, "-"+c.want+"\r\n+OK\r\n", converse(t, n, 1024, "GETEX k PX 5\r\n", 1<<20))
	}
}

// An answer without a result for each command, as another node may send, tells nothing: neither success nor failure, and
// the connection goes on.
func TestAnswerWithOtherResults(t *testing.T) {
	n := newFakeNode(1)
	results := 0
	n.submit = func(call *wire.Call) {
		if results < 0 {
			n.answer(call)
			return
		}
		call.Sink.Deliver(call.Tag, &wire.Response{Results: make([]wire.Result, results)})
	}
	s := serve(t, n)
	read := "-TIMEOUT the read was not answered (none): it had no effect, retry\r\n"
	write := "-UNKNOWN outcome: the write may or may not have been applied (none)\r\n"
	for _, results = range []int{0, 3} {
		require.Equal(t, read+"+OK\r\n", roundTrip(t, s, "GET k\r\n"))
		require.Equal(t, write+"+OK\r\n", roundTrip(t, s, "SET k v\r\n"))
		require.Equal(t, read+"+OK\r\n", roundTrip(t, s, "MGET a b\r\n"))
		require.Equal(t, write+"+OK\r\n", roundTrip(t, s, "MSET a 1 b 2\r\n"))
	}
	results = -1
	require.Equal(t, "+OK\r\n$1\r\nv\r\n+OK\r\n", roundTrip(t, s, "SET k v\r\nGET k\r\n"))
}

// What waited behind an unanswered write for longer than a command may take was never sent.
func TestQueuedTooLong(t *testing.T) {
	n := newFakeNode(1)
	var first *wire.Call
	arrived := make(chan struct{})
	n.submit = func(call *wire.Call) {
		if first == nil {
			first = call
			close(arrived)
			return
		}
		n.answer(call)
	}
	s := serve(t, n, func(o *Options) { o.Timeout = 20 * time.Millisecond })
	nc := dial(t, s)
	_, _ = nc.Write([]byte("SET k 1\r\nGET k\r\nSET k 2\r\n"))
	<-arrived
	c := theConn(t, s)
	deadline := c.srv.now() + int64(30*time.Millisecond)
	require.Eventually(t, func() bool { return c.srv.now() > deadline }, time.Second, time.Millisecond)
	refuse(first, wire.OutcomeUnknown, wire.ReasonDeadline, 0)
	late := "-TRYAGAIN The request waited too long for its turn: not applied, retry later\r\n"
	want := "-UNKNOWN outcome: the write may or may not have been applied (deadline exceeded)\r\n" + late + late
	got := make([]byte, len(want))
	_, err := io.ReadFull(nc, got)
	require.NoError(t, err)
	require.Equal(t, want, string(got))
	require.EqualValues(t, 1, n.submitted.Load())
}

// What stands behind a walk over the keys has as long as any command, from when that one is answered.
func TestWhatStandsBehindAWalkIsNotLate(t *testing.T) {
	n := newFakeNode(1)
	walking := make(chan *wire.Call, 1)
	n.submit = func(call *wire.Call) {
		if call.Commands[0].Op.IsWrite() {
			n.answer(call)
			return
		}
		walking <- call
	}
	var now atomic.Int64
	s := serve(t, n, timeIs(&now), func(o *Options) { o.Timeout = 400 * time.Millisecond })
	nc := dial(t, s)
	_, _ = nc.Write([]byte("KEYS *\r\nSET k v\r\n"))
	call := <-walking
	now.Add(int64(410 * time.Millisecond))
	refuse(call, wire.OutcomeUnknown, wire.ReasonDeadline, 0)
	want := "-TIMEOUT the read was not answered (deadline exceeded): it had no effect, retry\r\n+OK\r\n"
	got := make([]byte, len(want))
	_, err := io.ReadFull(nc, got)
	require.NoError(t, err)
	require.Equal(t, want, string(got))
}

// Reads that are refused because their answers together are too long travel one by one, before what came after them. One
// command that asks for too much by itself is told so.
func TestReadsTooLongTogetherTravelAlone(t *testing.T) {
	n := newFakeNode(1)
	for i := range 9 {
		n.data[fmt.Sprint("k", i)] = fakeValue{value: []byte(fmt.Sprint("v", i))}
	}
	refused := 0
	n.submit = func(call *wire.Call) {
		if len(call.Commands) > 2 && !call.Commands[0].Op.IsWrite() {
			refused++
			refuse(call, wire.OutcomeRefused, wire.ReasonTooLarge, 0)
			return
		}
		n.answer(call)
	}
	got := converse(t, n, 1024, "STRLEN none\r\n", 1<<20)
	require.Equal(t, ":0\r\n+OK\r\n", got)
	got = converse(t, n, 1024, "STRLEN none\r\nGET k0\r\nGET k1\r\nMGET k2 k3\r\nGET k4\r\nGET k5\r\nSET k5 new\r\nMGET k6 k7 k8\r\nGET k5\r\n", 1<<20)
	require.Equal(t, ":0\r\n$2\r\nv0\r\n$2\r\nv1\r\n*2\r\n$2\r\nv2\r\n$2\r\nv3\r\n$2\r\nv4\r\n$2\r\nv5\r\n+OK\r\n-"+
		refusals[wire.ReasonTooLarge]+"\r\n$3\r\nnew\r\n+OK\r\n", got)
	require.GreaterOrEqual(t, refused, 2, "once for the reads, once for MGET")
}

// In redirect mode a node has no keys of the slots that others lead, and does not say that somebody should ask it again.
func TestSlotsElsewhere(t *testing.T) {
	n := newFakeNode(4, "node-1", "node-2")
	n.leaders[2] = 2
	n.submit = func(call *wire.Call) {
		if call.Shard == 2 {
			refuse(call, wire.OutcomeRefused, wire.ReasonNotLeader, 2)
			return
		}
		n.answer(call)
	}
	s := serve(t, n, func(o *Options) { o.Redirect = true })
	got := roundTrip(t, s, "SET b 1\r\nCLUSTER COUNTKEYSINSLOT 3300\r\nCLUSTER COUNTKEYSINSLOT 5061\r\nCLUSTER GETKEYSINSLOT 5061 10\r\n")
	require.Equal(t, "+OK\r\n:1\r\n:0\r\n*0\r\n+OK\r\n", got)
}
