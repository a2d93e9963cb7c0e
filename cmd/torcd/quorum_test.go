package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"torc/client"
	"torc/cmd/internal/proctest"
	"torc/core/wire"
)

const (
	lossShards = 8
	// refusesWithin is how soon after its majority is gone a shard refuses: within two election timeouts
	// its leader steps down, or a follower gives the leader up; then requests wait for three more, as long as a
	// failover may take. That makes 2.5 s; the rest is for a slow machine.
	refusesWithin = 4 * time.Second
	// atOnce is how long a refusal takes from then on.
	atOnce = 250 * time.Millisecond
)

// Two of three nodes are killed and never come back, with shards and the meta group. Who asks the third one is
// refused soon, and from then on at once, with the reason. Nothing is given up by itself, however long that
// lasts. The operator's words are followed to the end: the meta group is begun anew, the two are
// forgotten; then it is the policy's turn. All that can tell of the losses tells the same.
func TestTwoOfThreeAreGoneForGood(t *testing.T) {
	for _, policy := range []string{"reset", "refuse"} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel() // they mostly wait
			l := lose(t, policy)
			l.isRefused()
			l.isNotGivenUp()
			l.recoverMeta()
			for _, n := range l.gone {
				l.forget(n)
			}
			if policy == "reset" {
				l.isBegunAnew()
			} else {
				l.staysDown()
			}
		})
	}
}

// loss is a cluster of which one node is left.
type loss struct {
	*testing.T
	left *proctest.Node
	gone []*proctest.Node
	db   *redis.Client
	at   time.Time // when the second one was killed
}

func lose(t *testing.T, policy string) *loss {
	c := proctest.Start(t, 3, "--shards", fmt.Sprint(lossShards), "--on-quorum-loss", policy, "--grace", "3s", "--reset-grace", "2s")
	l := &loss{T: t, left: c.Nodes[2], gone: c.Nodes[:2], db: redisClient(t, c.Nodes[2])}
	for shard := range wire.ShardID(lossShards) {
		require.NoError(t, l.db.Set(context.Background(), l.key(shard+1), "old", 0).Err())
	}
	for _, n := range l.gone {
		n.Kill()
	}
	l.at = time.Now()
	return l
}

func (l *loss) key(shard wire.ShardID) string { return proctest.KeyOn(shard, lossShards, "loss") }

// isRefused asks every shard until it refuses, and then once more, by reads and writes, through both
// protocols.
func (l *loss) isRefused() {
	ctx := context.Background()
	first := l.eachRefuses(func(shard wire.ShardID) error { return l.db.Set(ctx, l.key(shard), "new", 0).Err() })
	require.Less(l, first[len(first)-1], refusesWithin)
	var took []time.Duration
	for shard := range wire.ShardID(lossShards) {
		for _, ask := range []func() error{
			func() error { return l.db.Get(ctx, l.key(shard+1)).Err() },
			func() error { return l.db.Set(ctx, l.key(shard+1), "new", 0).Err() },
		} {
			begin := time.Now()
			err := ask()
			took = append(took, time.Since(begin))
			require.ErrorContains(l, err, "CLUSTERDOWN The shard has no quorum on this side", "shard %d", shard+1)
		}
	}
	slices.Sort(took)
	l.Logf("shards refused after %v to %v; from then on it took %v, at most %v", first[0].Round(time.Millisecond), first[len(first)-1].Round(time.Millisecond), percentile(took, 50), percentile(took, 100))
	require.Less(l, percentile(took, 50), atOnce)
	require.Less(l, percentile(took, 100), atOnce*slowMachine)

	db, err := client.New(ctx, client.Options{Seeds: []string{l.left.GRPC}, Timeout: 2 * time.Second})
	require.NoError(l, err)
	defer func() { _ = db.Close() }()
	_, err = db.Set(ctx, l.key(1), []byte("new"))
	require.ErrorIs(l, err, client.ErrRefused)
	require.NotErrorIs(l, err, client.ErrUnknown)
	require.ErrorContains(l, err, wire.ReasonNoQuorum.String())
}

