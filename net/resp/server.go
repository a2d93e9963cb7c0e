package resp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"torc/core/wire"
	"torc/net/sock"
)

const (
	sweepEvery     = time.Second      // idle connections and rates are looked at this often
	trimAfter      = 10 * time.Second // an idle connection gives its buffers back
	acceptRetryMax = time.Second
	refuseTimeout  = 100 * time.Millisecond
)

// Server serves Redis clients on one address.
type Server struct {
	opts    Options
	backend Backend
	ln      net.Listener
	log     *slog.Logger
	self    wire.NodeID
	started time.Time
	stats   stats

	stopping atomic.Bool
	stopped  chan struct{}
	nextID   atomic.Uint64

	connected atomic.Int64 // connections
	buffered  atomic.Int64 // bytes of their commands in flight without a turn or a claim, and of their replies (crowd.go)
	expected  atomic.Int64 // and with the replies that are owed
	guess     atomic.Int64 // bytes of a reply, as the recent ones of all were
	ahead     ahead

	unfinished unfinished
	turns      turns
	scripts    scripts

	mu    sync.Mutex
	conns map[uint64]*conn
	open  sync.WaitGroup
}

// Listen takes the address; Serve begins to answer on it. When the port is taken the error
// names it and says what to do.
func Listen(opts Options, b Backend) (*Server, error) {
	opts = opts.withDefaults()
	ln, err := net.Listen("tcp", opts.Addr)
	if err != nil {
		return nil, listenError(opts.Addr, err)
	}
	if opts.TLS != nil {
		ln = tls.NewListener(ln, opts.TLS)
	}
	s := &Server{
		opts: opts, backend: b, ln: ln, log: opts.Logger, self: b.Self().ID,
		started: time.Now(), stopped: make(chan struct{}), conns: make(map[uint64]*conn),
	}
	s.ahead.left.Store(aheadOf(opts.BuffersMax))
	s.unfinished.bound(2*opts.BuffersMax, opts.Timeout)
	s.turns.most = int64(opts.BuffersMax)
	s.scripts.init()
	return s, nil
}

func listenError(addr string, err error) error {
	_, port, splitErr := net.SplitHostPort(addr)
	switch {
	case splitErr != nil:
		return fmt.Errorf("resp: listen on %q: want host:port: %w", addr, err)
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("resp: listen on %s: port %s is taken (often by a redis-server): stop what listens there, or choose another port for Redis clients: %w",
			addr, port, err)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("resp: listen on %s: port %s needs privileges: choose one above 1023: %w", addr, port, err)
	}
	return fmt.Errorf("resp: listen on %s: %w", addr, err)
}

// Buffered is how many bytes of commands in flight and of replies the connections hold, and of long commands that have not come whole.
func (s *Server) Buffered() int64 {
	s.unfinished.mu.Lock()
	defer s.unfinished.mu.Unlock()
	return s.buffered.Load() + s.turns.taken.Load() + s.unfinished.held
}

// Addr is the address the server listens on.
func (s *Server) Addr() net.Addr { return s.ln.Addr() }

// Serve accepts connections until Close. It returns nil after Close, an error when the
// listener broke.
func (s *Server) Serve() error {
	go s.sweep()
	backoff := time.Duration(0)
	for {
		nc, err := s.ln.Accept()
		switch {
		case err == nil:
			backoff = 0
			s.accept(nc)
		case s.stopping.Load():
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("resp: accept on %s: %w", s.Addr(), err)
		default:
			// Out of file descriptors, or a client gone already: it may pass.
			backoff = min(max(5*time.Millisecond, 2*backoff), acceptRetryMax)
			s.log.Warn("accept failed", slog.Any("error", err), slog.Duration("retry", backoff))
			select {
			case <-time.After(backoff):
			case <-s.stopped:
			}
		}
	}
}

