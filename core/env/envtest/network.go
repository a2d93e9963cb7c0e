package envtest

import (
	"bytes"
	"fmt"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// resend is how long by the sender's clock a frame may take before the suite sends it again.
const resend = 50 * time.Millisecond

// deliver sends what make makes until until holds on the receiver's thread.
func (s *suite) deliver(from, to *node, what string, mk func() *wire.Frame, until func() bool) {
	s.Helper()
	var next time.Duration
	ok := s.world.Until(func() (ok bool) {
		if to.do(func() { ok = until() }); ok {
			return true
		}
		from.do(func() {
			if now := from.now(); next == 0 || now >= next {
				next = now + resend
				from.send(to.Self().PeerAddr, mk())
			}
		})
		return false
	})
	require.True(s, ok, "%s -> %s: never arrived: %s", from.name, to.name, what)
}

// framesArriveUnaltered sends every kind of message both ways and compares the binary forms.
func (s *suite) framesArriveUnaltered() {
	a, b := s.start("a"), s.start("b")
	for _, way := range [][2]*node{{a, b}, {b, a}} {
		from, to := way[0], way[1]
		for i := range samples() {
			mk := func() *wire.Frame { return between(from, to, samples()[i]) }
			s.arrivesAs(from, to, fmt.Sprintf("%T", samples()[i]), mk)
		}
		s.arrivesAs(from, to, "all messages in one frame", func() *wire.Frame { return between(from, to, samples()...) })
		s.arrivesAs(from, to, "a chunk of 256 KiB", func() *wire.Frame {
			return between(from, to, &wire.SnapshotChunk{Shard: 3, Term: 2, Data: bytes.Repeat([]byte("0123456789abcdef"), 16384)})
		})
	}
}

// arrivesAs sends a frame until one arrives with the same bytes. Whatever else arrives must
// have been sent: copies and latecomers of earlier frames are allowed, changes are not.
func (s *suite) arrivesAs(from, to *node, what string, mk func() *wire.Frame) {
	s.Helper()
	want := string(wire.AppendFrame(nil, mk()))
	s.sent[want] = true
	s.deliver(from, to, what, mk, func() (ok bool) {
		for _, f := range to.arrived {
			got := string(wire.AppendFrame(nil, f))
			assert.True(s, s.sent[got], "%s -> %s: a frame was altered (sent last: %s)\n%x", from.name, to.name, what, got[:min(len(got), 200)])
			ok = ok || got == want
		}
		to.arrived = nil
		return ok
	})
}

// burstNeverBlocks sends many frames in one event. Some may be lost, doubled or overtaken,
// but what arrives was sent, and the sender is not held up.
func (s *suite) burstNeverBlocks() {
	const burst = 2000
	a, b := s.start("a"), s.start("b")
	numbered := func(i uint64) *wire.Frame {
		return between(a, b, &wire.Raft{Shard: wire.ShardID(1 + i%7), RaftMessage: wire.RaftMessage{Type: 8, Term: i, Context: []byte("burst")}})
	}
	s.deliver(a, b, "a first frame", func() *wire.Frame { return numbered(0) }, func() bool { return len(b.arrived) > 0 })
	a.do(func() {
		before := a.now()
		for i := range uint64(burst) {
			a.send(b.Self().PeerAddr, numbered(i+1))
		}
		if took := a.now() - before; took > 2*time.Second {
			s.Errorf("%d Sends took %v", burst, took)
		}
	})
	last := func() *wire.Frame { return numbered(burst + 1) }
	s.deliver(a, b, "a frame after the burst", last, func() bool {
		for _, f := range b.arrived {
			if len(f.Messages) == 1 && f.Messages[0].(*wire.Raft).Term == burst+1 {
				return true
			}
		}
		return false
	})
	b.do(func() {
		for _, f := range b.arrived {
			term := f.Messages[0].(*wire.Raft).Term
			assert.Equal(s, wire.AppendFrame(nil, numbered(term)), wire.AppendFrame(nil, f), "frame %d", term)
		}
	})
}

// sendToSelf: a node's own address works like any other, and never from inside Send.
func (s *suite) sendToSelf() {
	n := s.start("a")
	answered := false
	n.do(func() {
		n.onFrame = func(f *wire.Frame) {
			if len(f.Messages) == 1 { // from within the arrival of a frame, too
				n.send(n.Self().PeerAddr, between(n, n, samples()...))
				return
			}
			answered = true
		}
	})
	s.deliver(n, n, "a frame to itself", func() *wire.Frame { return between(n, n, samples()[0]) }, func() bool { return answered })
}

// sendToNobody: an address where nobody listens, or that is none, swallows frames. The sender
// goes on, and so do its other links.
func (s *suite) sendToNobody() {
	a, b := s.start("a"), s.start("b")
	a.do(func() {
		before := a.now()
		for _, addr := range []string{"", "nowhere", "nobody.invalid:7", "127.0.0.1:1", "[::1]:1", "a b:c"} {
			for range 20 {
				a.send(addr, between(a, b, samples()[0]))
			}
		}
		if took := a.now() - before; took > time.Second {
			s.Errorf("sending to nobody held the lane up for %v", took)
		}
	})
	s.arrivesAs(a, b, "a frame after those to nobody", func() *wire.Frame { return between(a, b, samples()[1]) })
}

// oneThread lets timers and frames pour in together, on two nodes that answer each other; the
// checks are those around every event.
func (s *suite) oneThread() {
	const rounds = 50
	a, b := s.start("a"), s.start("b")
	got := map[*node]*int{a: new(int), b: new(int)}
	for _, way := range [][2]*node{{a, b}, {b, a}} {
		me, other := way[0], way[1]
		count := got[me]
		var tick func()
		tick = func() {
			if *count < rounds {
				me.send(other.Self().PeerAddr, between(me, other, samples()[0]))
				me.after(time.Millisecond, tick)
			}
		}
		me.do(func() {
			me.onFrame = func(*wire.Frame) { *count++; me.after(0, func() {}) }
			me.after(0, tick)
		})
	}
	for _, n := range []*node{a, b} {
		// The other side may have had its fill already: keep it talking.
		other := map[*node]*node{a: b, b: a}[n]
		s.deliver(other, n, "a conversation", func() *wire.Frame { return between(other, n, samples()[0]) }, func() bool { return *got[n] >= rounds/2 })
	}
}
