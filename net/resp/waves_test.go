package resp

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// manyKeys is a command with n keys, each followed by what is given.
func manyKeys(name, key string, n int, then ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n$%d\r\n%s\r\n", 1+n*(1+len(then)), len(name), name)
	for i := range n {
		for _, arg := range append([]string{key + strconv.Itoa(i)}, then...) {
			fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(arg), arg)
		}
	}
	return b.String()
}

// aloft answers a node's calls a little later, and tells how many of their commands were without an answer at most.
func aloft(n *fakeNode, after time.Duration) (most *atomic.Int64) {
	most = new(atomic.Int64)
	var now atomic.Int64
	n.submit = func(call *wire.Call) {
		all := now.Add(int64(len(call.Commands)))
		for before := most.Load(); all > before && !most.CompareAndSwap(before, all); before = most.Load() {
		}
		time.AfterFunc(after, func() {
			now.Add(-int64(len(call.Commands)))
			n.answer(call)
		})
	}
	return most
}

func replyTo(t *testing.T, c net.Conn, in *bufio.Reader, text string) string {
	go func() { _, _ = io.WriteString(c, text) }()
	line, err := in.ReadString('\n')
	require.NoError(t, err)
	return line
}

// Keys of long commands are on their way by so many at a time, and every one is answered in its place.
func TestLongCommandsGoOutInWaves(t *testing.T) {
	const keys = 150_000
	n := newFakeNode(64)
	most := aloft(n, time.Millisecond)
	s := serve(t, n, timeIs(new(atomic.Int64)), func(o *Options) { o.BuffersMax = 1 << 20 })
	c := dialPatiently(t, s)
	in := bufio.NewReader(c)
	require.Equal(t, "+OK\r\n", replyTo(t, c, in, manyKeys("MSET", "k", keys, "v")))
	require.Equal(t, ":150000\r\n", replyTo(t, c, in, manyKeys("EXISTS", "k", keys)))
	n.mu.Lock()
	for i := range keys {
		n.data["k"+strconv.Itoa(i)] = fakeValue{value: []byte(strconv.Itoa(i))}
	}
	n.mu.Unlock()
	go func() {
		_, _ = io.WriteString(c, "SET k7 seven\r\n"+manyKeys("MGET", "k", keys)+"SET k8 eight\r\nGET k8\r\n")
	}()
	for _, want := range []string{"+OK", "*150000"} {
		line, err := in.ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, want+"\r\n", line)
	}
	for i := range keys {
		_, err := in.ReadString('\n')
		require.NoError(t, err)
		value, err := in.ReadString('\n')
		require.NoError(t, err)
		if want := strconv.Itoa(i); i != 7 {
			require.Equal(t, want+"\r\n", value)
		} else {
			require.Equal(t, "seven\r\n", value)
		}
	}
	for _, want := range []string{"+OK", "$5", "eight"} {
		line, err := in.ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, want+"\r\n", line)
	}
	require.Equal(t, ":150000\r\n", replyTo(t, c, in, manyKeys("DEL", "k", keys)))
	require.LessOrEqual(t, most.Load(), int64(waveKeys))
	require.Eventually(t, func() bool { return s.Buffered() == 0 }, 5*time.Second, time.Millisecond)
	require.Empty(t, s.unfinished.line)
}

// Commands of many short keys, each too short to count by its bytes, take turns by what their keys cost; and all are answered.
func TestCommandsOfManyKeysTakeTurns(t *testing.T) {
	const most, keys, clients = 2 << 20, 4000, 40
	n := newFakeNode(64)
	commands := aloft(n, 10*time.Millisecond)
	s := serve(t, n, func(o *Options) { o.BuffersMax = most })
	text := manyKeys("EXISTS", "k", keys)
	require.Less(t, len(text), chunkMax)
	var all sync.WaitGroup
	replies := make(chan string, 2*clients)
	for range clients {
		c := dial(t, s)
		all.Go(func() {
			in := bufio.NewReader(c)
			go func() { _, _ = io.WriteString(c, text+text) }()
			for range 2 {
				line, err := in.ReadString('\n')
				replies <- fmt.Sprint(line, err)
			}
		})
	}
	all.Wait()
	for range 2 * clients {
		require.Equal(t, ":0\r\n<nil>", <-replies)
	}
	require.Zero(t, s.stats.cutOff.Load())
	require.LessOrEqual(t, commands.Load(), int64(2*most/partBytes+keys)) // and whose turn it is
	require.Eventually(t, func() bool { return s.Buffered() == 0 }, 5*time.Second, time.Millisecond)
}

