package peer

import (
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// settled waits until gRPC has written all that it was given for a peer's data.
func (e *end) settled(t *testing.T, addr string) {
	t.Helper()
	l := e.link(addr)
	require.Eventually(t, func() bool {
		l.data.sends.Lock()
		defer l.data.sends.Unlock()
		return l.data.stream != nil && l.data.unwritten.bytes.Load() == 0 && l.data.queue.size() == 0
	}, 10*time.Second, time.Millisecond)
}

// A frame for a connection that has nothing else to do has left when Send returns: nobody is woken for it.
func TestAFrameIsSentBySendItself(t *testing.T) {
	a, b := listen(t, Options{}), listen(t, Options{})
	a.Send(b.addr, chunk(0, 10)) // opens the connection
	b.next(t)
	const frames = 20
	direct := 0
	for seq := range uint64(frames) {
		a.settled(t, b.addr)
		sent := a.Stats().PacketsSent
		a.Send(b.addr, chunk(seq, 10))
		direct += int(a.Stats().PacketsSent - sent)
		b.next(t)
	}
	require.Greater(t, direct, frames/2, "the track may still be busy with its first one")
	a.settled(t, b.addr)
	sent := a.Stats().PacketsSent
	a.link(b.addr).data.sends.Lock() // as if another did
	a.Send(b.addr, chunk(0, 10))
	require.Equal(t, sent, a.Stats().PacketsSent, "it waits for its turn")
	a.link(b.addr).data.sends.Unlock()
	b.next(t)
}

// What gRPC holds unwritten is known to the byte, whatever it is made of, and whatever has become of earlier streams.
func TestWhatIsUnwrittenIsKnown(t *testing.T) {
	a, b := listen(t, Options{}), listen(t, Options{})
	addr := b.addr
	for _, size := range []int{0, 10, 5000, apartLeast, directMost, 100 << 10, 3 << 20} {
		a.Send(addr, chunk(0, size))
		require.Len(t, b.next(t).Messages[0].(*wire.SnapshotChunk).Data, size)
		a.settled(t, addr)
	}
	_ = b.Close(expired())
	for range 100 {
		a.Send(addr, chunk(0, 1000)) // lost
	}
	b = listen(t, Options{Addr: addr})
	require.Eventually(t, func() bool {
		a.Send(addr, chunk(0, 10))
		return len(b.frames) > 0
	}, 10*time.Second, 5*time.Millisecond)
	a.settled(t, addr)
}

// A peer that takes nothing holds up nobody who has something for it; it gets all, in order, once it does.
func TestSendNeverWaits(t *testing.T) {
	a := listen(t, Options{})
	release, frames := make(chan struct{}), make(chan uint64, 20_000)
	n, err := Listen(Options{Addr: "127.0.0.1:0", Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}, func(f *wire.Frame) {
		<-release
		frames <- seqs(f)[0]
	})
	require.NoError(t, err)
	go func() { _ = n.Serve() }()
	defer func() { _ = n.Close(expired()) }()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for seq := range uint64(cap(frames)) {
			a.Send(n.Addr().String(), chunk(seq, 1<<10)) // five times what flow control lets under way
		}
	}()
	select {
	case <-sent:
	case <-time.After(20 * time.Second):
		close(release)
		require.FailNow(t, "Send waits for the peer")
	}
	close(release)
	for want := range uint64(cap(frames)) {
		select {
		case seq := <-frames:
			require.Equal(t, want, seq)
		case <-time.After(10 * time.Second):
			require.FailNow(t, "a frame is missing", "%d", want)
		}
	}
	require.Zero(t, a.Stats().Dropped)
}

// Some lanes send at the same time: each one's frames keep their order.
func TestEachSendersFramesKeepTheirOrder(t *testing.T) {
	const senders, each = 4, 2000
	a, b := listen(t, Options{}), listen(t, Options{})
	var all sync.WaitGroup
	for s := range uint64(senders) {
		all.Go(func() {
			for i := range uint64(each) {
				size := 10
				if i%97 == 0 {
					size = directMost + 1 // by the queue
				}
				f := chunk(i, size)
				f.From = wire.NodeID(s)
				a.Send(b.addr, f)
			}
		})
	}
	all.Wait()
	next := map[wire.NodeID]uint64{}
	for range senders * each {
		f := b.next(t)
		require.Equal(t, next[f.From], seqs(f)[0])
		next[f.From]++
	}
}
