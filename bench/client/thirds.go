package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"torc/client"
	"torc/core/wire"
)

// thirds measures what a call on a thousand keys of all nodes costs beside what its slowest part, the keys of one node, costs
// alone. The two take turns, so that both meet the same machine. What is aimed at is 1.5 times.
func (b *bench) thirds(ctx context.Context, c *client.Client, w io.Writer) error {
	top := c.Topology()
	leads := map[wire.ShardID]uint64{}
	for _, s := range top.Shards {
		leads[wire.ShardID(s.ID)] = s.Preferred
	}
	rng := rand.New(rand.NewPCG(2, 2))
	whole := hdrhistogram.New(1, 60_000_000, 3)
	parts := map[uint64]*hdrhistogram.Histogram{}
	timed := func(h *hdrhistogram.Histogram, keys []string) error {
		began := time.Now()
		for _, r := range c.GetMany(ctx, keys...) {
			if r.Err != nil {
				return r.Err
			}
		}
		return h.RecordValue(max(time.Since(began).Microseconds(), 1))
	}
	for began := time.Now(); time.Since(began) < b.lasts; {
		keys := make([]string, 1000)
		of := map[uint64][]string{}
		for i := range keys {
			keys[i] = b.names[rng.IntN(len(b.names))]
			node := leads[wire.ShardOf(wire.Slot([]byte(keys[i])), len(top.Shards))]
			of[node] = append(of[node], keys[i])
		}
		if err := timed(whole, keys); err != nil {
			return err
		}
		for node, own := range of {
			if parts[node] == nil {
				parts[node] = hdrhistogram.New(1, 60_000_000, 3)
			}
			if err := timed(parts[node], own); err != nil {
				return err
			}
		}
	}
	slowest := int64(1)
	for _, h := range parts {
		slowest = max(slowest, h.ValueAtQuantile(50))
	}
	all := whole.ValueAtQuantile(50)
	fmt.Fprintf(w, "%-10s 1000 keys of %d nodes: p50 %v; the slowest node's part of them alone: p50 %v; %.2f times\n", "torc", len(parts),
		time.Duration(all)*time.Microsecond, time.Duration(slowest)*time.Microsecond, float64(all)/float64(slowest))
	return nil
}
