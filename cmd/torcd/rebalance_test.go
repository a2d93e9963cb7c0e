package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/cmd/internal/proctest"
	"torc/core/wire"
)

// rebalanced is how many bytes of values are there when the fourth node joins: a few MiB in every test
// run, TORC_REBALANCE_GIB=1 for so many GiB, which takes minutes and some 10 GiB of memory.
// TORC_REBALANCE_RATE is the nodes' --rebalance-rate, if not the usual one.
func rebalanced(t *testing.T) (size int64, calm time.Duration) {
	text := os.Getenv("TORC_REBALANCE_GIB")
	if text == "" {
		return 24 << 20, 2 * time.Second
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err, "TORC_REBALANCE_GIB")
	return int64(n) << 30, 20 * time.Second
}

const (
	// fairShare is a fourth node's part of the replicas, those of the meta group included; shareLeast is
	// what it must get of them, a tenth less.
	fairShare  = ((killShards+1)*3 + 3) / 4
	shareLeast = (killShards + 1) * 3 * 90 / 400
	// rebalanceSlack is how much more than a fair share may be moved, in percent of it.
	rebalanceSlack = 110
)

// A fourth node joins three that are full of data, under a steady load of reads and writes. It is given its
// share, of replicas and of bytes, and hardly more than that is moved; no operation fails meanwhile,
// and every key holds in the end what was acknowledged last. How long it takes and what the load
// notices of it is printed, and not judged: that is the machine's.
func TestRebalance(t *testing.T) {
	size, calm := rebalanced(t)
	var settings []string
	if rate := os.Getenv("TORC_REBALANCE_RATE"); rate != "" {
		settings = []string{"--rebalance-rate", rate}
	}
	c := proctest.Start(t, 3, settings...)
	f := newFilling(size)
	began := time.Now()
	f.write(t, c.Nodes)
	t.Logf("%s in %d keys written within %v; %s", mebibytes(f.bytes()), len(f.last), time.Since(began).Round(time.Second), memories(c.Nodes))

	s := startSteady(t, f, c.Nodes)
	ran := processors(c.Nodes)
	time.Sleep(calm)
	busyBefore := ran(calm)
	sent, newest := shipped(t, c.Nodes), newestReplica(t, c.Nodes)
	memoryBefore := memories(c.Nodes)
	ran = processors(c.Nodes)
	joined := time.Now()
	newcomer := proctest.New(t, 1, append(settings, "--join", c.Nodes[0].Peer)...).Nodes[0]
	newcomer.Start()
	all := append(append([]*proctest.Node(nil), c.Nodes...), newcomer)
	watch := time.NewTicker(5 * time.Second)
	defer watch.Stop()
	proctest.Until(t, proctest.FormsWithin+time.Duration(size>>20)*time.Second, "the newcomer holds its share", func() error {
		select {
		case <-watch.C:
			t.Logf("%4.0f s: %s", time.Since(joined).Seconds(), toGo(newcomer))
		default:
		}
		return settled(all, shareLeast)
	})
	done := time.Now()
	busyDuring := ran(done.Sub(joined))
	memoryAfter := memories(all)
	ran = processors(c.Nodes)
	time.Sleep(calm)
	after := time.Now()
	busyAfter := ran(calm)
	s.stop()

	moved, made := shipped(t, all)-sent, int(newestReplica(t, all)-newest)
	gained, part := heldBy(t, newcomer, all)
	whole, took := 3*f.bytes(), done.Sub(joined).Seconds()
	t.Logf("balanced after %.1f s: %s sent (%s a second), %.2f times a fair share of all replicas' bytes, %s; the newcomer has %s, %.2f times; %d replicas made, it holds %d, a fair share is %d",
		took, mebibytes(moved), mebibytes(int64(float64(moved)/took)), float64(4*moved)/float64(whole), mebibytes(whole/4), mebibytes(int64(part*float64(whole))), 4*part, made, gained, fairShare)
	t.Logf("%d operations a second, due at their times, one of %d a write:", steadyRate, writeEach)
	t.Logf("before: %s; %s", s.figures(joined.Add(-calm), joined), busyBefore)
	t.Logf("during: %s; %s", s.figures(joined, done), busyDuring)
	t.Logf("after:  %s; %s", s.figures(done, after), busyAfter)
	t.Logf("memory before: %s", memoryBefore)
	t.Logf("memory after:  %s", memoryAfter)

	require.Empty(t, s.errs)
	require.LessOrEqual(t, moved, whole/4*rebalanceSlack/100, "bytes moved")
	require.LessOrEqual(t, made, fairShare*rebalanceSlack/100, "replicas made")
	stdout, stderr, code := proctest.Torc(t, "status", "--addr", newcomer.GRPC)
	require.Equal(t, toolOK, code, "%s%s", stdout, stderr)
	require.NotContains(t, stdout, "moves:")
	f.check(t, all)
}

