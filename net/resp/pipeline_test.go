package resp

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"torc/core/wire"
)

// slowShards answers calls in a random order, from another goroutine, and checks what a
// server may have on its way.
type slowShards struct {
	*fakeNode
	mu       sync.Mutex
	changed  *sync.Cond
	waiting  []*wire.Call
	onShard  map[wire.ShardID]int
	faults   []string
	rand     *rand.Rand
	stopped  bool
	finished chan struct{}
}

func newSlowShards(shards int, seed uint64) *slowShards {
	s := &slowShards{
		fakeNode: newFakeNode(shards), onShard: make(map[wire.ShardID]int),
		rand: rand.New(rand.NewPCG(seed, 0)), finished: make(chan struct{}),
	}
	s.changed = sync.NewCond(&s.mu)
	s.submit = s.hold
	go s.work()
	return s
}

func (s *slowShards) hold(call *wire.Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.onShard[call.Shard]++; s.onShard[call.Shard] > 1 {
		s.faults = append(s.faults, fmt.Sprintf("two calls on shard %d at once", call.Shard))
	}
	for i, r := range call.Sink.(*flight).refs {
		if first := call.Sink.(*flight).refs[0]; r.seq != first.seq && call.Commands[i].Op.IsWrite() != call.Commands[0].Op.IsWrite() {
			s.faults = append(s.faults, "reads and writes of several commands in one call")
		}
	}
	s.waiting = append(s.waiting, call)
	s.changed.Signal()
}

func (s *slowShards) work() {
	defer close(s.finished)
	for {
		s.mu.Lock()
		for len(s.waiting) == 0 && !s.stopped {
			s.changed.Wait()
		}
		if len(s.waiting) == 0 {
			s.mu.Unlock()
			return
		}
		i := s.rand.IntN(len(s.waiting))
		call := s.waiting[i]
		s.waiting = append(s.waiting[:i], s.waiting[i+1:]...)
		s.onShard[call.Shard]--
		s.mu.Unlock()
		s.answer(call)
	}
}

func (s *slowShards) stop() {
	s.mu.Lock()
	s.stopped = true
	s.changed.Broadcast()
	s.mu.Unlock()
	<-s.finished
}

// drawPipeline makes commands that depend on each other's order.
func drawPipeline(t *rapid.T) []string {
	key := rapid.SampledFrom([]string{"a", "b", "c", "{a}2", "foo", "bar", "hello"})
	value := rapid.SampledFrom([]string{"1", "2", "30", "x"})
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string {
		k, k2, v := key.Draw(t, "key"), key.Draw(t, "other key"), value.Draw(t, "value")
		return rapid.SampledFrom([]string{
			"SET " + k + " " + v, "GET " + k, "GET " + k, "APPEND " + k + " " + v, "INCR " + k, "DEL " + k + " " + k2,
			"MGET " + k + " " + k2 + " " + k, "MSET " + k + " " + v + " " + k2 + " 0", "EXISTS " + k + " " + k2, "PING", "DBSIZE",
			"STRLEN " + k, "SCAN 0 COUNT 100", "GETDEL " + k, "SET " + k + " " + v + " NX GET", "FLUSHALL", "WRONG", "ECHO " + v,
			"CLIENT REPLY SKIP", "HELLO 3", "RESET", "EXPIRE " + k + " 100", "OBJECT ENCODING " + k, "GET",
			"MULTI", "MULTI", "EXEC", "EXEC", "DISCARD", "WATCH a", "WATCH {a}2 a", "UNWATCH", "MSETNX {a}2 1 {a}3 2", "DEL {a}2 {a}3",
			"MULTI\r\nSET a " + v + "\r\nINCR {a}2\r\nMGET a {a}2 {a}3\r\nEXEC", "WATCH a\r\nMULTI\r\nECHO " + v + "\r\nINCR a\r\nEXEC",
		}).Draw(t, "command")
	}), 1, 120).Draw(t, "pipeline")
}

// Shards that answer in any order change no byte of what a pipeline gets; nor do looks, which overtake what waits for other shards.
func TestPipelineOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		pipeline := strings.Join(drawPipeline(rt), "\r\n") + "\r\n"
		shards := rapid.IntRange(1, 8).Draw(rt, "shards")
		window := rapid.SampledFrom([]int{1, 2, 7, 1024}).Draw(rt, "window")
		cut := rapid.IntRange(1, 200).Draw(rt, "cut")
		seed := rapid.Uint64().Draw(rt, "seed")

		want := converse(rt, newFakeNode(shards), 1024, pipeline, len(pipeline))
		slow := newSlowShards(shards, seed)
		if chance := rapid.SampledFrom([]float64{0, 0.5, 1}).Draw(rt, "looks"); chance > 0 {
			coin := rand.New(rand.NewPCG(seed, 1))
			slow.look = func(l *wire.Look) bool { return coin.Float64() < chance && slow.lookAt(l) }
		}
		got := converse(rt, slow, window, pipeline, cut)
		slow.stop()
		require.Equal(rt, want, got)
		require.Empty(rt, slow.faults)
	})
}

