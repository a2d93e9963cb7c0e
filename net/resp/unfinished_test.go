package resp

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"slices"
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
	for began := time.Now(); s.stats.cutOff.Load() == 0; { // for as long as the first one keeps the others waiting
		require.Less(t, time.Since(began), 30*time.Second, "nobody is cut off")
		require.Less(t, s.Buffered(), int64(2*most+2*long))
		require.Contains(t, roundTrip(t, s, "SET k v\r\n"), "+OK")
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
	s := serve(t, n, noTimeLeft, func(o *Options) { o.BuffersMax = 4 << 20 })
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

// setOf is a SET of so many bytes: its head and all but its last byte, and that one.
func setOf(bytes int) (most, rest string) {
	text := fmt.Sprintf("*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$%d\r\n%s\r\n", bytes, strings.Repeat("v", bytes))
	return text[:len(text)-3], text[len(text)-3:]
}

func send(t *testing.T, c net.Conn, text string) {
	_, err := io.WriteString(c, text)
	require.NoError(t, err)
}

func (u *unfinished) waiters() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.waiting
}

// The time that a command has waited for room is not held against its client.
func TestWhoHasWaitedIsNoLaggard(t *testing.T) {
	const most, long = 64 << 10, 600 << 10
	s := serve(t, newFakeNode(4), func(o *Options) { o.BuffersMax = most })
	u := &s.unfinished
	u.mu.Lock()
	u.stall, u.rest = time.Hour, time.Hour // the first one takes its time, as it may
	u.mu.Unlock()
	head, rest := setOf(long)
	first, second, third := dial(t, s), dial(t, s), dial(t, s)
	send(t, first, head)
	require.Eventually(t, func() bool { return s.Buffered() > long/2 }, 5*time.Second, time.Millisecond)
	for i, c := range []net.Conn{second, third} {
		go func() { _, _ = io.WriteString(c, head) }()
		require.Eventually(t, func() bool { return u.waiters() == i+1 }, 5*time.Second, time.Millisecond)
	}
	require.Eventually(t, func() bool { // the second has waited for longer than a command may take
		u.mu.Lock()
		defer u.mu.Unlock()
		i := slices.IndexFunc(u.line, func(c *claim) bool { return c.conn.nc.RemoteAddr().String() == second.LocalAddr().String() })
		return i >= 0 && s.now()-u.line[i].since > int64(600*time.Millisecond)
	}, 5*time.Second, time.Millisecond)
	u.mu.Lock()
	u.rest = 500 * time.Millisecond
	u.stall = 500 * time.Millisecond
	u.mu.Unlock()
	send(t, first, rest)
	require.Eventually(t, func() bool {
		u.mu.Lock()
		defer u.mu.Unlock()
		return len(u.line) > 0 && !u.line[0].waits && u.line[0].conn.nc.RemoteAddr().String() == second.LocalAddr().String()
	}, 5*time.Second, time.Millisecond)
	require.Equal(t, 1, u.waiters())
	require.Empty(t, u.laggards(s.now()))
	send(t, second, rest)
	line, err := bufio.NewReader(second).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "+OK\r\n", line)
}

// A client that sends long commands without end takes turns with the others, and is no laggard for it.
func TestAPipelineOfLongCommandsTakesTurns(t *testing.T) {
	const most, long = 1 << 20, 200 << 10
	n := newFakeNode(16)
	n.submit = func(call *wire.Call) { time.AfterFunc(10*time.Millisecond, func() { n.answer(call) }) }
	s := serve(t, n, func(o *Options) { o.BuffersMax = most })
	u := &s.unfinished
	u.mu.Lock()
	u.rest = 500 * time.Millisecond
	u.mu.Unlock()
	head, rest := setOf(long)
	text := head + rest
	for i := range 7 {
		text += strings.Replace(head+rest, "big", fmt.Sprint("k-", i), 1)
	}
	endless := dial(t, s)
	go func() { _, _ = io.Copy(io.Discard, endless) }()
	go func() {
		for {
			if _, err := io.WriteString(endless, text); err != nil {
				return
			}
		}
	}()
	large, restOfLarge := setOf(20 * long) // for which there is room only when it is its turn
	for range 5 {
		require.Eventually(t, func() bool { return s.Buffered() > long }, 5*time.Second, time.Millisecond)
		other := dial(t, s)
		go func() { _, _ = io.WriteString(other, large+restOfLarge) }()
		line, err := bufio.NewReader(other).ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, "+OK\r\n", line)
	}
	require.Zero(t, s.stats.cutOff.Load())
}

