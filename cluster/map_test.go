package cluster

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"torc/core/wire"
)

// member is a life of a node that takes part.
func member(id wire.NodeID, life wire.Incarnation) wire.Member {
	return wire.Member{ID: id, Incarnation: life, Weight: 100}
}

// replica is a copy on the first life of the node with its own number times ten.
func replica(id wire.ReplicaID, role wire.Role) wire.Replica {
	return wire.Replica{ID: id, Node: wire.NodeID(id) * 10, Incarnation: 1, Role: role}
}

const (
	learner = wire.RoleLearner
	voter   = wire.RoleVoter
	leaving = wire.RoleLeaving
)

// mapOf is a map of nodes 10, 20, 30, 40 and 50 with one data shard.
func mapOf(replicas ...wire.Replica) *wire.ClusterMap {
	m := &wire.ClusterMap{ClusterID: 1, Epoch: 9, Shards: 1, Replication: 3, NextReplica: 6}
	for id := range wire.NodeID(5) {
		m.Members = append(m.Members, member((id+1)*10, 1))
	}
	m.Placements = []wire.Placement{{Shard: 0}, {Shard: 1, Replicas: replicas, Preferred: 10}}
	return m
}

func three() *wire.ClusterMap {
	return mapOf(replica(1, voter), replica(2, voter), replica(3, voter))
}

// A replica lives if its node is there in the very life that it is on: what a former one held is gone.
func TestAlive(t *testing.T) {
	m := three()
	r := m.Placements[1].Replicas[0]
	require.True(t, alive(m, r))
	for name, ends := range map[string]func(*wire.Member){
		"a later life":     func(who *wire.Member) { who.Incarnation++ },
		"it is down":       func(who *wire.Member) { who.State = wire.MemberDown },
		"it has left":      func(who *wire.Member) { who.State = wire.MemberLeft },
		"there is no such": func(who *wire.Member) { who.ID = 99 },
	} {
		m := m.Clone()
		ends(m.Member(r.Node))
		require.False(t, alive(m, r), name)
	}
}

func TestDefaults(t *testing.T) {
	d := Config{}.Defaults()
	require.Equal(t, Config{
		Self: wire.Member{Weight: 100}, Expect: 1, Shards: 64, Replicas: 3, Lanes: 1,
		Tick: 50 * time.Millisecond, ElectionTicks: 10, HeartbeatTicks: 2, ClockDrift: 50,
		MaxKey: 64 << 10, MaxValue: 64 << 20, LogBytes: 2 << 20, InboxMax: 16384,
		Timeout: 5 * time.Second, SessionTTL: 10 * time.Minute, Grace: time.Minute, ResetGrace: 30 * time.Second, CacheLease: time.Second,
		HotReads: 100, HotLease: 300 * time.Millisecond, HotRest: 10 * time.Second, MaxHeld: 16 << 20,
	}, d)
	require.Equal(t, d, d.Defaults(), "nothing is left to fill")

	own := Config{
		Self: wire.Member{ID: 7, Weight: 50}, Expect: 5, Shards: 8, Replicas: 5, Lanes: 2,
		Tick: time.Second, ElectionTicks: 20, HeartbeatTicks: 3, ClockDrift: 10, Reads: ReadIndex,
		MaxKey: 1, MaxValue: 2, MaxMemory: 3, LogBytes: 4, InboxMax: 5, Timeout: 6, SessionTTL: 7, Grace: 8, OnQuorumLoss: LossRefuse, ResetGrace: time.Hour, CacheLease: 10,
		HotReads: 11, HotLease: 12, HotRest: 13, MaxHeld: 14,
	}
	require.Equal(t, own, own.Defaults(), "what is set stays")
	own.ResetGrace = time.Second
	require.Equal(t, 80*time.Second, own.Defaults().ResetGrace, "no lease outlives it")
}

