package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/client"
	"torc/cmd/internal/delay"
	"torc/cmd/internal/proctest"
)

// A slow replica costs a quorum nothing: writes to the shards of healthy leaders take no longer than before, within 1.3
// times. Its process has a tenth of a processor, or its link a delay of 20 ms and a loss of 5%. The simulator shows it
// exactly (scenarios/slow_test.go); here it is real processes, on a machine that may be busy: the median of some
// rounds, each with its own before, and what is below the noise is as good as nothing.
func TestASlowReplicaCostsAQuorumNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute: not with -short")
	}
	c := proctest.New(t, 3, "--shards", fmt.Sprint(slowShards), "--when-slow", "stay")
	link := slowLink(t, c.Nodes[2])
	for _, n := range c.Nodes {
		n.Start()
	}
	c.WaitWhole(proctest.FormsWithin)
	db := goClient(t, c)
	for _, slow := range []struct {
		name  string
		begin func() (end func())
	}{
		{"a tenth of a processor", func() func() { return pulsed(c.Nodes[2], 45*time.Millisecond, 5*time.Millisecond) }},
		{"20 ms and 5% loss", func() func() {
			bad := delay.Pace{Delay: 20 * time.Millisecond, Lost: 50, Again: 200 * time.Millisecond}
			link.Set(bad, bad)
			return func() { link.Set(delay.Pace{}, delay.Pace{}) }
		}},
	} {
		t.Run(slow.name, func(t *testing.T) {
			var half, most []float64
			var itself []time.Duration // how long the slow replica's own writes take, in all rounds: fifteen of one are chance
			for round := range slowRounds {
				c.WaitSettled(proctest.FormsWithin)
				var keys []string
				for _, n := range c.Nodes[:2] {
					for _, shard := range c.Leads(n) {
						keys = append(keys, proctest.KeyOn(shard, slowShards, "quorum"))
					}
				}
				require.NotEmpty(t, keys)
				before := setsAtRate(t, db, keys)
				end := slow.begin()
				during := setsAtRate(t, db, keys)
				itself = append(itself, setsAtAnyMoment(t, db, proctest.KeyOn(c.Leads(c.Nodes[2])[0], slowShards, "quorum"))...)
				end()
				half = append(half, slower(before, during, 50, time.Millisecond))
				most = append(most, slower(before, during, 99, slowNoise))
				t.Logf("round %d: SET p50 %v, p99 %v; with a slow replica p50 %v (%.2f x), p99 %v (%.2f x)", round+1, percentile(before, 50), percentile(before, 99),
					percentile(during, 50), half[round], percentile(during, 99), most[round])
			}
			slices.Sort(itself)
			slices.Sort(half)
			slices.Sort(most)
			require.Greater(t, percentile(itself, 50), slowNoise, "the replica is not slow: nothing is tested")
			require.LessOrEqual(t, half[len(half)/2], 1.3, "p50")
			require.LessOrEqual(t, most[len(most)/2], 2.0, "p99, which is chance on a busy machine")
		})
	}
}

// setsAtAnyMoment writes some times, one after the other, and returns how long each took.
func setsAtAnyMoment(t *testing.T, db *client.Client, key string) (times []time.Duration) {
	for range 15 {
		time.Sleep(rand.N(50 * time.Millisecond)) // whether the process runs or is stopped at that moment
		at := time.Now()
		_, err := db.Set(context.Background(), key, nil)
		require.NoError(t, err)
		times = append(times, time.Since(at))
	}
	return times
}

// slower is how many times as long a percentile is; times below the noise are alike.
func slower(before, during []time.Duration, percent int, noise time.Duration) float64 {
	return float64(max(percentile(during, percent), noise)) / float64(max(percentile(before, percent), noise))
}

// slowLink puts a proxy before a node that is yet to be started: all that others connect to it goes by a link.
func slowLink(t *testing.T, n *proctest.Node) *delay.Link {
	const host = "127.0.0.77" // the loopback network is a whole class A
	n.With("--advertise", host)
	peers, clients := &delay.Link{}, &delay.Link{} // clients' connections are as good as ever
	for _, addr := range []string{n.Peer, n.RESP, n.GRPC} {
		link := clients
		if addr == n.Peer {
			link = peers
		}
		_, port, err := net.SplitHostPort(addr)
		require.NoError(t, err)
		l, err := net.Listen("tcp", net.JoinHostPort(host, port))
		if err != nil {
			t.Skipf("this machine's loopback has one address only: %v", err)
		}
		p := delay.Serve(l, delay.Options{
			Dial: func(ctx context.Context, _ net.Conn) (net.Conn, error) {
				var d net.Dialer
				return d.DialContext(ctx, "tcp", addr)
			},
			Link: func(net.Conn) *delay.Link { return link },
		})
		t.Cleanup(func() { _ = p.Close() })
	}
	return peers
}

// setsAtRate writes for a while, whether or not earlier writes have ended, and returns how long they took, sorted.
func setsAtRate(t *testing.T, db *client.Client, keys []string) (times []time.Duration) {
	var mu sync.Mutex
	var calls sync.WaitGroup
	tick := time.NewTicker(time.Second / slowRate)
	defer tick.Stop()
	for began := time.Now(); time.Since(began) < slowWindow; {
		<-tick.C
		key := keys[rand.IntN(len(keys))]
		calls.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			at := time.Now()
			_, err := db.Set(ctx, key, []byte("value"))
			took := time.Since(at)
			mu.Lock()
			defer mu.Unlock()
			if times = append(times, took); err != nil {
				t.Errorf("SET %s: %v", key, err)
			}
		})
	}
	calls.Wait()
	slices.Sort(times)
	return times
}
