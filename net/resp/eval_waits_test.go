package resp

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// Scripts whose shard does not answer hold up no scripts of other shards: they wait in no line together.
func TestScriptsOfASilentShardHoldUpNoOthers(t *testing.T) {
	n := newFakeNode(16)
	const first = "k-000-000"
	silent := n.shardOf(first)
	calls := make(chan *wire.Call, 1)
	n.submit = func(call *wire.Call) {
		if call.Shard == silent {
			calls <- call
		} else {
			n.answer(call)
		}
	}
	s := serve(t, n)
	incr := func(key string) string {
		return fmt.Sprintf("EVAL \"return redis.call('incr', KEYS[1])\" 1 %s\r\n", key)
	}
	send(t, dial(t, s), incr(first))
	<-calls
	for slot := range uint16(wire.SlotCount) {
		if wire.ShardOf(slot, 16) != silent {
			require.NotEqual(t, s.scripts.line(slot), s.scripts.line(wire.Slot([]byte(first))), slot)
		}
	}
	for i := range 100 {
		if key := fmt.Sprint(i); n.shardOf(key) != silent {
			require.Equal(t, ":1\r\n", replies(t, s, incr(key)))
		}
	}
}