// converse serves one connection over a pipe and returns what a pipeline was answered.
func converse(t require.TestingT, b Backend, window int, pipeline string, cut int) string {
	s := &Server{
		opts: Options{MaxPipeline: window}.withDefaults(), backend: b, self: b.Self().ID,
		started: time.Now(), stopped: make(chan struct{}), conns: make(map[uint64]*conn),
	}
	client, server := net.Pipe()
	c := newConn(s, server, 1)
	go c.readLoop()
	go c.writeLoop()
	go func() {
		text := pipeline + "QUIT\r\n"
		for len(text) > 0 {
			n, err := io.WriteString(client, text[:min(cut, len(text))])
			if text = text[n:]; err != nil {
				return
			}
		}
	}()
	_ = client.SetReadDeadline(time.Now().Add(10 * time.Second))
	reply, err := io.ReadAll(client)
	require.NoError(t, err)
	return string(reply)
}

// Consecutive commands of a pipeline travel in one call per shard.
func TestPipelineGroupsByShard(t *testing.T) {
	n := newFakeNode(2)
	var mu sync.Mutex // the connection's reader and its writer submit calls
	var calls []int
	n.submit = func(call *wire.Call) {
		mu.Lock()
		calls = append(calls, len(call.Commands))
		mu.Unlock()
		require.EqualValues(t, 3, call.Epoch)
		require.False(t, call.Local)
		require.InDelta(t, 5000, call.TimeoutMillis, 100)
		n.answer(call)
	}
	// foo is on shard 2, hello and bar on shard 1.
	converse(t, n, 1024, strings.Repeat("SET foo 1\r\nSET bar 1\r\nSET hello 1\r\n", 5), 1<<20)
	require.ElementsMatch(t, []int{5, 10}, calls)

	// A read waits for the writes before it; the first reads travel alone; MSET's pairs stay together.
	calls = nil
	converse(t, n, 1024, "SET foo 1\r\nGET foo\r\nGET foo\r\nMSET foo 1 bar 2 foo 3 hello 4\r\n", 1<<20)
	require.ElementsMatch(t, []int{1, 2, 1, 1, 2}, calls)
}

// A call is not made larger than callBytesMax by commands that could as well travel later.
func TestPipelineSplitsLargeCalls(t *testing.T) {
	q := &queue{}
	add := func(seq uint64, op wire.Op, size int) {
		q.parts = append(q.parts, part{ref: ref{seq: seq}, cmd: wire.Command{Op: op, Value: make([]byte, size)}})
	}
	add(1, wire.OpSet, callBytesMax-10)
	add(2, wire.OpSet, 5)
	add(3, wire.OpSet, 50)
	require.Equal(t, 2, q.run(0))
	q.drop(2)
	add(3, wire.OpSet, 2*callBytesMax) // the same command: not torn apart
	add(4, wire.OpGet, 0)
	require.Equal(t, 2, q.run(0))
	q.drop(2)
	require.Equal(t, 1, q.run(0))
}

// Nor by answers that will be long, and what nobody can guess travels alone.
func TestPipelineSplitsLargeAnswers(t *testing.T) {
	q := &queue{}
	for seq := range uint64(100) {
		q.parts = append(q.parts, part{ref: ref{seq: seq}, cmd: wire.Command{Op: wire.OpGet, Key: []byte("k")}})
	}
	require.Equal(t, 100, q.run(100))
	require.Equal(t, 5, q.run(200_000))
	require.Equal(t, 1, q.run(10*callBytesMax))
	c := &conn{srv: &Server{}}
	require.Equal(t, 1, q.run(c.answerSize()), "nothing was read yet")
	c.learn(200_000)
	c.hasRead = true
	require.Equal(t, 5, q.run(c.answerSize()))
	c.guess = 0
	require.Equal(t, 100, q.run(c.answerSize()), "nothing is found")
}

// Writes that answer with a value do not travel in hundreds either, whatever is guessed: what they take away comes once. Other
// writes are not held up by what reads were answered.
func TestPipelineSplitsWritesThatAnswer(t *testing.T) {
	of := func(cmd wire.Command) *queue {
		q := &queue{}
		for seq := range uint64(100) {
			q.parts = append(q.parts, part{ref: ref{seq: seq}, cmd: cmd})
		}
		return q
	}
	for _, cmd := range []wire.Command{{Op: wire.OpGetDelete}, {Op: wire.OpGetExpire}, {Op: wire.OpSet, Flags: wire.FlagGet}} {
		require.Equal(t, 16, of(cmd).run(0))
		require.Equal(t, 5, of(cmd).run(200_000))
		require.Equal(t, 1, of(cmd).run(callBytesMax))
	}
	require.Equal(t, 100, of(wire.Command{Op: wire.OpSet}).run(callBytesMax))
	require.Equal(t, 100, of(wire.Command{Op: wire.OpDelete}).run(callBytesMax))
}

