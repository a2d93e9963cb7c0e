package peer

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	torcv1 "torc/api/v1"
)

// track sends frames over one stream, from its queue or as they come (direct.go), and opens the stream again when it breaks.
//
//	idle --frame--> opening --ok--> sending --broken--> waiting --> idle
//	                   \--failed--> waiting
type track struct {
	network *Network
	addr    string
	link    *link
	client  torcv1.PeerClient
	queue   *queue

	sends     sync.Mutex // held by whoever sends; what follows is under it
	packing   packing
	unwritten *unwritten
	light     bool                     // the stream has room for more than a short frame (unwritten.go)
	stream    torcv1.Peer_FramesClient // for those who send by themselves (direct.go); nil: there is none
	cancel    func()                   // breaks it off
	alone     [1]queued                // room for what they send
}

// run is the track's goroutine.
func (t *track) run(ctx context.Context) {
	pause := t.network.opts.RetryMin
	for failures := 0; t.awaitFrame(ctx); {
		opened := time.Now()
		err := t.session(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		t.network.stats.failures.Add(1)
		t.discard()
		if time.Since(opened) > t.network.opts.RetryMax {
			failures, pause = 0, t.network.opts.RetryMin // it worked for a while: begin anew
		}
		if failures++; failures == 1 && t.link.sayBroken(time.Now()) {
			t.network.log.Info("peer connection broken", slog.String("peer", t.addr), slog.String("error", plainly(err)))
		}
		if !t.sleep(ctx, pause) {
			return
		}
		pause = min(2*pause, t.network.opts.RetryMax)
	}
}

// awaitFrame waits until there is something to send: nobody is called for nothing.
func (t *track) awaitFrame(ctx context.Context) bool {
	for t.queue.size() == 0 {
		select {
		case <-t.queue.wake:
		case <-t.network.closing:
			return false
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// sleep pauses for between half and all of d, so that peers which lost a node together do
// not come back together.
func (t *track) sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d/2 + rand.N(d/2+1))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-t.network.closing:
	case <-ctx.Done():
	}
	return false
}

// discard throws away what waits: see invariant 3.
func (t *track) discard() {
	t.network.stats.dropped.Add(uint64(len(t.queue.take(nil))))
}

// session opens a stream and sends until it breaks (an error) or the network closes (nil,
// after everything that waited was taken by the peer).
func (t *track) session(ctx context.Context) error {
	ctx, cancel := context.WithCancel(tellElection(showSecrets(ctx, t.network.opts.secrets()), t.network.opts.Election))
	defer cancel()
	stream, err := t.client.Frames(ctx)
	if err != nil {
		return err
	}
	t.network.stats.connects.Add(1)
	t.network.stats.connected.Add(1)
	defer t.network.stats.connected.Add(-1)

	ended := make(chan error, 1)
	go func() { ended <- drain(stream) }()
	t.stands(stream, cancel)
	defer t.falls()
	var taken []queued
	for {
		if taken, err = t.sendQueued(stream, taken); err != nil {
			if errors.Is(err, io.EOF) {
				return <-ended // gRPC's word for a stream that has ended: here it is told why
			}
			cancel() // the stream may still stand
			return errors.Join(err, <-ended)
		}
		clear(taken)
		select {
		case <-t.queue.wake:
		case err := <-ended:
			return err
		case <-ctx.Done():
			return ctx.Err()
		case <-t.network.closing:
			t.falls() // what comes now stays in the queue
			if t.queue.size() > 0 {
				continue
			}
			return hangUp(stream, ended)
		}
	}
}

// sendQueued sends what waits. Its room for that is given back to it the next time.
func (t *track) sendQueued(stream torcv1.Peer_FramesClient, room []queued) ([]queued, error) {
	t.sends.Lock() // before the queue is empty: who finds it empty may send by itself
	defer t.sends.Unlock()
	taken := t.queue.take(room)
	return taken, t.sendAll(stream, taken)
}

// sendAll sends frames, those that are small together in one packet.
func (t *track) sendAll(stream torcv1.Peer_FramesClient, frames []queued) error {
	for sent := 0; sent < len(frames); {
		before := t.unwritten.bytes.Load()
		packet, count := t.packing.pack(frames[sent:], t.network.opts.FrameMax, t.unwritten, t.tell)
		if len(packet.parts) > 0 {
			size := int64(packet.parts.Len())
			err := stream.SendMsg(&packet)
			t.light = err == nil && before+size <= lightMost && (t.light || before == 0)
			if err != nil {
				t.network.stats.dropped.Add(uint64(len(frames) - sent))
				return err
			}
			t.network.stats.packetsSent.Add(1)
		}
		sent += count
	}
	return nil
}

// tell counts a frame that goes into a packet, or does not.
func (t *track) tell(size int, sent bool) {
	if !sent {
		t.network.stats.dropped.Add(1)
		t.network.log.Error("message too large to send", slog.String("peer", t.addr), slog.Int("bytes", size))
		return
	}
	t.network.stats.framesSent.Add(1)
	t.network.stats.bytesSent.Add(uint64(size))
}

// hangUp says that no more comes and waits until the peer has taken all: a transfer of
// leadership may be the last thing a node says.
func hangUp(stream torcv1.Peer_FramesClient, ended <-chan error) error {
	if err := stream.CloseSend(); err != nil {
		return err
	}
	if err := <-ended; !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// drain reads until the stream ends and returns why. The peer sends nothing on it.
func drain(stream torcv1.Peer_FramesClient) error {
	for {
		if _, err := stream.Recv(); err != nil {
			return err
		}
	}
}
