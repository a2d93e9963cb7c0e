package peer

import (
	"slices"
	"sync"

	"torc/core/wire"
)

// queue holds frames for one stream, bounded in bytes.
type queue struct {
	max  int
	wake chan struct{} // holds one token while the queue may be non-empty

	mu     sync.Mutex
	frames []queued
	bytes  int
}

type queued struct {
	frame *wire.Frame
	size  int
}

func newQueue(max int) *queue { return &queue{max: max, wake: make(chan struct{}, 1)} }

// put adds a frame and returns how many old ones had to go for it.
func (q *queue) put(f *wire.Frame) (dropped int) {
	size := f.Size()
	q.mu.Lock()
	defer q.mu.Unlock()
	for dropped < len(q.frames) && q.bytes+size > q.max {
		q.bytes -= q.frames[dropped].size
		dropped++
	}
	q.frames = slices.Delete(q.frames, 0, dropped)
	q.frames = append(q.frames, queued{f, size})
	q.bytes += size
	if len(q.frames) == 1 {
		select {
		case q.wake <- struct{}{}:
		default:
		}
	}
	return dropped
}

// take removes everything.
func (q *queue) take(empty []queued) []queued {
	q.mu.Lock()
	defer q.mu.Unlock()
	frames := q.frames
	q.frames, q.bytes = empty[:0], 0
	return frames
}

// size is the number of bytes waiting.
func (q *queue) size() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.bytes
}
