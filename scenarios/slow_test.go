package scenarios

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/trace"
	"torc/core/wire"
	"torc/linearizability"
	"torc/scenarios/script"
	"torc/sim"
)

// slowShards is enough that every node leads several.
const slowShards = 9

// slowBase is a healthy cluster with clients that go straight to the leaders: what they see of a slow node they see
// because of the shards' replicas, and of nothing else. A turn costs a tenth of a millisecond.
const slowBase = `scenario slow
base     small
set      shards=9 plain=0 sessions=8 threads=2 timeout=4s redirect=yes hedge=no turn=100µs registers=12
set      link.delay=200µs link.jitter=100µs
`

// slowNode is the one that becomes slow, 3 s after the beginning, and is well again at 13 s.
const (
	slowNode         = wire.NodeID(2)
	slowFrom, slowTo = 3 * time.Second, 13 * time.Second
)

// slowFaults make it so.
var slowFaults = []struct{ name, script string }{
	{"a tenth of the processor", "at 3s slow n2 turn 1ms for 10s"},
	{"hardly any processor", "at 3s slow n2 turn 60ms for 10s"},
	{"a bad link", "at 3s throttle n2 delay=20ms drop=500 for 10s"},
	{"a rationed processor", "every 100ms from 3s times 100 pause n2 for 99ms"},
	{"pauses", "every 500ms from 3s times 20 pause n2 for 300ms"},
}

// led says that a node leads a shard from a time on.
type led struct {
	from  time.Duration
	shard wire.ShardID
	by    wire.NodeID
}

// slowRun is a run and who led what in it, in order. Times count from the beginning of the torture.
type slowRun struct {
	sim.Result
	led []led
}

func runSlow(t *testing.T, faults string, lasts time.Duration) (r slowRun) {
	t.Helper()
	f, err := script.Parse("slow", slowBase+faults+"\n")
	require.NoError(t, err)
	newest := map[wire.ShardID]uint64{}
	r.Result = sim.Run(sim.Options{Seed: 1, Duration: lasts, Scenario: f.Scenario(), Observe: func(e *trace.Event, _ *wire.Frame) bool {
		if e.Kind == trace.Role && e.A == 2 && e.Term > newest[e.Shard] {
			newest[e.Shard] = e.Term
			r.led = append(r.led, led{time.Duration(e.At), e.Shard, e.Node})
		}
		return false
	}})
	require.Equal(t, sim.Pass, r.Verdict, "%v", r.Violations)
	for i := range r.led {
		r.led[i].from -= r.Began
	}
	return r
}

// leader is who led a shard at a time.
func (r *slowRun) leader(shard wire.ShardID, at time.Duration) (by wire.NodeID) {
	for _, l := range r.led {
		if l.shard == shard && l.from <= at {
			by = l.by
		}
	}
	return by
}

// leads counts what a node led at a time.
func (r *slowRun) leads(by wire.NodeID, at time.Duration) (n int) {
	for shard := wire.ShardID(1); shard <= slowShards; shard++ {
		if r.leader(shard, at) == by {
			n++
		}
	}
	return n
}

// changes counts how often a leader was followed by another one.
func (r *slowRun) changes(from, to time.Duration) (n int) {
	for _, l := range r.led {
		if l.from >= from && l.from < to {
			n++
		}
	}
	return n
}

// healthyWrites is how long writes took, sorted, of those that were called in a time and whose shard was led by another node
// than the slow one from beginning to end. Those of batches are left out: a batch is as slow as its slowest shard.
func (r *slowRun) healthyWrites(from, to time.Duration) (took []time.Duration) {
	type message struct {
		client int
		at     int64
	}
	together := map[message]int{}
	for _, op := range r.History.Ops {
		together[message{op.Client, op.Call}]++
	}
	for _, op := range r.History.Ops {
		call, back := time.Duration(op.Call)-r.Began, time.Duration(op.Return)-r.Began
		if op.Kind != linearizability.Write || together[message{op.Client, op.Call}] > 1 || op.Outcome != linearizability.OK || call < from || call >= to {
			continue
		}
		shard := wire.ShardOf(wire.Slot([]byte(op.Key)), slowShards)
		if r.leader(shard, call) != slowNode && r.leader(shard, back) != slowNode {
			took = append(took, back-call)
		}
	}
	slices.Sort(took)
	return took
}

// quantiles are p50 and p99.
func quantiles(sorted []time.Duration) (half, most time.Duration) {
	return sorted[len(sorted)/2], sorted[len(sorted)*99/100]
}

// A quorum does not wait for its slowest member: with a slow follower writes take as long as without one, p50 and p99, whatever
// makes it slow. In virtual time that is exact, and nobody else's load is in it.
func TestASlowFollowerCostsAQuorumNothing(t *testing.T) {
	const busy = "set think=5ms\n"
	calm := runSlow(t, busy, slowTo)
	half, most := quantiles(calm.healthyWrites(slowFrom, slowTo))
	t.Logf("all well: p50 %v, p99 %v", half, most)
	for _, fault := range slowFaults {
		t.Run(fault.name, func(t *testing.T) {
			r := runSlow(t, busy+fault.script, slowTo)
			writes := r.healthyWrites(slowFrom, slowTo)
			require.Greater(t, len(writes), 300)
			h, m := quantiles(writes)
			t.Logf("%d writes: p50 %v (%d%%), p99 %v (%d%%)", len(writes), h, 100*h/half, m, 100*m/most)
			require.LessOrEqual(t, h*10, half*13)
			require.LessOrEqual(t, m*10, most*13)
		})
	}
}

// A node that is slow leads nothing within seconds, gets nothing back while it is, and leads again when it has been well for a
// while. Each shard changes its leader twice for that.
func TestASlowLeaderGivesItsShardsAway(t *testing.T) {
	const within, lasts = 5 * time.Second, 45 * time.Second // offers come every few seconds
	for _, fault := range slowFaults[1:] {
		t.Run(fault.name, func(t *testing.T) {
			r := runSlow(t, fault.script, lasts)
			before := r.leads(slowNode, slowFrom)
			require.GreaterOrEqual(t, before, slowShards/4)
			left := slowFrom
			for r.leads(slowNode, left) > 0 {
				left += 10 * time.Millisecond
				require.LessOrEqual(t, left, slowFrom+within, "it leads %d of %d shards", r.leads(slowNode, left), before)
			}
			t.Logf("it led %d shards, and none after %v", before, left-slowFrom)
			for at := left; at < slowTo; at += 100 * time.Millisecond {
				require.Zero(t, r.leads(slowNode, at), "at %v", at)
			}
			require.Equal(t, before, r.leads(slowNode, lasts), "it leads as much as before")
			require.LessOrEqual(t, r.changes(slowFrom, lasts), 2*(slowShards+1))
		})
	}
}

// When all are equally slow, which is what too much load looks like, nothing moves: it would gain nothing.
func TestEquallySlowNodesKeepWhatTheyLead(t *testing.T) {
	faults := ""
	for n := 1; n <= 3; n++ {
		faults += fmt.Sprintf("at 3s slow n%d turn 60ms for 10s\n", n)
	}
	r := runSlow(t, faults, slowTo)
	require.Zero(t, r.changes(slowFrom, slowTo))
	require.Equal(t, r.leads(slowNode, slowFrom), r.leads(slowNode, slowTo))
}
