package cluster

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// increment asks for one more of a key, which shows how often it was applied.
func increment(shard wire.ShardID, timeout time.Duration, sink wire.Sink) *wire.Call {
	return &wire.Call{TimeoutMillis: timeout.Milliseconds(), Sink: sink,
		Request: wire.Request{Shard: shard, Commands: []wire.Command{{Op: wire.OpIncr, Key: []byte("k"), Delta: 1}}}}
}

// Writes that come one by one while others are under way share entries; few of them never wait.
func TestWritesThatComeMeanwhileShareAnEntry(t *testing.T) {
	for writers, most := range map[int]int{1: 1, 2: 2, 3: 3, 40: 9} {
		o := newOffice(t, 3, 1)
		o.run(10 * time.Second)
		leader, told := o.lead(1), &answers{}
		g := leader.groups[1]
		before := g.number
		for i := range writers {
			leader.turn(func() { leader.OnCall(increment(1, 0, told)) })
			if i < 2 {
				require.Empty(t, g.writes, "one of two writers waits for nobody")
			}
		}
		o.run(time.Second)
		require.Len(t, told.all, writers)
		require.EqualValues(t, writers, told.all[writers-1].Results[0].Int)
		require.LessOrEqual(t, int(g.number-before), most, "entries for %d writers", writers)
		require.Empty(t, g.writes)
		require.Empty(t, g.proposed)
	}
}

// What has gathered does not wait for ever: when nobody answers the leader any more it is refused when its time
// is over (it surely was not applied), and what was under way is in doubt.
func TestWhatHasGatheredEndsWithItsTime(t *testing.T) {
	const writers = 10
	o := newOffice(t, 3, 1)
	o.run(10 * time.Second)
	leader, told := o.lead(1), &answers{}
	o.drop = func(addr string, f *wire.Frame) bool {
		return f.From == leader.cfg.Self.ID || addr == leader.cfg.Self.PeerAddr
	}
	for range writers {
		leader.turn(func() { leader.OnCall(increment(1, 200*time.Millisecond, told)) })
	}
	waiting := len(leader.groups[1].writes)
	require.Positive(t, waiting)
	o.run(300 * time.Millisecond)
	count := map[wire.Outcome]int{}
	for i := range told.all {
		count[told.all[i].Outcome]++
	}
	require.Equal(t, map[wire.Outcome]int{wire.OutcomeRefused: waiting, wire.OutcomeUnknown: writers - waiting}, count)
	o.drop = nil
	o.run(10 * time.Second)
	r := o.lead(1).call(wire.Command{Op: wire.OpIncr, Key: []byte("k"), Delta: 1})
	require.LessOrEqual(t, int(r.Results[0].Int), writers-waiting+1, "what was refused is never applied")
}
