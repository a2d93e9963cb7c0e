package resp

import (
	"context"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// A library takes its connection for its own again once a transaction has failed, with what it has not read of it: if MULTI itself is an error, that
// is the answer to SET here, which comes late, and the next command would take it for its own.
func TestRefusedTransactionLeavesNoAnswerBehind(t *testing.T) {
	n := newFakeNode(8)
	var mu sync.Mutex
	var late *wire.Call
	n.submit = func(call *wire.Call) {
		mu.Lock()
		defer mu.Unlock()
		if string(call.Commands[0].Key) == "late" {
			late = call
			return
		}
		if late != nil {
			n.answer(late)
			late = nil
		}
		n.answer(call)
	}
	s := serve(t, n)
	ctx := context.Background()
	db := redis.NewClient(&redis.Options{Addr: s.Addr().String(), Protocol: 2, PoolSize: 1, MaxRetries: -1})
	defer db.Close()
	require.NoError(t, db.Set(ctx, "mine", "its value", 0).Err())

	_, err := db.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, "late", "never", 0)
		return nil
	})
	require.ErrorContains(t, err, "Torc does not support")
	var get *redis.StringCmd
	_, err = db.Pipelined(ctx, func(p redis.Pipeliner) error {
		get = p.Get(ctx, "mine")
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, "its value", get.Val(), "the answer to another command")
	require.NotContains(t, n.data, "late", "an error that says that nothing was done")
}