func TestLaneOf(t *testing.T) {
	for _, lanes := range []int{1, 2, 3, 8} {
		require.Zero(t, LaneOf(wire.MetaShard, lanes))
		for shard := range wire.ShardID(64) {
			require.Less(t, LaneOf(shard, lanes), lanes)
		}
	}
}

func TestJoin(t *testing.T) {
	for _, c := range []struct {
		name    string
		old     *wire.Member // what is known of node 20
		who     wire.Member
		changed bool
		life    wire.Incarnation // of node 20 afterwards
	}{
		{"a new node", nil, member(20, 5), true, 5},
		{"the same life again", new(member(20, 5)), member(20, 5), false, 5},
		{"a later life", new(member(20, 5)), member(20, 6), true, 6},
		{"an earlier life is over", new(member(20, 5)), member(20, 4), false, 5},
		{"the life that was given up speaks again", &wire.Member{ID: 20, Incarnation: 5, Weight: 100, State: wire.MemberDown}, member(20, 5), true, 5},
		{"the same life at another address", new(member(20, 5)), wire.Member{ID: 20, Incarnation: 5, Weight: 100, PeerAddr: "elsewhere"}, true, 5},
		{"nobody admits itself as down", new(member(20, 5)), wire.Member{ID: 20, Incarnation: 6, Weight: 100, State: wire.MemberDown}, true, 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := &wire.ClusterMap{Members: []wire.Member{member(10, 1), member(30, 1)}}
			if c.old != nil {
				join(m, *c.old)
				*m.Member(20) = *c.old
			}
			require.Equal(t, c.changed, join(m, c.who))
			require.Equal(t, c.life, m.Member(20).Incarnation)
			require.Equal(t, wire.MemberActive, m.Member(20).State)
			require.Len(t, m.Members, 3)
			require.True(t, m.Members[0].ID < m.Members[1].ID && m.Members[1].ID < m.Members[2].ID, "ordered")
		})
	}
}

func TestSetState(t *testing.T) {
	for _, c := range []struct {
		name    string
		command wire.MetaCommand
		changed bool
	}{
		{"down", wire.MetaCommand{Node: 20, Incarnation: 1, State: wire.MemberDown}, true},
		{"as it is", wire.MetaCommand{Node: 20, Incarnation: 1, State: wire.MemberActive}, false},
		{"another life", wire.MetaCommand{Node: 20, Incarnation: 2, State: wire.MemberDown}, false},
		{"nobody", wire.MetaCommand{Node: 99, Incarnation: 1, State: wire.MemberDown}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := three()
			c.command.Kind = wire.MetaSetState
			require.Equal(t, c.changed, changeMap(m, &c.command))
			if c.changed {
				require.Equal(t, c.command.State, m.Member(20).State)
				return
			}
			require.Equal(t, three(), m)
		})
	}
}

func TestAddReplica(t *testing.T) {
	add := func(node wire.NodeID, instead wire.ReplicaID) wire.MetaCommand {
		return wire.MetaCommand{Kind: wire.MetaAddReplica, Shard: 1, Node: node, Incarnation: 1, Replica: instead}
	}
	for _, c := range []struct {
		name     string
		before   *wire.ClusterMap
		command  wire.MetaCommand
		replicas []wire.Replica // afterwards; nil: nothing changes
	}{
		{"one more", three(), add(40, 0),
			[]wire.Replica{replica(1, voter), replica(2, voter), replica(3, voter), {ID: 6, Node: 40, Incarnation: 1}}},
		{"in the place of a voter", three(), add(40, 2),
			[]wire.Replica{replica(1, voter), replica(2, leaving), replica(3, voter), {ID: 6, Node: 40, Incarnation: 1}}},
		{"in the place of one that is gone meanwhile", three(), add(40, 5),
			[]wire.Replica{replica(1, voter), replica(2, voter), replica(3, voter), {ID: 6, Node: 40, Incarnation: 1}}},
		{"where there is one", three(), add(20, 0), nil},
		{"where there is one, in the place of another", three(), add(20, 1), nil},
		{"where one is to leave: it stays", mapOf(replica(1, voter), replica(2, leaving), replica(3, voter)), add(20, 0),
			[]wire.Replica{replica(1, voter), replica(2, voter), replica(3, voter)}},
		{"on a node that nobody knows", three(), add(99, 0), nil},
		{"of a shard that nobody knows", three(), wire.MetaCommand{Kind: wire.MetaAddReplica, Shard: 2, Node: 40, Incarnation: 1}, nil},
		{"on a life that is over", three(), wire.MetaCommand{Kind: wire.MetaAddReplica, Shard: 1, Node: 40, Incarnation: 9}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := c.before.Clone()
			require.Equal(t, c.replicas != nil, changeMap(m, &c.command))
			if c.replicas == nil {
				require.Equal(t, c.before, m)
				return
			}
			require.Equal(t, c.replicas, m.Placements[1].Replicas)
			given := m.NextReplica - c.before.NextReplica
			require.EqualValues(t, len(c.replicas)-3, given, "an ID is given once")
		})
	}
	m := three()
	m.Member(40).State = wire.MemberDown
	command := add(40, 0)
	require.False(t, changeMap(m, &command), "on a node that is down")
}