// accept starts a connection's two goroutines, or refuses it.
func (s *Server) accept(nc net.Conn) {
	s.stats.connections.Add(1)
	s.mu.Lock()
	switch {
	case s.stopping.Load():
		s.mu.Unlock()
		_ = nc.Close()
		return
	case len(s.conns) >= s.opts.MaxClients:
		s.mu.Unlock()
		s.refuse(nc)
		return
	}
	c := newConn(s, sock.Wrap(nc), s.nextID.Add(1))
	s.conns[c.id] = c
	s.connected.Add(1)
	s.open.Add(1)
	s.mu.Unlock()

	reading := make(chan struct{})
	go func() {
		defer close(reading)
		c.readLoop()
	}()
	go func() {
		c.writeLoop()
		<-reading
		s.mu.Lock()
		delete(s.conns, c.id)
		s.connected.Add(-1)
		s.mu.Unlock()
		s.open.Done()
	}()
}

func (s *Server) refuse(nc net.Conn) {
	s.stats.rejected.Add(1)
	if s.opts.TLS == nil {
		_ = nc.SetWriteDeadline(time.Now().Add(refuseTimeout))
		_, _ = nc.Write([]byte("-" + errMaxClients + "\r\n"))
	}
	_ = nc.Close()
}

// Close stops listening and reading, lets the commands that were read be answered, and closes
// the connections. When ctx ends first they are cut and its error is returned.
func (s *Server) Close(ctx context.Context) error {
	if s.stopping.Swap(true) {
		return nil
	}
	close(s.stopped)
	err := s.ln.Close()
	for _, c := range s.clients() {
		_ = c.nc.SetReadDeadline(time.Unix(1, 0))
	}
	s.unfinished.wake()
	done := make(chan struct{})
	go func() {
		s.open.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		for _, c := range s.clients() {
			c.kill()
		}
		return fmt.Errorf("resp: close with commands unanswered: %w", ctx.Err())
	}
	if err != nil {
		return fmt.Errorf("resp: close %s: %w", s.Addr(), err)
	}
	return nil
}

// clients lists the open connections, oldest first.
func (s *Server) clients() []*conn {
	s.mu.Lock()
	list := make([]*conn, 0, len(s.conns))
	for _, c := range s.conns {
		list = append(list, c)
	}
	s.mu.Unlock()
	sortConns(list)
	return list
}

// now is the monotonic time since the start in nanoseconds.
func (s *Server) now() int64 {
	if s.opts.clock != nil {
		return s.opts.clock()
	}
	return int64(time.Since(s.started))
}

// sweep closes connections that have been silent for too long, trims the idle ones and keeps
// the rate that INFO shows.
func (s *Server) sweep() {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-s.stopped:
			return
		case <-ticker.C:
		}
		s.stats.sample(sweepEvery)
		s.stats.peak(s.usedMemory())
		now := s.now()
		s.turns.endLate(now - int64(s.lineMax()))
		for _, c := range s.unfinished.laggards(now) {
			s.stats.cutOff.Add(1)
			s.log.Warn("client closed: others wait for the room that its command takes, and the rest of that does not come, or its answers are not read", slog.String("client", c.nc.RemoteAddr().String()))
			c.kill()
		}
		for _, c := range s.clients() {
			silent := time.Duration(now - c.active.Load())
			if s.opts.IdleTimeout > 0 && silent > s.opts.IdleTimeout && c.idle() {
				c.kill()
			} else if silent > trimAfter {
				c.trim()
			}
		}
	}
}

// idle says that the connection is owed nothing.
func (c *conn) idle() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.window.len() == 0 && c.out.empty() && c.writing == 0
}

// trim gives back what a busy connection gathered and an idle one does not need.
func (c *conn) trim() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.window.len() > 0 || !c.out.empty() || c.writing > 0 || c.window.ring == nil {
		return
	}
	c.window.ring, c.spare, c.out = nil, nil, output{}
	for shard, q := range c.queues {
		if !q.busy && len(q.parts) == 0 {
			delete(c.queues, shard)
		}
	}
}

// kill cuts the connection, and reports whether it was not over already.
func (c *conn) kill() (lived bool) {
	c.mu.Lock()
	lived = !c.dead
	c.dead = true
	if !c.wasCut {
		c.wasCut = true
		close(c.cut)
	}
	c.writerWake.Signal()
	c.readerWake.Signal()
	if c.inLine != nil {
		c.srv.turns.giveUp(c.inLine)
	}
	c.mu.Unlock()
	_ = c.nc.Close()
	c.srv.unfinished.wake()
	return lived
}
