package delay

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// Pace is how long one direction takes.
type Pace struct {
	Delay  time.Duration
	Jitter time.Duration // drawn anew for every piece, between nothing and this, on top of Delay
	// Lost is how many pieces of a thousand are lost on the way, as TCP shows it: they come, and all that was sent after
	// them, when the sender has missed their acknowledgement for Again.
	Lost  int
	Again time.Duration
}

// Link is the way between two places. The zero Link is as fast as can be.
type Link struct {
	There, Back Way
}

// Set changes both directions.
func (l *Link) Set(there, back Pace) {
	l.There.Set(there)
	l.Back.Set(back)
}

// Way is one direction of a link.
type Way struct {
	mu      sync.Mutex
	pace    Pace
	delayed atomic.Int64
}

// Set changes the pace of everything that is read from now on.
func (w *Way) Set(p Pace) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pace = p
}

// Delayed counts the bytes that were made to wait.
func (w *Way) Delayed() int64 { return w.delayed.Load() }

// draw is how long the next piece takes.
func (w *Way) draw() time.Duration {
	w.mu.Lock()
	p := w.pace
	w.mu.Unlock()
	if p.Jitter > 0 {
		p.Delay += rand.N(p.Jitter)
	}
	if p.Lost > 0 && rand.N(1000) < p.Lost {
		p.Delay += p.Again
	}
	return p.Delay
}
