package cluster

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/late"
	"torc/core/wire"
)

// slowed makes all that a node sends, and is sent, come late; but not between it and some others.
func (o *office) slowed(n *node, quick ...wire.NodeID) {
	o.lag = func(addr string, f *wire.Frame) time.Duration {
		other := f.From
		if f.From == n.cfg.Self.ID {
			other = f.To
		} else if addr != n.cfg.Self.PeerAddr {
			return 0
		}
		if slices.Contains(quick, other) {
			return 0
		}
		return 30 * time.Millisecond
	}
}

// leadsOf counts the groups that a node leads, the meta group among them.
func leadsOf(n *node) (count int) {
	for _, g := range n.order {
		if g.member.IsLeader() {
			count++
		}
	}
	return count
}

func incrementOf(key []byte, sink wire.Sink) *wire.Call {
	c := increment(1, 0, sink)
	c.Commands[0].Key = key
	return c
}

// While writers ask the leader without a pause it becomes slow, and gives its shards away: what they asked for is done, once, or is
// refused; nobody is left in doubt. Not even when the next leader is one that has everything long before the others: it
// would have been elected before this one knew what is committed.
func TestYieldingLeavesNobodyInDoubt(t *testing.T) {
	for quick := wire.NodeID(1); quick <= 5; quick++ {
		o := newOffice(t, 5, 6, 5)
		o.run(20 * time.Second)
		slow, told, key := o.lead(1), &answers{}, []byte("k")
		if slow.cfg.Self.ID == quick {
			continue
		}
		for wire.ShardOf(wire.Slot(key), 6) != 1 {
			key = append(key, 'k')
		}
		o.slowed(slow, quick)
		asked := 0
		for end := o.now + 10*time.Second; o.now < end; o.run(5 * time.Millisecond) {
			slow.turn(func() { slow.OnCall(incrementOf(key, told)) })
			asked++
		}
		require.Zero(t, leadsOf(slow))
		require.Positive(t, slow.yielded)
		o.run(10 * time.Second)
		require.Len(t, told.all, asked)
		done := 0
		for i := range told.all {
			require.NotEqual(t, wire.OutcomeUnknown, told.all[i].Outcome, "node %d quick, answer %d: %v", quick, i, told.all[i].Reason)
			if told.all[i].Outcome == wire.OutcomeOK {
				done++
			}
		}
		require.Greater(t, done, asked*9/10)
		last, leader := &answers{}, o.lead(1)
		leader.turn(func() { leader.OnCall(incrementOf(key, last)) })
		o.run(time.Second)
		require.EqualValues(t, done+1, last.all[0].Results[0].Int)
	}
}

// Not everything goes at once: with the first shards the load goes, too.
func TestYieldingIsPaced(t *testing.T) {
	o := newOffice(t, 3, 96)
	o.run(30 * time.Second)
	slow := o.lead(1)
	leads := leadsOf(slow)
	require.GreaterOrEqual(t, leads, 24)
	o.slowed(slow)
	for slow.yielded == 0 {
		o.run(10 * time.Millisecond)
	}
	for from := o.now; leadsOf(slow) > 0; o.run(slow.cfg.Tick) {
		ticks := int((o.now-from)/slow.cfg.Tick) + 2
		require.LessOrEqual(t, int(slow.yielded), ticks*(leads+yieldParts-1)/yieldParts)
		require.Less(t, o.now-from, 5*time.Second, "it leads %d of %d", leadsOf(slow), leads)
	}
}

// A node that is told to stay leads on; the others offer it nothing more all the same.
func TestASlowNodeMayStay(t *testing.T) {
	o := newOffice(t, 3, 6)
	o.run(20 * time.Second)
	slow := o.lead(1)
	slow.cfg.StaySlow = true
	leads := leadsOf(slow)
	o.slowed(slow)
	o.run(30 * time.Second)
	require.Equal(t, leads, leadsOf(slow))
	require.Zero(t, slow.yielded)
	for _, n := range o.nodes {
		require.Equal(t, []wire.NodeID{slow.cfg.Self.ID}, n.Status().Slow)
	}
	for _, n := range o.nodes { // one that hears of nobody's measurements has its own
		judge := n.judge
		n.judge = late.New(late.Rules{})
		for _, other := range o.nodes {
			require.Equal(t, n != slow && other == slow, n.mistrusts(other.cfg.Self.ID))
		}
		n.judge = judge
	}
	o.lag = nil
	o.run(30 * time.Second)
	for _, n := range o.nodes {
		require.Empty(t, n.Status().Slow)
	}
}