// settled says what is yet to be moved, by every node's map, or nil.
func settled(nodes []*proctest.Node, share int) error {
	for _, n := range nodes {
		for _, name := range []string{"torc_moves_open", "torc_replicas_to_go"} {
			if v, err := n.Metric(name); err != nil || v != 0 {
				return errors.Join(err, fmt.Errorf("node %d: %s is %v", n.Index, name, v))
			}
		}
	}
	return nodes[len(nodes)-1].Holds(share)
}

// toGo is how far a rebalancing is, as a node's metrics say.
func toGo(n *proctest.Node) string {
	replicas, _ := n.Metric("torc_replicas_to_go")
	open, _ := n.Metric("torc_moves_open")
	return fmt.Sprintf("%v replicas to go, %v shards on the move", replicas, open)
}

// shipped is how many bytes of copies nodes have sent.
func shipped(t *testing.T, nodes []*proctest.Node) (sum int64) {
	t.Helper()
	for _, n := range nodes {
		v, err := n.Metric("torc_snapshot_bytes_sent_total")
		require.NoError(t, err)
		sum += int64(v)
	}
	return sum
}

// newestReplica is the greatest number that a replica has: each that is made takes the next one.
func newestReplica(t *testing.T, nodes []*proctest.Node) (newest wire.ReplicaID) {
	t.Helper()
	for _, n := range nodes {
		s, err := n.Status()
		require.NoError(t, err)
		for _, lane := range s.Lanes {
			for _, g := range lane.Groups {
				newest = max(newest, g.Replica)
			}
		}
	}
	return newest
}

// heldBy counts a node's replicas, and what part of all replicas' bytes they hold.
func heldBy(t *testing.T, n *proctest.Node, all []*proctest.Node) (replicas int, part float64) {
	t.Helper()
	var own, sum int64
	for _, at := range all {
		s, err := at.Status()
		require.NoError(t, err)
		for _, lane := range s.Lanes {
			for _, g := range lane.Groups {
				if sum += g.Bytes; at == n {
					own += g.Bytes
					replicas++
				}
			}
		}
	}
	return replicas, float64(own) / float64(sum)
}

// memories are the processes' memory, now and at most.
func memories(nodes []*proctest.Node) string {
	var parts []string
	for _, n := range nodes {
		now, most := n.Memory()
		parts = append(parts, fmt.Sprintf("%s (at most %s)", mebibytes(now), mebibytes(most)))
	}
	return strings.Join(parts, ", ")
}

// processors says, when it is asked, what these nodes have used of the machine's processors since, and how
// long they had to wait for them: in thousandths of the time that has passed.
func processors(nodes []*proctest.Node) func(passed time.Duration) string {
	sum := func() (ran, waited time.Duration) {
		for _, n := range nodes {
			r, w := n.Processor()
			ran, waited = ran+r, waited+w
		}
		return ran, waited
	}
	ran, waited := sum()
	return func(passed time.Duration) string {
		r, w := sum()
		return fmt.Sprintf("the first three nodes used %d‰ of a processor and waited for one %d‰ of the time", 1000*(r-ran)/passed, 1000*(w-waited)/passed)
	}
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }
