package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/client"
	"torc/cmd/internal/proctest"
	"torc/core/wire"
	"torc/linearizability"
)

const (
	slowShards = 12
	// A node that is stopped for 49 of 50 ms does a fiftieth of its work.
	stoppedFor, runsFor = 49 * time.Millisecond, time.Millisecond
	slowRate            = 500 // calls a second
	slowWindow          = 2 * time.Second
	slowRounds          = 5
	// Below this a p99 is the machine's, whatever the nodes do. Who waits for the slow node once waits five times as long.
	slowNoise = 10 * time.Millisecond
)

// One node of three becomes 50 times as slow. Calls come at a rate, as they do in a server, to the keys of all. Those on
// the healthy nodes' keys do not notice: their p99 stays within twice of what it was just before. What the slow node
// cannot take is refused, or waits, without keeping anybody else.
//
// On a machine that other tests keep busy one p99 is chance. So there are some rounds, each with its own before, and the
// median of their ratios counts.
func TestASlowNodeSlowsOnlyItself(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute: not with -short")
	}
	c := proctest.Start(t, 3, "--shards", fmt.Sprint(slowShards), "--when-slow", "stay")
	db := goClient(t, c)
	var ratios []float64
	for round := range slowRounds {
		c.WaitSettled(proctest.FormsWithin) // no leadership moves to the slow node meanwhile
		slow := c.Nodes[round%3]
		var mine, others []string // keys
		for _, n := range c.Nodes {
			for _, shard := range c.Leads(n) {
				key := proctest.KeyOn(shard, slowShards, "slow")
				if n == slow {
					mine = append(mine, key)
				} else {
					others = append(others, key)
				}
			}
		}
		require.NotEmpty(t, mine)
		require.NotEmpty(t, others)
		before, _ := callAtRate(t, db, others, mine)
		stop := slowDown(slow)
		during, slowOnes := callAtRate(t, db, others, mine)
		stop()
		ratio := float64(max(quantile(during, 99), slowNoise)) / float64(max(quantile(before, 99), slowNoise))
		ratios = append(ratios, ratio)
		t.Logf("round %d: healthy nodes' keys p50 %v, p99 %v; with a slow node p50 %v, p99 %v (%.2f x); the slow node's keys p50 %v, p99 %v",
			round+1, quantile(before, 50), quantile(before, 99), quantile(during, 50), quantile(during, 99), ratio, quantile(slowOnes, 50), quantile(slowOnes, 99))
		require.Greater(t, quantile(slowOnes, 50), slowNoise, "the node is not slow: nothing is tested")
	}
	slices.Sort(ratios)
	require.LessOrEqual(t, ratios[len(ratios)/2], 2.0, "the slow node's keys hold the others' up")
}

// slowDown makes a node slow until it is told to stop.
func slowDown(n *proctest.Node) (stop func()) { return pulsed(n, stoppedFor, runsFor) }

// pulsed stops a node's process and lets it run in turn.
func pulsed(n *proctest.Node, stopped, runs time.Duration) (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			n.Pause()
			time.Sleep(stopped)
			n.Resume()
			select {
			case <-end:
				return
			case <-time.After(runs):
			}
		}
	}()
	return func() {
		close(end)
		<-ended
	}
}

// callAtRate makes calls for a while, half of them on each sort of keys, whether or not earlier ones have ended. It returns
// how long they took, sorted. A call on a healthy key must be answered: a quick refusal is no quick answer.
func callAtRate(t *testing.T, db *client.Client, healthy, slow []string) (healthyTimes, slowTimes []time.Duration) {
	var mu sync.Mutex
	var calls sync.WaitGroup
	tick := time.NewTicker(time.Second / slowRate)
	defer tick.Stop()
	began := time.Now()
	for i := 0; time.Since(began) < slowWindow; i++ {
		<-tick.C
		keys, times := healthy, &healthyTimes
		if i%2 == 1 {
			keys, times = slow, &slowTimes
		}
		key := keys[rand.IntN(len(keys))]
		calls.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			at := time.Now()
			var err error
			if rand.IntN(5) == 0 {
				_, err = db.Set(ctx, key, []byte("value"))
			} else {
				_, err = db.Get(ctx, key)
			}
			took := time.Since(at)
			mu.Lock()
			defer mu.Unlock()
			*times = append(*times, took)
			if err != nil && !errors.Is(err, client.ErrNotFound) && i%2 == 0 {
				t.Errorf("a call on a healthy node's key: %v", err)
			}
		})
	}
	calls.Wait()
	slices.Sort(healthyTimes)
	slices.Sort(slowTimes)
	return healthyTimes, slowTimes
}

// Nodes are killed and frozen while the client runs. Whatever it says of a call is true: the history of what was done, was
// surely not, and may have been, is that of one honest copy of each key. And every error is one of those that the
// client's documentation names.
func TestWhatTheClientSaysIsTrue(t *testing.T) {
	c := proctest.Start(t, 3, "--shards", "4")
	db := goClient(t, c, func(o *client.Options) { o.Hedge = client.Hedge{On: true, After: 5 * time.Millisecond} })
	w := &witness{t: t, dbs: []*client.Client{db}, begin: time.Now(), end: make(chan struct{}), record: linearizability.NewRecorder(4096)}
	w.underKills(c, 6)
	stats, err := db.Stats(context.Background())
	require.NoError(t, err)
	t.Logf("%d calls done, %d refused, %d of unknown outcome, all as the client said; %d hedges, of which %d answered first",
		w.outcomes[linearizability.OK], w.outcomes[linearizability.Failed], w.outcomes[linearizability.Unknown], stats.Hedges, stats.HedgesWon)
	require.Positive(t, stats.HedgesWon)
}