// eachRefuses asks every shard, side by side, until it refuses for want of a quorum, and returns after what
// time that was, sorted. Before that the outcome may be unknown; it is never a success.
func (l *loss) eachRefuses(ask func(shard wire.ShardID) error) (after []time.Duration) {
	done := make(chan error, lossShards)
	times := make(chan time.Duration, lossShards)
	for shard := range wire.ShardID(lossShards) {
		go func() {
			for time.Since(l.at) < proctest.FormsWithin {
				err := ask(shard + 1)
				if err == nil {
					done <- fmt.Errorf("shard %d took a write without a majority", shard+1)
					return
				}
				if strings.HasPrefix(err.Error(), "CLUSTERDOWN The shard has no quorum") {
					times <- time.Since(l.at)
					done <- nil
					return
				}
			}
			done <- fmt.Errorf("shard %d did not refuse", shard+1)
		}()
	}
	for range lossShards {
		require.NoError(l, <-done)
		after = append(after, <-times)
	}
	slices.Sort(after)
	return after
}

// isNotGivenUp waits for longer than any grace: silence proves nothing, and nobody decides.
func (l *loss) isNotGivenUp() {
	stdout, _, code := proctest.Torc(l.T, "status", "--addr", l.left.GRPC, "--timeout", "2s")
	require.Equal(l, toolDegraded, code, stdout)
	require.Contains(l, stdout, "no leader was found")
	require.Contains(l, stdout, "does not answer")
	require.Contains(l, stdout, "torc recover-meta --addr "+l.left.GRPC)
	l.isNotRead()
	_, stderr, code := proctest.Torc(l.T, "forget", l.gone[0].Peer, "--addr", l.left.GRPC, "--timeout", "2s")
	require.Equal(l, toolError, code)
	require.Contains(l, stderr, "nobody is known to lead the meta group")
	l.staysRefused(time.Until(l.at.Add(8 * time.Second)))
	require.EqualValues(l, 0, l.metric("torc_losses_total"))
	require.EqualValues(l, 0, l.metric("torc_shards_without_quorum"), "nobody's end is known")
	require.EqualValues(l, lossShards+1, l.metric("torc_shards_without_leader"), "and yet nothing is served")
}

// isNotRead: what torc says of a key without a quorum. A read has no outcome that could be unknown.
func (l *loss) isNotRead() {
	_, stderr, code := proctest.Torc(l.T, "get", l.key(1), "--addr", l.left.GRPC, "--timeout", "1s")
	require.Equal(l, toolError, code)
	require.Contains(l, stderr, fmt.Sprintf("torc get: %q was not read: ", l.key(1)))
	require.Contains(l, stderr, "torc status shows what is missing")
	require.NotContains(l, stderr, "unknown")
	_, stderr, code = proctest.Torc(l.T, "set", l.key(1), "new", "--addr", l.left.GRPC, "--timeout", "1s")
	require.Equal(l, toolError, code)
	require.Contains(l, stderr, fmt.Sprintf("torc set: %q was not written: no quorum", l.key(1)))
}

// staysRefused asks for a while: nothing but refusals.
func (l *loss) staysRefused(while time.Duration) {
	l.Helper()
	for end := time.Now().Add(while); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		require.ErrorContains(l, l.db.Set(context.Background(), l.key(1), "new", 0).Err(), "CLUSTERDOWN")
	}
}

var confirmCode = regexp.MustCompile(`--confirm ([0-9a-f]+)`)

var begunAnew = regexp.MustCompile(`msg="shards were lost and have been begun anew, empty" count=(\d+) shards=`)

// confirmed runs a command that wants a code, without it until it shows one, and with it.
func (l *loss) confirmed(shows string, args ...string) {
	l.Helper()
	args = append(args, "--addr", l.left.GRPC)
	var code string
	proctest.Until(l.T, 15*time.Second, fmt.Sprintf("torc %v shows its code", args), func() error {
		stdout, stderr, exit := proctest.Torc(l.T, args...)
		if exit != toolDegraded {
			return fmt.Errorf("exit code %d: %s%s", exit, stdout, stderr)
		}
		require.Contains(l, stdout, shows)
		code = confirmCode.FindStringSubmatch(stdout)[1]
		return nil
	})
	// A leader of the meta group that is newer than the silence says so; whoever reads it tries again.
	proctest.Until(l.T, 15*time.Second, fmt.Sprintf("torc %v is done", args), func() error {
		stdout, stderr, exit := proctest.Torc(l.T, append(args, "--confirm", code)...)
		if exit != toolOK {
			return fmt.Errorf("exit code %d: %s%s", exit, stdout, stderr)
		}
		return nil
	})
}

func (l *loss) recoverMeta() {
	l.confirmed("(silent)", "recover-meta")
	proctest.Until(l.T, 10*time.Second, "the meta group has a leader", func() error {
		if n := len(statusShards(l.T, l.left)); n == 0 {
			return errors.New("none")
		}
		return nil
	})
}

