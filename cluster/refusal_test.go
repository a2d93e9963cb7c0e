package cluster

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// A copy that does not fit is refused again and again, and that is told; when the copies are well the replica is made.
func TestRefusedCopiesAreTold(t *testing.T) {
	for _, shard := range []wire.ShardID{wire.MetaShard, 1} {
		o := newOffice(t, 4, 1)
		spoilt := 0
		o.listening = func(_ string, f *wire.Frame) {
			for i, m := range f.Messages {
				if c, is := m.(*wire.SnapshotChunk); is && c.Shard == shard {
					spoilt++
					again := *c
					again.Data = slices.Concat([]byte{0xff, 0xff}, c.Data)
					f.Messages[i] = &again
				}
			}
		}
		var holder wire.NodeID
		for _, r := range o.m().Placement(shard).Replicas {
			if r.Node != o.first().cfg.Self.ID {
				holder = r.Node
			}
		}
		o.told(o.first(), wire.Ask{Op: wire.AdminDrain, Node: holder}, wire.RefusalNone)
		refused := func() (r Refusals) {
			for _, n := range o.nodes {
				r.Add(n.Vitals().Refusals)
			}
			return r
		}
		require.True(t, o.until(time.Minute, func() bool { return refused().Copies > 3 }), "shard %d: %d spoilt", shard, spoilt)
		require.Contains(t, refused().Last, "shard ")
		o.listening = nil
		require.True(t, o.until(time.Minute, func() bool { return o.m() != nil && o.m().Member(holder).State == wire.MemberLeft }))
	}
}
