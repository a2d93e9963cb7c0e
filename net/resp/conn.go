package resp

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"torc/core/wire"
)

const (
	handshakeTimeout = 10 * time.Second
	lingerTimeout    = 250 * time.Millisecond
	lingerBytes      = 1 << 20
	lingerRate       = 16 << 20 // and a second more for each of these bytes of an argument that was refused for its length

	// pumpEvery commands of a long pipeline the shards get something to do.
	pumpEvery = 256
)

// replyMode is what CLIENT REPLY asked for.
type replyMode uint8

const (
	replyOn replyMode = iota
	replyOff
	replySkipNext // SKIP was seen: the next command's reply is not sent
	replySkip     // this is that command
)

// tryWriter is a connection (net/sock) that writes what it can at once, and never waits.
type tryWriter interface {
	TryWrite(b []byte) int
	TryWriteBuffers(pieces [][]byte) int
}

// directMost is how much a lane writes by itself when large values are among it. More is left to the writer: a lane has
// others to serve.
const directMost = 128 << 10

// conn is one client's connection.
type conn struct {
	srv *Server
	nc  net.Conn
	id  uint64
	est time.Time

	// The reader goroutine's own.
	in       reader
	authed   bool
	proto    int
	readOnly bool // READONLY: where the client asks replicas it may read (route.go)
	mode     replyMode
	multi    *transaction     // between MULTI and EXEC, or nil
	watching bool             // there may be watches
	now      int64            // Server.now of the present batch
	topology *wire.ClusterMap // of the present batch
	shards   []wire.ShardID   // scratch of many
	commands []wire.Command   // scratch of many
	looker   wire.Looker
	gone     bool        // nobody is there to be answered any more
	looks    []wire.Look // reads that were put aside (look.go)
	forms    []replyForm // and how each is answered
	req      request
	patience time.Duration // how long a command may wait

	active atomic.Int64 // Server.now when the client last said something
	last   atomic.Pointer[command]

	holds  atomic.Int64 // bytes of this connection in Server.buffered
	doomed atomic.Bool  // it is cut off, for want of memory

	largest atomic.Int64 // bytes of the largest command or value since it held nothing

	mu         sync.Mutex
	window     window
	out        output    // replies that may leave
	writing    int       // bytes that are being written
	direct     tryWriter // writes without the writer; nil when it cannot be
	directing  bool      // somebody does
	noted      bool      // flush will be called at the end of a lane's turn
	flushAtEnd func(many bool)
	spare      []byte // the writer's other buffer
	queues     map[wire.ShardID]*queue
	ready      []*queue   // those whose next Call can go
	asked      int        // bytes of parts without an answer,
	asks       [rooms]int // and by what bounds them
	inLine     *waiter    // for a turn (turns.go), or nil
	parts      int        // and their number,
	heavyParts int        // of that: of commands that have claimed their room
	waveSeq    uint64     // the command of which the reader waits for a wave's answers,
	waveLeft   int        // until so many are left; 0: it does not
	expected   int        // bytes of this connection in Server.expected
	gathering  bool       // the reader has added parts and is about to pump
	guess      int        // bytes of a reply, as the recent ones were
	hasRead    bool       // some were values
	epoch      wire.Epoch // of the map that the parts were cut by
	shardCount uint32

	cut    chan struct{} // closed when it is cut off (kill)
	wasCut bool

	ended        bool // nothing more will be read
	linger       bool // the server ended it: the client may still be sending
	dead         bool // the socket has failed
	drains       bool // the reader waits for the window to be empty
	readerParked bool
	writerParked bool
	readerWake   sync.Cond
	writerWake   sync.Cond

	watches    watches
	multiCount int // commands of the transaction, -1: there is none
	multiBytes int // and what they take

	name, libName, libVersion string // CLIENT SETNAME, SETINFO
	protoShown                int    // proto, for CLIENT LIST
}

func newConn(s *Server, nc net.Conn, id uint64) *conn {
	c := &conn{
		srv: s, nc: nc, id: id, est: time.Now(),
		in:     newReader(s.opts.MaxValue, s.opts.QueryBufferMax),
		authed: s.opts.Password == "", patience: s.opts.Timeout,
		proto: resp2, protoShown: resp2, multiCount: -1,
		queues: make(map[wire.ShardID]*queue), cut: make(chan struct{}),
	}
	c.in.locked, c.in.ahead = !c.authed, &s.ahead
	c.in.claim.of, c.in.claim.conn = &s.unfinished, c
	c.looker = s.backend.Looker()
	c.direct, _ = nc.(tryWriter)
	c.flushAtEnd = c.flush
	c.readerWake.L = &c.mu
	c.writerWake.L = &c.mu
	c.active.Store(s.now())
	return c
}

