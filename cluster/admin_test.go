package cluster

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// office is a cluster of some nodes (n1 ...) that is asked things by operators.
type office struct {
	*world
	t *testing.T
}

func newOffice(t *testing.T, nodes, shards int, replicas ...int) *office {
	o := &office{newWorld(uint64(nodes*100 + shards)), t}
	for i := range nodes {
		var join []string
		for j := range nodes {
			join = append(join, fmt.Sprintf("n%d", j+1))
		}
		o.start(fmt.Sprintf("n%d", i+1), wire.NodeID(i+1), 1, Config{Join: join, Expect: nodes, Shards: shards, Replicas: append(replicas, 0)[0], Grace: 5 * time.Second})
	}
	o.settles()
	return o
}

func (o *office) node(i int) *node { return o.nodes[fmt.Sprintf("n%d", i)] }

// lead is the node that leads a shard, or nil.
func (o *office) lead(shard wire.ShardID) *node {
	for _, name := range o.names {
		if n := o.nodes[name]; !n.over && n.groups[shard] != nil && n.groups[shard].member.Leads() {
			return n
		}
	}
	return nil
}

func (o *office) m() *wire.ClusterMap {
	if n := o.lead(wire.MetaShard); n != nil {
		return n.groups[wire.MetaShard].meta.m
	}
	return nil
}

// settles waits until the check says that any node might be stopped.
func (o *office) settles() {
	o.t.Helper()
	var last *wire.Told
	ok := o.until(60*time.Second, func() bool {
		last = o.ask(o.first(), wire.Ask{Op: wire.AdminRollCheck, TimeoutMillis: 3000})
		return last.Refusal == wire.RefusalNone || len(last.Lines) > 0 && last.Refusal == wire.RefusalUnsafe && o.t.Failed()
	})
	require.True(o.t, ok, "it does not settle: %v %v", last.Refusal, last.Lines)
}

func (o *office) first() *node {
	for _, name := range o.names {
		if n := o.nodes[name]; !n.over {
			return n
		}
	}
	return nil
}

// ask asks a node, and waits for the answer.
func (o *office) ask(n *node, a wire.Ask) (answer *wire.Told) {
	o.t.Helper()
	answers := 0
	n.turn(func() {
		n.Admin(&a, func(t *wire.Told) { answer = t; answers++ })
	})
	o.until(20*time.Second, func() bool { return answer != nil })
	require.Equal(o.t, 1, answers, "answers to %v", a.Op)
	return answer
}

func (o *office) told(n *node, a wire.Ask, want wire.Refusal) *wire.Told {
	o.t.Helper()
	got := o.ask(n, a)
	require.Equal(o.t, want, got.Refusal, "%v: %v", a.Op, got.Lines)
	return got
}

// holds counts the live replicas that the map gives a node.
func (o *office) holds(id wire.NodeID) (n int) {
	m := o.m()
	for i := range m.Placements {
		for _, r := range m.Placements[i].Replicas {
			if r.Node == id {
				n++
			}
		}
	}
	return n
}

// A node is drained and taken back: asked at any node, dealt with by the meta group's leader.
func TestDrainAndUndrain(t *testing.T) {
	o := newOffice(t, 4, 16)
	for from := 1; from <= 4; from++ {
		got := o.told(o.node(from), wire.Ask{Op: wire.AdminDrain, Node: 99}, wire.RefusalNoNode)
		require.Equal(t, []string{"the cluster has no such node; it has n1, n2, n3, n4"}, got.Lines)
	}
	require.Positive(t, o.holds(2))
	o.told(o.node(3), wire.Ask{Op: wire.AdminDrain, Node: 2}, wire.RefusalNone)
	require.True(t, o.m().Member(2).Draining)
	o.told(o.node(4), wire.Ask{Op: wire.AdminDrain, Node: 2}, wire.RefusalAlready)
	require.True(t, o.until(time.Minute, func() bool { return o.m() != nil && o.m().Member(2).State == wire.MemberLeft }), "it never leaves")
	require.Zero(t, o.holds(2))
	o.settles()
	o.run(2 * time.Second)
	require.Empty(t, o.node(2).order, "it holds nothing")
	require.Equal(t, wire.MemberLeft, o.node(2).m.Member(2).State, "it knows that it has left")

	got := o.told(o.node(1), wire.Ask{Op: wire.AdminDrain, Node: 3}, wire.RefusalTooFew)
	require.Equal(t, []string{"2 nodes would be left for 3 replicas of each shard: add a node first, or use force (each shard then has 2, and bears the loss of 0)"}, got.Lines)

	o.told(o.node(2), wire.Ask{Op: wire.AdminUndrain, Node: 2}, wire.RefusalNone)
	o.told(o.node(1), wire.Ask{Op: wire.AdminUndrain, Node: 2}, wire.RefusalAlready)
	o.settles()
	require.Positive(t, o.holds(2))
}

