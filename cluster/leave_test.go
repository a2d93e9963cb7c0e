package cluster

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// beat is a client that writes to a shard by way of one node, again as soon as it is answered.
type beat struct {
	t       *testing.T
	via     *node
	key     []byte
	i       int
	last    time.Duration
	longest time.Duration
	refused int
	unknown int
	over    bool
}

func (b *beat) write() {
	b.i++
	b.via.OnCall(&wire.Call{Request: wire.Request{Shard: wire.ShardOf(wire.Slot(b.key), b.via.cfg.Shards),
		Commands: []wire.Command{{Op: wire.OpSet, Key: b.key, Value: []byte(fmt.Sprint(b.i))}}}, Sink: b})
}

func (b *beat) Deliver(_ uint64, r *wire.Response) {
	switch now := b.via.world.now; r.Outcome {
	case wire.OutcomeOK:
		b.longest, b.last = max(b.longest, now-b.last), now
	case wire.OutcomeRefused:
		b.refused++
	default:
		b.unknown++
	}
	if !b.over {
		b.via.after(time.Millisecond, func() { b.via.turn(b.write) })
	}
}

// A leader that is to go gives its shards away in a few round trips, whoever asks notices no more than
// that, and nobody is refused or left in doubt; afterwards it leads nothing and is given nothing back.
func TestAHandoverIsShort(t *testing.T) {
	for _, nodes := range []int{3, 5} {
		const shards = 8
		o := newOffice(t, nodes, shards)
		o.run(10 * time.Second)
		leader := o.lead(1)
		var beats []*beat
		for i := range nodes {
			for s := 1; s <= shards; s++ {
				key := []byte(fmt.Sprint("k", i, s))
				for j := 0; wire.ShardOf(wire.Slot(key), shards) != wire.ShardID(s); j++ {
					key = fmt.Append(nil, "k", i, s, j)
				}
				b := &beat{t: t, via: o.node(i + 1), key: key, last: o.now}
				beats = append(beats, b)
				b.via.turn(b.write)
			}
		}
		o.run(time.Second)
		began, ended := o.now, time.Duration(0)
		for _, b := range beats {
			b.longest = 0
		}
		leader.turn(func() { leader.HandOver(func() { ended = o.now }) })
		o.run(2 * time.Second)
		require.NotZero(t, ended)
		require.Less(t, ended-began, 100*time.Millisecond, "it is over soon")
		longest := time.Duration(0)
		for _, b := range beats {
			longest = max(longest, b.longest)
		}
		t.Logf("%d nodes: longest pause %v, handed over after %v", nodes, longest, ended-began)
		for _, b := range beats {
			require.Less(t, b.longest, 45*time.Millisecond, "%d nodes, %s via %s", nodes, b.key, b.via.cfg.Self.Name)
			require.Zero(t, b.refused)
			require.Zero(t, b.unknown)
			b.over = true
		}
		for _, g := range leader.order {
			require.False(t, g.member.IsLeader(), "shard %d", g.shard)
		}
	}
}
