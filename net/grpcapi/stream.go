package grpcapi

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"

	torcv1 "torc/api/v1"
	"torc/core/wire"
)

// Stream answers one client's packets until it hangs up, or the server closes.
func (s *Server) Stream(stream torcv1.Cache_StreamServer) error {
	s.stats.streams.Add(1)
	defer s.stats.streams.Add(-1)
	c := &conversation{
		server: s, stream: stream,
		readable: make(chan struct{}, 1), writable: make(chan struct{}, 1), idle: make(chan struct{}, 1),
		crowd: crowd{cut: make(chan struct{})}, looker: s.backend.Looker(), answerMax: answerMax(stream.Context()),
	}
	s.enter(c)
	defer s.leave(c)
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()

	read := make(chan error, 1)
	go func() { read <- c.read(ctx) }() // ends with the stream, at the latest when this returns
	var writeErr error
	written := make(chan struct{})
	go func() { writeErr = c.write(ctx); close(written) }()

	var err error
	select {
	case err = <-read: // the client has nothing more to ask
	case <-written: // it does not listen any more
		err = writeErr
	case <-c.crowd.cut:
		return errCrowd
	case <-s.closing:
		// What came before is answered; what comes now was surely not applied.
		c.refuseAll()
		err = failureError(wire.OutcomeRefused, wire.ReasonStopping)
	}
	if !c.awaitIdle(written) {
		return errCrowd
	}
	c.close()
	cancel()
	<-written // the stream must not be written to once this returns
	return err
}

// conversation is one stream: the window of requests in flight and the answers that wait for
// the writer.
type conversation struct {
	server *Server
	stream torcv1.Cache_StreamServer

	readable chan struct{} // a token when the reader may look for room again
	writable chan struct{} // a token when there may be answers to write
	idle     chan struct{} // a token when nothing may be owed any more
	batches  atomic.Bool   // the client has sent one, so it reads them too

	answerMax int // bytes of a message that the client takes; 0: it has not said so

	mu       sync.Mutex
	slots    []slot // by tag
	free     []uint64
	owed     int // slots in use
	in, out  int // bytes of requests in flight, and of answers not yet written
	ready    []answer
	stopping bool // refuse what comes
	closed   bool // forget what comes
	crowd    crowd

	// The reader's own.
	packet torcv1.Incoming
	keeps  bool // somebody else goes on using its memory
	looker wire.Looker
	looked int           // bytes of answers since it let the lanes go on
	found  []wire.Result // room
}

// slot is a request in flight.
type slot struct {
	id     uint64
	size   int // bytes of the request,
	answer int // and of the largest value that it is answered with, as soon as there is one
	write  bool
}

// answer is a packet that waits to be written: a response, or a body made already.
type answer struct {
	tag    uint64
	id     uint64
	kind   uint32
	resp   wire.Response
	body   []byte
	pooled *[]byte // the body's memory, if it is to be given back (torcv1.Single)
	size   int     // bytes it counts in out,
	most   int     // of these, its largest value's
}

// read takes packets until the client has no more.
func (c *conversation) read(ctx context.Context) error {
	for {
		err := c.stream.RecvMsg(&c.packet)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if c.packet.Kind == torcv1.PacketBatch {
			err = c.readBatch(ctx, c.packet.Body)
		} else {
			err = c.take(ctx, c.packet.Plain)
		}
		c.lookedUp()
		if err != nil {
			return err
		}
		if !c.keeps {
			c.packet.Free()
		}
		c.packet, c.keeps = torcv1.Incoming{}, false
	}
}

// readBatch takes the packets of a batch, each as if it had come alone.
func (c *conversation) readBatch(ctx context.Context, rest []byte) error {
	c.batches.Store(true)
	for len(rest) > 0 {
		packet, next, err := torcv1.NextPlain(rest)
		if err != nil {
			return invalid("the batch does not decode")
		}
		if err := c.take(ctx, packet); err != nil {
			return err
		}
		rest = next
	}
	return nil
}

