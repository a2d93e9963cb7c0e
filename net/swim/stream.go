package swim

import (
	"errors"
	"net"
	"sync"
)

// streamKey names one end of a stream at this node.
type streamKey struct {
	peer   string
	id     uint64
	dialed bool // this node opened it
}

// stream is one end of a stream: memberlist holds near, and two pumps stand behind far.
//
//	memberlist <--> near | far <-- deliver (chunks in order) <-- inbound <-- transport.chunk
//	                     | far --> carry (chunks) --> Sender
//
// Chunks come in order from net/peer unless its connection broke in between. Then a number
// is missing, and the stream is broken off: streams here are short, and memberlist repeats
// what they were for.
type stream struct {
	key   streamKey
	near  net.Conn
	far   net.Conn
	ready chan struct{} // holds a token when there may be something inbound
	done  chan struct{} // closed: broken off, or closed at this end
	once  sync.Once

	mu      sync.Mutex
	inbound [][]byte
	bytes   int
	next    uint64 // number of the next chunk
	ended   bool   // the other side has no more
}

// end is memberlist's end of a stream.
type end struct {
	net.Conn
	local, remote peerName
}

func (e end) LocalAddr() net.Addr  { return e.local }
func (e end) RemoteAddr() net.Addr { return e.remote }

var errStreams = errors.New("swim: too many streams")

// open makes an end of a stream and returns it as memberlist holds it.
func (t *transport) open(key streamKey) (net.Conn, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, err := t.openLocked(key)
	if err != nil {
		return nil, err
	}
	return end{s.near, peerName(t.self), peerName(key.peer)}, nil
}

func (t *transport) openLocked(key streamKey) (*stream, error) {
	switch {
	case t.shut:
		return nil, errShut
	case len(t.streams) >= streamsMax:
		return nil, errStreams
	}
	s := &stream{key: key, ready: make(chan struct{}, 1), done: make(chan struct{})}
	s.near, s.far = net.Pipe()
	t.streams[key] = s
	t.pumps.Go(func() { t.carry(s) })
	t.pumps.Go(s.deliver)
	return s, nil
}

// chunk takes a chunk. The first one of an unknown stream opens it.
func (t *transport) chunk(e envelope) {
	key := streamKey{peer: e.from, id: e.stream, dialed: e.kind == fromAccepter || e.kind == accepterEnds}
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.streams[key]
	if s == nil {
		if key.dialed || e.kind == dialerEnds || e.number != 0 {
			return // of a stream that is over
		}
		var err error
		if s, err = t.openLocked(key); err != nil {
			return
		}
		select {
		case t.accepts <- end{s.near, peerName(t.self), peerName(key.peer)}:
		default:
			s.abort()
			return
		}
	}
	s.take(e)
}

// take queues a chunk for memberlist, or breaks the stream off when it is not the next one.
func (s *stream) take(e envelope) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	if e.number != s.next || s.bytes+len(e.data) > inboundMax {
		s.abort()
		return
	}
	s.next++
	if s.ended = e.kind == dialerEnds || e.kind == accepterEnds; !s.ended {
		s.inbound = append(s.inbound, e.data)
		s.bytes += len(e.data)
	}
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

// abort breaks the stream off at this end; the pumps see it and end. memberlist's reads fail:
// what came so far must not look like all there was.
func (s *stream) abort() {
	s.once.Do(func() {
		close(s.done)
		_ = s.near.Close()
		_ = s.far.Close()
	})
}

// finish ends the stream at this end in good order: memberlist reads an end of file, also
// when the other side's last chunk was only just delivered.
func (s *stream) finish() {
	s.once.Do(func() {
		close(s.done)
		_ = s.far.Close()
	})
}

// deliver writes what comes to memberlist.
func (s *stream) deliver() {
	for {
		select {
		case <-s.ready:
		case <-s.done:
			return
		}
		chunks, ended := s.takeInbound()
		for _, c := range chunks {
			if _, err := s.far.Write(c); err != nil {
				return
			}
		}
		if ended {
			_ = s.far.Close()
			return
		}
	}
}

func (s *stream) takeInbound() ([][]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	chunks := s.inbound
	s.inbound, s.bytes = nil, 0
	return chunks, s.ended
}

// carry sends what memberlist writes, until it closes its end.
func (t *transport) carry(s *stream) {
	data, last := fromAccepter, accepterEnds
	if s.key.dialed {
		data, last = fromDialer, dialerEnds
	}
	e := envelope{kind: data, from: t.self, stream: s.key.id}
	buf := make([]byte, chunkMax)
	for {
		n, err := s.far.Read(buf)
		if n > 0 {
			e.data = buf[:n]
			t.sender.SendGossip(s.key.peer, e.encode())
			e.number++
		}
		if err != nil {
			break
		}
	}
	e.kind, e.data = last, nil
	t.sender.SendGossip(s.key.peer, e.encode())
	s.finish()
	t.mu.Lock()
	delete(t.streams, s.key)
	t.mu.Unlock()
}