// By force a shard may have fewer replicas; when the node is taken back they are made again.
func TestDrainByForce(t *testing.T) {
	o := newOffice(t, 3, 4)
	o.told(o.node(1), wire.Ask{Op: wire.AdminDrain, Node: 3, Force: true}, wire.RefusalNone)
	require.True(t, o.until(time.Minute, func() bool { return o.m() != nil && o.m().Member(3).State == wire.MemberLeft }), "it never leaves")
	for i, p := range o.m().Placements {
		require.Len(t, p.Replicas, 2, "shard %d", i)
	}
	got := o.told(o.node(1), wire.Ask{Op: wire.AdminRollCheck, Node: 2}, wire.RefusalUnsafe)
	require.Equal(t, []string{"shards meta, 1, 2, 3, 4: with 2 replicas it cannot do without any"}, got.Lines)
	o.told(o.node(1), wire.Ask{Op: wire.AdminRollCheck, Node: 3}, wire.RefusalNone)
	o.told(o.node(1), wire.Ask{Op: wire.AdminDrain, Node: 2}, wire.RefusalTooFew)
	o.told(o.node(1), wire.Ask{Op: wire.AdminUndrain, Node: 3}, wire.RefusalNone)
	o.settles()
	for i, p := range o.m().Placements {
		require.Len(t, p.Replicas, 3, "shard %d", i)
	}
}

// A node that restarts while it is drained stays out; once it has left, its next life joins anew.
func TestRestartsWhileDrained(t *testing.T) {
	o := newOffice(t, 4, 16)
	o.told(o.node(1), wire.Ask{Op: wire.AdminDrain, Node: 4}, wire.RefusalNone)
	o.start("n4", 4, 2, o.node(4).cfg)
	require.True(t, o.until(time.Minute, func() bool { return o.m() != nil && o.m().Member(4).State == wire.MemberLeft }), "it never leaves")
	require.EqualValues(t, 2, o.m().Member(4).Incarnation)
	o.settles()
	require.Zero(t, o.holds(4))
	o.run(10 * time.Second)
	require.Equal(t, wire.MemberLeft, o.m().Member(4).State, "it stays out as long as it lives")
	o.start("n4", 4, 3, o.node(4).cfg)
	require.True(t, o.until(time.Minute, func() bool { return o.m() != nil && o.m().Member(4).MayHold() }), "its next life joins")
	o.settles()
	require.Positive(t, o.holds(4))
}

// The check sees a node that is gone before anybody has declared it so, and one that is not whole yet.
func TestRollCheckSeesTheDead(t *testing.T) {
	o := newOffice(t, 3, 4)
	o.told(o.node(2), wire.Ask{Op: wire.AdminRollCheck, Node: 1}, wire.RefusalNone)
	o.node(3).over = true
	got := o.told(o.node(1), wire.Ask{Op: wire.AdminRollCheck, Node: 1}, wire.RefusalUnsafe)
	require.NotEmpty(t, got.Lines)
	o.start("n3", 3, 2, o.node(3).cfg)
	o.settles()
	for i := range o.m().Placements {
		require.NotNil(t, o.m().Placements[i].On(3, 2), "safe means that the new life of n3 holds its replica of shard %d", i)
	}
}

