package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

type options struct {
	grpc, resp, only string
	lasts            time.Duration
	callers, rate    int
	keys, size       int
}

func main() {
	var o options
	flag.StringVar(&o.grpc, "grpc", "127.0.0.1:7401,127.0.0.1:7402,127.0.0.1:7403", "the nodes' addresses for Torc's client")
	flag.StringVar(&o.resp, "resp", "127.0.0.1:6379,127.0.0.1:6380,127.0.0.1:6381", "the nodes' addresses for Redis clients")
	flag.StringVar(&o.only, "only", strings.Join(names, ","), "the clients to measure")
	flag.DurationVar(&o.lasts, "for", 10*time.Second, "how long each measurement lasts")
	flag.IntVar(&o.callers, "callers", 64, "callers at the same time")
	flag.IntVar(&o.rate, "rate", 5000, "calls a second, of the measurement at equal load")
	flag.IntVar(&o.keys, "keys", 10_000, "keys")
	flag.IntVar(&o.size, "size", 100, "bytes of a value")
	flag.Parse()
	if err := run(o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(o options, w io.Writer) error {
	fmt.Fprintf(w, "%d callers, 90%% reads, %d keys of %d bytes, %v each, GOMAXPROCS %d\n\n", o.callers, o.keys, o.size, o.lasts, runtime.GOMAXPROCS(0))
	fmt.Fprintf(w, "%-10s %-22s %10s %9s %9s %9s %9s %9s %9s %7s\n", "client", "load", "calls/s", "p50", "p99", "p99.9", "allocs", "bytes", "cpu", "errors")
	for _, name := range strings.Split(o.only, ",") {
		if err := measure(o, name, w); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func measure(o options, name string, w io.Writer) error {
	ctx := context.Background()
	connecting, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	c, err := connect(connecting, name, o.grpc, o.resp)
	if err != nil {
		return fmt.Errorf("connect: %w (is a cluster running? try: torc dev)", err)
	}
	defer c.close()
	b := &bench{options: o, cache: c, value: make([]byte, o.size)}
	for i := range o.keys {
		b.names = append(b.names, fmt.Sprint("bench:", i))
	}
	if err := b.fill(ctx); err != nil {
		return err
	}
	for _, load := range []struct {
		what string
		rate int
		many bool
	}{{"as fast as it goes", 0, false}, {fmt.Sprintf("%d a second", o.rate), o.rate, false}, {"1000 keys a call", 0, true}} {
		r := b.run(ctx, load.rate, load.many)
		fmt.Fprintf(w, "%-10s %-22s %10.0f %9v %9v %9v %9.1f %9.0f %9v %7d\n", name, load.what, r.perSecond, r.at(50), r.at(99), r.at(99.9), r.allocs, r.bytes, r.processor, r.errors)
		if r.last != nil {
			fmt.Fprintf(w, "           the last error: %v\n", r.last)
		}
	}
	if torc, ok := c.(torcCache); ok {
		return b.thirds(ctx, torc.c, w)
	}
	return nil
}

type bench struct {
	options
	cache cache
	names []string
	value []byte
}

func (b *bench) fill(ctx context.Context) error {
	var all sync.WaitGroup
	errs := make([]error, 32)
	for i := range errs {
		all.Go(func() {
			for k := i; k < len(b.names) && errs[i] == nil; k += len(errs) {
				errs[i] = b.cache.set(ctx, b.names[k], b.value)
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

type result struct {
	perSecond, allocs, bytes float64
	processor                time.Duration           // of the client's process, per call
	times                    *hdrhistogram.Histogram // in microseconds
	errors                   int
	last                     error
}

func (r *result) at(percent float64) time.Duration {
	return time.Duration(r.times.ValueAtQuantile(percent)) * time.Microsecond
}

// run measures one load: a rate of 0 is as fast as it goes. With a rate, a call's time counts from when it was due, so that
// a stall is seen by all calls that it keeps waiting.
func (b *bench) run(ctx context.Context, rate int, many bool) *result {
	callers := b.callers
	if many {
		callers = 1
	}
	parts := make([]result, callers)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	ran := processorTime()
	began := time.Now()
	var all sync.WaitGroup
	for i := range parts {
		r := &parts[i]
		r.times = hdrhistogram.New(1, 60_000_000, 3)
		all.Go(func() { b.call(ctx, r, i, callers, rate, many, began) })
	}
	all.Wait()
	took := time.Since(began)
	ran = processorTime() - ran
	runtime.ReadMemStats(&after)
	sum := &result{times: hdrhistogram.New(1, 60_000_000, 3)}
	for i := range parts {
		sum.times.Merge(parts[i].times)
		sum.errors += parts[i].errors
		if parts[i].last != nil {
			sum.last = parts[i].last
		}
	}
	calls := float64(max(sum.times.TotalCount(), 1))
	sum.perSecond = calls / took.Seconds()
	sum.allocs = float64(after.Mallocs-before.Mallocs) / calls
	sum.processor = (ran / time.Duration(calls)).Round(100 * time.Nanosecond)
	sum.bytes = float64(after.TotalAlloc-before.TotalAlloc) / calls
	return sum
}

// processorTime is how long this process has run so far, its kernel's part included.
func processorTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func (b *bench) call(ctx context.Context, r *result, i, callers, rate int, many bool, began time.Time) {
	rng := rand.New(rand.NewPCG(1, uint64(i)))
	keys := make([]string, 1000)
	for n := 0; ; n++ {
		due := time.Now()
		if rate > 0 {
			due = began.Add(time.Duration(n*callers+i) * time.Second / time.Duration(rate))
			time.Sleep(time.Until(due))
		}
		if due.Sub(began) >= b.lasts {
			return
		}
		var err error
		switch {
		case many:
			for k := range keys {
				keys[k] = b.names[rng.IntN(len(b.names))]
			}
			due = time.Now()
			err = b.cache.getMany(ctx, keys)
		case rng.IntN(10) == 0:
			err = b.cache.set(ctx, b.names[rng.IntN(len(b.names))], b.value)
		default:
			err = b.cache.get(ctx, b.names[rng.IntN(len(b.names))])
		}
		if err != nil {
			r.errors++
			r.last = err
			continue
		}
		_ = r.times.RecordValue(max(time.Since(due).Microseconds(), 1))
	}
}
