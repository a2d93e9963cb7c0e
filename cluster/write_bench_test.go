package cluster

import (
	"strconv"
	"testing"
	"time"

	"torc/core/wire"
)

// BenchmarkWrites is what a turn of sixteen writes costs a node that forms a cluster alone: the way of a write without its network.
func BenchmarkWrites(b *testing.B) {
	w := newWorld(1)
	n := w.start("n1", 1, 1, Config{Join: []string{"n1"}, Expect: 1, Shards: 1, Replicas: 1})
	if !w.until(20*time.Second, func() bool { return n.groups[1] != nil && n.groups[1].member.Leads() }) {
		b.Fatal("nobody leads")
	}
	sink := &counter{}
	var calls [16]*wire.Call
	value := make([]byte, 100)
	for i := range calls {
		calls[i] = &wire.Call{TimeoutMillis: 1000, Sink: sink, Request: wire.Request{Shard: 1, Commands: []wire.Command{{Op: wire.OpSet, Key: []byte("key:" + strconv.Itoa(i)), Value: value}}}}
	}
	b.ReportAllocs()
	for b.Loop() {
		n.turn(func() {
			for _, c := range calls {
				n.OnCall(c)
			}
		})
		if sink.refused > 0 {
			b.Fatal("refused")
		}
		w.run(10 * time.Microsecond)
	}
}

type counter struct{ done, refused int }

func (c *counter) Deliver(_ uint64, r *wire.Response) {
	if c.done++; r.Outcome != wire.OutcomeOK {
		c.refused++
	}
}
