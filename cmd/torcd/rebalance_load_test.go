package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"torc/cmd/internal/proctest"
)

// Half of the bytes are in small values, half in large ones: sixteen small ones to each large one.
const (
	smallValue, largeValue = 1 << 10, 16 << 10
	largeEach              = largeValue/smallValue + 1
)

// filling is keys with values of known sizes, and what was written to each last.
type filling struct {
	last []int // by key; of the one worker that writes it
}

func newFilling(bytes int64) *filling {
	return &filling{last: make([]int, bytes/(2*largeValue)*largeEach)}
}

func (f *filling) key(i int) string { return "fill:" + strconv.Itoa(i) }

// value begins with its key and its number, so that one in the place of another is noticed.
func (f *filling) value(i, number int) []byte {
	size := smallValue
	if i%largeEach == 0 {
		size = largeValue
	}
	v := make([]byte, size)
	copy(v, f.head(i, number))
	return v
}

func (f *filling) head(i, number int) []byte { return fmt.Appendf(nil, "%s=%d;", f.key(i), number) }

// bytes is what all keys and values come to.
func (f *filling) bytes() (n int64) {
	for i := range f.last {
		n += int64(len(f.key(i)) + smallValue)
		if i%largeEach == 0 {
			n += largeValue - smallValue
		}
	}
	return n
}

// write writes every key, a few clients side by side. Nodes that have just begun, and touch their memory for the first time, may change their
// leaders meanwhile: what has no outcome then is written once more, which is the same.
func (f *filling) write(t *testing.T, nodes []*proctest.Node) {
	f.inParts(t, nodes, func(db *redis.Client, part []int) (err error) {
		for range 3 {
			_, err = db.Pipelined(context.Background(), func(p redis.Pipeliner) error {
				for _, i := range part {
					p.Set(context.Background(), f.key(i), f.value(i, 0), 0)
				}
				return nil
			})
			if err == nil || !strings.HasPrefix(err.Error(), "UNKNOWN") {
				return err
			}
		}
		return err
	})
}

// check reads every key: it must hold what was acknowledged last.
func (f *filling) check(t *testing.T, nodes []*proctest.Node) {
	f.inParts(t, nodes, func(db *redis.Client, part []int) error {
		keys := make([]string, len(part))
		for at, i := range part {
			keys[at] = f.key(i)
		}
		values, err := db.MGet(context.Background(), keys...).Result()
		if err != nil {
			return err
		}
		for at, i := range part {
			if got, _ := values[at].(string); got != string(f.value(i, f.last[i])) {
				return fmt.Errorf("%s holds %.40q, of %d bytes; the write acknowledged last was number %d", keys[at], got, len(got), f.last[i])
			}
		}
		return nil
	})
}

func (f *filling) inParts(t *testing.T, nodes []*proctest.Node, do func(db *redis.Client, part []int) error) {
	t.Helper()
	all := make([]int, len(f.last))
	for i := range all {
		all[i] = i
	}
	parts := make(chan []int)
	errs := make([]error, 2*len(nodes))
	var workers sync.WaitGroup
	for w := range errs {
		db := redisClient(t, nodes[w%len(nodes)])
		workers.Go(func() {
			for part := range parts {
				if err := do(db, part); err != nil && errs[w] == nil {
					errs[w] = err
				}
			}
		})
	}
	for part := range slices.Chunk(all, 100) {
		parts <- part
	}
	close(parts)
	workers.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
}

// The steady load: so many operations a second, one of five a write, each due at its time whatever
// became of those before. So a pause shows in every operation that it held up.
const (
	steadyRate    = 2000
	steadyWorkers = 96
	writeEach     = 5
	slowSecond    = 100 * time.Millisecond
)

// steady is an open loop of reads and writes of a filling's keys.
type steady struct {
	f     *filling
	end   chan struct{}
	loops sync.WaitGroup

	mu   sync.Mutex
	took []taken
	errs []error
}

// taken is one operation: when it was due, and how long after that it was answered.
type taken struct {
	due   time.Time
	after time.Duration
}

func startSteady(t *testing.T, f *filling, nodes []*proctest.Node) *steady {
	s := &steady{f: f, end: make(chan struct{})}
	due := make(chan time.Time, steadyRate*60)
	for w := range steadyWorkers {
		db, rng := redisClient(t, nodes[w%len(nodes)]), rand.New(rand.NewSource(int64(w)))
		s.loops.Go(func() {
			for at := range due {
				err := s.op(db, rng, w)
				s.note(taken{at, time.Since(at)}, err)
			}
		})
	}
	s.loops.Go(func() {
		defer close(due)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for next := time.Now(); ; {
			select {
			case <-s.end:
				return
			case <-tick.C:
			}
			for now := time.Now(); !next.After(now); next = next.Add(time.Second / steadyRate) {
				due <- next
			}
		}
	})
	return s
}

// op reads any key, or writes one of the worker's own: so what it holds in the end is known.
func (s *steady) op(db *redis.Client, rng *rand.Rand, worker int) error {
	ctx, keys := context.Background(), len(s.f.last)
	if rng.Intn(writeEach) == 0 {
		i := rng.Intn(keys/steadyWorkers)*steadyWorkers + worker
		if err := db.Set(ctx, s.f.key(i), s.f.value(i, s.f.last[i]+1), 0).Err(); err != nil {
			return err
		}
		s.f.last[i]++
		return nil
	}
	i := rng.Intn(keys)
	got, err := db.Get(ctx, s.f.key(i)).Bytes()
	if err == nil && !bytes.HasPrefix(got, []byte(s.f.key(i)+"=")) {
		err = fmt.Errorf("%s holds %.40q", s.f.key(i), got)
	}
	return err
}

func (s *steady) note(k taken, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.errs = append(s.errs, fmt.Errorf("due at %v, failed %v later: %w", k.due.Format(time.TimeOnly), k.after.Round(time.Millisecond), err))
		return
	}
	s.took = append(s.took, k)
}

func (s *steady) stop() {
	close(s.end)
	s.loops.Wait()
	slices.SortFunc(s.took, func(a, b taken) int { return a.due.Compare(b.due) })
}

// between are the operations that were due in a while, sorted by how long they took.
func (s *steady) between(from, to time.Time) (sorted []time.Duration) {
	for _, k := range s.took {
		if !k.due.Before(from) && k.due.Before(to) {
			sorted = append(sorted, k.after)
		}
	}
	slices.Sort(sorted)
	return sorted
}

// figures is a line about such a while, and about its single seconds: of how many the 99th percentile was above
// slowSecond, and what the worst one's was.
func (s *steady) figures(from, to time.Time) string {
	all := s.between(from, to)
	if len(all) == 0 {
		return "nothing"
	}
	var worst time.Duration
	slow, seconds := 0, 0
	for at := from; at.Before(to); at = at.Add(time.Second) {
		if second := s.between(at, at.Add(time.Second)); len(second) > steadyRate/2 {
			p99 := percentile(second, 99)
			worst = max(worst, p99)
			if seconds++; p99 > slowSecond {
				slow++
			}
		}
	}
	return fmt.Sprintf("%d operations, p50 %v, p99 %v, p99.9 %v, max %v; %d of %d seconds with a p99 above %v, at most %v", len(all),
		percentile(all, 50), percentile(all, 99), all[len(all)*999/1000].Round(100*time.Microsecond), percentile(all, 100), slow, seconds, slowSecond, worst)
}
