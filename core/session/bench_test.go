package session

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// quick answers everything at once, as fast as a benchmark can wish for.
type quick struct {
	*world
	brain *Brain
	asked []uint64
}

func (q *quick) FetchMap(id uint64, _ string) {
	q.After(0, func() { q.brain.OnMap(id, threeNodes(1, 64, 1)) })
}

func (q *quick) Send(id uint64, _ string, _ *wire.Request, _ time.Duration) {
	q.asked = append(q.asked, id)
}

func BenchmarkSet(b *testing.B) {
	q := &quick{world: newWorld(1)}
	q.brain = New(Config{Seeds: []string{"n1"}}, q, q, q)
	q.brain.Start()
	q.run(q.now)
	ok := &wire.Response{Results: make([]wire.Result, 1)}
	key := []byte("key-000000")
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		key := append([]byte(nil), key...)
		key[9] += byte(i % 10)
		q.brain.Do([]wire.Command{{Op: wire.OpSet, Key: key}}, 0, func([]Item) {})
		q.now += time.Microsecond
		q.brain.OnResponse(q.asked[0], ok)
		q.asked = q.asked[:0]
	}
}

// keeper keeps the memory of its one call.
type keeper struct {
	Call
	cmd [1]wire.Command
}

func (k *keeper) Keep(*wire.Result) {}
func (k *keeper) Done(*Call)        {}

// again is a brain and a call, and makes the call and answers it.
func again() func() {
	q := &quick{world: newWorld(1)}
	q.brain = New(Config{Seeds: []string{"n1"}}, q, q, q)
	q.brain.Start()
	q.run(q.now)
	ok := &wire.Response{Results: make([]wire.Result, 1)}
	k := &keeper{}
	k.cmd[0] = wire.Command{Op: wire.OpSet, Key: []byte("key")}
	k.Commands, k.Caller = k.cmd[:], k
	return func() {
		q.brain.Run(&k.Call)
		q.now += time.Microsecond
		q.brain.OnResponse(q.asked[0], ok)
		q.asked = q.asked[:0]
	}
}

func BenchmarkRun(b *testing.B) {
	once := again()
	b.ReportAllocs()
	for b.Loop() {
		once()
	}
}

// A caller that keeps its memory allocates nothing: what the brain needs for a call is what the last one has left.
func TestACallCostsNoMemory(t *testing.T) {
	require.Zero(t, testing.AllocsPerRun(10_000, again()))
}
