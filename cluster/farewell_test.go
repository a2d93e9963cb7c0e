package cluster

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

const timeoutNow = 14 // raftpb.MsgTimeoutNow: lead

// handsOver has a node hand over, and says how long that took and whom it leaves shard 1 to.
func (o *office) handsOver(n *node, most time.Duration) (took time.Duration, to *node) {
	o.t.Helper()
	done, began := false, o.now
	n.turn(func() { n.HandOver(func() { done = true }) })
	require.True(o.t, o.until(most, func() bool { return done }))
	took = o.now - began
	o.until(100*time.Millisecond, func() bool { return o.lead(1) != nil && o.lead(1) != n })
	return took, o.lead(1)
}

// besides are the nodes but for one.
func (o *office) besides(n *node) (list []*node) {
	for _, name := range o.names {
		if o.nodes[name] != n {
			list = append(list, o.nodes[name])
		}
	}
	return list
}

// An heir that is there, and never takes what it is offered, keeps nobody for longer than two election timeouts.
func TestAnHeirThatTakesNothing(t *testing.T) {
	o := newOffice(t, 3, 1)
	o.run(10 * time.Second)
	leader := o.lead(1)
	o.drop = func(_ string, f *wire.Frame) bool {
		return slices.ContainsFunc(f.Messages, func(m wire.Message) bool {
			r, is := m.(*wire.Raft)
			return is && r.Type == timeoutNow
		})
	}
	election := leader.cfg.Tick * time.Duration(leader.cfg.ElectionTicks)
	took, to := o.handsOver(leader, leaveElections*election+2*leader.cfg.Tick)
	require.GreaterOrEqual(t, took, leaveElections*election)
	require.Same(t, leader, to)
	took, _ = o.handsOver(leader, time.Second) // as whoever stops does, after that
	require.LessOrEqual(t, took, 2*leader.cfg.Tick, "not once more")
}

// A promise that runs for longer than a handover may take, to a client that does not answer, does not keep a leader: its heir waits for it.
func TestALongPromiseKeepsNoLeader(t *testing.T) {
	o := newOffice(t, 3, 1)
	for _, n := range o.nodes {
		n.cfg.CacheLease = 8 * time.Second
	}
	o.run(10 * time.Second)
	leader, k := o.lead(1), &keeper{}
	leader.write("old")
	o.run(time.Second)
	leader.ask(k, keepable)
	o.run(time.Second)
	leader.ask(k, keepable)
	require.Greater(t, k.all[1].Results[0].Int, int64(6000))
	_, heir := o.handsOver(leader, 2*time.Second)
	require.NotSame(t, leader, heir)
	require.NotNil(t, heir)
	write := heir.write("new")
	o.run(5 * time.Second)
	require.Empty(t, write.all, "somebody keeps what was there")
	o.run(5 * time.Second)
	require.Len(t, write.all, 1)
}

// Who has not answered within an election timeout is no heir: its node may be dead, and nobody has noticed.
func TestWhoIsSilentIsNoHeir(t *testing.T) {
	for dead := range 2 {
		o := newOffice(t, 3, 1)
		o.run(10 * time.Second)
		leader := o.lead(1)
		others := o.besides(leader)
		others[dead].over = true
		o.run(600 * time.Millisecond)
		took, heir := o.handsOver(leader, time.Second)
		require.Less(t, took, 150*time.Millisecond)
		require.Same(t, others[1-dead], heir)
	}
}

// Nor is the preferred node, if it lacks much that another one has.
func TestWhoLacksMuchIsNoHeir(t *testing.T) {
	for late := range 2 {
		o := newOffice(t, 3, 1)
		o.run(10 * time.Second)
		leader := o.lead(1)
		g, p, preferred := leader.groups[1], leader.m.Placement(1), o.besides(leader)[late]
		heir := func() wire.NodeID { // if the map preferred that one
			defer func(was wire.NodeID) { p.Preferred = was }(p.Preferred)
			p.Preferred = preferred.cfg.Self.ID
			return p.Replica(g.heir()).Node
		}
		require.Equal(t, preferred.cfg.Self.ID, heir())
		o.lag = func(addr string, _ *wire.Frame) time.Duration {
			if addr == preferred.cfg.Self.PeerAddr {
				return 300 * time.Millisecond
			}
			return 0
		}
		for range 2 * heirLacks {
			leader.write("v")
			o.run(10 * time.Millisecond)
		}
		require.Equal(t, o.besides(leader)[1-late].cfg.Self.ID, heir())
	}
}

// A node that stops waits a moment for what it has asked others, and not for ever; who asks it meanwhile is refused.
func TestTheLastAnswers(t *testing.T) {
	for name, late := range map[string]time.Duration{"late": 150 * time.Millisecond, "never": time.Hour} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t, 3, 1)
			o.run(10 * time.Second)
			n := o.besides(o.lead(1))[0]
			if n == o.lead(wire.MetaShard) {
				n = o.besides(o.lead(1))[1]
			}
			o.lag = func(addr string, _ *wire.Frame) time.Duration {
				if addr == n.cfg.Self.PeerAddr {
					return late
				}
				return 0
			}
			owed, done, began := n.write("v"), false, o.now
			n.turn(func() { n.Stop(func() { done = true }) })
			require.True(t, o.until(time.Second, func() bool { return n.hall.Stopping() || done }))
			require.False(t, done, "somebody is owed an answer")
			refused := n.write("w")
			require.Len(t, refused.all, 1)
			require.Equal(t, wire.OutcomeRefused, refused.all[0].Outcome)
			require.True(t, o.until(time.Second, func() bool { return done }))
			require.Less(t, o.now-began, 400*time.Millisecond)
			if name == "late" {
				require.Len(t, owed.all, 1)
				require.Equal(t, wire.OutcomeOK, owed.all[0].Outcome)
			}
		})
	}
}
