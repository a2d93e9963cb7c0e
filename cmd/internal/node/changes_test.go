package node

import (
	"bytes"
	"log/slog"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/gossip"
	"torc/core/wire"
)

// listener is a changes and what it has said since it was asked last, without times.
type listener struct {
	changes
	log bytes.Buffer
}

func listening() *listener {
	l := &listener{}
	l.changes = changes{logger: slog.New(slog.NewTextHandler(&l.log, nil)), self: 1}
	return l
}

func (l *listener) said() string {
	defer l.log.Reset()
	return regexp.MustCompile(`(?m)^time=\S+ `).ReplaceAllString(l.log.String(), "")
}

// Each thing that becomes of another node is said once, and a suspicion is nothing yet.
func TestChangesOfNodes(t *testing.T) {
	l, words := listening(), map[wire.NodeID]gossip.Event{}
	m := &wire.ClusterMap{Members: []wire.Member{{ID: 1, Name: "self", Incarnation: 1}, {ID: 2, Name: "beta", Incarnation: 20, State: wire.MemberActive}}}
	after := func(change func()) string {
		t.Helper()
		change()
		look := func() {
			l.look(m, func(id wire.NodeID) (gossip.Event, bool) { e, heard := words[id]; return e, heard })
		}
		look()
		said := l.said()
		look()
		require.Empty(t, l.said(), "once is enough")
		return said
	}
	says := func(life wire.Incarnation, word gossip.Status) func() {
		return func() { words[2] = gossip.Event{Node: 2, Incarnation: life, Status: word} }
	}
	beta := &m.Members[1]
	require.Empty(t, after(func() {}), "who was there before is not news")
	require.Empty(t, after(says(20, gossip.Alive)))
	require.Empty(t, after(says(20, gossip.Suspect)))
	require.Equal(t, "level=WARN msg=\"a node does not answer any more\" of=beta\n", after(says(20, gossip.Dead)))
	require.Equal(t, "level=WARN msg=\"a node is declared down: what it held is made anew on the others, as far as there are enough\" of=beta\n", after(func() { beta.State = wire.MemberDown }))
	require.Equal(t, "level=INFO msg=\"a node answers again\" of=beta\n", after(says(20, gossip.Alive)))
	require.Equal(t, "level=INFO msg=\"a node takes part again\" of=beta\n", after(func() { beta.State = wire.MemberActive }))
	require.Equal(t, "level=INFO msg=\"a node has said goodbye: it was told to stop\" of=beta\n", after(says(20, gossip.Left)))
	require.Equal(t, "level=INFO msg=\"a node has been started anew: it is empty, and given back what it held\" of=beta\n", after(func() { beta.Incarnation = 21 }))
	require.Empty(t, after(says(21, gossip.Alive)))
	require.Equal(t, "level=INFO msg=\"a node was drained and has left\" of=beta\n", after(func() { beta.State = wire.MemberLeft }))
	require.Equal(t, "level=INFO msg=\"a node has joined the cluster\" of=gamma\n", after(func() {
		m.Members = append(m.Members, wire.Member{ID: 3, Name: "gamma", Incarnation: 30, State: wire.MemberActive})
	}))
	require.Equal(t, "level=INFO msg=\"a node that was gone is off the map\" of=beta\n", after(func() { m.Members = []wire.Member{m.Members[0], m.Members[2]} }))
}

// That shards have no leader is said when it lasts, and once; and that they have one again.
func TestChangesOfShards(t *testing.T) {
	l, at := listening(), time.Unix(100, 0)
	look := func(after time.Duration, without ...wire.ShardID) string {
		l.shards(without, 5, at.Add(after))
		return l.said()
	}
	require.Empty(t, look(0))
	require.Empty(t, look(time.Second, 0, 3), "an election")
	require.Empty(t, look(2*time.Second))
	require.Empty(t, look(3*time.Second, 0, 3))
	require.Empty(t, look(5*time.Second, 0, 3))
	require.Equal(t, "level=WARN msg=\"shards have no leader, and what is asked of them is refused: torc status says which nodes they lack\" without=2 of=5 shards=\"meta, 3\"\n", look(6*time.Second, 0, 3))
	require.Empty(t, look(60*time.Second, 3))
	require.Equal(t, "level=INFO msg=\"every shard of this node has a leader again\" after=58s\n", look(61*time.Second))
	require.Empty(t, look(62*time.Second))
}

func TestShardNames(t *testing.T) {
	for want, shards := range map[string][]wire.ShardID{"": {}, "meta": {0}, "meta, 1-3, 5, 7-8": {0, 1, 2, 3, 5, 7, 8}, "4": {4}, "1-64": seq(1, 64)} {
		require.Equal(t, want, shardNames(shards))
	}
}

func seq(from, to wire.ShardID) (all []wire.ShardID) {
	for shard := from; shard <= to; shard++ {
		all = append(all, shard)
	}
	return all
}
