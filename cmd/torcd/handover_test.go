package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"torc/cmd/internal/proctest"
	"torc/core/wire"
)

// pauses are a closed loop of writes to one shard: how long it was between two that were acknowledged,
// at most, and what went wrong meanwhile.
type pauses struct {
	before, longest time.Duration // in a second of calm before it happens, and when it does
	acked           int
	errs            []error
}

// pulse writes to a shard again and again until end is closed.
func pulse(calm, end <-chan struct{}, write func(i int) error) (p pauses) {
	last := time.Now()
	for i := 0; ; i++ {
		select {
		case <-end:
			return p
		case <-calm:
			p.before, p.longest, calm = p.longest, 0, nil
		case <-time.After(2 * time.Millisecond):
		}
		if err := write(i); err != nil {
			p.errs = append(p.errs, fmt.Errorf("after %v: %w", time.Since(last).Round(time.Millisecond), err))
			continue
		}
		p.longest, last = max(p.longest, time.Since(last)), time.Now()
		p.acked++
	}
}

// pulses runs one loop for each shard while something happens.
func pulses(shards []wire.ShardID, writer func(shard wire.ShardID) func(i int) error, happens func()) []pauses {
	calm, end := make(chan struct{}), make(chan struct{})
	all := make([]pauses, len(shards))
	var loops sync.WaitGroup
	for i, shard := range shards {
		write := writer(shard)
		loops.Go(func() { all[i] = pulse(calm, end, write) })
	}
	time.Sleep(time.Second)
	close(calm)
	happens()
	close(end)
	loops.Wait()
	return all
}

// summary is the longest pause of each shard, in order, and all errors.
func summary(all []pauses) (before, longest []time.Duration, acked int, errs []error) {
	for _, p := range all {
		before, longest, acked, errs = append(before, p.before), append(longest, p.longest), acked+p.acked, append(errs, p.errs...)
	}
	slices.Sort(before)
	slices.Sort(longest)
	return before, longest, acked, errs
}

func percentile(sorted []time.Duration, percent int) time.Duration {
	return sorted[min(len(sorted)*percent/100, len(sorted)-1)].Round(100 * time.Microsecond)
}

// A node that is told to stop hands over what it leads before it goes: whoever asks another node notices
// a short pause and no error, and so does Torc's client. One who was connected to the node itself is
// hung up on, and served when he has gone elsewhere.
func TestPlannedHandover(t *testing.T) {
	for _, way := range []struct {
		name   string
		writer func(t *testing.T, victim *proctest.Node, others []*proctest.Node, all *proctest.Cluster) func(wire.ShardID) func(int) error
	}{
		{"redis client of another node", func(t *testing.T, _ *proctest.Node, others []*proctest.Node, _ *proctest.Cluster) func(wire.ShardID) func(int) error {
			return func(shard wire.ShardID) func(int) error {
				db, key := redisClient(t, others[int(shard)%len(others)]), proctest.KeyOn(shard, killShards, "pulse")
				return func(i int) error { return db.Set(context.Background(), key, i, 0).Err() }
			}
		}},
		{"Torc's client", func(t *testing.T, _ *proctest.Node, _ []*proctest.Node, all *proctest.Cluster) func(wire.ShardID) func(int) error {
			db := goClient(t, all)
			return func(shard wire.ShardID) func(int) error {
				key := proctest.KeyOn(shard, killShards, "pulse")
				return func(i int) error {
					_, err := db.Set(context.Background(), key, fmt.Append(nil, i))
					return err
				}
			}
		}},
		{"redis client of the node itself", func(t *testing.T, victim *proctest.Node, others []*proctest.Node, _ *proctest.Cluster) func(wire.ShardID) func(int) error {
			return func(shard wire.ShardID) func(int) error {
				db, key := oneDial(t, victim), proctest.KeyOn(shard, killShards, "pulse")
				return func(i int) error {
					err := db.Set(context.Background(), key, i, 0).Err()
					if err != nil { // the one retry, elsewhere
						db = oneDial(t, others[int(shard)%len(others)])
						err = db.Set(context.Background(), key, i, 0).Err()
					}
					return err
				}
			}
		}},
	} {
		t.Run(way.name, func(t *testing.T) {
			c := proctest.Start(t, 3, "--election-timeout", handoverElection.String())
			c.WaitSettled(proctest.FormsWithin)
			victim := c.Busiest()
			others := slices.DeleteFunc(slices.Clone(c.Nodes), func(n *proctest.Node) bool { return n == victim })
			led := c.Leads(victim)
			var stopped time.Duration
			var before, after map[wire.ShardID]leadership
			all := pulses(led, way.writer(t, victim, others, c), func() {
				before = leaderships(t, c.Nodes)
				begin := time.Now()
				require.Equal(t, 0, victim.Stop(10*time.Second))
				stopped = time.Since(begin)
				time.Sleep(2 * time.Second)
				after = leaderships(t, others)
			})
			calm, longest, acked, errs := summary(all)
			t.Logf("%d shards handed over: longest pause p50 %v, p99 %v, max %v (a second of calm before: p50 %v, max %v); the process ended after %v; %d writes, %d errors", len(led),
				percentile(longest, 50), percentile(longest, 99), percentile(longest, 100), percentile(calm, 50), percentile(calm, 100), stopped.Round(time.Millisecond), acked, len(errs))
			require.Empty(t, errs)
			require.Less(t, percentile(longest, 100), handoverElection, "nobody waits for an election")
			requireHandedOverOnce(t, victim, before, after)
		})
	}
}

// handoverElection is the election timeout of the cluster that is watched: long enough that a machine which
// is busy with other things does not look like a leader that is gone. It makes a handover no shorter.
const handoverElection = 2 * time.Second

// leadership is who leads a shard, in which term: every change of leaders takes a term.
type leadership struct {
	term   uint64
	leader string // its peer address
}

// leaderships are those of all shards, the meta group too, as the leaders among these nodes say.
func leaderships(t *testing.T, nodes []*proctest.Node) map[wire.ShardID]leadership {
	t.Helper()
	all := map[wire.ShardID]leadership{}
	for _, n := range nodes {
		s, err := n.Status()
		require.NoError(t, err)
		for _, lane := range s.Lanes {
			for _, g := range lane.Groups {
				if g.Role == "leader" && g.Term > all[g.Shard].term {
					all[g.Shard] = leadership{g.Term, n.Peer}
				}
			}
		}
	}
	return all
}

// requireHandedOverOnce holds a stop to one change of leaders for each shard that the node led, the meta
// group included, and none for the others: an heir that is not the last shows as two, one that offers the
// shard back as three, whatever the machine's speed.
func requireHandedOverOnce(t *testing.T, victim *proctest.Node, before, after map[wire.ShardID]leadership) {
	t.Helper()
	require.Len(t, before, killShards+1)
	for shard, was := range before {
		changes := uint64(0)
		if was.leader == victim.Peer {
			changes = 1
		}
		require.Equal(t, was.term+changes, after[shard].term, "the term of shard %d, led by %s before and %s now; %s was stopped", shard, was.leader, after[shard].leader, victim.Peer)
	}
}

// oneDial is a client that asks once, and says so when nobody is there. (go-redis dials five times in half
// a second by default, whatever MaxRetries is.)
func oneDial(t *testing.T, n *proctest.Node) *redis.Client {
	db := redis.NewClient(&redis.Options{Addr: n.RESP, MaxRetries: -1, DialerRetries: 1, ReadTimeout: 10 * time.Second, ContextTimeoutEnabled: true})
	t.Cleanup(func() { _ = db.Close() })
	return db
}
