package client

import (
	"bytes"
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
	queueMax   = 4096    // lots of questions that wait to be written
	pendingMax = 16384   // questions without an answer; a node that owes more is not to be trusted
	batchBytes = 1 << 20 // about how large a batch of questions becomes
	keepMax    = 4 << 10 // bytes of a batch of answers that a value may keep in memory beside its own
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
	queue chan []question

	mu      sync.Mutex
	pending map[uint64]bool // asked and not answered -> gRPC has had it in its hands
}

func newLink(n *network, addr string, conn *grpc.ClientConn) *link {
	return &link{net: n, addr: addr, conn: conn, queue: make(chan []question, queueMax), pending: map[uint64]bool{}}
}

// take puts questions in the queue, or returns false when there is no room. It never blocks.
func (l *link) take(lot []question) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.pending)+len(lot) > pendingMax && len(l.pending) > 0 {
		return false
	}
	select {
	case l.queue <- lot:
		for i := range lot {
			l.pending[lot[i].id] = false
		}
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
		case lot := <-l.queue:
			l.talk(ctx, lot)
		case <-ctx.Done():
			l.failAll()
			return
		}
	}
}

// talk opens a stream, begins with some questions and goes on until the stream breaks.
func (l *link) talk(ctx context.Context, lot []question) {
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
		if err := l.write(stream, lot); err != nil {
			if !errors.Is(err, io.EOF) { // EOF: the reader has the reason
				l.broken(ctx, err)
				cancel()
			}
			l.broken(ctx, <-read)
			return
		}
		select {
		case lot = <-l.queue:
		case err := <-read:
			l.broken(ctx, err)
			return
		case <-ctx.Done():
			<-read
			return
		}
	}
}

// write hands questions to gRPC, but for those that were given up meanwhile: with whatever else waits in the queue, in
// as few messages as their size allows.
func (l *link) write(stream torcv1.Cache_StreamClient, lot []question) error {
	var body []byte
	for {
		for i := range lot {
			if !l.wanted(lot[i].id) {
				continue
			}
			body = lot[i].appendTo(body)
			if len(body) >= batchBytes {
				if err := sendBatch(stream, body); err != nil {
					return err
				}
				body = nil // gRPC may keep it
			}
		}
		select {
		case lot = <-l.queue:
			continue
		default:
		}
		return sendBatch(stream, body)
	}
}

// wanted marks a question as being in gRPC's hands, and reports whether anybody waits for its answer.
func (l *link) wanted(id uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, wanted := l.pending[id]
	if wanted {
		l.pending[id] = true
	}
	return wanted
}

func (q *question) appendTo(body []byte) []byte {
	packet := torcv1.Packet{Id: q.id, Kind: torcv1.PacketMapRequest}
	if q.request != nil {
		packet.Kind = torcv1.PacketRequest
		packet.Body = wire.AppendRequest(make([]byte, 0, q.request.Size()), q.request)
		packet.TimeoutMillis = uint32(max(q.timeout.Milliseconds(), 1))
	}
	return torcv1.AppendPacket(body, &packet)
}

func sendBatch(stream torcv1.Cache_StreamClient, body []byte) error {
	if len(body) == 0 {
		return nil
	}
	return stream.Send(&torcv1.Packet{Kind: torcv1.PacketBatch, Body: body})
}

// read brings answers to the loop until the stream breaks.
func (l *link) read(stream torcv1.Cache_StreamClient) error {
	for {
		packet, err := stream.Recv()
		if err != nil {
			return err
		}
		events, err := l.eventsOf(packet)
		if len(events) > 0 {
			l.net.loop.post(nil, event{kind: evMany, many: events})
		}
		if err != nil {
			return err
		}
	}
}

// eventsOf are the answers in a message: in a batch, or alone.
func (l *link) eventsOf(packet *torcv1.Packet) (events []event, err error) {
	take := func(p *torcv1.Packet) {
		l.mu.Lock()
		_, wanted := l.pending[p.Id]
		delete(l.pending, p.Id)
		l.mu.Unlock()
		if wanted {
			events = append(events, l.eventOf(p))
		}
	}
	if packet.Kind != torcv1.PacketBatch {
		take(packet)
		return events, nil
	}
	for rest := packet.Body; len(rest) > 0; {
		var p *torcv1.Packet
		if p, rest, err = torcv1.NextPacket(rest); err != nil {
			return events, fmt.Errorf("an answer: %w", err)
		}
		if len(packet.Body) > keepMax && len(p.Body) < len(packet.Body)/2 {
			p.Body = bytes.Clone(p.Body) // whoever keeps a small value must not keep the whole batch with it
		}
		take(p)
	}
	return events, nil
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