// The heir of a node that stops is one that answers in time, even if the map prefers another.
func TestTheHeirIsNotSlow(t *testing.T) {
	o := newOffice(t, 3, 6)
	o.run(20 * time.Second)
	leader := o.lead(1)
	g := leader.groups[1]
	p := leader.m.Placement(1)
	var others []wire.Replica
	for _, r := range p.Replicas {
		if r.ID != g.replica {
			others = append(others, r)
		}
	}
	heir := func() wire.ReplicaID { // if the map preferred the other one
		require.True(t, o.until(time.Second, func() bool { return g.heir() != 0 }), "who has not answered lately is no heir")
		defer func(was wire.NodeID) { p.Preferred = was }(p.Preferred)
		p.Preferred = others[0].Node
		return g.heir()
	}
	require.Equal(t, others[0].ID, heir())
	for _, n := range o.nodes {
		if n.cfg.Self.ID == others[0].Node {
			o.slowed(n)
		}
	}
	for !leader.judge.Slow(others[0].Node) {
		o.run(100 * time.Millisecond)
	}
	require.Equal(t, others[1].ID, heir())
}

// Who says of itself that it is slow is offered nothing by a node that has just begun, and knows of no measurement.
func TestWhoAdmitsToBeSlowIsOfferedNothing(t *testing.T) {
	o := newOffice(t, 3, 6)
	o.run(20 * time.Second)
	slow := o.lead(1)
	o.slowed(slow)
	for !slow.judge.Slow(slow.cfg.Self.ID) {
		o.run(100 * time.Millisecond)
	}
	o.lag = nil
	o.run(3 * time.Second) // it is well for the others' windows, and not yet by its own verdict
	for _, n := range o.nodes {
		if n == slow {
			continue
		}
		n.judge, n.peers = late.New(late.Rules{}), nil
		n.meet(n.m)
		require.True(t, o.until(time.Second, func() bool { return n.judge.Admits(slow.cfg.Self.ID) }))
		require.False(t, n.judge.Slow(slow.cfg.Self.ID))
		require.True(t, n.mistrusts(slow.cfg.Self.ID))
	}
	require.Zero(t, leadsOf(slow), "nobody gave it back what it gave away")
	o.run(30 * time.Second)
	require.Positive(t, leadsOf(slow), "now it is well, and says nothing")
}

// Nodes that were given different election timeouts compare what they say of each other by one measure: the longest.
func TestNodesGoByTheLongestFloor(t *testing.T) {
	o := newOffice(t, 3, 6)
	o.run(20 * time.Second)
	patient := o.lead(1)
	floor := patient.floor()
	patient.cfg.ElectionTicks *= 3
	o.run(5 * time.Second)
	for _, n := range o.nodes {
		if n != patient {
			require.Equal(t, floor, n.floor())
			require.Equal(t, 3*floor, n.judge.Floor())
		}
	}
}

// Who had better lead: who is known to answer in half the time at most, and is not slow by anybody's verdict.
func TestWhoLeadsBetter(t *testing.T) {
	o := newOffice(t, 3, 1)
	o.run(10 * time.Second)
	leader := o.lead(1)
	g, others := leader.groups[1], o.besides(leader)
	all := []*node{leader, others[0], others[1]}
	r := *leader.m.Placement(1).On(others[0].cfg.Self.ID, 1)
	fresh := func() {
		leader.judge = late.New(late.Rules{})
		leader.meet(leader.m)
	}
	hear := func(rounds int, admits bool, takes ...int) { // each as the other two find it; negative: they know nothing of it
		for range rounds {
			for by, n := range all {
				var says []wire.Lateness
				for of, after := range takes {
					if after >= 0 && (of != by || admits && n == others[0]) {
						says = append(says, wire.Lateness{Node: all[of].cfg.Self.ID, After: time.Duration(after) * time.Millisecond})
					}
				}
				leader.judge.Hear(n.cfg.Self.ID, says)
			}
			leader.judge.Round()
		}
	}
	for name, c := range map[string]struct {
		hears  func()
		better bool
	}{
		"it answers soon":               {func() { hear(1, false, 60, 1, 1) }, true},
		"in half the time":              {func() { hear(1, false, 60, 30, 1) }, true},
		"hardly sooner":                 {func() { hear(1, false, 60, 31, 1) }, false},
		"nobody knows":                  {func() { hear(1, false, 60, -1, 1) }, false},
		"it says itself that it is not": {func() { hear(1, true, 60, 1, 1) }, false},
		"it was slow just now": {func() {
			hear(10, false, 1, 60, 1)
			hear(1, false, 60, 1, 1)
		}, false},
	} {
		fresh()
		c.hears()
		require.Equal(t, c.better, g.leadsBetter(r), name)
	}
}