// readLoop reads, parses and dispatches until the stream ends, one way or another.
func (c *conn) readLoop() {
	err := c.handshake()
	for err == nil {
		var n int
		if n, err = c.in.fill(c.nc); err != nil {
			break
		}
		c.srv.stats.bytesIn.Add(uint64(n))
		c.beginBatch()
		err = c.serveBuffered()
		c.pump()
		if err == nil {
			c.awaitRoom()
		}
	}
	c.in.repay()
	c.in.forget()
	c.multi = nil
	c.in.claim.release()
	c.end(err)
}

func (c *conn) handshake() error {
	t, ok := c.nc.(*tls.Conn)
	if !ok {
		return nil
	}
	_ = t.SetDeadline(time.Now().Add(handshakeTimeout))
	if err := t.Handshake(); err != nil {
		return err
	}
	if err := t.SetDeadline(time.Time{}); err != nil {
		return err
	}
	if c.srv.stopping.Load() {
		return os.ErrDeadlineExceeded // Close has set its deadline perhaps before we took ours away
	}
	return nil
}

func (c *conn) beginBatch() {
	c.now = c.srv.now()
	c.active.Store(c.now)
	c.topology = c.srv.backend.Map()
	c.forgive()
}

// errQuit ends a connection whose client asked for it or broke the protocol.
var errQuit = errors.New("resp: connection ended by the server")

// serveBuffered dispatches every complete command that has arrived.
func (c *conn) serveBuffered() error {
	served := uint64(0)
	defer func() {
		c.lookNow()
		c.srv.stats.commands.Add(served)
	}()
	for {
		args, err := c.in.next()
		if err != nil {
			var broken protocolError
			if errors.As(err, &broken) {
				c.mode = replyOn
				c.replyError(broken.Error())
				c.srv.stats.protocolErrors.Add(1)
				return errQuit
			}
			return err
		}
		if args == nil {
			return nil
		}
		served++
		goesOn := c.dispatch(args)
		if c.in.dispatched(); !goesOn {
			return errQuit
		}
		if c.gone { // and what it has sent is not carried out: its answers would be kept, and counted nowhere
			return net.ErrClosed
		}
		if served%pumpEvery == 0 {
			c.lookNow()
			c.pump()
		}
	}
}

// end notes that nothing more will be read, so that the writer closes once all is answered.
func (c *conn) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	stopping := errors.Is(err, os.ErrDeadlineExceeded) && c.srv.stopping.Load()
	switch {
	case errors.Is(err, errQuit):
		c.linger = true
	case errors.Is(err, io.EOF) || stopping:
	case errors.Is(err, errQueryTooLarge):
		c.srv.log.Warn("client closed: query buffer limit", slog.String("client", c.nc.RemoteAddr().String()))
		c.dead = true
	default:
		c.dead = true
	}
	c.writerWake.Signal()
}

// full says that reading must stop: too many replies owed, or too many bytes on either way.
// Replies that are still owed count as large as the recent ones were.
func (c *conn) full() bool {
	o, owed := &c.srv.opts, c.window.len()
	if owed >= o.MaxPipeline || c.asked > o.QueryBufferMax {
		return true
	}
	held := c.held()
	if c.crowds() {
		return true
	}
	return held > o.OutputBufferMax || owed > 0 && held+owed*c.guess > o.OutputBufferMax
}

// held is how many bytes of replies wait to be written.
func (c *conn) held() int { return c.window.early + c.out.len() + c.writing }

// learn adjusts the guesses at a reply's size, the connection's and the server's: up at once, down slowly.
func (c *conn) learn(size int) {
	c.carries(size)
	c.guess = max(size, c.guess-c.guess/16)
	if all := c.srv.guess.Load(); int64(size) > all {
		c.srv.guess.Store(int64(size)) // who else stores now guesses as well
	} else if less := all - all/256 - 1; less >= int64(size) { // else it is as it was, and nobody writes to what all read
		c.srv.guess.Store(less)
	}
}

// reserve waits, locked, until the window has room. Whoever waits also pumps: the writer may
// be stuck in a Write.
func (c *conn) reserve() {
	for c.full() && !c.dead {
		c.settle() // who does not read its answers must not keep others waiting for what they answer
		c.park()
		c.now = c.srv.now() // what is left of the batch has not waited for a shard yet
	}
	c.gone = c.dead
}

// awaitRoom stops the reading while the connection is full.
func (c *conn) awaitRoom() {
	c.mu.Lock()
	c.reserve()
	c.settle()
	c.mu.Unlock()
}