// A weight that is set moves replicas, outlives a restart, and can be taken back.
func TestWeightIsSetLive(t *testing.T) {
	o := newOffice(t, 4, 60)
	even := o.holds(1)
	o.told(o.node(2), wire.Ask{Op: wire.AdminSetWeight, Node: 1, Weight: 100_01}, wire.RefusalValue)
	got := o.told(o.node(2), wire.Ask{Op: wire.AdminSetWeight, Node: 1, Weight: 50}, wire.RefusalNone)
	require.Equal(t, []string{"n1 has weight 0.50"}, got.Lines)
	o.settles()
	half := o.holds(1)
	require.InDelta(t, 183/7, half, 3, "half a share of 183 replicas; it had %d", even)
	o.start("n1", 1, 2, o.node(1).cfg)
	o.run(time.Second)
	o.settles()
	require.EqualValues(t, 50, o.m().Member(1).Override)
	o.told(o.node(2), wire.Ask{Op: wire.AdminSetWeight, Node: 1}, wire.RefusalNone)
	o.settles()
	require.Greater(t, o.holds(1), half)
}

// Without a majority of the meta group the answer says so, and that nothing was done; when the
// request was on its way, that nobody knows.
func TestNobodyLeadsTheMetaGroup(t *testing.T) {
	o := newOffice(t, 3, 4)
	o.node(2).over, o.node(3).over = true, true
	o.run(5 * time.Second)
	o.told(o.node(1), wire.Ask{Op: wire.AdminDrain, Node: 2, Force: true, TimeoutMillis: 1000}, wire.RefusalNoQuorum)
	alone := o.start("n9", 9, 1, Config{Join: []string{"nowhere"}, Expect: 3})
	got := o.told(alone, wire.Ask{Op: wire.AdminProgress, TimeoutMillis: 1000}, wire.RefusalNoQuorum)
	require.Equal(t, []string{"this node is in no cluster yet"}, got.Lines)
	o.told(alone, wire.Ask{TimeoutMillis: 1000}, wire.RefusalValue)
}

// While replicas move, how far they are can be asked.
func TestProgress(t *testing.T) {
	o := newOffice(t, 4, 16)
	require.Equal(t, wire.Progress{Shards: 17}, o.told(o.node(1), wire.Ask{Op: wire.AdminProgress}, wire.RefusalNone).Progress)
	o.told(o.node(1), wire.Ask{Op: wire.AdminDrain, Node: 2}, wire.RefusalNone)
	p := o.told(o.node(3), wire.Ask{Op: wire.AdminProgress}, wire.RefusalNone).Progress
	require.EqualValues(t, 1, p.Draining)
	require.Positive(t, p.Replicas)
	require.LessOrEqual(t, p.Open, uint64(movesMax+repairsMax))
	o.settles()
	require.Equal(t, wire.Progress{Shards: 17}, o.told(o.node(1), wire.Ask{Op: wire.AdminProgress}, wire.RefusalNone).Progress)
}

// A node is taken back while the word that it has left is on its way: it does not leave.
func TestTakenBackInTheLastMoment(t *testing.T) {
	o := newOffice(t, 4, 4)
	o.told(o.node(1), wire.Ask{Op: wire.AdminDrain, Node: 2}, wire.RefusalNone)
	require.True(t, o.until(time.Minute, func() bool { return o.m() != nil && !holdsAny(o.m(), 2) }), "it is emptied")
	lead := o.lead(wire.MetaShard)
	lead.turn(func() {
		m := lead.groups[wire.MetaShard].meta.m
		require.True(t, m.Member(2).Draining)
		lead.command(&wire.MetaCommand{Kind: wire.MetaUndrain, Node: 2})
		lead.letGo(m)
	})
	o.settles()
	require.Equal(t, wire.MemberActive, o.m().Member(2).State)
	require.Positive(t, o.holds(2))
}
