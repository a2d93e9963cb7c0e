package delay

import (
	"errors"
	"io"
	"net"
	"sync"
)

// pair joins two connections over a link until both directions have ended, or stop is closed.
func pair(near, far net.Conn, l *Link, stop <-chan struct{}) {
	there, back := newQueue(&l.There), newQueue(&l.Back)
	over := make(chan struct{})
	var hang sync.Once
	hangUp := func() { hang.Do(func() { _, _ = near.Close(), far.Close() }) }
	var directions, watch sync.WaitGroup
	directions.Go(func() { there.read(near) })
	directions.Go(func() { back.read(far) })
	directions.Go(func() { pass(there, far, stop, hangUp) })
	directions.Go(func() { pass(back, near, stop, hangUp) })
	watch.Go(func() {
		select {
		case <-stop:
			there.abandon()
			back.abandon()
			hangUp()
		case <-over:
		}
	})
	directions.Wait()
	close(over)
	watch.Wait()
	hangUp()
}

// pass writes one direction; then the end is passed on. A connection that breaks, or that cannot be
// half closed, is closed altogether.
func pass(q *queue, to net.Conn, stop <-chan struct{}, hangUp func()) {
	err := q.write(to, stop)
	half, can := to.(interface{ CloseWrite() error })
	if errors.Is(err, io.EOF) && can && half.CloseWrite() == nil {
		return
	}
	hangUp()
}

// Through makes a connection slow: what is written to the answer goes there, what is read came back.
// Closing the answer closes the connection.
func Through(far net.Conn, l *Link) net.Conn {
	near, mine := net.Pipe()
	go pair(near, far, l, nil)
	return &through{Conn: mine, far: far}
}

// through has the far connection's addresses.
type through struct {
	net.Conn
	far net.Conn
}

func (t *through) LocalAddr() net.Addr  { return t.far.LocalAddr() }
func (t *through) RemoteAddr() net.Addr { return t.far.RemoteAddr() }