func TestRelieve(t *testing.T) {
	for _, c := range []struct {
		role    wire.Role
		changed bool
	}{{voter, true}, {learner, false}, {leaving, false}} {
		m := mapOf(replica(1, c.role))
		require.Equal(t, c.changed, changeMap(m, &wire.MetaCommand{Kind: wire.MetaRelieve, Shard: 1, Replica: 1}))
		require.Equal(t, c.changed || c.role == leaving, m.Placements[1].Replicas[0].Role == leaving)
	}
	require.False(t, changeMap(three(), &wire.MetaCommand{Kind: wire.MetaRelieve, Shard: 1, Replica: 9}))
}

func TestPrefer(t *testing.T) {
	for node, changed := range map[wire.NodeID]bool{10: false, 20: true, 99: false} {
		m := three()
		require.Equal(t, changed, changeMap(m, &wire.MetaCommand{Kind: wire.MetaPrefer, Shard: 1, Node: node}))
	}
}

func TestSetRoles(t *testing.T) {
	report := func(index uint64, voters, learners []wire.ReplicaID) *wire.MetaCommand {
		return &wire.MetaCommand{Kind: wire.MetaSetRoles, Shard: 1, Index: index, Voters: voters, Learners: learners}
	}
	ids := func(ids ...wire.ReplicaID) []wire.ReplicaID { return ids }
	newest := func(id wire.ReplicaID, c *wire.MetaCommand) *wire.MetaCommand { c.Replica = id; return c }
	for _, c := range []struct {
		name     string
		before   []wire.Replica
		down     wire.NodeID
		report   *wire.MetaCommand
		replicas []wire.Replica // afterwards; nil: nothing changes
	}{
		{"as it is", []wire.Replica{replica(1, voter), replica(2, voter)}, 0, report(100, ids(1, 2), nil), nil},
		{"a learner has become a voter", []wire.Replica{replica(1, voter), replica(2, learner)}, 0, report(100, ids(1, 2), nil),
			[]wire.Replica{replica(1, voter), replica(2, voter)}},
		{"a learner that the group has not yet", []wire.Replica{replica(1, voter), replica(2, learner)}, 0, report(100, ids(1), nil), nil},
		{"a learner that the group has", []wire.Replica{replica(1, voter), replica(2, learner)}, 0, report(100, ids(1), ids(2)), nil},
		{"a learner of a former life that the group does not have", []wire.Replica{replica(1, voter), {ID: 2, Node: 20, Role: learner}}, 0, report(100, ids(1), nil),
			[]wire.Replica{replica(1, voter)}},
		{"a silent learner that the group does not have", []wire.Replica{replica(1, voter), replica(2, learner)}, 20, report(100, ids(1), nil), nil},
		{"a dead learner that the group still has", []wire.Replica{replica(1, voter), replica(2, learner)}, 20, report(100, ids(1), ids(2)), nil},
		{"a learner whose turn is over", []wire.Replica{replica(1, voter), replica(2, learner)}, 0, newest(2, report(100, ids(1), nil)),
			[]wire.Replica{replica(1, voter)}},
		{"a learner whose turn comes", []wire.Replica{replica(1, voter), replica(3, learner)}, 0, newest(2, report(100, ids(1), nil)), nil},
		{"a voter has gone", []wire.Replica{replica(1, voter), replica(2, voter)}, 0, report(100, ids(1), nil),
			[]wire.Replica{replica(1, voter)}},
		{"a dead voter is still a voter", []wire.Replica{replica(1, voter), replica(2, voter)}, 20, report(100, ids(1, 2), nil), nil},
		{"one that is to leave still votes", []wire.Replica{replica(1, voter), replica(2, leaving)}, 0, report(100, ids(1, 2), nil), nil},
		{"one that was to leave has gone", []wire.Replica{replica(1, voter), replica(2, leaving), replica(3, learner)}, 0, report(100, ids(1, 3), nil),
			[]wire.Replica{replica(1, voter), replica(3, voter)}},
		{"a delayed report, from before", []wire.Replica{replica(1, voter), replica(3, voter)}, 0, report(49, ids(1, 2), ids(3)), nil},
		{"a report of the same index", []wire.Replica{replica(1, voter), replica(3, learner)}, 0, report(50, ids(1, 3), nil),
			[]wire.Replica{replica(1, voter), replica(3, voter)}},
		{"replicas that the map does not know", []wire.Replica{replica(1, voter)}, 0, report(100, ids(1, 9), ids(8)), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := mapOf(c.before...)
			m.Placements[1].ConfIndex = 50
			if c.down != 0 {
				m.Member(c.down).State = wire.MemberDown
			}
			before := m.Clone()
			require.Equal(t, c.replicas != nil, wouldChange(m, c.report))
			require.Equal(t, before, m, "it only looks")
			require.Equal(t, c.replicas != nil, changeMap(m, c.report))
			if c.replicas == nil {
				require.Equal(t, before, m)
				return
			}
			require.Equal(t, c.replicas, m.Placements[1].Replicas)
			require.Equal(t, c.report.Index, m.Placements[1].ConfIndex)
			require.False(t, wouldChange(m, c.report), "told once is enough")
		})
	}
}

