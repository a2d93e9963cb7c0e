//go:build linux

package store

import (
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"golang.org/x/sys/unix"

	"torc/core/wire"
	"torc/net/pages"
)

// The measurements of docs/MEMORY.md. They take memory and minutes, so they run when they are asked for:
//
//	go test ./core/store -run TestMeasure -measure -v -timeout 20m
var (
	measure    = flag.Bool("measure", false, "measure speed and memory; takes minutes and gigabytes")
	measureMax = flag.Int("measure-keys", 5_000_000, "the most keys that TestMeasure stores")
)

func benchKey(b []byte, n uint64) []byte {
	b = append(b[:0], "key:000000000000"...)
	for i := len(b) - 1; n > 0; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
	return b
}

// loader sets keys through Apply, some in a batch, without a garbage of its own.
type loader struct {
	s     *Store
	batch wire.Batch
	keys  [][]byte
}

const perBatch = 64

func newLoader(s *Store) *loader {
	l := &loader{s: s}
	for range perBatch {
		l.keys = append(l.keys, make([]byte, 0, 32))
	}
	return l
}

func (l *loader) add(c wire.Command) {
	n := len(l.batch.Requests)
	l.keys[n] = append(l.keys[n][:0], c.Key...)
	c.Key = l.keys[n]
	l.batch.Requests = append(l.batch.Requests, wire.Request{Commands: []wire.Command{c}})
	if n+1 == perBatch {
		l.flush()
	}
}

func (l *loader) flush() {
	l.s.Apply(&l.batch)
	l.batch.Requests = l.batch.Requests[:0]
}

// TestMeasureSpeed times Get and Set inside the store, and a Go map's in the same run.
func TestMeasureSpeed(t *testing.T) {
	if !*measure {
		t.Skip("only with -measure")
	}
	for n := 1_000_000; n <= *measureMax; n *= 5 {
		debug.SetGCPercent(1600) // as torcd has it when its heap is small
		value := make([]byte, 100)
		s := New(Config{Pages: new(pages.Source)})
		l := newLoader(s)
		var key []byte
		for i := range n {
			key = benchKey(key, uint64(i))
			l.add(wire.Command{Op: wire.OpSet, Key: key, Value: value})
		}
		l.flush()
		random := rand.New(rand.NewPCG(1, 2))
		const rounds = 1_000_000
		get := timed(rounds, func() {
			var cmds [1]wire.Command
			for range rounds {
				key = benchKey(key, random.Uint64N(uint64(n)))
				cmds[0] = wire.Command{Op: wire.OpGet, Key: key}
				s.Read(cmds[:], 0)
			}
		})
		batched := timed(rounds, func() {
			var cmds [aheadMax]wire.Command
			for i := range cmds {
				cmds[i] = wire.Command{Op: wire.OpGet, Key: make([]byte, 0, 32)}
			}
			for range rounds / aheadMax {
				for i := range cmds {
					cmds[i].Key = benchKey(cmds[i].Key, random.Uint64N(uint64(n)))
				}
				s.Read(cmds[:], 0)
			}
		})
		bare := timed(rounds, func() {
			for range rounds {
				key = benchKey(key, random.Uint64N(uint64(n)))
				s.find(key, HashOf(key))
			}
		})
		set := timed(rounds, func() {
			for range rounds {
				key = benchKey(key, random.Uint64N(uint64(n)))
				p := s.locate(key, HashOf(key))
				s.put(&p, value, nil, 0)
			}
		})
		apply := timed(rounds, func() {
			for range rounds {
				key = benchKey(key, random.Uint64N(uint64(n)))
				l.add(wire.Command{Op: wire.OpSet, Key: key, Value: value})
			}
		})
		gc := gcShare(func() {
			for range 10 * rounds { // long enough that the collections which read the figures do not matter
				key = benchKey(key, random.Uint64N(uint64(n)))
				l.add(wire.Command{Op: wire.OpSet, Key: key, Value: value})
			}
		})
		t.Logf("%d keys: find %v, Get (Read, copied out) %v, of %d at a time %v, Set %v, SET through Apply %v; GC %.2f%% of CPU while setting", n, bare, get, aheadMax, batched, set, apply, gc)
		s.Close()

		debug.SetGCPercent(100)
		m := map[string][]byte{}
		for i := range n {
			m[string(benchKey(key, uint64(i)))] = make([]byte, 100)
		}
		get = timed(rounds, func() {
			for range rounds {
				key = benchKey(key, random.Uint64N(uint64(n)))
				sink = append([]byte{}, m[string(key)]...)
			}
		})
		set = timed(rounds, func() {
			for range rounds {
				key = benchKey(key, random.Uint64N(uint64(n)))
				m[string(key)] = append([]byte{}, value...)
			}
		})
		gc = gcShare(func() {
			for range 5 * rounds {
				key = benchKey(key, random.Uint64N(uint64(n)))
				m[string(key)] = append([]byte{}, value...)
			}
		})
		t.Logf("%d keys in a Go map: get %v, set %v; GC %.2f%% of CPU while setting", n, get, set, gc)
		m = nil
		runtime.GC()
	}
}