// A pipeline of commands of a few keys each stops being read when all connections' keys cost too much, and no one is cut off.
func TestAPipelineOfKeysIsBounded(t *testing.T) {
	const most, keys, clients, deep = 1 << 20, 100, 10, 400
	n := newFakeNode(64)
	commands := aloft(n, 5*time.Millisecond)
	s := serve(t, n, func(o *Options) { o.BuffersMax = most })
	text := strings.Repeat(manyKeys("EXISTS", "k", keys), deep)
	var all sync.WaitGroup
	var conns []net.Conn
	for range clients {
		conns = append(conns, dial(t, s))
	}
	require.Eventually(t, func() bool { return s.connected.Load() == clients }, 5*time.Second, time.Millisecond) // one alone may have all the room
	for _, c := range conns {
		all.Go(func() {
			go func() { _, _ = io.WriteString(c, text) }()
			_, _ = io.CopyN(io.Discard, c, deep*int64(len(":0\r\n")))
		})
	}
	all.Wait()
	require.Zero(t, s.stats.cutOff.Load())
	require.LessOrEqual(t, commands.Load(), int64(2*most/partBytes+clients*keys)) // whoever came first may have all the room, and each its share beside; and its last command
}

// What one shard is asked for by one command stays together, so there is a bound on it: what is beyond is refused before anything is done.
func TestKeysOfOneShardAreBounded(t *testing.T) {
	n := newFakeNode(64)
	most := aloft(n, time.Millisecond)
	s := serve(t, n, func(o *Options) { o.BuffersMax = 1 << 20 })
	c := dial(t, s)
	in := bufio.NewReader(c)
	require.Equal(t, "+OK\r\n", replyTo(t, c, in, manyKeys("MSET", "{a}", shardKeysLeast, "v")))
	require.Equal(t, int64(shardKeysLeast), most.Load())
	require.Contains(t, replyTo(t, c, in, manyKeys("DEL", "{a}", shardKeysLeast+1)), "ERR the command names more than 65536 keys of one shard")
	require.Len(t, n.data, shardKeysLeast)
	require.Equal(t, "+PONG\r\n", replyTo(t, c, in, "PING\r\n"))
	require.Eventually(t, func() bool { return s.Buffered() == 0 }, 5*time.Second, time.Millisecond)
}

// A client that goes away between two waves takes its command with it.
func TestAWaveWithoutAClient(t *testing.T) {
	n := newFakeNode(64)
	calls := make(chan *wire.Call, 1000)
	n.submit = func(call *wire.Call) { calls <- call }
	s := serve(t, n, func(o *Options) { o.BuffersMax = 1 << 20 })
	c := dial(t, s)
	go func() { _, _ = io.WriteString(c, manyKeys("EXISTS", "k", 100_000)) }()
	first := <-calls
	for _, one := range s.clients() {
		one.kill()
	}
	n.answer(first)
	require.Eventually(t, func() bool { return len(s.clients()) == 0 }, 5*time.Second, time.Millisecond)
	require.Zero(t, s.Buffered())
}

// A connection does not keep a long list of arguments while it waits for its client.
func TestALongListOfArgumentsIsGivenBack(t *testing.T) {
	r := newReader(1<<20, 1<<26)
	src := &cutter{[]byte(manyKeys("EXISTS", "k", 5000)), func() int { return 1 << 20 }}
	for {
		args, err := r.next()
		require.NoError(t, err)
		if args != nil {
			require.Len(t, args, 5001)
			break
		}
		_, err = r.fill(src)
		require.NoError(t, err)
	}
	_, _ = r.next()
	_, _ = r.fill(src)
	require.LessOrEqual(t, cap(r.args), argsKept)
}