// A client that goes on sending long commands to a shard that answers slowly keeps nobody from sending others their own.
func TestOneClientDoesNotTakeAllRoom(t *testing.T) {
	const most, size = 1 << 20, 100_000
	n, slow, calls := oneSilentShard()
	s := serve(t, n, func(o *Options) { o.BuffersMax = most })
	endless := dial(t, s)
	go func() { _, _ = io.WriteString(endless, strings.Repeat(setsOf(0, 1, size), 100)) }()
	c := theConn(t, s)
	require.Eventually(t, func() bool {
		c.mu.Lock()
		full := c.asked > most && c.readerParked
		c.mu.Unlock()
		if full && s.unfinished.waiters() == 0 {
			n.answer(<-calls) // and not all that it has asked
		}
		return s.unfinished.waiters() == 1
	}, 20*time.Second, time.Millisecond)
	othersAreServed(t, s, n, slow, size)
	require.Equal(t, 1, s.unfinished.waiters())
}

// Who does not read its answers keeps nobody from sending long commands.
func TestWhoDoesNotReadKeepsNobodyWaiting(t *testing.T) {
	const most, long = 64 << 10, 16 << 20
	s := serve(t, newFakeNode(4), func(o *Options) { o.BuffersMax, o.OutputBufferMax = most, 1<<20 })
	silent := dial(t, s)
	send(t, silent, fmt.Sprintf("*2\r\n$4\r\nECHO\r\n$%d\r\n%s\r\n", long, strings.Repeat("v", long)))
	require.Eventually(t, func() bool { return s.buffered.Load() > long/4 }, 5*time.Second, time.Millisecond)
	head, rest := setOf(1 << 20)
	other := dial(t, s)
	require.NoError(t, other.SetDeadline(time.Now().Add(5*time.Second)))
	go func() { _, _ = io.WriteString(other, head+rest) }()
	line, err := bufio.NewReader(other).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "+OK\r\n", line)
}

// An answer that comes just when a waiting connection looks whether it is over does not cost it its place, nor anybody the room.
func TestAWaiterKeepsItsPlace(t *testing.T) {
	s := serve(t, newFakeNode(4), func(o *Options) { o.BuffersMax = 64 << 10 })
	u := &s.unfinished
	claimOf := func() *claim { return &claim{of: u, conn: newConn(s, dial(t, s), 0)} }
	first, second := claimOf(), claimOf()
	require.True(t, first.hold(1<<20))
	held := make(chan bool)
	go func() { held <- second.hold(1 << 20) }()
	require.Eventually(t, func() bool { return u.waiters() == 1 }, 5*time.Second, time.Millisecond)
	second.conn.mu.Lock()
	u.mu.Lock()
	u.changed.Broadcast()
	u.mu.Unlock()
	time.Sleep(50 * time.Millisecond) // it is between the two locks
	second.answered()
	second.conn.mu.Unlock()
	first.release()
	require.True(t, <-held)
	second.release()
	require.Zero(t, u.held)
	require.Empty(t, u.line)
}

// Who has sent much of a command, and then an argument that is too long, is listened to for a while longer (close); what it had sent is not kept for that.
func TestWhatIsRefusedIsNotKept(t *testing.T) {
	const size = 1 << 20
	s := serve(t, newFakeNode(1), func(o *Options) { o.BuffersMax, o.MaxValue = 16<<20, size })
	nc := dial(t, s)
	send(t, nc, "MULTI\r\nSET k v\r\n"+fmt.Sprintf("*5\r\n$4\r\nMSET\r\n$1\r\na\r\n$%d\r\n%s\r\n$1\r\nb\r\n$%d\r\n", size, strings.Repeat("v", size), 500<<20))
	say(t, nc, "", "+OK\r\n+QUEUED\r\n-ERR Protocol error")
	c := s.clients()[0] // it is still there
	require.Eventually(t, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.ended
	}, 5*time.Second, time.Millisecond)
	require.Zero(t, s.Buffered())
	require.Zero(t, cap(c.in.buf))
	require.Nil(t, c.multi)
}
