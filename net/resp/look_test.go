package resp

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"torc/core/wire"
	"torc/net/buffers"
)

// looksWork makes a node that answers every look.
func looksWork() *fakeNode {
	n := newFakeNode(8)
	n.look = n.lookAt
	return n
}

// TestLooks: reads are answered without a Call, in every protocol and mode.
func TestLooks(t *testing.T) {
	long := strings.Repeat("v", bigValue)
	for _, c := range []struct{ request, reply string }{
		{"GET a", "$5\r\nhello\r\n"},
		{"GET nothing", "$-1\r\n"},
		{"STRLEN a", ":5\r\n"},
		{"EXISTS a", ":1\r\n"},
		{"GETRANGE a 1 2", "$2\r\nel\r\n"},
		{"GET long", fmt.Sprintf("$%d\r\n%s\r\n", len(long), long)},
		{"MGET a nothing a", "*3\r\n$5\r\nhello\r\n$-1\r\n$5\r\nhello\r\n"},
		{"GET a\r\nMGET a long nothing", fmt.Sprintf("$5\r\nhello\r\n*3\r\n$5\r\nhello\r\n$%d\r\n%s\r\n$-1\r\n", len(long), long)},
		{"CLIENT REPLY SKIP\r\nMGET a long\r\nGET nothing", "$-1\r\n"},
		{"CLIENT REPLY SKIP\r\nGET a\r\nGET nothing", "$-1\r\n"},
		{"GET a\r\nPING\r\nGET a", "$5\r\nhello\r\n+PONG\r\n$5\r\nhello\r\n"},
		{"GET a\r\nWRONG\r\nGET", "$5\r\nhello\r\n-ERR unknown command 'WRONG', with args beginning with: \r\n-ERR wrong number of arguments for 'get' command\r\n"},
		{strings.Repeat("GET a\r\n", 3*lookMost) + "GET nothing", strings.Repeat("$5\r\nhello\r\n", 3*lookMost) + "$-1\r\n"},
	} {
		n := looksWork()
		n.data["a"], n.data["long"] = fakeValue{value: []byte("hello")}, fakeValue{value: []byte(long)}
		require.Equal(t, c.reply+"+OK\r\n", converse(t, n, 1024, c.request+"\r\n", 1<<20), c.request)
		require.Zero(t, n.submitted.Load(), c.request)
	}
}

// TestALookIsShort: lanes are not kept from their turns while a lot is copied, by GETs in a row or by one MGET.
func TestALookIsShort(t *testing.T) {
	const size, keys = 10_000, lookMost
	n := looksWork()
	n.data["big"] = fakeValue{value: bytes.Repeat([]byte("v"), size)}
	bulk := fmt.Sprintf("$%d\r\n%s\r\n", size, strings.Repeat("v", size))

	require.Equal(t, strings.Repeat(bulk, keys)+"+OK\r\n", converse(t, n, 1024, strings.Repeat("GET big\r\n", keys), 1<<20))
	require.Zero(t, n.submitted.Load())
	require.Less(t, n.longest.Load(), int64(lookStep+2*size))

	request := "MGET" + strings.Repeat(" big", keys) + "\r\n"
	require.Equal(t, fmt.Sprintf("*%d\r\n%s+OK\r\n", keys, strings.Repeat(bulk, keys)), converse(t, n, 1024, request, 1<<20))
	require.Positive(t, n.submitted.Load(), "it is too long to be looked up")
	require.Less(t, n.longest.Load(), int64(lookLong+2*size))
}

// TestACopyIsLookedUp: a node that holds copies of keys of a shard looks there, though another one leads it; unless it redirects.
func TestACopyIsLookedUp(t *testing.T) {
	n := newFakeNode(8, "node-1", "node-2")
	n.look = n.lookAt
	shard := n.shardOf("foo")
	n.leaders[shard], n.holds = 2, map[wire.ShardID]bool{shard: true}
	n.data["foo"] = fakeValue{value: []byte("2")}
	require.Equal(t, "$1\r\n2\r\n+OK\r\n", converse(t, n, 1024, "GET foo\r\n", 1<<20))
	require.Zero(t, n.submitted.Load())
	require.True(t, (&conn{srv: &Server{backend: n, self: 1}}).mayLook(shard))
	require.False(t, (&conn{srv: &Server{backend: n, self: 1, opts: Options{Redirect: true}}}).mayLook(shard))
}

