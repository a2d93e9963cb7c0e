package session

import (
	"container/heap"
	"time"
)

// timers keeps everything the brain waits for in one heap, and asks the world's clock only
// for the earliest: env.Clock cannot cancel, and most of what a client waits for (timeouts)
// never happens.
type timers struct {
	heap  timerHeap
	count uint64        // orders timers that are due at the same time
	armed time.Duration // what the newest callback asked of the clock is for, when waiting
	round uint64        // tells the newest callback from older ones
	wait  bool
}

type timer struct {
	at    time.Duration
	order uint64
	index int // in the heap, -1 when not there
	f     func()
	part  *part // instead of f: the part whose timer it is
}

// after calls f once d has passed, from the clock's callback. The timer can be stopped.
func (b *Brain) after(d time.Duration, f func()) *timer {
	b.timers.count++
	t := &timer{at: b.clock.Now() + max(d, 0), order: b.timers.count, f: f}
	heap.Push(&b.timers.heap, t)
	b.arm()
	return t
}

// set makes a part's timer call onTimer once d has passed, and at no other time.
func (b *Brain) set(t *timer, d time.Duration) {
	b.timers.count++
	t.at, t.order = b.clock.Now()+max(d, 0), b.timers.count
	if t.index >= 0 {
		heap.Fix(&b.timers.heap, t.index)
	} else {
		heap.Push(&b.timers.heap, t)
	}
	b.arm()
}

// stop makes sure that a timer is never called. It may be nil, stopped or called already.
func (b *Brain) stop(t *timer) {
	if t != nil && t.index >= 0 {
		heap.Remove(&b.timers.heap, t.index)
	}
}

func (b *Brain) arm() {
	t := &b.timers
	if len(t.heap) == 0 || t.wait && t.armed <= t.heap[0].at {
		return
	}
	t.wait, t.armed = true, t.heap[0].at
	t.round++
	round := t.round
	b.clock.After(max(t.armed-b.clock.Now(), 0), func() {
		if round == t.round {
			t.wait = false
			b.onClock()
		}
	})
}

// onClock calls every timer that is due.
func (b *Brain) onClock() {
	b.enter()
	defer b.leave()
	now := b.clock.Now()
	for len(b.timers.heap) > 0 && b.timers.heap[0].at <= now {
		if t := heap.Pop(&b.timers.heap).(*timer); t.part != nil {
			b.onTimer(t.part)
		} else {
			t.f()
		}
	}
	b.arm()
}

type timerHeap []*timer

func (h timerHeap) Len() int { return len(h) }

func (h timerHeap) Less(i, j int) bool {
	return h[i].at < h[j].at || h[i].at == h[j].at && h[i].order < h[j].order
}

func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *timerHeap) Push(x any) {
	t := x.(*timer)
	t.index = len(*h)
	*h = append(*h, t)
}

func (h *timerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	t.index = -1
	return t
}
