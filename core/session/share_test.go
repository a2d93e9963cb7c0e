package session

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// A node that answers nothing holds half of what may be in flight, and no more: what is asked of the others goes on. That
// holds for writes too, which wait for their session's window and not in the node's line.
func TestANodeHoldsHalfAtMost(t *testing.T) {
	for _, op := range []wire.Op{wire.OpGet, wire.OpSet} {
		q := &quick{world: newWorld(1)}
		q.brain = New(Config{Seeds: []string{"n1"}, MaxInFlight: 8}, q, q, q)
		q.brain.Start()
		q.run(q.now)
		for shard := wire.ShardID(2); int(shard) < len(q.brain.shards); shard += 2 {
			q.brain.hint(shard, 2)
		}
		shed := 0
		do := func(leader wire.NodeID, times int) {
			for i := 0; times > 0; i++ {
				key := fmt.Appendf(nil, "k%d", i)
				if node, _ := q.brain.guess(q.brain.view.ShardOfKey(key)); node != leader {
					continue
				}
				times--
				q.brain.Do([]wire.Command{{Op: op, Key: key}}, 0, func(items []Item) {
					if items[0].Reason == wire.ReasonOverloaded {
						shed++
					}
				})
				q.run(q.now)
			}
		}
		do(1, 20)
		require.Equal(t, 16, shed)
		require.Equal(t, 4, q.brain.Stats().InFlight)
		do(2, 4)
		require.Equal(t, 16, shed, "the other node's keys are refused")
		for _, id := range q.asked {
			q.brain.OnResponse(id, &wire.Response{Results: make([]wire.Result, 1)})
		}
		q.run(q.now)
		do(1, 4)
		require.Equal(t, 16, shed, "what has ended counts no more")
	}
}