var sink []byte

// timed is the processor time of one round: on a machine that others use too the clock tells little.
func timed(rounds int, f func()) time.Duration {
	runtime.GC()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	start := threadTime()
	f()
	return (threadTime() - start) / time.Duration(rounds)
}

func threadTime() time.Duration {
	var u unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_THREAD, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// gcShare is the share of CPU that the collector takes meanwhile, in percent.
func gcShare(f func()) float64 {
	before, start := readGC(), cpuTime()
	f()
	return 100 * (readGC() - before) / (cpuTime() - start)
}

// TestMeasureOverhead counts what an entry takes beyond its key and value.
func TestMeasureOverhead(t *testing.T) {
	if !*measure {
		t.Skip("only with -measure")
	}
	for _, ttl := range []int64{0, expireBase + 1<<37} {
		debug.FreeOSMemory()
		before := resident(t)
		source := new(pages.Source)
		s := New(Config{Pages: source})
		l := newLoader(s)
		value := make([]byte, 100)
		var key []byte
		start := time.Now()
		for i := range *measureMax {
			key = benchKey(key, uint64(i))
			c := wire.Command{Op: wire.OpSet, Key: key, Value: value}
			if ttl != 0 {
				c.TTLKind, c.TTL = wire.TTLAbsolute, ttl+int64(i)*7919%1_000_000
			}
			l.add(c)
		}
		l.flush()
		took := time.Since(start)
		debug.FreeOSMemory()
		m := s.Memory()
		t.Logf("%d keys (16 B, 100 B values), expiry %v: %.1f bytes of overhead by RSS, %.1f by pages, %.1f by cells; loaded in %v", s.Len(), ttl != 0,
			float64(resident(t)-before-m.Data)/float64(s.Len()), float64(source.Stats().Used-m.Data)/float64(s.Len()), float64(m.Used-m.Data)/float64(s.Len()), took)
		s.Close()
	}
}

// TestMeasureResident overwrites 543 MB of values of 16 to 4096 bytes ten times, then deletes four of
// five, and says how much memory is resident for a live byte.
func TestMeasureResident(t *testing.T) {
	if !*measure {
		t.Skip("only with -measure")
	}
	debug.FreeOSMemory()
	before := resident(t)
	source := new(pages.Source)
	s := New(Config{Pages: source})
	l := newLoader(s)
	random := rand.New(rand.NewPCG(3, 4))
	value := make([]byte, 4096)
	const keys = 264_000
	set := func(i uint64) {
		key := benchKey(nil, i)
		l.add(wire.Command{Op: wire.OpSet, Key: key, Value: value[:16+random.IntN(4081)]})
	}
	say := func(what string) {
		debug.FreeOSMemory()
		m := s.Memory()
		rss := resident(t) - before
		t.Logf("%s: live %d MB, RSS %d MB, RSS / live %.3f (cells %.3f, reserved %.3f, source: used %.3f idle %.3f)", what, m.Data>>20, rss>>20, float64(rss)/float64(m.Data),
			float64(m.Used)/float64(m.Data), float64(m.Reserved)/float64(m.Data), float64(source.Stats().Used)/float64(m.Data), float64(source.Stats().Idle)/float64(m.Data))
	}
	for i := range keys {
		set(uint64(i))
	}
	say("loaded")
	start := time.Now()
	for range 10 * keys {
		set(random.Uint64N(keys))
	}
	l.flush()
	t.Logf("overwritten in %v", time.Since(start))
	say("after ten rounds of overwriting")
	for i := range keys {
		if random.IntN(5) != 0 {
			l.add(wire.Command{Op: wire.OpDelete, Key: benchKey(nil, uint64(i))})
		}
	}
	l.flush()
	say("just after the shrink")
	start = time.Now()
	worst, ticks := time.Duration(0), 0
	for ; ticks < 200 && !s.Tended(); ticks++ { // ten seconds of ticks
		began := time.Now()
		s.Tend(512 << 10)
		worst = max(worst, time.Since(began))
	}
	say(fmt.Sprintf("after %d ticks (%v, the longest %v)", ticks, time.Since(start), worst))
	require.NoError(t, s.verify())
}

// TestMeasureSnapshot times a snapshot of 1 GiB and its restoration.
func TestMeasureSnapshot(t *testing.T) {
	if !*measure {
		t.Skip("only with -measure")
	}
	source := new(pages.Source)
	s := New(Config{Pages: source})
	l := newLoader(s)
	value := make([]byte, 1024)
	const keys = 1 << 20
	for i := range keys {
		binary.LittleEndian.PutUint64(value, uint64(i))
		l.add(wire.Command{Op: wire.OpSet, Key: benchKey(nil, uint64(i)), Value: value})
	}
	l.flush()
	random := rand.New(rand.NewPCG(5, 6))
	write := func() time.Duration {
		began := time.Now()
		for range perBatch {
			l.add(wire.Command{Op: wire.OpSet, Key: benchKey(nil, random.Uint64N(keys)), Value: value})
		}
		return time.Since(began) / perBatch
	}
	for _, writes := range []int{0, 4} {
		r := NewRestorer(Config{Pages: new(pages.Source)})
		before := source.Stats().Used
		var encode, restore, slowest, writing time.Duration
		var size, most int64
		want := s.Digest()
		sn := s.Snapshot()
		for done, n := false, 0; !done; n++ {
			var chunk []byte
			began := time.Now()
			chunk, done = sn.Next(256 << 10)
			took := time.Since(began)
			encode += took
			slowest = max(slowest, took)
			size += int64(len(chunk))
			began = time.Now()
			require.NoError(t, r.Add(chunk))
			restore += time.Since(began)
			for range writes {
				writing += write()
			}
			most = max(most, source.Stats().Used-before)
		}
		sn.Close()
		restored, err := r.Finish()
		require.NoError(t, err)
		require.Equal(t, want, restored.Digest())
		restored.Close()
		t.Logf("%d MiB, %d sets after each chunk: encoded at %d MB/s (the slowest chunk %v), restored at %d MB/s; %.1f%% more memory meanwhile; a SET took %v",
			size>>20, writes*perBatch, size*1000/encode.Microseconds()/1000, slowest, size*1000/restore.Microseconds()/1000,
			100*float64(most)/float64(before), writing/time.Duration(max(1, writes*int(size>>18))))
	}
}

// TestMeasureExpiry lets a million keys expire in one second, and times what else goes on.
func TestMeasureExpiry(t *testing.T) {
	if !*measure {
		t.Skip("only with -measure")
	}
	s := New(Config{Pages: new(pages.Source)})
	l := newLoader(s)
	value := make([]byte, 100)
	for i := range 2_000_000 {
		c := wire.Command{Op: wire.OpSet, Key: benchKey(nil, uint64(i)), Value: value}
		if i%2 == 0 {
			c.TTLKind, c.TTL = wire.TTLAbsolute, int64(1_000_000+i%1000)
		}
		l.add(c)
	}
	l.flush()
	random := rand.New(rand.NewPCG(7, 8))
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // what is measured is the store
	for _, time := range []int64{1, 1_001_000} {
		l.batch.Time = time
		took := make([]int64, 0, 20_000)
		for range 20_000 {
			for range perBatch - 1 {
				l.add(wire.Command{Op: wire.OpSet, Key: benchKey(nil, random.Uint64N(1_000_000)*2+1), Value: value})
			}
			began := threadNow()
			l.add(wire.Command{Op: wire.OpGet, Key: benchKey(nil, random.Uint64N(1_000_000)*2+1)})
			took = append(took, threadNow()-began)
		}
		t.Logf("at %d: an entry of %d commands takes %v at the median, %v at p99, %v at most; %d keys are left", time, perBatch,
			percentile(took, 500), percentile(took, 990), percentile(took, 1000), s.Len())
	}
}

// threadNow is the time that this thread has had a processor: on a machine that others use too the clock tells little.
func threadNow() int64 {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t)
	return t.Nano()
}

func percentile(all []int64, thousandths int) time.Duration {
	sorted := append([]int64{}, all...)
	slices.Sort(sorted)
	return time.Duration(sorted[min(len(sorted)-1, len(sorted)*thousandths/1000)])
}

func resident(t *testing.T) int64 {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("only Linux tells how much memory is resident")
	}
	n, err := strconv.ParseInt(strings.Fields(string(statm))[1], 10, 64)
	require.NoError(t, err)
	return n * int64(os.Getpagesize())
}

func readGC() float64 { return readMetric("/cpu/classes/gc/total:cpu-seconds") }
func cpuTime() float64 {
	return readMetric("/cpu/classes/total:cpu-seconds") - readMetric("/cpu/classes/idle:cpu-seconds")
}

func readMetric(name string) float64 {
	runtime.GC() // the figures are those of the last collection
	sample := []metrics.Sample{{Name: name}}
	metrics.Read(sample)
	return sample[0].Value.Float64()
}
