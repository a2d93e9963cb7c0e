package main

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/cmd/internal/proctest"
)

// refilled is how many bytes are there when a node loses them: a few MiB in every test run, TORC_REFILL_GIB=1 for so many
// GiB, which takes two minutes and some 5 GiB of memory. TORC_REBALANCE_RATE is the nodes' --rebalance-rate, if not the usual one.
func refilled(t *testing.T) (size int64, calm time.Duration) {
	text := os.Getenv("TORC_REFILL_GIB")
	if text == "" {
		return 24 << 20, 2 * time.Second
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err, "TORC_REFILL_GIB")
	return int64(n) << 30, 20 * time.Second
}

// A node is stopped and started: its memory is empty, and the others, who serve a steady load of reads and writes, send it
// snapshots of all that they hold. No operation of those who ask them fails meanwhile, and every key holds in the end what was acknowledged
// last, on the newcomer too. How long it takes, and what the load notices of it, is printed and not judged: that is the machine's.
func TestRefill(t *testing.T) {
	size, calm := refilled(t)
	settings := []string{"--shards", fmt.Sprint(killShards), "--grace", "10m"}
	if rate := os.Getenv("TORC_REBALANCE_RATE"); rate != "" {
		settings = append(settings, "--rebalance-rate", rate)
	}
	c := proctest.Start(t, 3, settings...)
	f := newFilling(size)
	f.write(t, c.Nodes)
	stay, empty := c.Nodes[:2], c.Nodes[2]
	waitSafe(t, stay[0], empty)
	require.Equal(t, 0, empty.Stop(10*time.Second))

	s := startSteady(t, f, stay)
	time.Sleep(calm)
	sent := shipped(t, stay)
	began := time.Now()
	empty.Start()
	proctest.Until(t, proctest.FormsWithin+time.Duration(size>>20)*time.Second, "the node holds everything again", func() error {
		return empty.Holds(killShards + 1)
	})
	done := time.Now()
	time.Sleep(calm)
	after := time.Now()
	s.stop()

	moved, took := shipped(t, stay)-sent, done.Sub(began).Seconds()
	t.Logf("%s of %s sent and restored within %.1f s (%s a second); %s", mebibytes(moved), mebibytes(f.bytes()), took, mebibytes(int64(float64(moved)/took)), memories(c.Nodes))
	t.Logf("%d operations a second, due at their times, one of %d a write:", steadyRate, writeEach)
	t.Logf("before, two nodes: %s", s.figures(began.Add(-calm), began))
	t.Logf("while copies go:   %s", s.figures(began, done))
	t.Logf("after, three:      %s", s.figures(done, after))
	require.Empty(t, s.errs)
	require.GreaterOrEqual(t, moved, f.bytes()*9/10, "the node had lost everything")
	f.check(t, []*proctest.Node{empty})
}
