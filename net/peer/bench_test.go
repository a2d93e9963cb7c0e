package peer

import (
	"io"
	"log/slog"
	"testing"

	"torc/core/wire"
)

// One node sends frames to another over loopback, as fast as the other takes them.
func BenchmarkFrames(b *testing.B) {
	const window = 512
	tokens := make(chan struct{}, window)
	opts := Options{Addr: "127.0.0.1:0", Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}
	from, err := Listen(opts, func(*wire.Frame) {})
	if err != nil {
		b.Fatal(err)
	}
	to, err := Listen(opts, func(f *wire.Frame) {
		for range f.Messages {
			<-tokens
		}
	})
	if err != nil {
		b.Fatal(err)
	}
	go func() { _ = from.Serve() }()
	go func() { _ = to.Serve() }()
	defer func() { _ = from.Close(expired()); _ = to.Close(expired()) }()
	for b.Loop() {
		tokens <- struct{}{}
		from.Send(to.Addr().String(), chunk(1, 128))
	}
}
