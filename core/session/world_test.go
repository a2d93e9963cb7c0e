package session

import (
	"container/heap"
	"math/rand/v2"
	"time"
)

// world is virtual time: a heap of things to come, run one at a time.
type world struct {
	now  time.Duration
	todo timerHeap
	n    uint64
	rng  *rand.Rand
}

func newWorld(seed uint64) *world {
	return &world{rng: rand.New(rand.NewPCG(seed, 1)), now: time.Hour}
}

func (w *world) Now() time.Duration { return w.now }
func (w *world) Wall() int64        { return w.now.Milliseconds() }
func (w *world) Uint64() uint64     { return w.rng.Uint64() }

func (w *world) After(d time.Duration, f func()) {
	if d < 0 {
		panic("a negative delay")
	}
	w.n++
	heap.Push(&w.todo, &timer{at: w.now + d, order: w.n, f: f})
}

// run lets the world run until a time. It reports whether anything is left to do.
func (w *world) run(until time.Duration) bool {
	for len(w.todo) > 0 && w.todo[0].at <= until {
		t := heap.Pop(&w.todo).(*timer)
		w.now = t.at
		t.f()
	}
	w.now = max(w.now, until)
	return len(w.todo) > 0
}

func (w *world) chance(percent int) bool { return w.rng.IntN(100) < percent }

// upTo draws a delay below d.
func (w *world) upTo(d time.Duration) time.Duration {
	return time.Duration(w.rng.Int64N(int64(d) + 1))
}
