package client

import (
	"context"
	"iter"

	"torc/core/wire"
)

// ScanOption refines a Scan.
type ScanOption func(*scan)

// ScanMatch yields only the keys that match a pattern, as Redis's SCAN understands it: *, ?, [a-z], \ to quote.
func ScanMatch(pattern string) ScanOption { return func(s *scan) { s.match = pattern } }

// ScanPage says how many keys are asked for at a time. Default 512.
func ScanPage(keys int) ScanOption { return func(s *scan) { s.page = max(keys, 1) } }

type scan struct {
	match string
	page  int
}

// Scan walks over all keys, shard by shard, in no order that means anything:
//
//	for key, err := range c.Scan(ctx, client.ScanMatch("user:*")) {
//		if err != nil {
//			return err
//		}
//		...
//	}
//
// A key that is there all the time comes exactly once; one that comes or goes meanwhile may be yielded or not. An error
// is yielded once, with an empty key, and ends the walk. The timeout of Options holds for each page, the
// context for the whole.
func (c *Client) Scan(ctx context.Context, options ...ScanOption) iter.Seq2[string, error] {
	s := scan{page: 512}
	for _, option := range options {
		option(&s)
	}
	return func(yield func(string, error) bool) {
		shards := c.engine.cmap.Load().Shards
		for shard := wire.ShardID(1); uint32(shard) <= shards; shard++ {
			if !c.scanShard(ctx, shard, &s, yield) {
				return
			}
		}
	}
}

// scanShard walks over one shard and reports whether to go on with the next.
func (c *Client) scanShard(ctx context.Context, shard wire.ShardID, s *scan, yield func(string, error) bool) bool {
	who := call{op: "scan"}
	for cursor := int64(0); ; {
		w := c.engine.waiter()
		w.many([]wire.Command{{Op: wire.OpScan, Start: cursor, End: int64(s.page), Value: []byte(s.match)}})
		w.call.Shard = shard
		err := c.run(ctx, who, w)
		if err == nil {
			who.ended = w.ended
			err = who.check(&w.call.Items[0])
		}
		if err != nil {
			yield("", err)
			return false
		}
		result := w.call.Items[0].Result
		w.free()
		for _, key := range result.List {
			if !yield(string(key), nil) {
				return false
			}
		}
		if cursor = result.Int; cursor == 0 {
			return true
		}
	}
}
