//go:build linux

package cluster

import (
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"torc/core/evict"
	"torc/core/store"
	"torc/core/wire"
	mapped "torc/net/pages"
)

var measureKeys = flag.Int("measure-keys", 0, "measure what an entry takes, with so many keys; 5000000 take 1.5 GB")

// TestMeasureOverhead says what an entry takes beyond its key and value, without and with an expiry and what a policy knows of it: all
// that is resident, divided by the keys. It is the figure of docs/MEMORY.md:
//
//	go test ./cluster -run TestMeasureOverhead -measure-keys 5000000 -v
func TestMeasureOverhead(t *testing.T) {
	n := *measureKeys
	if n == 0 {
		t.Skip("only with -measure-keys")
	}
	for _, c := range []struct{ expires, policy bool }{{false, false}, {true, false}, {false, true}, {true, true}} {
		debug.FreeOSMemory()
		before := resident(t)
		s := store.New(store.Config{Pages: new(mapped.Source)})
		p := evict.New(evict.Adaptive, 1, evict.NewLearner())
		value, b := make([]byte, 100), new(wire.Batch)
		for i := range n {
			cmd := wire.Command{Op: wire.OpSet, Key: fmt.Appendf(nil, "key:%012d", i), Value: value}
			if c.expires {
				cmd.TTLKind, cmd.TTL = wire.TTLAbsolute, 1_800_000_000_000+int64(i)*7919%1_000_000
			}
			b.Requests = append(b.Requests, wire.Request{Commands: []wire.Command{cmd}})
			if len(b.Requests) == 64 || i == n-1 {
				s.Apply(b)
				b.Requests = b.Requests[:0]
			}
			if c.policy {
				p.Use(s.HashOf(cmd.Key), i+1)
			}
		}
		debug.FreeOSMemory()
		over := float64(resident(t)-before-s.Memory().Data) / float64(n)
		t.Logf("%d keys of 16 bytes with values of 100, expiry %v, policy %v: %.1f bytes of overhead each, by RSS", n, c.expires, c.policy, over)
		p.Close()
		s.Close()
	}
}

func resident(t *testing.T) int64 {
	t.Helper()
	statm, err := os.ReadFile("/proc/self/statm")
	require.NoError(t, err)
	n, err := strconv.ParseInt(strings.Fields(string(statm))[1], 10, 64)
	require.NoError(t, err)
	return n * int64(os.Getpagesize())
}