func (c *conversation) take(ctx context.Context, packet torcv1.Plain) error {
	tag, err := c.admit(ctx, packet)
	if err == nil {
		c.handle(tag, packet)
	}
	return err
}

// handle answers a packet or hands it on.
func (c *conversation) handle(tag uint64, packet torcv1.Plain) {
	switch packet.Kind {
	case torcv1.PacketRequest:
		c.request(tag, packet)
	case torcv1.PacketMapRequest:
		var body []byte
		if m := c.server.backend.Map(); m != nil {
			body = wire.AppendClusterMap(nil, m.Public())
		}
		c.answer(answer{tag: tag, kind: torcv1.PacketMapResponse, body: body, size: len(body)})
	default:
		c.reject(tag, "unknown kind of packet")
	}
}

func (c *conversation) request(tag uint64, packet torcv1.Plain) {
	s := c.server
	req, err := wire.DecodeRequest(packet.Body)
	if err != nil {
		c.reject(tag, "request does not decode: "+err.Error())
		return
	}
	m := s.backend.Map()
	reason, err := s.check(req, m)
	switch {
	case err != nil:
		c.reject(tag, err.Error())
		return
	case reason == wire.ReasonNone && c.refusing():
		reason = wire.ReasonStopping
	}
	if reason != wire.ReasonNone {
		c.Deliver(tag, &wire.Response{Outcome: wire.OutcomeRefused, Reason: reason})
		return
	}
	s.stats.requests.Add(1)
	if c.look(tag, req, m.Epoch) {
		return
	}
	if req.IsWrite() {
		c.mu.Lock()
		c.slots[tag].write = true
		c.mu.Unlock()
	}
	if req, err = c.own(packet.Body, req); err != nil {
		c.reject(tag, "request does not decode: "+err.Error())
		return
	}
	s.backend.Submit(&wire.Call{Request: *req, TimeoutMillis: int64(packet.TimeoutMillis), Tag: tag, Sink: c})
}

// ownLess is up to which size a request that goes to a lane gets memory of its own. A longer one keeps the packet that it came in.
const ownLess = 4 << 10

// own makes a request outlive the packet that it came in.
func (c *conversation) own(body []byte, req *wire.Request) (*wire.Request, error) {
	if len(body) < ownLess {
		return wire.DecodeRequest(bytes.Clone(body))
	}
	c.keeps = true
	return req, nil
}

func (c *conversation) reject(tag uint64, text string) {
	c.server.stats.rejected.Add(1)
	c.answer(answer{tag: tag, kind: torcv1.PacketError, body: []byte(text)})
}