// settle gives back the room of long commands that are answered. Locked.
func (c *conn) settle() {
	if c.heavyParts == 0 && c.in.claim.lines.Load() {
		c.note() // first: whoever gets the room is not to find these bytes still counted
		c.in.claim.answered()
	}
}

// awaitEmpty waits until every command so far is answered. Commands that go from shard to
// shard (KEYS, SCAN) hold up the pipeline so that it keeps its order.
func (c *conn) awaitEmpty() {
	c.mu.Lock()
	c.drains = true
	for c.window.len() > 0 && !c.dead {
		c.park()
	}
	c.drains = false
	c.now = c.srv.now() // what is left of the batch has not waited for a shard yet
	c.mu.Unlock()
}

// park lets the reader sleep once, unless there is something to submit.
func (c *conn) park() {
	if len(c.ready) > 0 {
		c.mu.Unlock()
		c.pump()
		c.mu.Lock()
		return
	}
	c.gathering = false
	c.wake()
	c.readerParked = true
	c.readerWake.Wait()
	c.readerParked = false
}

// wake wakes whoever has something to do now. Locked.
func (c *conn) wake() {
	if c.writerParked && !c.directing && (!c.out.empty() || c.submittable() || c.finished()) {
		c.writerWake.Signal()
	}
	c.wakeReader()
}

// wakeReader wakes a parked reader when it can go on: with half the window free, so that it
// does not get up for every single reply.
func (c *conn) wakeReader() {
	if !c.readerParked {
		return
	}
	owed := c.window.len()
	room := owed <= c.srv.opts.MaxPipeline/2 && !c.full()
	waveOver := c.waveLeft > 0 && !c.waving()
	if c.dead || c.submittable() || owed == 0 || waveOver || room && !c.drains {
		c.readerWake.Signal()
	}
}

// finished says that all that was read is answered and written.
func (c *conn) finished() bool {
	return c.ended && c.window.len() == 0 && c.out.empty() && !c.directing
}

// writeLoop writes replies in batches, and submits what waited for a shard's answer.
func (c *conn) writeLoop() {
	c.mu.Lock()
	for !c.dead && !c.finished() {
		switch {
		case c.submittable():
			c.mu.Unlock()
			c.pump()
			c.mu.Lock()
		case c.out.empty() || c.directing:
			c.writerParked = true
			c.writerWake.Wait()
			c.writerParked = false
		default:
			if c.window.len() > 0 {
				// More replies are about to come from the same turn of a lane: let it get on.
				c.mu.Unlock()
				runtime.Gosched()
				c.mu.Lock()
			}
			c.write()
		}
	}
	linger := c.linger && !c.dead
	c.dead = true
	c.note()
	c.endTurns()
	c.readerWake.Signal()
	c.mu.Unlock()
	c.close(linger)
}

// flush does what is to be done when some responses have come: it writes what may leave, and submits what has
// waited for them. It does so by itself, on the goroutine of the lane that delivered them or of the reader: the writer would have to
// be woken for it, which costs more than a write of a few replies. It never waits: what the socket does not take at
// once is left to the writer, and when many connections are to be flushed so is the rest.
func (c *conn) flush(many bool) {
	c.mu.Lock()
	c.noted = false
	if !many {
		c.writeDirectly()
	}
	more := c.submittable() && !many
	if !more {
		c.wake()
	}
	c.mu.Unlock()
	if more {
		c.pump()
	}
}

// writeDirectly writes what may leave, unless the writer or somebody else does. Locked; not while writing.
func (c *conn) writeDirectly() {
	if c.direct == nil || c.directing || !c.writerParked || c.dead {
		return
	}
	c.directing = true
	for whole := true; whole && !c.dead && !c.out.empty() && (len(c.out.sealed) == 0 || c.out.len() <= directMost); {
		batch := c.out
		c.out, c.spare = output{buf: c.spare}, nil
		c.writing = batch.len()
		c.mu.Unlock()
		n := batch.tryWrite(c.direct)
		c.srv.stats.bytesOut.Add(uint64(n))
		c.mu.Lock()
		c.writing = 0
		if whole = n == batch.len(); whole {
			batch.written()
			c.spare = batch.buf
		} else {
			c.out.after(&batch, n)
		}
		c.note()
	}
	c.directing = false
}

// submittable says that Calls can go and the reader is not just gathering more for them.
func (c *conn) submittable() bool { return len(c.ready) > 0 && !c.gathering }

