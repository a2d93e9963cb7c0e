package router

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// The hall of node 1 in a cluster of four. Of shard 1 it holds a replica, as do nodes 2 and 3;
// shard 2 lives on nodes 2, 3 and 4 and node 2 should lead it.
const (
	self  wire.NodeID  = 1
	here  wire.ShardID = 1
	there wire.ShardID = 2
)

var testConfig = Config{
	Timeout: 10 * time.Second, Patience: 3 * time.Second, Resend: time.Second,
	InboxMax: 8, MaxKey: 16, MaxValue: 32,
}

func testMap() *wire.ClusterMap {
	m := &wire.ClusterMap{ClusterID: 7, Epoch: 5, Shards: 2, Replication: 3}
	for id := range wire.NodeID(4) {
		m.Members = append(m.Members, wire.Member{ID: id + 1, Incarnation: 1})
	}
	for shard, nodes := range [][]wire.NodeID{{1, 2, 3}, {1, 2, 3}, {2, 3, 4}} {
		p := wire.Placement{Shard: wire.ShardID(shard), Preferred: 2}
		for _, n := range nodes {
			p.Replicas = append(p.Replicas, wire.Replica{ID: wire.ReplicaID(shard*10) + wire.ReplicaID(n), Node: n, Incarnation: 1, Role: wire.RoleVoter})
		}
		m.Placements = append(m.Placements, p)
	}
	return m
}

// node is the hall's Port: a clock moved by hand, a scripted leader, and what the hall did.
type node struct {
	now      time.Duration
	m        *wire.ClusterMap
	leader   wire.NodeID // of shard 1, as the replica here knows
	hint     wire.NodeID // says that it leads shard 2
	follower bool        // the replica here serves nothing, even if it leads
	taken    []*Call
	sent     []letter
	lives    []wire.Incarnation // that were answered
}

type letter struct {
	to wire.NodeID
	m  wire.Message
}

func (n *node) Now() time.Duration    { return n.now }
func (n *node) Map() *wire.ClusterMap { return n.m }
func (n *node) Uint64() uint64        { return 4711 }
func (n *node) Hint(shard wire.ShardID) wire.NodeID {
	if shard != there {
		return 0
	}
	return n.hint
}
func (n *node) Leader(shard wire.ShardID) (wire.NodeID, bool) {
	if shard != here {
		return 0, false
	}
	return n.leader, true
}

func (n *node) Take(c *Call) bool {
	if c.Shard != here || n.leader != self || n.follower {
		return false
	}
	n.taken = append(n.taken, c)
	return true
}

func (n *node) Send(to wire.NodeID, m wire.Message) {
	if f, ok := m.(*wire.Forward); ok {
		again := *f // what goes out is what the request says now
		m = &again
	}
	n.sent = append(n.sent, letter{to, m})
}

func (n *node) Answer(to wire.NodeID, life wire.Incarnation, m wire.Message) {
	n.lives = append(n.lives, life)
	n.Send(to, m)
}

// lobby is a hall with its node and the callers' answers.
type lobby struct {
	*Hall
	node    *node
	answers map[uint64][]wire.Response // by tag
	tag     uint64
}

func newLobby() *lobby {
	n := &node{m: testMap()}
	return &lobby{Hall: New(testConfig, self, n), node: n, answers: map[uint64][]wire.Response{}}
}

func (l *lobby) Deliver(tag uint64, r *wire.Response) { l.answers[tag] = append(l.answers[tag], *r) }

var (
	set = wire.Command{Op: wire.OpSet, Key: []byte("k"), Value: []byte("v")}
	get = wire.Command{Op: wire.OpGet, Key: []byte("k")}
)

// call admits a call and returns it as the hall keeps it (nil when it was answered at once).
func (l *lobby) call(shard wire.ShardID, commands ...wire.Command) (tag uint64, c *Call) {
	l.tag++
	return l.tag, l.admit(&wire.Call{Request: wire.Request{Shard: shard, Commands: commands}, Tag: l.tag})
}

func (l *lobby) admit(w *wire.Call) *Call {
	w.Sink = l
	l.Admit(w)
	for _, c := range l.open {
		if c.Tag == w.Tag && !c.Done() {
			return c
		}
	}
	return nil
}

func (l *lobby) pass(d time.Duration) {
	l.node.now += d
	l.Tick()
}

func (l *lobby) lead(leader wire.NodeID) {
	l.node.leader = leader
	l.LeaderChanged(here)
}

// forwards returns what was forwarded since it was last asked.
func (l *lobby) forwardsSent(t *testing.T) (ids []*wire.Forward, to []wire.NodeID) {
	for _, s := range l.node.sent {
		f, ok := s.m.(*wire.Forward)
		require.True(t, ok, "%T was sent", s.m)
		ids, to = append(ids, f), append(to, s.to)
	}
	l.node.sent = nil
	return ids, to
}

// forwarded returns the one request that was forwarded since it was last asked.
func (l *lobby) forwarded(t *testing.T, to wire.NodeID) *wire.Forward {
	t.Helper()
	ids, where := l.forwardsSent(t)
	require.Equal(t, []wire.NodeID{to}, where)
	return ids[0]
}

// forwardedTo is forwarded, wherever it went.
func (l *lobby) forwardedTo(t *testing.T) *wire.Forward {
	t.Helper()
	ids, _ := l.forwardsSent(t)
	require.Len(t, ids, 1)
	return ids[0]
}

func (l *lobby) reply(f *wire.Forward, r wire.Response) {
	l.OnReply(&wire.Reply{ID: f.ID, Shard: f.Request.Shard, Response: r})
}

func (l *lobby) refuse(f *wire.Forward, why wire.Reason, leader wire.NodeID) {
	l.reply(f, wire.Response{Outcome: wire.OutcomeRefused, Reason: why, Leader: leader})
}

// told checks that a call has its one answer.
func (l *lobby) told(t *testing.T, tag uint64, outcome wire.Outcome, why wire.Reason) wire.Response {
	t.Helper()
	require.Len(t, l.answers[tag], 1, "answers to call %d", tag)
	r := l.answers[tag][0]
	require.Equal(t, outcome, r.Outcome, "outcome (reason: %v)", r.Reason)
	require.Equal(t, why, r.Reason, "reason")
	return r
}