// TestReportsInAnyOrder: a group's configurations, reported in any order and any number, leave
// the map as the newest of them says; so the newest is all that must arrive.
func TestReportsInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// 4 comes as a learner, takes 2's place, then 5 takes 1's.
		history := []*wire.MetaCommand{
			{Index: 10, Voters: []wire.ReplicaID{1, 2, 3}},
			{Index: 20, Voters: []wire.ReplicaID{1, 2, 3}, Learners: []wire.ReplicaID{4}},
			{Index: 30, Voters: []wire.ReplicaID{1, 3, 4}},
			{Index: 40, Voters: []wire.ReplicaID{1, 3, 4}, Learners: []wire.ReplicaID{5}},
			{Index: 50, Voters: []wire.ReplicaID{3, 4, 5}},
		}
		m := mapOf(replica(1, leaving), replica(2, leaving), replica(3, voter), replica(4, learner), replica(5, learner))
		for _, i := range rapid.SliceOf(rapid.IntRange(0, len(history)-1)).Draw(t, "reports") {
			setRoles(m, &m.Placements[1], history[i])
		}
		setRoles(m, &m.Placements[1], history[4])
		for _, i := range rapid.SliceOf(rapid.IntRange(0, len(history)-1)).Draw(t, "late reports") {
			setRoles(m, &m.Placements[1], history[i])
		}
		require.Equal(t, []wire.Replica{replica(3, voter), replica(4, voter), replica(5, voter)}, m.Placements[1].Replicas)
	})
}