// admit waits for room in the window and takes a slot.
func (c *conversation) admit(ctx context.Context, packet torcv1.Plain) (uint64, error) {
	for {
		if tag, ok := c.takeSlot(packet); ok {
			return tag, nil
		}
		c.lookedUp()
		select {
		case <-c.readable:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

func (c *conversation) takeSlot(packet torcv1.Plain) (uint64, bool) {
	opts, size := &c.server.opts, len(packet.Body)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.owed >= opts.InFlightMax || c.out >= opts.OutputMax || c.owed > 0 && (c.in+size > opts.InFlightBytes || c.crowds()) {
		return 0, false
	}
	c.owed++
	c.in += size
	c.note()
	s := slot{id: packet.ID, size: size}
	if n := len(c.free); n > 0 {
		tag := c.free[n-1]
		c.free = c.free[:n-1]
		c.slots[tag] = s
		return tag, true
	}
	c.slots = append(c.slots, s)
	return uint64(len(c.slots) - 1), true
}

// Deliver takes a response. It runs on a lane's goroutine. The response's results may be used
// again by the lane; the values they point to stay.
func (c *conversation) Deliver(tag uint64, resp *wire.Response) {
	a := answer{tag: tag, kind: torcv1.PacketResponse, resp: *resp, size: responseSize(resp), most: longest(resp.Results)}
	a.resp.Results = slices.Clone(resp.Results)
	c.answer(a)
}

// noTag is the tag of what is no answer to anything, and has no slot.
const noTag = ^uint64(0)

// Recall asks the client to drop what it keeps of a key. It runs on a lane's goroutine. With a client that does not read it is lost: then the
// promise has to run out.
func (c *conversation) Recall(m *wire.Recall) {
	body := wire.AppendRecall(nil, m)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.out >= c.server.opts.OutputMax {
		return
	}
	c.ready = append(c.ready, answer{tag: noTag, kind: torcv1.PacketRecall, body: body, size: len(body)})
	c.out += len(body)
	signal(c.writable)
}

// answer leaves an answer to the writer.
func (c *conversation) answer(a answer) {
	if c.line(a) {
		c.server.makeRoom()
	}
}

// line puts an answer behind those that wait for the writer, and reports whether anybody waits for it.
func (c *conversation) line(a answer) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	if c.server.hopeless(&a) {
		c.tooLong(&a)
		a.size, a.most = len(a.body), 0
	}
	a.id = c.slots[a.tag].id
	c.slots[a.tag].answer = a.most
	c.ready = append(c.ready, a)
	c.out += a.size
	c.learn(a.size)
	c.note()
	signal(c.writable)
	return true
}

// write writes what is ready, all that has come together in one go, until ctx ends.
func (c *conversation) write(ctx context.Context) error {
	var batch []answer
	for {
		batch = c.takeReady(batch)
		if err := c.send(batch); err != nil {
			return err
		}
		clear(batch)
		if len(batch) > 0 {
			continue
		}
		select {
		case <-c.writable:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// batchBytes is about how large a batch of answers becomes: a larger one would only keep the first answer waiting.
const batchBytes = 256 << 10

// send writes answers, as few messages as the client understands, and gives their slots back.
func (c *conversation) send(answers []answer) error {
	for len(answers) > 0 {
		c.fit(&answers[0])
		n, size := 1, answers[0].size
		for c.batches.Load() && n < len(answers) && size+answers[n].size < batchBytes && c.fits(size+answers[n].size, n+1) {
			size += answers[n].size
			n++
		}
		if err := c.stream.SendMsg(message(answers[:n])); err != nil {
			return err
		}
		for i := range answers[:n] {
			c.release(&answers[i])
		}
		answers = answers[n:]
	}
	return nil
}

func (c *conversation) takeReady(empty []answer) []answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	ready := c.ready
	c.ready = empty[:0]
	return ready
}

// release gives the slot of a written answer back.
func (c *conversation) release(a *answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out -= a.size
	if a.tag == noTag {
		signal(c.readable)
		return
	}
	c.in -= c.slots[a.tag].size
	c.slots[a.tag] = slot{}
	c.owed--
	c.note()
	c.free = append(c.free, a.tag)
	signal(c.readable)
	if c.owed == 0 {
		signal(c.idle)
	}
}

// awaitIdle waits until everything owed is written, or nothing more can be. It returns false when the stream is cut off: what is owed
// never comes then.
func (c *conversation) awaitIdle(written <-chan struct{}) bool {
	for {
		c.mu.Lock()
		owed := c.owed
		c.mu.Unlock()
		if owed == 0 {
			return true
		}
		select {
		case <-c.idle:
		case <-written:
			return true
		case <-c.crowd.cut:
			return false
		}
	}
}

func (c *conversation) refuseAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopping = true
}

func (c *conversation) refusing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stopping
}

// close lets late answers fall: nobody is there to take them.
func (c *conversation) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.ready = nil
	c.note()
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// responseSize is about what a response takes on the wire.
func responseSize(resp *wire.Response) int {
	n := 16
	for i := range resp.Results {
		r := &resp.Results[i]
		n += 24 + len(r.Value)
		for _, v := range r.List {
			n += 4 + len(v)
		}
	}
	return n
}

// longest is the length of the longest value.
func longest(results []wire.Result) (bytes int) {
	for i := range results {
		bytes = max(bytes, len(results[i].Value))
	}
	return bytes
}
