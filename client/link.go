package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	torcv1 "torc/api/v1"
	"torc/core/wire"
)

// Bounds of one link.
const (
	pendingMax = 16384    // questions without an answer; a node that owes more is not to be trusted
	queueMax   = 64 << 20 // bytes of questions that wait to be written
	batchBytes = 1 << 20  // about how large a batch of questions becomes
)

// link is one stream to one node. It opens the stream when there is something to ask and
// again when it broke.
type link struct {
	net   *network
	addr  string
	conn  *grpc.ClientConn
	awake chan struct{} // holds a token when something may wait to be written

	out   torcv1.Outgoing // the writer's: what is being written
	limit int             // the writer's: of a message's bytes, when the stream broke because one had more; or 0

	mu      sync.Mutex
	pending map[uint64]asked // and not answered
	queue   []lot            // what waits to be written
	bytes   int              // of all that
}

// asked is a question under way.
type asked struct {
	size int  // bytes
	sent bool // gRPC has had it in its hands
}

// lot is what becomes one message, with the numbers of its questions.
type lot struct {
	message torcv1.Outgoing
	ids     []uint64
}

func newLink(n *network, addr string, conn *grpc.ClientConn) *link {
	return &link{net: n, addr: addr, conn: conn, awake: make(chan struct{}, 1), pending: map[uint64]asked{}}
}

// take puts a question in the queue, or returns false when there is no room. It never blocks.
func (l *link) take(p torcv1.Plain) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.pending) >= pendingMax || l.bytes > 0 && l.bytes+len(p.Body) > queueMax {
		return false
	}
	last := len(l.queue) - 1
	if last < 0 || l.queue[last].message.Len()+len(p.Body) > batchBytes {
		l.lengthen()
		last++
	}
	to := &l.queue[last]
	before := to.message.Len()
	to.message.Add(p)
	to.ids = append(to.ids, p.ID)
	size := to.message.Len() - before
	l.bytes += size
	l.pending[p.ID] = asked{size: size}
	return true
}

// lengthen adds a lot to the queue, with the memory of one that was there before if there is some.
func (l *link) lengthen() {
	n := len(l.queue)
	if n < cap(l.queue) {
		l.queue = l.queue[:n+1]
	} else {
		l.queue = append(l.queue, lot{})
	}
	l.queue[n] = lot{message: torcv1.NewOutgoing(), ids: l.queue[n].ids[:0]}
}

// wake makes the writer look at the queue.
func (l *link) wake() {
	select {
	case l.awake <- struct{}{}:
	default:
	}
}

// next takes a lot off the queue, as being in gRPC's hands from now on.
func (l *link) next() (torcv1.Outgoing, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == 0 {
		return torcv1.Outgoing{}, false
	}
	first := l.queue[0]
	for _, id := range first.ids {
		l.pending[id] = asked{l.pending[id].size, true}
	}
	l.bytes -= first.message.Len()
	// What is left moves up; the numbers' memory goes to the end, for a lot to come.
	last := len(l.queue) - 1
	copy(l.queue, l.queue[1:])
	l.queue[last] = lot{ids: first.ids[:0]}
	l.queue = l.queue[:last]
	return first.message, true
}

func (l *link) run(ctx context.Context) {
	defer l.net.links.Done()
	defer func() { _ = l.conn.Close() }()
	for {
		select {
		case <-l.awake:
			if l.waits() {
				l.talk(ctx)
			}
		case <-ctx.Done():
			l.failAll()
			return
		}
	}
}

func (l *link) waits() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue) > 0
}

// streamDesc and the codec make Stream as it is in cache.proto, without a message made for each packet.
var streamDesc = grpc.StreamDesc{StreamName: "Stream", ClientStreams: true, ServerStreams: true}

// talk opens a stream, and writes what there is until the stream breaks.
func (l *link) talk(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer l.failAll()
	defer cancel()
	stream, err := l.conn.NewStream(ctx, &streamDesc, torcv1.Cache_Stream_FullMethodName, grpc.ForceCodecV2(torcv1.Codec{}))
	if err != nil {
		l.broken(ctx, err)
		return
	}
	read := make(chan error, 1)
	go func() { read <- l.read(stream) }() // ends with the stream, which ends with ctx
	for {
		if err := l.write(stream); err != nil {
			if !errors.Is(err, io.EOF) { // EOF: the reader has the reason
				l.broken(ctx, err)
				cancel()
			}
			l.broken(ctx, <-read)
			return
		}
		select {
		case <-l.awake:
		case err := <-read:
			l.broken(ctx, err)
			return
		case <-ctx.Done():
			<-read
			return
		}
	}
}

