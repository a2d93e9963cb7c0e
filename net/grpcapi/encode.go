package grpcapi

import (
	"google.golang.org/grpc/mem"

	torcv1 "torc/api/v1"
	"torc/core/wire"
)

// message makes what is sent of some answers: a batch, or of one its packet, whose body is not copied.
func message(answers []answer) any {
	if len(answers) == 1 {
		a := &answers[0]
		a.encode()
		return &torcv1.Single{Plain: torcv1.Plain{ID: a.id, Kind: a.kind, Body: a.body}, Memory: a.pooled}
	}
	out := torcv1.NewOutgoing()
	for i := range answers {
		a := &answers[i]
		a.encode()
		out.Add(torcv1.Plain{ID: a.id, Kind: a.kind, Body: a.body})
		if a.pooled != nil {
			mem.DefaultBufferPool().Put(a.pooled)
		}
	}
	return &out
}

// encode makes a response's body, unless it is made already.
func (a *answer) encode() {
	if a.kind == torcv1.PacketResponse && a.body == nil {
		a.body, a.pooled = encode(&a.resp)
	}
}

// pooledLeast is from which size on a body's memory is used again: to clear memory for a long one takes as long as to copy it.
const pooledLeast = 4 << 10

func encode(resp *wire.Response) (body []byte, pooled *[]byte) {
	size := 32 + responseSize(resp)
	if size < pooledLeast {
		return wire.AppendResponse(make([]byte, 0, size), resp), nil
	}
	pooled = mem.DefaultBufferPool().Get(size)
	*pooled = wire.AppendResponse((*pooled)[:0], resp)
	return *pooled, pooled
}