func (l *loss) forget(n *proctest.Node) { l.confirmed(n.Peer, "forget", n.Peer) }

// statusShards are the shards that a node leads, the meta group included.
func statusShards(t *testing.T, n *proctest.Node) (led []wire.ShardID) {
	s, err := n.Status()
	require.NoError(t, err)
	for _, lane := range s.Lanes {
		for _, g := range lane.Groups {
			if g.Role == "leader" {
				led = append(led, g.Shard)
			}
		}
	}
	return led
}

func (l *loss) metric(name string) float64 {
	l.Helper()
	v, err := l.left.Metric(name)
	require.NoError(l, err)
	return v
}

func (l *loss) info() string {
	l.Helper()
	text, err := l.db.Info(context.Background(), "torc").Result()
	require.NoError(l, err)
	return strings.ReplaceAll(text, "\r", "")
}

// isBegunAnew waits until every shard serves: empty, and declared lost wherever that can be seen.
func (l *loss) isBegunAnew() {
	ctx := context.Background()
	for shard := range wire.ShardID(lossShards) {
		proctest.Until(l.T, proctest.FormsWithin, fmt.Sprintf("shard %d serves again", shard+1), func() error {
			_, err := l.db.Get(ctx, l.key(shard+1)).Result()
			if errors.Is(err, redis.Nil) {
				return nil
			}
			return fmt.Errorf("a read of what was lost came to %v", err)
		})
		require.NoError(l, l.db.Set(ctx, l.key(shard+1), "new", 0).Err())
		require.Equal(l, "new", l.db.Get(ctx, l.key(shard+1)).Val())
	}
	l.Logf("everything served again, empty, %v after the loss", time.Since(l.at).Round(100*time.Millisecond))
	require.EqualValues(l, lossShards+1, l.metric("torc_losses_total"), "the shards and the meta group")
	require.EqualValues(l, 0, l.metric("torc_shards_without_quorum"))
	require.Contains(l, l.info(), fmt.Sprintf("torc_losses:%d\n", lossShards+1))
	require.Contains(l, l.info(), "torc_lost_shards:0=1,1=1,2=1,3=1,4=1,5=1,6=1,7=1,8=1\n")
	require.Contains(l, l.info(), "torc_shards_without_quorum:\n")
	stdout, _, _ := proctest.Torc(l.T, "status", "--addr", l.left.GRPC)
	require.Contains(l, stdout, "lost and begun anew, empty (UTC): ")
	require.Contains(l, stdout, "the meta group (not empty: from a map that was left)")
	for shard := 1; shard <= lossShards; shard++ {
		require.Contains(l, stdout, fmt.Sprintf("shard %d at ", shard))
	}
	require.NotContains(l, stdout, "no leader was found")
	proctest.Until(l.T, 10*time.Second, "the log says so of each shard", func() error { // it is looked at every two seconds
		told := 0
		for _, line := range begunAnew.FindAllStringSubmatch(l.left.Log(), -1) {
			count, err := strconv.Atoi(line[1])
			require.NoError(l, err)
			told += count
		}
		if told != lossShards {
			return fmt.Errorf("of %d, not %d:\n%s", told, lossShards, l.left.Log())
		}
		return nil
	})
}

// staysDown waits until the shards are known to be lost, and for longer than it takes to begin them anew.
func (l *loss) staysDown() {
	proctest.Until(l.T, 10*time.Second, "the shards are known to be without a quorum", func() error {
		if n := l.metric("torc_shards_without_quorum"); n != lossShards {
			return fmt.Errorf("%v are", n)
		}
		return nil
	})
	l.staysRefused(7 * time.Second)
	require.EqualValues(l, 1, l.metric("torc_losses_total"), "the meta group alone")
	require.EqualValues(l, lossShards, l.metric("torc_shards_without_quorum"))
	require.Contains(l, l.info(), "torc_lost_shards:0=1\n")
	require.Contains(l, l.info(), "torc_shards_without_quorum:1,2,3,4,5,6,7,8\n")
	stdout, _, code := proctest.Torc(l.T, "status", "--addr", l.left.GRPC)
	require.Equal(l, toolDegraded, code)
	require.Contains(l, stdout, "the majority of its replicas is lost")
	require.Contains(l, l.left.Log(), "they stay down (--on-quorum-loss refuse)")
}
