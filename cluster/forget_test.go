package cluster

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/gossip"
	"torc/core/wire"
)

// The code fits one life of one node of one cluster.
func TestForgetCode(t *testing.T) {
	code := forgetCode(1, 2, 3)
	require.Equal(t, code, forgetCode(1, 2, 3))
	require.NotZero(t, code)
	require.NotEqual(t, code, forgetCode(2, 2, 3))
	require.NotEqual(t, code, forgetCode(1, 3, 3))
	require.NotEqual(t, code, forgetCode(1, 2, 4))
}

// A node that is gone for good is forgotten in two steps, asked at any node: first the operator is shown
// what that does, then gives the code back.
func TestForget_TwoSteps(t *testing.T) {
	o := newOffice(t, 5, 8)
	o.told(o.node(1), wire.Ask{Op: wire.AdminForget, Node: 99}, wire.RefusalNoNode)
	for id := wire.NodeID(1); id <= 5; id++ {
		code := forgetCode(o.m().ClusterID, id, 1)
		o.told(o.node(1), wire.Ask{Op: wire.AdminForget, Node: id, Confirm: code}, wire.RefusalLives)
	}
	o.node(5).over = true
	o.run(4 * time.Second)

	before := o.m()
	shown := o.told(o.node(1), wire.Ask{Op: wire.AdminForget, Node: 5}, wire.RefusalUnconfirmed)
	require.Contains(t, strings.Join(shown.Lines, "\n"), "loses a replica, keeps its majority")
	again := o.told(o.node(2), wire.Ask{Op: wire.AdminForget, Node: 5, Confirm: shown.Confirm + 1}, wire.RefusalUnconfirmed)
	require.Contains(t, again.Lines[0], "the code does not fit")
	require.Equal(t, shown.Lines, again.Lines[1:])
	require.Equal(t, before.Member(5), o.m().Member(5), "nothing was done")

	o.told(o.node(3), wire.Ask{Op: wire.AdminForget, Node: 5, Confirm: shown.Confirm}, wire.RefusalNone)
	require.True(t, forgotten(o.m().Member(5)))
	o.told(o.node(4), wire.Ask{Op: wire.AdminForget, Node: 5, Confirm: shown.Confirm}, wire.RefusalNone)
	o.told(o.node(4), wire.Ask{Op: wire.AdminForget, Node: 5}, wire.RefusalAlready)
	o.told(o.node(4), wire.Ask{Op: wire.AdminUndrain, Node: 5}, wire.RefusalState)
	o.settles()
	require.Zero(t, o.holds(5), "others hold what it held")

	o.start("n5", 5, 2, o.node(5).cfg)
	require.True(t, o.until(time.Minute, func() bool { return o.m() != nil && o.m().Member(5).MayHold() }), "the very next life joins")
	o.settles()
	require.Positive(t, o.holds(5))
}

// Two of a shard's three voters are gone without a trace: the shard is given up on the operator's word,
// who was told so.
func TestForget_LosesAShard(t *testing.T) {
	o := newOffice(t, 5, 8)
	var gone []wire.NodeID // not two of the meta group's
	var shard wire.ShardID
	for i := range o.m().Placements[1:] {
		p := &o.m().Placements[i+1]
		var outside []wire.NodeID
		for _, r := range p.Replicas {
			if len(o.m().Placement(wire.MetaShard).Replicas) == 3 && o.m().Placement(wire.MetaShard).On(r.Node, r.Incarnation) == nil {
				outside = append(outside, r.Node)
			}
		}
		if len(outside) == 2 {
			gone, shard = outside, p.Shard
		}
	}
	require.Len(t, gone, 2, "a shard with two replicas outside the meta group")
	for _, id := range gone {
		o.node(int(id)).over = true
	}
	o.run(4 * time.Second)
	for i, id := range gone {
		shown := o.told(o.first(), wire.Ask{Op: wire.AdminForget, Node: id}, wire.RefusalUnconfirmed)
		text := strings.Join(shown.Lines, "\n")
		require.Equal(t, i == 1, strings.Contains(text, "begun anew, EMPTY, about 30s later"), text)
		require.Zero(t, o.m().Placement(shard).Losses)
		o.told(o.first(), wire.Ask{Op: wire.AdminForget, Node: id, Confirm: shown.Confirm}, wire.RefusalNone)
	}
	require.True(t, o.until(time.Minute, func() bool { return o.m() != nil && o.m().Placement(shard).Losses == 1 }), "begun anew")
	require.True(t, o.until(20*time.Second, func() bool { return o.lead(shard) != nil }), "it serves")
}

// Who has left has nothing to be waited for; a leader that has just begun to lead cannot tell who is gone.
func TestForget_Refused(t *testing.T) {
	o := newOffice(t, 4, 4)
	o.told(o.node(1), wire.Ask{Op: wire.AdminDrain, Node: 4}, wire.RefusalNone)
	require.True(t, o.until(time.Minute, func() bool { return o.m() != nil && o.m().Member(4).State == wire.MemberLeft }))
	o.told(o.node(1), wire.Ask{Op: wire.AdminForget, Node: 4}, wire.RefusalAlready)
	leader := o.lead(wire.MetaShard)
	leader.over = true
	require.True(t, o.until(20*time.Second, func() bool { return o.lead(wire.MetaShard) != nil }), "another one leads")
	o.told(o.first(), wire.Ask{Op: wire.AdminForget, Node: leader.cfg.Self.ID}, wire.RefusalLives)
}

// Whom others hear is not gone. That they call him dead, or hear a later life of his, is no sign that this one lives.
func TestForget_WhomOthersHear(t *testing.T) {
	o := newOffice(t, 5, 1)
	n := o.node(1)
	o.drop = func(string, *wire.Frame) bool { return true }
	o.run(n.cfg.Grace)
	for _, e := range []gossip.Event{
		{Node: 2, Incarnation: 1, Status: gossip.Alive}, {Node: 3, Incarnation: 1, Status: gossip.Dead},
		{Node: 4, Incarnation: 1, Status: gossip.Suspect}, {Node: 5, Incarnation: 2, Status: gossip.Alive},
	} {
		require.Empty(t, n.signOfLife(n.m.Member(e.Node)))
		n.turn(func() { n.OnGossip(e) })
		lives := e.Node == 2
		require.Equal(t, lives, n.signOfLife(n.m.Member(e.Node)) != "", e)
		require.Equal(t, lives, n.hearsLife(&wire.Replica{Node: e.Node, Incarnation: 1}), e)
	}
}
