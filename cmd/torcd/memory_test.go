package main

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"torc/cmd/internal/proctest"
)

// What a process may have beyond --max-memory: an eighth of it for the gaps between cells, and a fixed part for the
// program itself, the collector and the floors of queues.
const (
	memoryGaps  = 8
	memorySlack = 192 << 20

	memoryQueue = 16 << 20 // what a queue to one other node may hold, however small their part is: a frame must fit
)

// TestMemoryIsBounded drives what a node holds to its bounds, one after the other and then together: keys, logs (of
// a follower that is frozen), copies (it comes back under writes), requests that wait, replies that nobody reads. Every
// part stays within its own bound, and the process within --max-memory and what is said above.
func TestMemoryIsBounded(t *testing.T) {
	const bound = 256 << 20
	c := proctest.Start(t, 3, "--shards", "16", "--lanes", "2", "--max-memory", "256MiB", "--grace", "10m")
	w := &watch{t: t, nodes: c.Nodes, most: map[string]int64{}}
	ctx := context.Background()
	db := redis.NewClusterClient(&redis.ClusterOptions{Addrs: c.RESP(), MaxRetries: 20, ReadTimeout: 20 * time.Second})
	defer func() { _ = db.Close() }()

	value := strings.Repeat("v", 16_000)
	fill := func(from, count int, through ...redis.Cmdable) {
		var writers sync.WaitGroup
		for i := range 16 {
			writers.Go(func() {
				for at := from + i*20; at < from+count; at += 320 {
					p := through[i%len(through)].Pipeline()
					for n := range 20 {
						p.Set(ctx, fmt.Sprintf("key:%d", at+n), value[:(at+n)*7919%16_000], 0)
					}
					_, _ = p.Exec(ctx) // what is refused is tried no more: only memory counts here
				}
			})
		}
		writers.Wait()
	}
	fill(0, 36_000, db) // twice what there is room for
	w.look("filled")
	require.Greater(t, w.most["keys"], int64(bound*13/16*9/10))

	frozen := c.Nodes[2]
	frozen.Pause()
	fill(36_000, 16_000, redisClient(t, c.Nodes[0]), redisClient(t, c.Nodes[1])) // nobody waits for the frozen one
	w.look("a follower frozen", frozen)
	require.Greater(t, w.most["logs"], int64(bound/16/2))
	frozen.Resume()
	fill(52_000, 16_000, db)
	w.look("and back")
	require.Positive(t, w.most["copies"])

	big := strings.Repeat("b", 200_000)
	for i := range 8 {
		require.NoError(t, db.Set(ctx, "big:"+strconv.Itoa(i), big, 0).Err())
	}
	var deaf []net.Conn
	for i := range 64 { // clients that ask for 1.6 GB and read nothing
		conn, err := net.Dial("tcp", c.Nodes[i%3].RESP)
		require.NoError(t, err)
		deaf = append(deaf, conn)
		_ = conn.SetWriteDeadline(time.Now().Add(2 * time.Second))
		for n := range 128 {
			_, _ = fmt.Fprintf(conn, "GET big:%d\r\n", n%8)
		}
	}
	proctest.Until(t, 30*time.Second, "clients that do not read fill their part", func() error {
		if w.look("clients that do not read"); w.most["clients"] <= 2<<20 {
			return fmt.Errorf("%d bytes", w.most["clients"])
		}
		return nil
	})
	for _, conn := range deaf {
		_ = conn.Close()
	}

	var refused atomic.Int64
	huge := strings.Repeat("h", 1<<20)
	var writers sync.WaitGroup
	for i := range 48 {
		one := redisClient(t, c.Nodes[i%3])
		writers.Go(func() {
			for n := range 4 { // nearly all are taken: of twice as many half were refused before a full shard was asked again
				if one.Set(ctx, fmt.Sprintf("huge:%d:%d", i, n), huge, time.Minute).Err() != nil {
					refused.Add(1)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { writers.Wait(); close(done) }()
	for waiting := true; waiting; {
		select {
		case <-done:
			waiting = false
		case <-time.After(100 * time.Millisecond):
			w.look("large requests")
		}
	}
	t.Logf("%d large requests were refused", refused.Load())
	w.look("the end")
	for _, n := range c.Nodes {
		now, most := n.Memory()
		t.Logf("node %d: %d MiB resident, %d at most, --max-memory %d", n.Index, now>>20, most>>20, bound>>20)
		require.LessOrEqual(t, most, int64(bound+bound/memoryGaps+memorySlack))
	}
}

// watch compares what nodes say that they hold with their bounds.
type watch struct {
	t     *testing.T
	nodes []*proctest.Node
	most  map[string]int64 // by part
}

var memoryParts = []string{"keys", "sessions", "logs", "requests", "peers", "clients", "copies"}

func (w *watch) look(when string, but ...*proctest.Node) {
	w.t.Helper()
	for _, n := range w.nodes {
		if len(but) > 0 && n == but[0] {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		info := redisClient(w.t, n).Info(ctx, "memory").Val()
		cancel()
		var line []string
		for _, part := range memoryParts {
			now, known := infoNumber(info, "torc_memory_for_"+part)
			if !known {
				continue // the lanes were too busy to say
			}
			bound, _ := infoNumber(info, "torc_memory_for_"+part+"_max")
			w.most[part] = max(w.most[part], now)
			line = append(line, fmt.Sprintf("%s %.1f/%.1f", part, float64(now)/(1<<20), float64(bound)/(1<<20)))
			over := bound / 8    // a turn's worth
			if part == "peers" { // one queue at a time fills: to the node that is frozen or catches up, or that asks for what it forwards to its clients
				bound = max(bound, memoryQueue)
			}
			require.LessOrEqual(w.t, now, bound+over+1<<20, "%s: node %d: %s", when, n.Index, part)
		}
		now, most := n.Memory()
		w.t.Logf("%s: node %d: %s MiB; %d MiB resident, %d at most", when, n.Index, strings.Join(line, ", "), now>>20, most>>20)
	}
}

func infoNumber(info, name string) (int64, bool) {
	_, after, found := strings.Cut(info, name+":")
	text, _, _ := strings.Cut(after, "\r\n")
	n, err := strconv.ParseInt(text, 10, 64)
	return n, found && err == nil
}
