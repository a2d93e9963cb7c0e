package delay

import (
	"bytes"
	"context"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// echo is a server that gives back what it gets.
func echo(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(c, c)
				_ = c.Close()
			}()
		}
	}()
	return l.Addr().String()
}

// proxied is a connection to a server through a proxy.
func proxied(t *testing.T, server string, l *Link) (*Proxy, *net.TCPConn) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := Serve(listener, Options{
		Dial: func(ctx context.Context, _ net.Conn) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", server)
		},
		Link: func(net.Conn) *Link { return l },
	})
	t.Cleanup(func() { _ = p.Close() })
	c, err := net.Dial("tcp", p.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(20*time.Second)))
	return p, c.(*net.TCPConn)
}

// What is lost comes when it is sent again, and what follows not before it.
func TestLossIsLate(t *testing.T) {
	var w Way
	w.Set(Pace{Delay: time.Millisecond, Lost: 500, Again: time.Second})
	late := 0
	for range 1000 {
		switch w.draw() {
		case time.Millisecond:
		case time.Second + time.Millisecond:
			late++
		default:
			t.Fatal("neither lost nor not")
		}
	}
	require.InDelta(t, 500, late, 150)
}

// roundTrip is how long a byte takes to the server and back: the shortest of a few, since the others
// had to wait for a busy machine, too.
func roundTrip(t *testing.T, c net.Conn, times int) time.Duration {
	var took []time.Duration
	for range times {
		from := time.Now()
		_, err := c.Write([]byte{1})
		require.NoError(t, err)
		_, err = io.ReadFull(c, make([]byte, 1))
		require.NoError(t, err)
		took = append(took, time.Since(from))
	}
	return slices.Min(took)
}

// A delay is what it says, in each direction and at once, also on connections that are open. Nothing
// ever takes less; how much more it takes is the machine's affair, and here a few milliseconds.
func TestDelayIsWhatItSays(t *testing.T) {
	var l Link
	_, c := proxied(t, echo(t), &l)
	require.Less(t, roundTrip(t, c, 20), 5*time.Millisecond, "no delay")
	require.Zero(t, l.There.Delayed()+l.Back.Delayed())
	const ms = time.Millisecond
	for _, d := range []struct{ there, back Pace }{
		{Pace{Delay: 20 * ms}, Pace{}},
		{Pace{}, Pace{Delay: 20 * ms}},
		{Pace{Delay: 20 * ms}, Pace{Delay: 20 * ms}},
		{Pace{Delay: 5 * ms}, Pace{Delay: 15 * ms}},
	} {
		l.Set(d.there, d.back)
		want, got := d.there.Delay+d.back.Delay, roundTrip(t, c, 9)
		t.Logf("%v there, %v back: %v", d.there.Delay, d.back.Delay, got)
		require.GreaterOrEqual(t, got, want)
		require.Less(t, got, want+8*ms)
	}
	require.Positive(t, l.There.Delayed())
	require.Positive(t, l.Back.Delayed())
	l.Set(Pace{}, Pace{})
	require.Less(t, roundTrip(t, c, 20), 5*time.Millisecond, "as fast as before")
}

// Jitter is between nothing and its bound, on top of the delay.
func TestJitter(t *testing.T) {
	w := Way{pace: Pace{Delay: 10, Jitter: 5}}
	seen := map[time.Duration]int{}
	for range 1000 {
		seen[w.draw()]++
	}
	for d, n := range seen {
		require.GreaterOrEqual(t, d, time.Duration(10))
		require.Less(t, d, time.Duration(15))
		require.Greater(t, n, 100)
	}
	require.Len(t, seen, 5)
}

// Much goes through at once, unchanged and in order, whatever the jitter; the end is passed on, and
// what the server still has to say after it comes back.
func TestStreamIsUnchanged(t *testing.T) {
	var l Link
	l.Set(Pace{Delay: time.Millisecond, Jitter: 10 * time.Millisecond}, Pace{Jitter: 3 * time.Millisecond})
	_, c := proxied(t, echo(t), &l)
	sent := make([]byte, 3*queueMax)
	for i := range sent {
		sent[i] = byte(i * i >> 7)
	}
	go func() {
		_, _ = c.Write(sent)
		_ = c.CloseWrite()
	}()
	got, err := io.ReadAll(c)
	require.NoError(t, err)
	require.True(t, bytes.Equal(sent, got))
}

// What waits is bounded.
func TestQueueIsBounded(t *testing.T) {
	var w Way
	w.Set(Pace{Delay: time.Hour})
	q := newQueue(&w)
	full := make(chan int)
	go func() {
		n := 1
		for q.put(make([]byte, queueMax/4)) {
			n++
		}
		full <- n
	}()
	require.Eventually(t, func() bool {
		q.mu.Lock()
		defer q.mu.Unlock()
		return q.bytes >= queueMax
	}, 5*time.Second, time.Millisecond)
	q.abandon()
	require.Equal(t, 4, <-full)
	require.Equal(t, queueMax, q.bytes)
}

// Nobody at the other end: the connection is closed. A proxy that is closed closes what it carries.
func TestEnds(t *testing.T) {
	var l Link
	l.Set(Pace{Delay: 50 * time.Millisecond}, Pace{}) // or the end comes before the test has its connection
	_, c := proxied(t, "127.0.0.1:1", &l)
	_, err := c.Read(make([]byte, 1))
	require.Error(t, err)

	l.Set(Pace{Delay: time.Hour}, Pace{})
	p, c := proxied(t, echo(t), &l)
	_, err = c.Write([]byte("never"))
	require.NoError(t, err)
	require.NoError(t, p.Close())
	_, err = c.Read(make([]byte, 1))
	require.Error(t, err)
}

// A connection of this process itself can be made slow.
func TestThrough(t *testing.T) {
	var l Link
	server := echo(t)
	far, err := net.Dial("tcp", server)
	require.NoError(t, err)
	c := Through(far, &l)
	require.Equal(t, server, c.RemoteAddr().String())
	l.Set(Pace{Delay: 20 * time.Millisecond}, Pace{Delay: 20 * time.Millisecond})
	got := roundTrip(t, c, 5)
	require.GreaterOrEqual(t, got, 40*time.Millisecond)
	require.Less(t, got, 50*time.Millisecond)
	require.NoError(t, c.Close())
	require.Eventually(t, func() bool {
		_, err := far.Write([]byte{1})
		return err != nil
	}, 5*time.Second, time.Millisecond, "the far end is closed, too")
}
