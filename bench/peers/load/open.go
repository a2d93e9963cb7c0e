package load

import (
	"runtime"
	"sync"
	"time"
)

// Open is an open loop: requests fall due at a fixed rate, evenly, and are sent by whichever caller is free. The time of a
// request counts from when it was due: a peer that stops for 100 ms makes all that fell due meanwhile late, as it would for users.
type Open struct {
	Mix     Mix
	Rate    int // requests a second
	Warm    time.Duration
	Measure time.Duration
	Drain   time.Duration // how long answers are waited for after the last request was due; what is left is given up
}

// Run runs it.
func (l Open) Run(callers []Caller) Result {
	var (
		mu    sync.Mutex
		total = newCounts()
		all   sync.WaitGroup
		begin = time.Now()
		from  = begin.Add(l.Warm)
		until = from.Add(l.Measure)
		due   = make(chan time.Time, int(float64(l.Rate)*(l.Warm+l.Measure).Seconds())+1) // never blocks who fills it
	)
	for i, c := range callers {
		all.Go(func() {
			own := l.call(c, l.Mix.of(c).drawer(i), due, from, until.Add(l.Drain))
			mu.Lock()
			defer mu.Unlock()
			total.add(own)
		})
	}
	measured := l.schedule(due, begin, from, until)
	close(due)
	all.Wait()
	r := total.result(l.Measure)
	r.Due = measured
	r.Late = measured - total.done - total.errors
	return r
}

// schedule hands out requests when they are due, and tells how many of them count. It has a thread of its own, because the Go
// scheduler wakes sleepers up to a millisecond late when a processor idles: more than the peers need for an answer.
func (l Open) schedule(due chan<- time.Time, begin, from, until time.Time) (measured int64) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for n := int64(0); ; n++ {
		at := begin.Add(time.Duration(n * int64(time.Second) / int64(l.Rate)))
		if !at.Before(until) {
			return measured
		}
		sleepUntil(at)
		due <- at
		if !at.Before(from) {
			measured++
		}
	}
}

// call is one caller. What is still waiting when the run has ended is given up, unsent.
func (l Open) call(c Caller, d *drawer, due <-chan time.Time, from, end time.Time) *counts {
	own := newCounts()
	batch := make([]Op, 1)
	for at := range due {
		if time.Now().After(end) {
			continue
		}
		d.fill(batch)
		c.Do(batch)
		if !at.Before(from) {
			own.note(batch, time.Since(at))
		}
	}
	return own
}