// An MGET whose answer would cost its client the connection, though no value in it is long, is refused for it.
func TestAnAnswerOfManyShortValuesIsRefused(t *testing.T) {
	const most, keys = 64 << 10, 20_000
	n := newFakeNode(64)
	s := serve(t, n, func(o *Options) { o.BuffersMax = most })
	c := dial(t, s)
	in := bufio.NewReader(c)
	require.Contains(t, replyTo(t, c, in, manyKeys("MGET", "k", 2*keys)), "larger than the node allows") // absent
	for i := range keys {
		n.data["k"+strconv.Itoa(i)] = fakeValue{value: []byte("v")}
	}
	require.Contains(t, replyTo(t, c, in, manyKeys("MGET", "k", keys)), "larger than the node allows")
	require.Equal(t, "+PONG\r\n", replyTo(t, c, in, "PING\r\n"))
	require.Zero(t, s.stats.cutOff.Load())
}

// A command of many keys does not wait for room that a command before it in the pipeline has, which was answered at once.
func TestRoomForKeysBehindWhatIsAnsweredAtOnce(t *testing.T) {
	n := newFakeNode(64)
	s := serve(t, n, func(o *Options) { o.BuffersMax = 1 << 20 })
	refused, long := manyKeys("EXISTS", "{a}", shardKeysLeast+1), manyKeys("EXISTS", "k", 1000)
	for _, first := range []string{refused, fmt.Sprintf("*2\r\n$4\r\nECHO\r\n$%d\r\n%s\r\n", 4<<20, strings.Repeat("v", 4<<20))} {
		c := dial(t, s)
		require.NoError(t, c.SetDeadline(time.Now().Add(5*time.Second)))
		go func() { _, _ = io.WriteString(c, first+long+"PING\r\n") }()
		in := bufio.NewReaderSize(c, 8<<20)
		for line := ""; line != "+PONG\r\n"; {
			var err error
			line, err = in.ReadString('\n')
			require.NoError(t, err)
		}
	}
	require.Eventually(t, func() bool { return s.Buffered() == 0 }, 5*time.Second, time.Millisecond)
	require.Empty(t, s.unfinished.line)
}

// What stands behind a long command in the pipeline has as long as any command, from when that one is under way.
func TestWhatStandsBehindWavesIsNotLate(t *testing.T) {
	n := newFakeNode(64)
	var now atomic.Int64
	n.submit = func(call *wire.Call) {
		now.Add(int64(10 * time.Millisecond)) // a wave is 16 calls
		n.answer(call)
	}
	s := serve(t, n, timeIs(&now), func(o *Options) { o.Timeout = 400 * time.Millisecond })
	c := dialPatiently(t, s)
	in := bufio.NewReader(c)
	require.Equal(t, ":0\r\n", replyTo(t, c, in, manyKeys("EXISTS", "k", 4*waveKeys)+"SET k v\r\n"))
	require.GreaterOrEqual(t, now.Load(), int64(640*time.Millisecond))
	line, err := in.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "+OK\r\n", line)
}

// Nor does a command lose what time it has while it waits for room.
func TestWhoWaitsForRoomForKeysIsNotLate(t *testing.T) {
	const most = 1 << 20
	n := newFakeNode(64)
	var now atomic.Int64
	calls := make(chan *wire.Call, 2*64)
	defer close(calls)
	n.submit = func(call *wire.Call) { calls <- call }
	s := serve(t, n, timeIs(&now), func(o *Options) { o.BuffersMax, o.Timeout = most, 400*time.Millisecond })
	first, second := dialPatiently(t, s), dialPatiently(t, s)
	_, err := io.WriteString(first, manyKeys("EXISTS", "k", 2*most/partBytes))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return s.holdsForKeys() > most }, 20*time.Second, time.Millisecond)
	_, err = io.WriteString(second, manyKeys("EXISTS", "k", 1000))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return s.unfinished.waiters() == 1 }, 20*time.Second, time.Millisecond)
	now.Add(int64(600 * time.Millisecond))
	go func() {
		for call := range calls {
			n.answer(call)
		}
	}()
	line, err := bufio.NewReader(second).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, ":0\r\n", line)
}

func (s *Server) holdsForKeys() int64 {
	s.unfinished.mu.Lock()
	defer s.unfinished.mu.Unlock()
	return s.unfinished.held
}
