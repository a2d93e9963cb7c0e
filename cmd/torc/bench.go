package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/term"

	"torc/client"
)

// benchShape is what a bench run does.
type benchShape struct {
	clients  int
	requests int
	pipeline int
	size     int
	keys     int
	reads    float64
}

// benchResult is what came of it. Times are in nanoseconds.
type benchResult struct {
	Requests   int     `json:"requests"`
	Errors     int     `json:"errors"`
	FirstError string  `json:"first_error,omitempty"`
	Seconds    float64 `json:"seconds"`
	PerSecond  float64 `json:"requests_per_second"`
	P50        int64   `json:"p50_ns"`
	P90        int64   `json:"p90_ns"`
	P99        int64   `json:"p99_ns"`
	P999       int64   `json:"p999_ns"`
	Max        int64   `json:"max_ns"`
}

func bench(args []string) int {
	flags := newFlags("torc bench", "")
	var c connection
	c.flags(flags)
	var s benchShape
	flags.IntVar(&s.clients, "clients", 50, "how many callers")
	flags.IntVar(&s.requests, "requests", 100_000, "how many requests in all")
	flags.IntVar(&s.pipeline, "pipeline", 1, "how many requests a caller sends together, all reads or all writes; each is timed as long as all of them take")
	flags.IntVar(&s.size, "size", 64, "bytes of a value")
	flags.IntVar(&s.keys, "keys", 10_000, "how many different keys")
	flags.Float64Var(&s.reads, "reads", 0.5, "share of reads, 0 to 1; the others are writes")
	asJSON := flags.Bool("json", false, "print JSON")
	if err := flags.Parse(args); err != nil {
		return flagsExit(err)
	}
	if err := s.check(); err != nil {
		fmt.Fprintf(os.Stderr, "torc bench: %v\n", err)
		return exitError
	}
	c.inFlight = s.clients * s.pipeline
	ctx, cancel := context.WithTimeout(context.Background(), c.timeout)
	defer cancel()
	db, err := c.client(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitError
	}
	defer func() { _ = db.Close() }()
	r := s.run(db)
	if *asJSON {
		out, _ := json.MarshalIndent(r, "", "  ")
		fmt.Println(string(out))
	} else {
		r.print(os.Stdout)
	}
	if r.Errors > 0 {
		return exitError
	}
	return exitOK
}

// pipelineMost keeps one caller's requests well below what a node's inbox holds.
const pipelineMost = 1024

func (s benchShape) check() error {
	if s.clients < 1 || s.requests < 1 || s.size < 0 || s.keys < 1 || !(s.reads >= 0 && s.reads <= 1) {
		return errors.New("want --clients, --requests and --keys of at least 1, --size of at least 0, --reads from 0 to 1")
	}
	if s.pipeline < 1 || s.pipeline > pipelineMost {
		return fmt.Errorf("want --pipeline from 1 to %d", pipelineMost)
	}
	return nil
}

// run makes the requests and times each.
func (s benchShape) run(db *client.Client) benchResult {
	var left, done atomic.Int64
	left.Store(int64(s.requests))
	var mu sync.Mutex
	total := newCallerCounts()
	begin := time.Now()
	stop := progress(&done, s.requests)
	var callers sync.WaitGroup
	for range s.clients {
		callers.Go(func() {
			own := s.call(db, &left, &done)
			mu.Lock()
			defer mu.Unlock()
			total.add(own)
		})
	}
	callers.Wait()
	seconds := time.Since(begin).Seconds()
	stop()
	r := benchResult{Requests: s.requests, Errors: total.failed, Seconds: seconds, PerSecond: float64(s.requests) / seconds,
		P50: total.times.ValueAtQuantile(50), P90: total.times.ValueAtQuantile(90), P99: total.times.ValueAtQuantile(99),
		P999: total.times.ValueAtQuantile(99.9), Max: total.times.Max()}
	if total.err != nil {
		r.FirstError = total.err.Error()
	}
	return r
}

