package peer

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	torcv1 "torc/api/v1"
	"torc/core/wire"
)

const (
	// packetMax is how many bytes of frames share a packet. Beyond it the cost of a packet of
	// its own is lost in the noise, and smaller ones let other streams in between.
	packetMax = 256 << 10
	// packetRoom is left in a packet for what protobuf adds to a large frame.
	packetRoom = 64
)

// track sends one queue over one stream, and opens the stream again when it breaks.
//
//	idle --frame--> opening --ok--> sending --broken--> waiting --> idle
//	                   \--failed--> waiting
type track struct {
	network *Network
	addr    string
	client  torcv1.PeerClient
	queue   *queue

	packet torcv1.FramePacket // the one that is being sent
	binary []byte             // what its frames lie in
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
		if failures++; failures == 1 {
			t.network.log.Info("peer connection broken", slog.String("peer", t.addr), slog.Any("error", err))
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
	ctx, cancel := context.WithCancel(showSecret(ctx, t.network.opts.Secret))
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
	var taken []queued
	for {
		taken = t.queue.take(taken)
		if err := t.sendAll(stream, taken); err != nil {
			if !errors.Is(err, io.EOF) {
				cancel() // the stream may still stand
			}
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
			if t.queue.size() > 0 {
				continue
			}
			return hangUp(stream, ended)
		}
	}
}

// sendAll sends frames, those that are small together in one packet.
func (t *track) sendAll(stream torcv1.Peer_FramesClient, frames []queued) error {
	for sent := 0; sent < len(frames); {
		packet, count := t.pack(frames[sent:])
		if len(packet.Frames) > 0 {
			if err := stream.Send(packet); err != nil {
				t.network.stats.dropped.Add(uint64(len(frames) - sent))
				return err
			}
			t.network.stats.packetsSent.Add(1)
		}
		sent += count
	}
	return nil
}

// pack puts the first of some frames into the packet, and says how many: as many as stay within
// packetMax, but at least one. It is good until the next one: when it is sent it has been copied.
func (t *track) pack(frames []queued) (*torcv1.FramePacket, int) {
	packet, size := &t.packet, 0
	packet.Frames = packet.Frames[:0]
	if cap(t.binary) > 2*packetMax {
		t.binary = nil // of a large frame
	}
	all := t.binary[:0]
	defer func() { t.binary = all }()
	for i, q := range frames {
		if i > 0 && size+q.size > packetMax {
			return packet, i
		}
		size += q.size
		from := len(all)
		all = wire.AppendFrame(slices.Grow(all, q.size), q.frame)
		b := all[from:len(all):len(all)] // stays what it is when all moves
		if len(b) > t.network.opts.FrameMax-packetRoom {
			t.network.stats.dropped.Add(1)
			t.network.log.Error("message too large to send", slog.String("peer", t.addr), slog.Int("bytes", len(b)))
			continue
		}
		packet.Frames = append(packet.Frames, b)
		t.network.stats.framesSent.Add(1)
		t.network.stats.bytesSent.Add(uint64(len(b)))
	}
	return packet, len(frames)
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