// witness is a few callers and the record of what the client told them.
type witness struct {
	t        *testing.T
	dbs      []*client.Client // in turn
	begin    time.Time
	end      chan struct{}
	callers  sync.WaitGroup
	mu       sync.Mutex // of what follows
	record   *linearizability.Recorder
	outcomes [4]int
	served   atomic.Int64
}

// witnessKeys are few, so that callers meet; each is left after a while, because checking one key costs more the longer
// its history is.
const witnessKeys = 3

// underKills lets callers loose while the busiest node is killed and paused in turn: what they were told is that of one honest copy.
func (w *witness) underKills(c *proctest.Cluster, callers int) {
	w.t.Helper()
	for i := range callers {
		w.callers.Go(func() { w.run(i) })
	}
	w.settle()
	for round := range kills(w.t) {
		victim := c.Busiest()
		if round%2 == 0 {
			victim.Kill()
			w.settle()
			victim.Start()
		} else {
			victim.Pause()
			w.settle()
			victim.Resume()
		}
		c.WaitWhole(proctest.FormsWithin)
		w.settle()
	}
	close(w.end)
	w.callers.Wait()
	history := w.record.History()
	require.NoError(w.t, history.Validate())
	for _, v := range linearizability.Check(history, linearizability.Options{}) {
		w.t.Error(v)
	}
}

func (w *witness) run(number int) {
	for i := 0; ; i++ {
		select {
		case <-w.end:
			return
		case <-time.After(2 * time.Millisecond):
		}
		edition := int(time.Since(w.begin) / (500 * time.Millisecond))
		w.call(number, fmt.Sprintf("w%d.%d", rand.IntN(witnessKeys), edition), fmt.Sprintf("%d.%d", number, i))
	}
}

func (w *witness) call(number int, key, value string) {
	db := w.dbs[number%len(w.dbs)]
	// Some are in a hurry, so that outcomes stay unknown.
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(5+rand.IntN(2+rand.IntN(2000)))*time.Millisecond)
	defer cancel()
	kinds := []linearizability.Kind{linearizability.Read, linearizability.Read, linearizability.Write, linearizability.CAS, linearizability.Delete}
	kind := kinds[rand.IntN(len(kinds))]
	in := linearizability.Input{Value: value}
	if kind == linearizability.CAS {
		v, err := db.Get(ctx, key)
		if err != nil && !errors.Is(err, client.ErrNotFound) {
			return
		}
		in.ByVersion, in.Version = true, v.Version
	}
	w.mu.Lock()
	id := w.record.Invoke(number, int64(time.Since(w.begin)), kind, key, in)
	w.mu.Unlock()
	var out linearizability.Output
	var err error
	switch kind {
	case linearizability.Read:
		var v client.Value
		if v, err = db.Get(ctx, key); err == nil {
			out.Value, out.Version = linearizability.Some(string(v.Bytes)), v.Version
		}
	case linearizability.Write:
		out.Version, err = db.Set(ctx, key, []byte(value))
	case linearizability.CAS:
		out.Version, err = db.CompareAndSwap(ctx, key, in.Version, []byte(value))
		out.Applied = err == nil
	case linearizability.Delete:
		out.Applied, err = db.Delete(ctx, key)
	}
	outcome := linearizability.OK
	switch {
	case err == nil, errors.Is(err, client.ErrNotFound), errors.Is(err, client.ErrConflict):
	case errors.Is(err, client.ErrRefused) && !client.MaybeApplied(err):
		outcome, out = linearizability.Failed, linearizability.Output{}
	case client.MaybeApplied(err):
		outcome, out = linearizability.Unknown, linearizability.Output{}
	default:
		w.t.Errorf("an error of no known sort: %v", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.outcomes[outcome]++
	if outcome == linearizability.OK {
		w.served.Add(1)
	}
	w.record.Return(id, int64(time.Since(w.begin)), outcome, out)
}

// settle waits until many more calls have been answered.
func (w *witness) settle() {
	from := w.served.Load()
	proctest.Until(w.t, proctest.FormsWithin, "calls are answered", func() error {
		if w.served.Load() < from+200 {
			return errors.New("too few")
		}
		return nil
	})
}

// A node that is gone: what is asked of its shards' new leaders is answered, and the refusals in between say that
// nobody serves the key, not that something is wrong with it.
func TestRefusalsHaveAReason(t *testing.T) {
	c := proctest.Start(t, 3, "--shards", "2")
	db := goClient(t, c)
	for _, n := range c.Nodes[1:] {
		n.Kill()
	}
	key := proctest.KeyOn(wire.ShardID(1), 2, "k")
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Second)
	defer cancel()
	proctest.Until(t, proctest.FormsWithin, "it is refused", func() error {
		short, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		_, err := db.Set(short, key, nil)
		if !errors.Is(err, client.ErrUnavailable) || !errors.Is(err, client.ErrRefused) {
			return fmt.Errorf("not as unavailable: %w", err)
		}
		return nil
	})
}