// TestNobodyLooksForWhatIsLedElsewhere: an MGET that cannot be looked up whole is not looked up in part, which would count twice.
func TestNobodyLooksForWhatIsLedElsewhere(t *testing.T) {
	n := newFakeNode(8, "node-1", "node-2")
	n.look = func(l *wire.Look) bool {
		require.NotEqual(t, n.shardOf("foo"), l.Shard, "another node leads it")
		return n.lookAt(l)
	}
	require.NotEqual(t, n.shardOf("a"), n.shardOf("foo"))
	n.leaders[n.shardOf("foo")] = 2
	n.data["a"], n.data["foo"] = fakeValue{value: []byte("1")}, fakeValue{value: []byte("2")}
	require.Equal(t, "$1\r\n1\r\n$1\r\n2\r\n+OK\r\n", converse(t, n, 1024, "GET a\r\nGET foo\r\n", 1<<20))
	n.longest.Store(0)
	require.Equal(t, "*2\r\n$1\r\n1\r\n$1\r\n2\r\n+OK\r\n", converse(t, n, 1024, "MGET a foo\r\n", 1<<20))
	require.Zero(t, n.longest.Load())
}

// TestWhatIsAskedStaysAsItIs: a read that is submitted after all keeps its key, though the buffer that it came in could be used again.
func TestWhatIsAskedStaysAsItIs(t *testing.T) {
	n := newFakeNode(8)
	held := make(chan *wire.Call, 2)
	n.submit = func(call *wire.Call) { held <- call }
	nc := dial(t, serve(t, n))
	var calls []*wire.Call
	for _, key := range []string{"a", "b"} {
		_, err := io.WriteString(nc, "GET "+key+"\r\n")
		require.NoError(t, err)
		select {
		case call := <-held:
			calls = append(calls, call)
		case <-time.After(10 * time.Second):
			require.FailNow(t, "no call came")
		}
	}
	require.Equal(t, "a", string(calls[0].Commands[0].Key))
	require.Equal(t, "b", string(calls[1].Commands[0].Key))
}

// TestRewind: what came after a mark is as if it had never been written, whatever was sealed meanwhile.
func TestRewind(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(o *output) {
			for range rapid.IntRange(0, 4).Draw(t, "replies") {
				res := wire.Result{Value: make([]byte, rapid.SampledFrom([]int{0, 10, bigValue}).Draw(t, "size"))}
				o.own(&res)
				o.bulk(res.Value)
			}
		}
		var o output
		draw(&o)
		want, m, lent := slices.Concat(o.pieces()...), o.mark(), len(o.lent)
		draw(&o)
		o.rewind(m)
		require.Len(t, o.lent, lent)
		require.Equal(t, len(want), o.len())
		require.True(t, bytes.Equal(want, slices.Concat(o.pieces()...)))
	})
}

// TestLentUntilWritten: the memory of big values is nobody else's until all of what it is a part of has been written, however often the output is moved on, and
// cut where the connection took no more.
func TestLentUntilWritten(t *testing.T) {
	sizes := []int{bigValue, bigValue + 1, 3 * bigValue, buffers.Most + 1}
	spoil := func() { // what a pool gives out next is written over
		for _, size := range sizes[:3] {
			for range 4 {
				b := buffers.Pool.Get(size)
				clear(*b) // and not put back: so it is another one each time
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		var o output
		var want []byte
		for range rapid.IntRange(1, 6).Draw(t, "steps") {
			size := rapid.SampledFrom(sizes).Draw(t, "size")
			var early output
			res := wire.Result{Value: bytes.Repeat([]byte("v"), size)}
			early.own(&res)
			early.bulk(res.Value)
			want = append(want, slices.Concat(early.pieces()...)...)
			o.move(&early)
			early.written() // nothing is there any more
			if rapid.Bool().Draw(t, "written in part") {
				n := rapid.IntRange(0, o.len()-1).Draw(t, "bytes")
				batch := o
				o = output{}
				o.after(&batch, n)
				want = want[n:]
			}
			spoil()
			require.True(t, bytes.Equal(want, slices.Concat(o.pieces()...)))
		}
		for _, b := range o.lent {
			require.LessOrEqual(t, len(*b), buffers.Most)
		}
		o.written()
		require.True(t, o.empty())
		require.Empty(t, o.lent, "it would be given back twice")
	})
}

// TestNothingIsLentToTheMute: of values that are not sent nothing is kept until something else is.
func TestNothingIsLentToTheMute(t *testing.T) {
	n := looksWork()
	n.data["big"] = fakeValue{value: make([]byte, bigValue)}
	s := serve(t, n)
	nc := dial(t, s)
	_, err := io.WriteString(nc, "CLIENT REPLY OFF\r\n"+strings.Repeat("GET big\r\nMGET big big\r\n", 10))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return s.stats.commands.Load() == 21 }, 10*time.Second, time.Millisecond)
	require.Len(t, s.clients(), 1)
	c := s.clients()[0]
	c.mu.Lock()
	defer c.mu.Unlock()
	require.Zero(t, n.submitted.Load())
	require.Empty(t, c.out.lent)
}

