package grpcapi

import (
	"log/slog"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	torcv1 "torc/api/v1"
)

// What all streams hold together is bounded (Options.BuffersMax), as it is for Redis clients (net/resp, crowd.go): any
// bound of a single one, times thousands, is none.
//
//	expected > BuffersMax   a stream that holds more than its share takes no more until its own answers have left
//	held > 2*BuffersMax     the stream that holds most is ended, if it is neither for calls alone that it is so much, nor for one request
//	                        and value alone: any that a node takes it must be able to give, and so one may always be there
//
// Expected is what is held and, guessed by the length of recent ones, the answers that are owed. Calls of single methods have their part in what is
// held: callers.go. They hold BuffersMax at most, but for one large call at a time: then streams have BuffersMax, as ever.

// holdsLeast is what a stream may hold in any case.
const holdsLeast = 64 << 10

// Buffered is how many bytes of requests and answers all streams and calls hold, and of messages that have come in part.
func (s *Server) Buffered() int64 {
	if s.arrivals == nil {
		return s.buffered.Load()
	}
	return s.buffered.Load() + s.arrivals.Held()
}

// crowd is what a stream knows of its part in what all hold.
type crowd struct {
	holds, expected int64
	guess           int           // bytes of an answer, as the recent ones were
	cut             chan struct{} // closed: the stream is ended, for want of memory
	doomed          bool
}

var errCrowd = status.Error(codes.ResourceExhausted, "the buffers of all clients of this node are full, and this stream's was the largest: read answers sooner, ask for less at a time, or give the node more --max-memory")

// enter and leave count a stream in and out.
func (s *Server) enter(c *conversation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.streams == nil {
		s.streams = map[*conversation]struct{}{}
	}
	s.streams[c] = struct{}{}
}

func (s *Server) leave(c *conversation) {
	s.mu.Lock()
	delete(s.streams, c)
	s.mu.Unlock()
	c.mu.Lock()
	c.note()
	c.mu.Unlock()
}

// learn adjusts the guess at an answer's size: up at once, down slowly. Locked.
func (c *conversation) learn(size int) { c.crowd.guess = max(size, c.crowd.guess-c.crowd.guess/16) }

// note tells the server what the stream holds, and with the answers that are owed. Locked.
func (c *conversation) note() {
	var holds, expected int64
	if !c.closed { // what a closed one holds goes with it
		holds = int64(c.in + c.out)
		expected = holds + int64(c.owed*c.crowd.guess)
	}
	c.server.buffered.Add(holds - c.crowd.holds)
	c.server.expected.Add(expected - c.crowd.expected)
	c.crowd.holds, c.crowd.expected = holds, expected
}

// crowds says that all streams together expect to hold too much, and this one more than its share. Locked.
func (c *conversation) crowds() bool {
	most := int64(c.server.opts.BuffersMax)
	if most <= 0 || c.server.expected.Load() <= most {
		return false
	}
	return c.crowd.expected > max(holdsLeast, most/max(1, c.server.stats.streams.Load()))
}

// makeRoom ends the stream that holds most, when all together hold too much. Not locked.
func (s *Server) makeRoom() {
	most := int64(s.opts.BuffersMax)
	held := s.buffered.Load()
	if most <= 0 || held <= 2*most || held-s.callers.holds.Load() <= most {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var greediest *conversation
	var bytes int64
	for c := range s.streams {
		c.mu.Lock()
		if !c.crowd.doomed && (greediest == nil || c.crowd.holds > bytes) {
			greediest, bytes = c, c.crowd.holds
		}
		c.mu.Unlock()
	}
	if greediest == nil {
		return
	}
	greediest.mu.Lock()
	defer greediest.mu.Unlock()
	if held-int64(greediest.largest()) <= 2*most {
		return
	}
	greediest.crowd.doomed = true
	greediest.closed = true // late answers fall
	greediest.ready = nil
	greediest.note()
	close(greediest.crowd.cut)
	s.log.Warn("stream ended: the buffers of all clients together are full, and its own is the largest", slog.Int64("bytes", bytes))
}

// hopeless says that a stream would be ended for an answer, even if nobody held anything else: then that one request fails, for what it is (fit.go), and
// not all that the stream's client asks.
func (s *Server) hopeless(a *answer) bool {
	most := 2 * s.opts.BuffersMax
	return most > 0 && a.kind == torcv1.PacketResponse && a.size-a.most > most
}

// largest is what the request takes that with the largest value of its answer takes most. Locked.
func (c *conversation) largest() (bytes int) {
	for i := range c.slots {
		bytes = max(bytes, c.slots[i].size+c.slots[i].answer)
	}
	return bytes
}

// Gone says that the client was cut off: what is only read for it need not be.
func (c *conversation) Gone() bool {
	select {
	case <-c.crowd.cut:
		return true
	default:
		return false
	}
}
