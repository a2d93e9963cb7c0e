package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/term"
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

// benchResult is what came of it. Times are in nanoseconds, of requests that succeeded.
type benchResult struct {
	Requests   int            `json:"requests"`
	Errors     int            `json:"errors"`
	Kinds      map[string]int `json:"errors_by_kind,omitempty"`
	FirstError string         `json:"first_error,omitempty"`
	Seconds    float64        `json:"seconds"`
	PerSecond  float64        `json:"requests_per_second"` // that succeeded
	P50        int64          `json:"p50_ns"`
	P90        int64          `json:"p90_ns"`
	P99        int64          `json:"p99_ns"`
	P999       int64          `json:"p999_ns"`
	Max        int64          `json:"max_ns"`
}

func bench(args []string) int {
	if len(args) > 0 && args[0] == "hitrate" {
		return benchHitrate(args[1:])
	}
	flags := newFlags("torc bench", "")
	var c connection
	c.flags(flags)
	var s benchShape
	flags.IntVar(&s.clients, "clients", 50, "how many concurrent callers")
	flags.IntVar(&s.requests, "requests", 100_000, "how many requests in all")
	flags.IntVar(&s.pipeline, "pipeline", 1, "how many requests a caller sends together, all reads or all writes; each counts as taking as long as the whole batch")
	flags.IntVar(&s.size, "size", 64, "size of a value in bytes")
	flags.IntVar(&s.keys, "keys", 10_000, "how many different keys")
	flags.Float64Var(&s.reads, "reads", 0.5, "fraction of reads, 0 to 1; the rest are writes")
	resp := flags.String("resp", "", "use the Redis protocol to this `address` instead, with one connection per caller; it may be a redis-server")
	asJSON := flags.Bool("json", false, "print JSON")
	if err := flags.Parse(args); err != nil {
		return flagsExit(err)
	}
	if refuseArguments(flags) {
		return exitError
	}
	err := s.check()
	if *resp != "" && given(flags, "addr") {
		err = errors.New("--addr is for Torc's client, --resp for the Redis protocol: give one of them")
	}
	var r benchResult
	if err == nil {
		r, err = s.measure(&c, *resp)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "torc bench: %v\n", err)
		return exitError
	}
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

// measure connects every caller, and then lets them go.
func (s benchShape) measure(c *connection, resp string) (benchResult, error) {
	ctx := context.Background()
	if resp == "" {
		ctx, cancel := context.WithTimeout(ctx, c.timeout)
		defer cancel()
		c.inFlight = s.clients * s.pipeline
		db, err := c.client(ctx)
		if err != nil {
			return benchResult{}, c.whyNot(err)
		}
		defer func() { _ = db.Close() }()
		return s.run(slices.Repeat([]asker{clientAsker{db}}, s.clients)), nil
	}
	target, err := c.respTarget(resp)
	if err != nil {
		return benchResult{}, err
	}
	var askers []asker
	defer func() {
		for _, a := range askers {
			a.close()
		}
	}()
	for range s.clients {
		a, err := newRESPAsker(ctx, target)
		if err != nil {
			return benchResult{}, err
		}
		askers = append(askers, a)
	}
	return s.run(askers), nil
}

// run makes the requests, one caller for each asker, and times each.
func (s benchShape) run(askers []asker) benchResult {
	var left, done atomic.Int64
	left.Store(int64(s.requests))
	var mu sync.Mutex
	total := newCallerCounts()
	begin := time.Now()
	stop := progress(&done, s.requests)
	var callers sync.WaitGroup
	for _, a := range askers {
		callers.Go(func() {
			own := s.call(a, &left, &done)
			mu.Lock()
			defer mu.Unlock()
			total.add(own)
		})
	}
	callers.Wait()
	seconds := time.Since(begin).Seconds()
	stop()
	r := benchResult{Requests: s.requests, Kinds: total.kinds, Seconds: seconds,
		P50: total.times.ValueAtQuantile(50), P90: total.times.ValueAtQuantile(90), P99: total.times.ValueAtQuantile(99),
		P999: total.times.ValueAtQuantile(99.9), Max: total.times.Max()}
	for _, n := range total.kinds {
		r.Errors += n
	}
	r.PerSecond = float64(s.requests-r.Errors) / seconds
	if total.err != nil {
		r.FirstError = total.err.Error()
	}
	return r
}

// call is one caller: it takes what it sends together from what is left, until nothing is.
func (s benchShape) call(a asker, left, done *atomic.Int64) *callerCounts {
	own := newCallerCounts()
	value := make([]byte, s.size)
	together := int64(s.pipeline)
	for {
		n := min(together, left.Add(-together)+together)
		if n <= 0 {
			return own
		}
		keys := s.draw(int(n))
		at := time.Now()
		outcomes := a.ask(rand.Float64() < s.reads, keys, value)
		own.note(time.Since(at), outcomes)
		done.Add(n)
	}
}

func (s benchShape) draw(n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("bench:%d", rand.IntN(s.keys))
	}
	return keys
}

// callerCounts is what one caller has seen, or all of them.
type callerCounts struct {
	times *hdrhistogram.Histogram
	kinds map[string]int // errors
	err   error          // the first
}

// timeMost is the longest time that is told from longer ones.
const timeMost = time.Minute

func newCallerCounts() *callerCounts {
	return &callerCounts{times: hdrhistogram.New(1000, int64(timeMost), 3), kinds: map[string]int{}}
}

func (t *callerCounts) note(took time.Duration, outcomes []error) {
	succeeded := int64(0)
	for _, err := range outcomes {
		if err == nil {
			succeeded++
			continue
		}
		t.kinds[errorKind(err)]++
		if t.err == nil {
			t.err = err
		}
	}
	if succeeded > 0 {
		_ = t.times.RecordValues(int64(min(took, timeMost)), succeeded) // cannot fail within timeMost
	}
}

func (t *callerCounts) add(other *callerCounts) {
	t.times.Merge(other.times)
	for kind, n := range other.kinds {
		t.kinds[kind] += n
	}
	if t.err == nil {
		t.err = other.err
	}
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
	if r.Errors == 0 {
		return
	}
	_, _ = fmt.Fprintf(w, "%d errors, such as: %s\n", r.Errors, r.FirstError)
	for _, kind := range slices.Sorted(maps.Keys(r.Kinds)) {
		_, _ = fmt.Fprintf(w, "  %d %s\n", r.Kinds[kind], kind)
	}
}

func short(ns int64) time.Duration { return time.Duration(ns).Round(time.Microsecond) }
