package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"google.golang.org/grpc"

	torcv1 "torc/api/v1"
	"torc/core/wire"
)

// Bounds of one link.
const (
	queueMax   = 4096  // questions that wait to be written
	pendingMax = 16384 // questions without an answer; a node that owes more is not to be trusted
)

// question is what is asked of a node: a request, or without one its map.
type question struct {
	id      uint64
	request *wire.Request
	timeout time.Duration
}

// link is one stream to one node. It opens the stream when there is something to ask and
// again when it broke.
type link struct {
	net   *network
	addr  string
	conn  *grpc.ClientConn
	queue chan question

	mu      sync.Mutex
	pending map[uint64]bool // asked and not answered -> gRPC has had it in its hands
}

func newLink(n *network, addr string, conn *grpc.ClientConn) *link {
	return &link{net: n, addr: addr, conn: conn, queue: make(chan question, queueMax), pending: map[uint64]bool{}}
}

// take puts a question in the queue, or returns false when there is no room. It never blocks.
func (l *link) take(q question) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.pending) >= pendingMax {
		return false
	}
	select {
	case l.queue <- q:
		l.pending[q.id] = false
		return true
	default:
		return false
	}
}

func (l *link) run(ctx context.Context) {
	defer l.net.links.Done()
	defer func() { _ = l.conn.Close() }()
	for {
		select {
		case q := <-l.queue:
			l.talk(ctx, q)
		case <-ctx.Done():
			l.failAll()
			return
		}
	}
}

// talk opens a stream, begins with one question and goes on until the stream breaks.
func (l *link) talk(ctx context.Context, q question) {
	ctx, cancel := context.WithCancel(ctx)
	defer l.failAll()
	defer cancel()
	stream, err := torcv1.NewCacheClient(l.conn).Stream(ctx)
	if err != nil {
		l.broken(ctx, err)
		return
	}
	read := make(chan error, 1)
	go func() { read <- l.read(stream) }() // ends with the stream, which ends with ctx
	for {
		if err := l.write(stream, q); err != nil {
			if !errors.Is(err, io.EOF) { // EOF: the reader has the reason
				l.broken(ctx, err)
				cancel()
			}
			l.broken(ctx, <-read)
			return
		}
		select {
		case q = <-l.queue:
		case err := <-read:
			l.broken(ctx, err)
			return
		case <-ctx.Done():
			<-read
			return
		}
	}
}

// write hands a question to gRPC, unless it was given up meanwhile.
func (l *link) write(stream torcv1.Cache_StreamClient, q question) error {
	packet := &torcv1.Packet{Id: q.id, Kind: torcv1.PacketMapRequest}
	if q.request != nil {
		packet.Kind = torcv1.PacketRequest
		packet.Body = wire.AppendRequest(make([]byte, 0, q.request.Size()), q.request)
		packet.TimeoutMillis = uint32(max(q.timeout.Milliseconds(), 1))
	}
	l.mu.Lock()
	_, wanted := l.pending[q.id]
	if wanted {
		l.pending[q.id] = true
	}
	l.mu.Unlock()
	if !wanted {
		return nil
	}
	return stream.Send(packet)
}

// read brings answers to the loop until the stream breaks.
func (l *link) read(stream torcv1.Cache_StreamClient) error {
	for {
		packet, err := stream.Recv()
		if err != nil {
			return err
		}
		l.mu.Lock()
		_, wanted := l.pending[packet.Id]
		delete(l.pending, packet.Id)
		l.mu.Unlock()
		if wanted {
			l.net.loop.post(nil, l.eventOf(packet))
		}
	}
}

func (l *link) eventOf(packet *torcv1.Packet) event {
	e := event{id: packet.Id}
	var err error
	switch packet.Kind {
	case torcv1.PacketResponse:
		e.kind = evResponse
		e.response, err = wire.DecodeResponse(packet.Body)
	case torcv1.PacketMapResponse:
		e.kind = evMap
		if len(packet.Body) > 0 {
			e.cmap, err = wire.DecodeClusterMap(packet.Body)
		}
	case torcv1.PacketError:
		// Surely not applied. A map that is too old may be the reason, so it is tried again.
		l.net.note(fmt.Errorf("%s: %s", l.addr, packet.Body))
		l.net.opts.Logger.Warn("a node did not understand a request", "addr", l.addr, "text", string(packet.Body))
		e.kind, e.response = evResponse, &wire.Response{Outcome: wire.OutcomeRefused}
	default:
		err = fmt.Errorf("a packet of unknown kind %d", packet.Kind)
	}
	if err != nil {
		l.net.opts.Logger.Warn("a node's answer makes no sense", "addr", l.addr, "error", err)
		return event{kind: evFailure, id: packet.Id, maybeSent: true}
	}
	return e
}

// broken notes why a stream ended, unless it was we who ended it.
func (l *link) broken(ctx context.Context, err error) {
	if ctx.Err() == nil {
		l.net.note(fmt.Errorf("%s: %w", l.addr, err))
		l.net.opts.Logger.Debug("a stream broke", "addr", l.addr, "error", err)
	}
}

// failAll tells the loop that nothing comes of what was asked. What still waits in the queue
// is told too, and skipped when its turn comes.
func (l *link) failAll() {
	l.mu.Lock()
	pending := l.pending
	l.pending = map[uint64]bool{}
	l.mu.Unlock()
	for id, maybeSent := range pending {
		l.net.loop.post(nil, event{kind: evFailure, id: id, maybeSent: maybeSent})
	}
}
