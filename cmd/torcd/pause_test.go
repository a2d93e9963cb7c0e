package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"torc/cmd/internal/proctest"
	"torc/linearizability"
)

// pauseFor is ten election timeouts: another leader is elected and takes writes meanwhile.
const pauseFor = 5 * time.Second

// A leader is frozen while clients read and write through it and through the others, and wakes up
// believing that it leads. The recorded history must be that of one honest copy of the data.
func TestFrozenLeader(t *testing.T) {
	t.Parallel() // it mostly waits
	for _, reads := range []string{"lease", "readindex"} {
		t.Run(reads, func(t *testing.T) {
			c := proctest.Start(t, 3, "--shards", "1", "--reads", reads)
			h := newHistorian(t, c)
			leader := c.Busiest()
			h.settle()
			leader.Pause()
			h.settle() // at other nodes, by now led by another one
			thaw := time.NewTimer(pauseFor)
			<-thaw.C
			leader.Resume()
			h.settle()
			history := h.stop()
			require.NoError(t, history.Validate())
			for _, v := range linearizability.Check(history, linearizability.Options{}) {
				t.Error(v)
			}
			for _, k := range history.ByKey() { // the same once more, by the model
				for _, v := range linearizability.CheckModel(k, linearizability.Options{}) {
					t.Error(v)
				}
			}
			t.Logf("%s: %d operations, linearizable", reads, len(history.Ops))
		})
	}
}

// historian is a few clients that read and write few keys, through every node, and the record of it.
type historian struct {
	t       *testing.T
	begin   time.Time
	end     chan struct{}
	clients sync.WaitGroup
	record  *linearizability.Recorder
	mu      sync.Mutex // of record and served
	served  int        // operations answered
}

const (
	historianKeys = 3
	perNode       = 2
)

func newHistorian(t *testing.T, c *proctest.Cluster) *historian {
	h := &historian{t: t, begin: time.Now(), end: make(chan struct{}), record: linearizability.NewRecorder(1 << 16)}
	for i, n := range c.Nodes {
		for j := range perNode {
			db := redisClient(t, n)
			h.clients.Go(func() { h.run(i*perNode+j, db) })
		}
	}
	return h
}

func (h *historian) run(number int, db *redis.Client) {
	for i := 0; ; i++ {
		select {
		case <-h.end:
			return
		case <-time.After(3 * time.Millisecond):
		}
		key := fmt.Sprintf("k%d", (i/2)%historianKeys)
		if i%2 == number%2 {
			h.set(number, db, key, fmt.Sprintf("%d.%d", number, i))
		} else {
			h.get(number, db, key)
		}
	}
}

func (h *historian) invoke(client int, kind linearizability.Kind, key string, in linearizability.Input) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.record.Invoke(client, int64(time.Since(h.begin)), kind, key, in)
}

func (h *historian) give(id int, outcome linearizability.Outcome, out linearizability.Output) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if outcome == linearizability.OK {
		h.served++
	}
	h.record.Return(id, int64(time.Since(h.begin)), outcome, out)
}

func (h *historian) set(client int, db *redis.Client, key, value string) {
	id := h.invoke(client, linearizability.Write, key, linearizability.Input{Value: value})
	err := db.Set(context.Background(), key, value, 0).Err()
	h.give(id, outcomeOf(err), linearizability.Output{})
}

func (h *historian) get(client int, db *redis.Client, key string) {
	id := h.invoke(client, linearizability.Read, key, linearizability.Input{})
	value, err := db.Get(context.Background(), key).Result()
	if errors.Is(err, redis.Nil) {
		h.give(id, linearizability.OK, linearizability.Output{})
		return
	}
	h.give(id, outcomeOf(err), linearizability.Output{Value: linearizability.Value{Text: value, Found: err == nil}})
}

// outcomeOf reads an error as docs/CONSISTENCY.md says: an answer that begins with a word that means
// "not carried out" is definite, everything else leaves it open.
func outcomeOf(err error) linearizability.Outcome {
	switch {
	case err == nil:
		return linearizability.OK
	case strings.HasPrefix(err.Error(), "CLUSTERDOWN"), strings.HasPrefix(err.Error(), "TRYAGAIN"),
		strings.HasPrefix(err.Error(), "BUSY"), strings.HasPrefix(err.Error(), "LOADING"):
		return linearizability.Failed
	}
	return linearizability.Unknown
}

// settle waits until many more operations have been answered.
func (h *historian) settle() {
	h.t.Helper()
	count := func() int {
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.served
	}
	from := count()
	proctest.Until(h.t, proctest.FormsWithin, "clients are served", func() error {
		if n := count() - from; n < 200 {
			return fmt.Errorf("%d operations answered", n)
		}
		return nil
	})
}

func (h *historian) stop() *linearizability.History {
	close(h.end)
	h.clients.Wait()
	return h.record.History()
}
