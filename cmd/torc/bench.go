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
	flags.IntVar(&s.clients, "clients", 50, "how many callers, each with one request under way")
	flags.IntVar(&s.requests, "requests", 100_000, "how many requests in all")
	flags.IntVar(&s.size, "size", 64, "bytes of a value")
	flags.IntVar(&s.keys, "keys", 10_000, "how many different keys")
	flags.Float64Var(&s.reads, "reads", 0.5, "share of reads, 0 to 1; the others are writes")
	asJSON := flags.Bool("json", false, "print JSON")
	if err := flags.Parse(args); err != nil {
		return flagsExit(err)
	}
	if s.clients < 1 || s.requests < 1 || s.size < 0 || s.keys < 1 || s.reads < 0 || s.reads > 1 {
		fmt.Fprintln(os.Stderr, "torc bench: want --clients, --requests and --keys of at least 1, --size of at least 0, --reads from 0 to 1")
		return exitError
	}
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

// run makes the requests and times each.
func (s benchShape) run(db *client.Client) benchResult {
	var left, done atomic.Int64
	left.Store(int64(s.requests))
	var mu sync.Mutex
	total := newHistogram()
	var firstError error
	failed := 0
	begin := time.Now()
	stop := progress(&done, s.requests)
	var callers sync.WaitGroup
	for range s.clients {
		callers.Go(func() {
			own := newHistogram()
			value := make([]byte, s.size)
			var ownError error
			ownFailed := 0
			for left.Add(-1) >= 0 {
				at := time.Now()
				if err := s.one(db, value); err != nil {
					ownFailed, ownError = ownFailed+1, err
				}
				_ = own.RecordValue(int64(time.Since(at)))
				done.Add(1)
			}
			mu.Lock()
			defer mu.Unlock()
			total.Merge(own)
			failed += ownFailed
			if ownError != nil && firstError == nil {
				firstError = ownError
			}
		})
	}
	callers.Wait()
	seconds := time.Since(begin).Seconds()
	stop()
	r := benchResult{Requests: s.requests, Errors: failed, Seconds: seconds, PerSecond: float64(s.requests) / seconds,
		P50: total.ValueAtQuantile(50), P90: total.ValueAtQuantile(90), P99: total.ValueAtQuantile(99), P999: total.ValueAtQuantile(99.9), Max: total.Max()}
	if firstError != nil {
		r.FirstError = firstError.Error()
	}
	return r
}

func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(1000, int64(time.Minute), 3) }

func (s benchShape) one(db *client.Client, value []byte) error {
	key := fmt.Sprintf("bench:%d", rand.IntN(s.keys))
	if rand.Float64() < s.reads {
		if _, err := db.Get(context.Background(), key); err != nil && !errors.Is(err, client.ErrNotFound) {
			return err
		}
		return nil
	}
	_, err := db.Set(context.Background(), key, value)
	return err
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
