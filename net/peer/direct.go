package peer

import (
	"errors"
	"io"

	torcv1 "torc/api/v1"
	"torc/core/wire"
)

// directMost is the largest frame that its sender encodes and gives to gRPC by itself.
const directMost = 16 << 10

// offer sends a frame on the goroutine of whoever has it, or else puts it into the queue: to wake the track's own goroutine
// costs as much as to send a short frame. Whoever has it is a lane, which must never wait. So a frame is sent at once only while no other waits
// (they keep their order), nobody else sends, and gRPC has written all that it was given (unwritten.go says why it does not make
// the sender wait then). It returns how many old frames had to go.
func (t *track) offer(f *wire.Frame) (dropped int) {
	if size := f.Size(); size > directMost || !t.sendNow(queued{f, size}) {
		return t.queue.put(f)
	}
	return 0
}

// sendNow reports whether the frame was given to gRPC, or is lost with its stream.
func (t *track) sendNow(q queued) bool {
	if !t.sends.TryLock() {
		return false
	}
	defer t.sends.Unlock()
	if t.stream == nil || !t.light || t.unwritten.bytes.Load() != 0 || t.queue.size() > 0 {
		return false
	}
	t.alone[0] = q
	err := t.sendAll(t.stream, t.alone[:])
	t.alone[0] = queued{}
	if err != nil {
		if !errors.Is(err, io.EOF) {
			t.cancel() // the stream may still stand
		}
		t.stream = nil // its session is told by the stream's other half
	}
	return true
}

// stands lets frames be sent at once by this stream, once it has taken a first one from the queue: until then gRPC may still be
// looking for a connection. What an earlier stream was given counts no more.
func (t *track) stands(stream torcv1.Peer_FramesClient, cancel func()) {
	t.sends.Lock()
	defer t.sends.Unlock()
	t.stream, t.cancel, t.unwritten, t.light = stream, cancel, new(unwritten), false
}

// falls ends that.
func (t *track) falls() {
	t.sends.Lock()
	defer t.sends.Unlock()
	t.stream, t.cancel = nil, nil
}
