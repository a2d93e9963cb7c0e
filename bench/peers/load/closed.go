package load

import (
	"sync"
	"time"
)

// Closed is a closed loop: every caller sends a batch, waits for its answers, and sends the next.
type Closed struct {
	Mix      Mix
	Pipeline int
	Warm     time.Duration // goes before what is measured
	Measure  time.Duration
}

// Run runs it. The callers are all there before the first begins.
func (l Closed) Run(callers []Caller) Result {
	var (
		mu    sync.Mutex
		total = newCounts()
		all   sync.WaitGroup
		from  = time.Now().Add(l.Warm)
		until = from.Add(l.Measure)
	)
	for i, c := range callers {
		all.Go(func() {
			own := l.call(c, l.Mix.of(c).drawer(i), from, until)
			mu.Lock()
			defer mu.Unlock()
			total.add(own)
		})
	}
	all.Wait()
	return total.result(l.Measure)
}

// call is one caller. A batch counts where it ends: those that straddle the beginning make up for those that straddle the end.
func (l Closed) call(c Caller, d *drawer, from, until time.Time) *counts {
	own := newCounts()
	batch := make([]Op, l.Pipeline)
	for {
		d.fill(batch)
		begin := time.Now()
		c.Do(batch)
		end := time.Now()
		if !end.Before(until) {
			return own
		}
		if !end.Before(from) {
			own.note(batch, end.Sub(begin))
		}
	}
}

// Fill writes every key once.
func Fill(callers []Caller, space *Keyspace, pipeline int) error {
	var all sync.WaitGroup
	failed := make(chan error, len(callers))
	for i, c := range callers {
		all.Go(func() { failed <- fillShare(c, space, pipeline, i, len(callers)) })
	}
	all.Wait()
	for range callers {
		if err := <-failed; err != nil {
			return err
		}
	}
	return nil
}

// fillShare writes every of'th key, beginning with the first'th.
func fillShare(c Caller, space *Keyspace, pipeline, first, of int) error {
	batch := make([]Op, 0, pipeline)
	send := func() error {
		c.Do(batch)
		for i := range batch {
			if batch[i].Err != nil {
				return batch[i].Err
			}
		}
		batch = batch[:0]
		return nil
	}
	for k := first; k < len(space.Keys); k += of {
		batch = append(batch, Op{Key: space.Keys[k], Value: space.Value})
		if len(batch) == pipeline {
			if err := send(); err != nil {
				return err
			}
		}
	}
	return send()
}
