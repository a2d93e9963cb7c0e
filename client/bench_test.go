package client_test

import (
	"context"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"torc/client"
)

// What a call costs here is the client's, gRPC's and, because they share the process, the nodes': bench/client has the
// client alone.
func BenchmarkCalls(b *testing.B) {
	c := connected()
	defer func() { _ = c.Close() }()
	ctx := context.Background()
	value := make([]byte, 100)
	var keys []string
	for i := range 1000 {
		keys = append(keys, "bench:"+strconv.Itoa(i))
		_, err := c.Set(ctx, keys[i], value)
		require.NoError(b, err)
	}
	parallel := func(call func(key string, buf []byte) []byte) func(b *testing.B) {
		return func(b *testing.B) {
			b.ReportAllocs()
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				var buf []byte
				for i := 0; pb.Next(); i++ {
					buf = call(keys[i%len(keys)], buf)
				}
			})
		}
	}
	b.Run("get", parallel(func(key string, _ []byte) []byte { _, _ = c.Get(ctx, key); return nil }))
	b.Run("getinto", parallel(func(key string, buf []byte) []byte { v, _ := c.GetInto(ctx, key, buf); return v.Bytes[:0] }))
	kept, err := client.New(ctx, client.Options{Seeds: seeds(), Cache: client.Cache{On: true}})
	require.NoError(b, err)
	defer func() { _ = kept.Close() }()
	b.Run("get, cached", parallel(func(key string, _ []byte) []byte { _, _ = kept.Get(ctx, key); return nil }))
	b.Run("set", parallel(func(key string, _ []byte) []byte { _, _ = c.Set(ctx, key, value); return nil }))
	b.Run("getmany", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c.GetMany(ctx, keys...)
		}
	})
}
