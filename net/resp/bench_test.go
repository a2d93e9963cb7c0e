package resp

import (
	"io"
	"strings"
	"testing"

	"torc/core/wire"
)

// Sketch: a pipeline of 16 SETs is one read, 16 parses (about 100 ns each), one Call per shard
// and one write: about 10 us with its two system calls, on both sides of loopback about twice
// that. Measured with the command below on 2 shared cores (AMD EPYC, Go 1.26): SET 30 us and
// 6 allocations, GET 30 us and 6, PING 26 us and 1.
//
//	go test ./net/resp -run xxx -bench . -benchtime 1s
func BenchmarkPipeline16(b *testing.B) {
	for _, bench := range []struct{ name, command string }{
		{"SET", "*3\r\n$3\r\nSET\r\n$10\r\nkey:000001\r\n$8\r\nxxxxxxxx\r\n"},
		{"GET", "*2\r\n$3\r\nGET\r\n$10\r\nkey:000001\r\n"},
		{"PING", "*1\r\n$4\r\nPING\r\n"},
	} {
		b.Run(bench.name, func(b *testing.B) {
			n := newFakeNode(64)
			results := make([]wire.Result, 16)
			for i := range results {
				results[i].Kind = wire.KindOK
			}
			n.submit = func(call *wire.Call) {
				call.Sink.Deliver(call.Tag, &wire.Response{Results: results[:len(call.Commands)]})
			}
			nc := dial(b, serve(b, n))
			pipeline := strings.Repeat(bench.command, 16)
			reply := make([]byte, 16*len("+OK\r\n"))
			if bench.name == "PING" {
				reply = make([]byte, 16*len("+PONG\r\n"))
			}
			b.ReportAllocs()
			for b.Loop() {
				_, _ = io.WriteString(nc, pipeline)
				if _, err := io.ReadFull(nc, reply); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// What parsing alone costs.
func BenchmarkReader(b *testing.B) {
	in := []byte(strings.Repeat("*3\r\n$3\r\nSET\r\n$10\r\nkey:000001\r\n$8\r\nxxxxxxxx\r\n", 1000))
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		r := newReader(1<<20, 1<<26)
		src := &cutter{in, func() int { return 1 << 20 }}
		for count := 0; count < 1000; {
			args, err := r.next()
			if err != nil {
				b.Fatal(err)
			}
			if args != nil {
				count++
			} else if _, err := r.fill(src); err != nil {
				b.Fatal(err)
			}
		}
	}
}
