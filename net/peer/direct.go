package peer

import (
	"errors"
	"io"

	torcv1 "torc/api/v1"
	"torc/core/wire"
)

// directMost is the largest frame that its sender gives to gRPC by itself. A stream takes 64 KiB before it lets senders wait, and
// a lane must never wait.
const directMost = 16 << 10

// offer sends a frame on the goroutine of whoever has it, or else puts it into the queue: to wake the track's own goroutine
// costs as much as to send a short frame. It is sent at once only while no frame waits (they keep their order), nobody else
// sends, and gRPC has written all that it was given, so that it takes the frame without waiting. It returns how many old
// frames had to go.
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
	if t.stream == nil || t.unwritten.bytes.Load() != 0 || t.queue.size() > 0 {
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

// stands lets frames be sent at once, by this stream. What an earlier one was given counts no more.
func (t *track) stands(stream torcv1.Peer_FramesClient, cancel func()) {
	t.sends.Lock()
	defer t.sends.Unlock()
	t.stream, t.cancel, t.unwritten = stream, cancel, new(unwritten)
}

// falls ends that.
func (t *track) falls() {
	t.sends.Lock()
	defer t.sends.Unlock()
	t.stream, t.cancel = nil, nil
}