// write writes what may leave. Locked; not while writing.
func (c *conn) write() {
	batch := c.out
	c.out = output{buf: c.spare}
	c.spare = nil
	c.writing = batch.len()
	c.mu.Unlock()
	n := batch.len()
	err := batch.writeTo(c.nc)
	c.srv.stats.bytesOut.Add(uint64(n))
	batch.written()
	c.mu.Lock()
	c.spare, c.writing = batch.buf, 0
	c.note()
	if err != nil {
		c.dead = true
	}
	c.wakeReader()
}

// close closes the socket. When the server ends a connection while the client may still be
// sending, it takes in a little more: a reset would overtake the last reply. Most clients read that only when they have sent all of a command.
func (c *conn) close(linger bool) {
	rest := c.in.refused
	if c.srv.stopping.Load() {
		rest = 0
	}
	if half, ok := c.nc.(interface{ CloseWrite() error }); ok && linger {
		if half.CloseWrite() == nil {
			_ = c.nc.SetReadDeadline(time.Now().Add(lingerTimeout + time.Duration(rest)*time.Second/lingerRate))
			_, _ = io.CopyN(io.Discard, c.nc, int64(lingerBytes+rest))
		}
	}
	_ = c.nc.Close()
}

// begin opens the place of a reply that is known at once, and locks the connection until
// finish.
func (c *conn) begin() *output {
	c.lookNow()
	c.mu.Lock()
	c.reserve()
	_, s := c.window.push()
	s.mute = c.mute()
	return c.window.target(c.window.tail-1, &c.out)
}

func (c *conn) finish() {
	c.window.complete(c.window.tail-1, &c.out)
	c.mu.Unlock()
}

// mute reports whether nothing is to be sent for the present command.
func (c *conn) mute() bool { return c.mode == replyOff || c.mode == replySkip }

func (c *conn) replyError(text string) {
	c.begin().fail(text)
	c.finish()
	c.srv.stats.errors.Add(1)
}

// openSlot opens the place of a reply that shards will give. Locked; the caller has seen to it that there is room (reserve).
func (c *conn) openSlot(spec *command) (uint64, *slot) {
	seq, s := c.window.push()
	s.spec, s.proto, s.mute = spec, c.proto, c.mute()
	s.until = c.now + int64(c.patience)
	c.gathering = true
	if c.topology != nil {
		c.epoch, c.shardCount = c.topology.Epoch, c.topology.Shards
	}
	return seq, s
}

// dispatch runs one command and reports whether the connection goes on.
func (c *conn) dispatch(args [][]byte) bool {
	if c.mode == replySkipNext {
		c.mode = replySkip
	} else if c.mode == replySkip {
		c.mode = replyOn
	}
	spec := lookup(args[0])
	if spec == nil {
		if bytes.EqualFold(args[0], []byte("host:")) || bytes.EqualFold(args[0], []byte("post")) {
			// A browser was made to talk to us. Redis's guard against cross-protocol scripting.
			c.srv.log.Warn("client closed: it speaks HTTP", slog.String("client", c.nc.RemoteAddr().String()))
			return false
		}
		c.reject(errUnknownCommand(args))
		return true
	}
	name := spec.name
	if len(spec.sub) > 0 && len(args) > 1 {
		if spec = spec.subcommand(args[1]); spec == nil {
			c.reject(errUnknownSubcommand(name, args[1]))
			return true
		}
	}
	c.last.Store(spec)
	if !spec.takes(len(args)) {
		c.rejectArity(spec)
		return true
	}
	if !c.authed && !spec.noAuth {
		c.reject(errNoAuth)
		return true
	}
	if spec.first > 0 && !c.keysFit(spec, args) {
		return true
	}
	c.req = request{conn: c, spec: spec, args: args}
	if c.multi != nil && !aloneInMulti(spec.name) {
		c.req.queue()
		return true
	}
	spec.run(&c.req)
	return !c.req.quit
}

// rejectArity replies to a command with too few arguments, or too many.
func (c *conn) rejectArity(spec *command) {
	text := errArity(spec.name)
	if spec.name == "exec" {
		c.endMulti()
		text = errAbortedFor + strings.TrimPrefix(text, "ERR ")
	}
	c.reject(text)
}

// keysFit refuses keys over the limit.
func (c *conn) keysFit(spec *command, args [][]byte) bool {
	for i, last := spec.keyRange(len(args)); i <= last; i += spec.step {
		if len(args[i]) > c.srv.opts.MaxKey {
			c.breakOff(errKeyTooLong(c.srv.opts.MaxKey))
			c.replyError(errKeyTooLong(c.srv.opts.MaxKey))
			return false
		}
	}
	return true
}
