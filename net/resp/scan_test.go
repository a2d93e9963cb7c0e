package resp

import (
	"context"
	"fmt"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// Cursors are numbers that every language has room for (JavaScript's have 53 bits), a walk ends, and finds every key; also those
// that are so near each other that a client's cursor cannot stand between them.
func TestCursorsAreShort(t *testing.T) {
	s := serve(t, newFakeNode(8))
	ctx := context.Background()
	db := redis.NewClient(&redis.Options{Addr: s.Addr().String()})
	defer db.Close()
	for i := range 100 {
		require.NoError(t, db.MSet(ctx, fmt.Sprint("far", i), i, fmt.Sprint("{far}", i), i, fmt.Sprint("{near}", i), i).Err())
	}
	for _, count := range []int64{1, 7, 1000} {
		found, cursor, steps := map[string]bool{}, uint64(0), 0
		for steps == 0 || cursor != 0 {
			keys, next, err := db.Scan(ctx, cursor, "", count).Result()
			require.NoError(t, err)
			require.Less(t, next, uint64(1)<<53)
			require.True(t, next == 0 || next > cursor, "from %d to %d", cursor, next)
			for _, key := range keys {
				found[key] = true
			}
			cursor, steps = next, steps+1
		}
		require.Len(t, found, 300, "COUNT %d", count)
		require.Greater(t, int64(steps), 200/count)
	}
}