// write hands what waits to gRPC, in as few messages as their size allows.
func (l *link) write(stream grpc.ClientStream) error {
	for {
		runtime.Gosched() // whoever is about to ask something too goes along
		var ok bool
		if l.out, ok = l.next(); !ok {
			return nil
		}
		if err := stream.SendMsg(&l.out); err != nil {
			return err
		}
	}
}

// read brings answers to the brain until the stream breaks.
func (l *link) read(stream grpc.ClientStream) error {
	var in torcv1.Incoming
	for {
		if err := stream.RecvMsg(&in); err != nil {
			return err
		}
		kept, err := l.deliver(&in)
		if !kept {
			in.Free()
		}
		if err != nil {
			return err
		}
	}
}

var errClosed = errors.New("the client is closed")

// deliver gives the brain the answers in a message: in a batch, or alone. It says whether somebody keeps a part of the
// message's memory.
func (l *link) deliver(in *torcv1.Incoming) (kept bool, err error) {
	e := l.net.engine
	if !e.enter() {
		return false, errClosed
	}
	defer e.leave()
	e.kept, e.size = false, in.Size()
	if in.Kind != torcv1.PacketBatch {
		l.answer(e, in.Plain)
		return e.kept, nil
	}
	for rest := in.Body; len(rest) > 0; {
		var p torcv1.Plain
		if p, rest, err = torcv1.NextPlain(rest); err != nil {
			return e.kept, fmt.Errorf("an answer: %w", err)
		}
		l.answer(e, p)
	}
	return e.kept, nil
}

// answer gives the brain one answer, if it is one to a question.
func (l *link) answer(e *engine, p torcv1.Plain) {
	if p.Kind == torcv1.PacketRecall {
		if m, err := wire.DecodeRecall(p.Body); err == nil {
			e.brain.OnRecall(l.addr, m)
		} // otherwise the promise runs out
		return
	}
	l.mu.Lock()
	_, wanted := l.pending[p.ID]
	delete(l.pending, p.ID)
	l.mu.Unlock()
	if !wanted {
		return
	}
	var err error
	switch p.Kind {
	case torcv1.PacketResponse:
		if err = e.answer.Decode(p.Body); err == nil {
			e.brain.OnResponse(p.ID, &e.answer)
		}
	case torcv1.PacketMapResponse:
		var m *wire.ClusterMap
		if len(p.Body) > 0 {
			m, err = wire.DecodeClusterMap(p.Body)
			e.kept = true // a map's names may lie there
		}
		if err == nil {
			e.brain.OnMap(p.ID, m)
		}
	case torcv1.PacketError:
		// Surely not applied. A map that is too old may be the reason, so it is tried again.
		l.net.note(fmt.Errorf("%s: %s", l.addr, p.Body))
		l.net.opts.Logger.Warn("a node did not understand a request", "addr", l.addr, "text", string(p.Body))
		e.brain.OnResponse(p.ID, &wire.Response{Outcome: wire.OutcomeRefused})
	default:
		err = fmt.Errorf("a packet of unknown kind %d", p.Kind)
	}
	if err != nil {
		l.net.opts.Logger.Warn("a node's answer makes no sense", "addr", l.addr, "error", err)
		e.brain.OnFailure(p.ID, true)
	}
}

// broken notes why a stream ended, unless it was we who ended it.
func (l *link) broken(ctx context.Context, err error) {
	if ctx.Err() == nil {
		l.limit = limitOf(err)
		l.net.failed(l.addr, err)
		l.net.opts.Logger.Debug("a stream broke", "addr", l.addr, "error", err)
	}
}

// limitOf is how large a message may be, if an error says that one was larger than its receiver, or gRPC itself, takes; or 0. It
// is only in the text.
func limitOf(err error) (limit int) {
	_, text, _ := strings.Cut(status.Convert(err).Message(), " message larger than max ")
	var size int
	if _, err := fmt.Sscanf(text, "(%d vs. %d)", &size, &limit); err != nil {
		return 0
	}
	return limit
}

// failAll tells the brain that nothing comes of what was asked, nor of what still waits to be. What was larger than a message may be
// was surely not taken, and would break the next stream as well, with all that others have asked there.
func (l *link) failAll() {
	limit := l.limit
	if l.limit = 0; limit == l.net.opts.MaxMessage {
		limit = 0 // it was an answer that was too large
	}
	l.mu.Lock()
	pending := l.pending
	l.pending, l.queue, l.bytes = map[uint64]asked{}, nil, 0
	l.mu.Unlock()
	e := l.net.engine
	if len(pending) == 0 || !e.enter() {
		return
	}
	defer e.leave()
	for id, q := range pending {
		if limit > 0 && q.size > limit {
			e.brain.OnResponse(id, &wire.Response{Outcome: wire.OutcomeRefused, Reason: wire.ReasonTooLarge})
			continue
		}
		e.brain.OnFailure(id, q.sent)
	}
}