// call is one caller: it takes what it sends together from what is left, until nothing is.
func (s benchShape) call(db *client.Client, left, done *atomic.Int64) *callerCounts {
	own := newCallerCounts()
	value := make([]byte, s.size)
	together := int64(s.pipeline)
	for {
		n := min(together, left.Add(-together)+together)
		if n <= 0 {
			return own
		}
		at := time.Now()
		own.note(s.send(db, int(n), value))
		_ = own.times.RecordValues(int64(time.Since(at)), n)
		done.Add(n)
	}
}

// callerCounts is what one caller has seen, or all of them.
type callerCounts struct {
	times  *hdrhistogram.Histogram
	failed int
	err    error // the first
}

func newCallerCounts() *callerCounts { return &callerCounts{times: newHistogram()} }

func (t *callerCounts) note(failed int, err error) {
	t.failed += failed
	if t.err == nil {
		t.err = err
	}
}

func (t *callerCounts) add(other *callerCounts) {
	t.times.Merge(other.times)
	t.note(other.failed, other.err)
}

func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(1000, int64(time.Minute), 3) }

// send makes n requests together and tells how many failed, and why the first did.
func (s benchShape) send(db *client.Client, n int, value []byte) (failed int, first error) {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("bench:%d", rand.IntN(s.keys))
	}
	for _, err := range s.ask(db, keys, value) {
		if err == nil || errors.Is(err, client.ErrNotFound) {
			continue
		}
		failed++
		if first == nil {
			first = err
		}
	}
	return failed, first
}

// ask reads the keys, or writes them.
func (s benchShape) ask(db *client.Client, keys []string, value []byte) (outcomes []error) {
	ctx := context.Background()
	read := rand.Float64() < s.reads
	if len(keys) == 1 { // what most callers do
		var err error
		if read {
			_, err = db.Get(ctx, keys[0])
		} else {
			_, err = db.Set(ctx, keys[0], value)
		}
		return append(outcomes, err)
	}
	if read {
		for _, r := range db.GetMany(ctx, keys...) {
			outcomes = append(outcomes, r.Err)
		}
		return outcomes
	}
	entries := make([]client.Entry, len(keys))
	for i, key := range keys {
		entries[i] = client.Entry{Key: key, Value: value}
	}
	for _, r := range db.SetMany(ctx, entries...) {
		outcomes = append(outcomes, r.Err)
	}
	return outcomes
}

// progress shows how far a run has come, on a terminal, until it is stopped.
func progress(done *atomic.Int64, of int) (stop func()) {
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		return func() {}
	}
	tick, end := time.NewTicker(200*time.Millisecond), make(chan struct{})
	var shown sync.WaitGroup
	shown.Go(func() {
		last := int64(0)
		for {
			select {
			case <-end:
				fmt.Fprint(os.Stderr, "\r\x1b[K")
				return
			case <-tick.C:
				n := done.Load()
				fmt.Fprintf(os.Stderr, "\r%3d%%  %d/s\x1b[K", n*100/int64(of), (n-last)*5)
				last = n
			}
		}
	})
	return func() {
		tick.Stop()
		close(end)
		shown.Wait()
	}
}

func (r benchResult) print(w io.Writer) {
	_, _ = fmt.Fprintf(w, "%d requests in %.2f s: %.0f/s\n", r.Requests, r.Seconds, r.PerSecond)
	_, _ = fmt.Fprintf(w, "p50 %v  p90 %v  p99 %v  p99.9 %v  max %v\n", short(r.P50), short(r.P90), short(r.P99), short(r.P999), short(r.Max))
	if r.Errors > 0 {
		_, _ = fmt.Fprintf(w, "%d errors, such as: %s\n", r.Errors, r.FirstError)
	}
}

func short(ns int64) time.Duration { return time.Duration(ns).Round(time.Microsecond) }