// TestALookOvertakesNothing: a read after a write to its shard waits for it, and so does one after a read that waits.
func TestALookOvertakesNothing(t *testing.T) {
	n := looksWork()
	held := make(chan *wire.Call, 8)
	n.submit = func(call *wire.Call) { held <- call }
	nc := dial(t, serve(t, n))
	_, err := io.WriteString(nc, "SET a 1\r\nGET a\r\nGET a\r\n")
	require.NoError(t, err)
	for range 3 { // the first reads of a connection travel alone
		select {
		case call := <-held:
			n.answer(call)
		case <-time.After(10 * time.Second):
			require.FailNow(t, "no call came")
		}
	}
	want := "+OK\r\n$1\r\n1\r\n$1\r\n1\r\n"
	got := make([]byte, len(want))
	_, err = io.ReadFull(nc, got)
	require.NoError(t, err)
	require.Equal(t, want, string(got))
}

// TestALookWaitsForNobody: a client that does not read is not read from, and no lane is kept from its turns meanwhile.
func TestALookWaitsForNobody(t *testing.T) {
	const limit, size, total = 1 << 20, 10_000, 5_000
	n := looksWork()
	n.data["big"] = fakeValue{value: make([]byte, size)}
	s := serve(t, n, func(o *Options) { o.OutputBufferMax = limit })
	nc := dial(t, s)
	go func() { _, _ = io.WriteString(nc, strings.Repeat("GET big\r\n", total)) }()
	c := theConn(t, s)
	requireNoLookWhileParked(t, c, n)
	c.mu.Lock()
	require.Less(t, c.held(), limit+2*lookStep+size)
	c.mu.Unlock()
	_, err := io.CopyN(io.Discard, nc, int64(total*(size+len("$10000\r\n\r\n"))))
	require.NoError(t, err)
}

// TestALookThatFailsWaitsForNobody: as TestALookWaitsForNobody, with a read in each batch that must be submitted (its shard is led elsewhere).
func TestALookThatFailsWaitsForNobody(t *testing.T) {
	const limit, size, rounds = 1 << 20, 200, 2000
	n := looksWork()
	n.look = func(l *wire.Look) bool { return string(l.Command.Key) != "far" && n.lookAt(l) }
	n.data["near"], n.data["far"] = fakeValue{value: make([]byte, size)}, fakeValue{value: make([]byte, size)}
	s := serve(t, n, func(o *Options) { o.OutputBufferMax = limit })
	nc := dial(t, s)
	go func() {
		_, _ = io.WriteString(nc, strings.Repeat(strings.Repeat("GET near\r\n", 63)+"GET far\r\n", rounds))
	}()
	c := theConn(t, s)
	requireNoLookWhileParked(t, c, n)
}

// requireNoLookWhileParked waits until a connection's reader is parked. It may go on at once, so both are asked in one moment.
func requireNoLookWhileParked(t *testing.T, c *conn, n *fakeNode) {
	t.Helper()
	var looking bool
	require.Eventually(t, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		looking = n.looking.Load()
		return c.readerParked
	}, 10*time.Second, time.Millisecond)
	require.False(t, looking, "a lane is kept from its turns by a client that does not read")
}

// TestPatienceIsOnesOwn: a read that was put aside before INFO waits as long as reads do.
func TestPatienceIsOnesOwn(t *testing.T) {
	n := newFakeNode(1)
	var first int64
	n.submit = func(call *wire.Call) {
		if call.Commands[0].Op == wire.OpGet {
			first = call.TimeoutMillis
		}
		n.answer(call)
	}
	converse(t, n, 1024, "GET a\r\nINFO keyspace\r\n", 1<<20)
	require.InDelta(t, 5000, first, 100)
}
