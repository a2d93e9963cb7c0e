package grpcapi

import (
	"context"
	"strconv"

	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"

	torcv1 "torc/api/v1"
	"torc/core/wire"
)

// A client takes messages up to a length only. gRPC breaks a stream for a longer one, with all that others wait for there, and
// does so again when it is asked again. So the client says its bound when it opens a stream, and what is longer is not sent: that one
// request fails, for what it is.

// packetRoom is the most that a packet takes beside its body, on its own or in a batch.
const packetRoom = 48

// answerMax is what the client takes in one message, or 0 if it has not said so.
func answerMax(ctx context.Context) int {
	values := metadata.ValueFromIncomingContext(ctx, torcv1.AnswerMaxHeader)
	if len(values) != 1 {
		return 0
	}
	most, err := strconv.Atoi(values[0])
	if err != nil || most < 0 {
		return 0
	}
	return most
}

// fits reports whether so many bytes of answers may go in one message.
func (c *conversation) fits(bytes, answers int) bool {
	return c.answerMax == 0 || bytes+answers*packetRoom <= c.answerMax
}

// fit puts the bad news in the place of an answer that the client could not take. What was read had no effect; what a write
// answers with is lost, the write is not: of that the client knows nothing.
func (c *conversation) fit(a *answer) {
	if c.fits(a.size, 1) {
		return
	}
	if a.encode(); c.fits(len(a.body), 1) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tooLong(a)
}

// tooLong is what fit puts there. Locked.
func (c *conversation) tooLong(a *answer) {
	if a.pooled != nil {
		mem.DefaultBufferPool().Put(a.pooled)
	}
	a.body, a.pooled = nil, nil
	switch a.kind {
	case torcv1.PacketResponse:
		resp := wire.Response{Outcome: wire.OutcomeRefused, Reason: wire.ReasonTooLarge, Epoch: a.resp.Epoch}
		if c.slots[a.tag].write {
			resp.Outcome = wire.OutcomeUnknown
		}
		a.body, a.resp = wire.AppendResponse(nil, &resp), wire.Response{}
	case torcv1.PacketRecall: // the promise runs out
	default:
		a.kind, a.body = torcv1.PacketError, []byte("the answer is longer than the client takes")
	}
}
