package grpcapi

import (
	"context"
	"log/slog"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	torcv1 "torc/api/v1"
	"torc/core/wire"
)

// forgetful is a node that answers at once and remembers no calls.
type forgetful struct{ *fakeNode }

func (forgetful) Submit(calls ...*wire.Call) {
	for _, c := range calls {
		c.Sink.Deliver(c.Tag, &wire.Response{Results: make([]wire.Result, len(c.Commands))})
	}
}

// One stream over loopback, 256 GETs in flight, answered by a map.
func BenchmarkStream(b *testing.B) {
	s, err := Listen(Options{Addr: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler)}, forgetful{newFake()})
	if err != nil {
		b.Fatal(err)
	}
	go func() { _ = s.Serve() }()
	conn, err := grpc.NewClient("passthrough:///"+s.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = conn.Close(); _ = s.Close(context.Background()) }()
	stream, err := torcv1.NewCacheClient(conn).Stream(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	tokens := make(chan struct{}, 256)
	go func() {
		for {
			if _, err := stream.Recv(); err != nil {
				return
			}
			<-tokens
		}
	}()
	packet := get(1, "key")
	for b.Loop() {
		tokens <- struct{}{}
		if err := stream.Send(packet); err != nil {
			b.Fatal(err)
		}
	}
}
