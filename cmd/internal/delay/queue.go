package delay

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// queueMax bounds the bytes that wait in one direction: more than any link of the tests carries in
// its delay.
const queueMax = 4 << 20

// piece is what one read gave, and when it may arrive.
type piece struct {
	due  time.Time
	data []byte
}

// queue is one direction of a connection: bytes on their way.
type queue struct {
	way *Way

	mu     sync.Mutex
	moved  sync.Cond // a piece came or went, or an end came
	pieces []piece
	bytes  int
	last   time.Time // when the newest piece may arrive
	ended  bool      // nothing more comes
	broken bool      // nobody takes anything any more
}

func newQueue(w *Way) *queue {
	q := &queue{way: w}
	q.moved.L = &q.mu
	return q
}

// put takes a piece and says when there is room for the next; false: nobody takes it.
func (q *queue) put(data []byte) bool {
	took := q.way.draw()
	q.mu.Lock()
	defer q.mu.Unlock()
	if due := time.Now().Add(took); due.After(q.last) {
		q.last = due
	}
	q.pieces = append(q.pieces, piece{q.last, data})
	q.bytes += len(data)
	if took > 0 {
		q.way.delayed.Add(int64(len(data)))
	}
	q.moved.Broadcast()
	for q.bytes >= queueMax && !q.broken {
		q.moved.Wait()
	}
	return !q.broken
}

// end says that nothing more comes. The end takes as long as bytes would.
func (q *queue) end() {
	q.put(nil)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = true
	q.moved.Broadcast()
}

// abandon says that nobody takes anything any more.
func (q *queue) abandon() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.broken = true
	q.moved.Broadcast()
}

// take waits for the next piece; false: there is none any more.
func (q *queue) take() (p piece, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.pieces) == 0 && !q.ended && !q.broken {
		q.moved.Wait()
	}
	if len(q.pieces) == 0 || q.broken {
		return piece{}, false
	}
	p = q.pieces[0]
	q.pieces = q.pieces[1:]
	q.bytes -= len(p.data)
	q.moved.Broadcast()
	return p, true
}

// read fills the queue from a connection until its end.
func (q *queue) read(from net.Conn) {
	defer q.end()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 && !q.put(append([]byte(nil), buffer[:n]...)) {
			return
		}
		if err != nil {
			return
		}
	}
}

// write empties the queue into a connection, each piece at its time, until stop is closed.
func (q *queue) write(to net.Conn, stop <-chan struct{}) error {
	defer q.abandon()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		p, more := q.take()
		if !more {
			return io.EOF
		}
		if wait := time.Until(p.due); wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-stop:
				return errStopped
			}
		}
		if _, err := to.Write(p.data); err != nil {
			return err
		}
	}
}

var errStopped = errors.New("the proxy is closed")
