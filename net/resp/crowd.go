package resp

import "log/slog"

// What all connections hold together is bounded (Options.BuffersMax), for any bound of a single one, times ten
// thousand, is none.
//
//	expected > BuffersMax   who holds more than its share of it reads no more until its own replies have left
//	held > 2*BuffersMax     who holds most is cut off, if it is not for its largest value alone: any that a node takes it must be able to give,
//	                        and so one may always be there
//
// What had to wait for its room is no reason to cut anybody off: long commands have claimed theirs (unfinished.go). What has its turn (turns.go) is at most
// BuffersMax; replies, and short commands in flight, have the rest.
//
// Expected is what is held and, guessed by the length of recent ones, the replies that are owed. The first is enough
// when replies are about as long as those before. The second is for who asks for a lot at once, of a length that nobody
// could know, and does not read it: as Redis does with maxmemory-clients.

// bufferLeast is what a connection may hold in any case.
const bufferLeast = 4 << 10

// note tells the server how much the connection holds, and with the replies that are owed. Locked.
func (c *conn) note() (expected int) {
	holds := 0
	if !c.dead && !c.doomed.Load() { // what a connection holds that is over goes with it
		guess := c.guess
		if guess == 0 {
			guess = int(c.srv.guess.Load())
		}
		holds = c.asks[roomCommon] + c.held() + c.multiBytes + c.watches.bytes
		expected = c.asked + c.held() + c.window.len()*guess + c.parts*partBytes
	}
	c.srv.buffered.Add(int64(holds) - c.holds.Swap(int64(holds)))
	if holds == 0 {
		c.largest.Store(0)
	}
	c.srv.expected.Add(int64(expected - c.expected))
	c.expected = expected
	return expected
}

// hopeless says that a connection would be cut off for so many bytes of one reply, beside its largest value, even if nobody held anything else: then that
// one command is refused.
func (c *conn) hopeless(bytes int) bool {
	most := 2 * c.srv.opts.BuffersMax
	return most > 0 && bytes > most
}

// carries notes how long something is that the connection holds now. Locked.
func (c *conn) carries(bytes int) {
	if int64(bytes) > c.largest.Load() {
		c.largest.Store(int64(bytes))
	}
}

// crowds says that all connections together expect to hold too much, and this one more than its share. Locked.
func (c *conn) crowds() bool {
	most := c.srv.opts.BuffersMax
	if most <= 0 {
		return false
	}
	expected := c.note()
	return c.srv.expected.Load() > int64(most) && expected > max(bufferLeast, most/max(1, int(c.srv.connected.Load())))
}

// makeRoom cuts off the connection that holds most, when all together hold too much. Locked.
func (c *conn) makeRoom() {
	if c.srv.opts.BuffersMax <= 0 {
		return
	}
	if c.note(); c.srv.excess() <= 0 {
		return
	}
	most := c.srv.greediest()
	if most == nil || c.srv.excess() <= most.largest.Load() || most.doomed.Swap(true) {
		return
	}
	c.srv.stats.cutOff.Add(1)
	c.srv.log.Warn("client closed: the buffers of all clients together are full, and its own is the largest",
		slog.String("client", most.nc.RemoteAddr().String()), slog.Int64("bytes", most.holds.Load()))
	if most == c {
		c.dead = true
		c.out = output{}
		c.note()
		c.readerWake.Signal()
		c.writerWake.Signal()
	}
	c.srv.buffered.Add(-most.holds.Swap(0)) // others must not be cut off for what is about to go
	go most.kill()                          // its goroutines may wait for shards, and not look at the socket. Its lock is not for who has another one's
}

// excess is by how much all connections hold too much.
func (s *Server) excess() int64 {
	most := int64(s.opts.BuffersMax)
	return s.buffered.Load() + min(s.turns.taken.Load(), most) - 2*most
}

// greediest is the connection that holds most, of those that are not cut off already.
func (s *Server) greediest() (most *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		if !c.doomed.Load() && (most == nil || c.holds.Load() > most.holds.Load()) {
			most = c
		}
	}
	return most
}
