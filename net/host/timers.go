package host

import (
	"container/heap"
	"time"
)

// timer is one callback that waits for its time.
type timer struct {
	at  time.Duration
	seq uint64 // equal times run in the order they were asked for
	f   func()
}

// timers is a lane's heap of callbacks: no goroutine and no runtime timer for each.
type timers struct {
	heap timerHeap
	seq  uint64
}

func (t *timers) add(at time.Duration, f func()) {
	t.seq++
	heap.Push(&t.heap, timer{at, t.seq, f})
}

// next is the time of the earliest timer.
func (t *timers) next() (time.Duration, bool) {
	if len(t.heap) == 0 {
		return 0, false
	}
	return t.heap[0].at, true
}

// run calls every timer that is due at now. Timers that are added meanwhile wait for the next
// turn even when they are due: a callback that asks for another at once must not keep the
// lane from its inbox.
func (t *timers) run(now time.Duration) (ran int) {
	last := t.seq
	var postponed []timer
	for len(t.heap) > 0 && t.heap[0].at <= now {
		due := heap.Pop(&t.heap).(timer)
		if due.seq > last {
			postponed = append(postponed, due)
			continue
		}
		due.f()
		ran++
	}
	for _, p := range postponed {
		heap.Push(&t.heap, p)
	}
	return ran
}

type timerHeap []timer

func (h timerHeap) Len() int { return len(h) }
func (h timerHeap) Less(i, j int) bool {
	return h[i].at < h[j].at || h[i].at == h[j].at && h[i].seq < h[j].seq
}
func (h timerHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *timerHeap) Push(x any)   { *h = append(*h, x.(timer)) }
func (h *timerHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = timer{}
	*h = old[:len(old)-1]
	return last
}