// theConn is the server's only connection.
func theConn(t *testing.T, s *Server) *conn {
	t.Helper()
	require.Eventually(t, func() bool { return len(s.clients()) == 1 }, 5*time.Second, time.Millisecond)
	return s.clients()[0]
}

func (c *conn) parked() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.readerParked
}

// Replies that are owed are bounded: when the window is full, reading stops until shards answer.
func TestBackpressureWindow(t *testing.T) {
	const window, total = 8, 1000
	n := newFakeNode(1024)
	var mu sync.Mutex
	var held []*wire.Call
	holding := true
	n.submit = func(call *wire.Call) {
		mu.Lock()
		if holding {
			held = append(held, call)
			mu.Unlock()
			return
		}
		mu.Unlock()
		n.answer(call)
	}
	s := serve(t, n, func(o *Options) { o.MaxPipeline = window })
	nc := dial(t, s)
	go func() {
		for i := range total {
			_, _ = fmt.Fprintf(nc, "GET key-%d\r\n", i)
		}
	}()
	c := theConn(t, s)
	require.Eventually(t, c.parked, 5*time.Second, time.Millisecond)
	require.LessOrEqual(t, n.commands.Load(), int64(window))

	mu.Lock()
	holding = false
	mu.Unlock()
	for _, call := range held {
		n.answer(call)
	}
	_, err := io.ReadFull(nc, make([]byte, total*len("$-1\r\n")))
	require.NoError(t, err)
}

// A client that does not read is not read from, and costs no more than its output limit and a
// few replies.
func TestBackpressureOutput(t *testing.T) {
	const limit, size, total = 1 << 20, 100_000, 2000
	n := newFakeNode(1)
	n.data["big"] = fakeValue{value: make([]byte, size)}
	s := serve(t, n, func(o *Options) { o.OutputBufferMax = limit })
	nc := dial(t, s)
	go func() {
		for range total {
			_, _ = io.WriteString(nc, "GET big\r\n")
		}
	}()
	c := theConn(t, s)
	require.Eventually(t, c.parked, 10*time.Second, time.Millisecond)
	c.mu.Lock()
	require.Less(t, c.held(), limit+pumpEvery*size)
	c.mu.Unlock()
	require.Less(t, n.commands.Load(), int64(total))

	_, err := io.CopyN(io.Discard, nc, int64(total*(size+len("$100000\r\n\r\n"))))
	require.NoError(t, err)
	require.EqualValues(t, total, n.commands.Load())
}

// A client that sends a long pipeline before it reads anything is served all the same, within
// the output limit: many clients do so.
func TestPipelineUnreadUntilSent(t *testing.T) {
	n := newFakeNode(8)
	s := serve(t, n)
	nc := dial(t, s)
	value, count := strings.Repeat("v", 1000), 20000
	var b strings.Builder
	for i := range count {
		fmt.Fprintf(&b, "SET key-%d %s\r\nGET key-%d\r\n", i, value, i)
	}
	_, err := io.WriteString(nc, b.String())
	require.NoError(t, err)
	_, err = io.CopyN(io.Discard, nc, int64(count*(len("+OK\r\n")+len("$1000\r\n\r\n")+1000)))
	require.NoError(t, err)
}

// What a reply repeats of its command is what was sent, though the client reads it long after the next commands have come.
func TestRepeatedArgumentsAreKept(t *testing.T) {
	const count, stuck, size = 8, 20, 20_000
	s := serve(t, newFakeNode(1))
	nc := dial(t, s)
	talk := func(seen uint64, command string) {
		_, err := io.WriteString(nc, command)
		require.NoError(t, err)
		require.Eventually(t, func() bool { return s.stats.commands.Load() == seen }, 5*time.Second, time.Millisecond)
	}
	filler := strings.Repeat("x", 1<<20)
	for i := range stuck { // more than the sockets take
		talk(uint64(i+1), fmt.Sprintf("*2\r\n$4\r\nECHO\r\n$%d\r\n%s\r\n", len(filler), filler))
	}
	var want strings.Builder
	for i := range count {
		key := strings.Repeat(string(rune('a'+i)), size)
		talk(uint64(stuck+i+1), fmt.Sprintf("*4\r\n$7\r\nCOMMAND\r\n$7\r\nGETKEYS\r\n$3\r\nGET\r\n$%d\r\n%s\r\n", size, key))
		fmt.Fprintf(&want, "*1\r\n$%d\r\n%s\r\n", size, key)
	}
	_, err := io.CopyN(io.Discard, nc, int64(stuck*(len("$1048576\r\n\r\n")+len(filler))))
	require.NoError(t, err)
	got := make([]byte, want.Len())
	_, err = io.ReadFull(nc, got)
	require.NoError(t, err)
	require.True(t, want.String() == string(got), "keys of other commands were sent")
}
