package cluster

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// over has the nodes begin a later life: what they held is gone.
func over(m *wire.ClusterMap, nodes ...wire.NodeID) *wire.ClusterMap {
	for _, id := range nodes {
		m.Member(id).Incarnation++
	}
	return m
}

func TestQuorumGone(t *testing.T) {
	for _, c := range []struct {
		name string
		m    *wire.ClusterMap
		gone bool
	}{
		{"all well", three(), false},
		{"one of three", over(three(), 10), false},
		{"two of three", over(three(), 10, 20), true},
		{"one of two", over(mapOf(replica(1, voter), replica(2, voter)), 10), true},
		{"the only one", over(mapOf(replica(1, voter)), 10), true},
		{"a voter, and one that may have become a voter", over(mapOf(replica(1, voter), replica(2, voter), replica(3, leaving), replica(4, learner)), 10, 40), true},
		{"only one that may have become a voter", over(mapOf(replica(1, voter), replica(2, voter), replica(3, voter), replica(4, learner)), 40), false},
		{"nobody votes", mapOf(), false},
	} {
		require.Equal(t, c.gone, c.m.QuorumGone(&c.m.Placements[1]), c.name)
	}
	down := three()
	down.Member(10).State, down.Member(20).State = wire.MemberDown, wire.MemberDown
	require.False(t, down.QuorumGone(&down.Placements[1]), "who is silent may live")
}

func TestJudge(t *testing.T) {
	conf := func(applied uint64, voters ...uint64) *wire.Sealed {
		return &wire.Sealed{Applied: applied, Last: applied, Conf: wire.ConfState{Voters: voters}}
	}
	joint := func(s *wire.Sealed, outgoing ...uint64) *wire.Sealed { s.Conf.VotersOutgoing = outgoing; return s }
	empty := &wire.Sealed{}
	four := func() *wire.ClusterMap {
		return mapOf(replica(1, voter), replica(2, voter), replica(3, voter), replica(4, learner))
	}
	for _, c := range []struct {
		name    string
		m       *wire.ClusterMap
		told    map[wire.ReplicaID]*wire.Sealed
		goesOn  bool
		isSure  bool
		isStale bool
	}{
		{name: "one of three is left, and says so", m: over(three(), 10, 20), told: map[wire.ReplicaID]*wire.Sealed{3: conf(70, 1, 2, 3)}, isSure: true},
		{name: "one of three is left, and is silent", m: over(three(), 10, 20), isSure: true},
		{name: "nobody is left", m: over(three(), 10, 20, 30), isSure: true},
		{name: "two of three are left, and silent", m: over(three(), 10)},
		{name: "the learner was made a voter", m: over(four(), 10, 20), goesOn: true,
			told: map[wire.ReplicaID]*wire.Sealed{3: conf(90, 4, 2, 3), 4: conf(70, 1, 2, 3)}},
		{name: "the learner was made a voter, and knows more than the one that is left", m: over(four(), 10, 20), goesOn: true,
			told: map[wire.ReplicaID]*wire.Sealed{3: conf(70, 1, 2, 3), 4: conf(90, 4, 2, 3)}},
		{name: "the learner was to be made a voter", m: over(four(), 10, 20), isSure: true,
			told: map[wire.ReplicaID]*wire.Sealed{3: joint(conf(90, 4, 2, 3), 1, 2, 3), 4: conf(70, 1, 2, 3)}},
		{name: "the learner has a part of the log, and the voter is silent: it may know more", m: over(four(), 10, 20),
			told: map[wire.ReplicaID]*wire.Sealed{4: conf(70, 1, 2, 3)}},
		{name: "the learner was never told anything, the voter is silent", m: over(four(), 10, 20), isSure: true,
			told: map[wire.ReplicaID]*wire.Sealed{4: empty}},
		{name: "a late founder was never told anything, and votes: with a voter that is silent it may be a majority", m: over(four(), 10, 40),
			told: map[wire.ReplicaID]*wire.Sealed{3: empty}},
		{name: "the learner is silent, too", m: over(four(), 10, 20), told: map[wire.ReplicaID]*wire.Sealed{3: conf(70, 1, 2, 3)}},
		{name: "what was said under another seal does not count", m: over(four(), 10, 20), isStale: true,
			told: map[wire.ReplicaID]*wire.Sealed{3: conf(70, 1, 2, 3), 4: empty}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &c.m.Placements[1]
			p.Seal = 5
			for _, s := range c.told {
				if s.Seal = 5; c.isStale {
					s.Seal = 4
				}
			}
			newest, lost := judge(c.m, p, c.told)
			require.Equal(t, c.goesOn, newest != nil)
			require.Equal(t, c.isSure, lost)
		})
	}
}

// Whom the newest configuration leaves out is let go when a majority of it knows of that, and would not need him to elect a leader.
func TestSettledBy(t *testing.T) {
	newest := &wire.Sealed{Seal: 5, Applied: 90, Conf: wire.ConfState{Voters: []uint64{2, 3, 4}}}
	for _, c := range []struct {
		name  string
		other *wire.Sealed
		knows bool
	}{
		{"one knows", nil, false},
		{"another one, too", &wire.Sealed{Seal: 5, Applied: 95}, true},
		{"another one has not applied as much", &wire.Sealed{Seal: 5, Applied: 89}, false},
		{"he said so under an earlier seal", &wire.Sealed{Seal: 4, Applied: 95}, false},
	} {
		require.Equal(t, c.knows, settledBy(newest, map[wire.ReplicaID]*wire.Sealed{2: newest, 3: c.other}), c.name)
	}
	joint := *newest
	joint.Conf.VotersOutgoing = []uint64{1, 2, 3}
	require.False(t, settledBy(&joint, map[wire.ReplicaID]*wire.Sealed{2: &joint, 3: &joint, 4: &joint}), "while the change is under way those who go are needed")
}

// A node learns of a loss when a map counts one more than the map before. Who has just come has lost nothing.
func TestNewLosses(t *testing.T) {
	before := three()
	before.Placements[1].Losses = 1
	after := before.Clone()
	require.Empty(t, newLosses(nil, after))
	require.Empty(t, newLosses(before, after))
	after.Placements[1].Losses++
	require.Equal(t, []*wire.Placement{&after.Placements[1]}, newLosses(before, after))
}

func TestReset(t *testing.T) {
	m := over(three(), 10, 20)
	m.Placements[1].ConfIndex = 70
	m.Member(50).State = wire.MemberDown
	require.False(t, changeMap(m, &wire.MetaCommand{Kind: wire.MetaSeal, Shard: 1, Index: 69}), "another configuration than the one it was decided on")
	require.False(t, changeMap(m, &wire.MetaCommand{Kind: wire.MetaSeal, Shard: 0}), "never the meta group")
	require.True(t, changeMap(m, &wire.MetaCommand{Kind: wire.MetaSeal, Shard: 1, Index: 70}))
	p := &m.Placements[1]
	require.Equal(t, m.Epoch+1, p.Seal)
	require.False(t, changeMap(m, &wire.MetaCommand{Kind: wire.MetaSeal, Shard: 1, Index: 70}), "what was said under this seal would not count under another")
	require.False(t, changeMap(m, &wire.MetaCommand{Kind: wire.MetaUnseal, Shard: 1, Seal: 3}), "another seal")

	founder := func(node wire.NodeID, life wire.Incarnation) wire.Replica {
		return wire.Replica{Node: node, Incarnation: life}
	}
	anew := func() *wire.MetaCommand {
		return &wire.MetaCommand{Kind: wire.MetaReset, Shard: 1, Seal: p.Seal, Voters: []wire.ReplicaID{1, 2, 3}, At: 1000,
			Founders: []wire.Replica{founder(40, 1), founder(10, 2), founder(30, 1)}}
	}
	for name, spoil := range map[string]func(*wire.MetaCommand){
		"another seal":                   func(c *wire.MetaCommand) { c.Seal-- },
		"a replica came meanwhile":       func(c *wire.MetaCommand) { c.Voters = c.Voters[:2] },
		"a founder's life is over":       func(c *wire.MetaCommand) { c.Founders[1].Incarnation = 1 },
		"a founder that is down":         func(c *wire.MetaCommand) { c.Founders[0].Node = 50 },
		"a founder that nobody knows of": func(c *wire.MetaCommand) { c.Founders[1].Node = 99 },
		"nobody to found it":             func(c *wire.MetaCommand) { c.Founders = nil },
	} {
		c, before := anew(), m.Clone()
		spoil(c)
		require.False(t, changeMap(m, c), name)
		require.Equal(t, before, m, name)
	}
	require.True(t, changeMap(m, anew()))
	require.Equal(t, wire.Placement{Shard: 1, Preferred: 40, Losses: 1, LostAt: 1000, Founders: []wire.ReplicaID{6, 7, 8}, Replicas: []wire.Replica{
		{ID: 6, Node: 40, Incarnation: 1, Role: voter}, {ID: 7, Node: 10, Incarnation: 2, Role: voter}, {ID: 8, Node: 30, Incarnation: 1, Role: voter}}}, *p)
	require.False(t, changeMap(m, anew()), "once")

	late := &wire.MetaCommand{Kind: wire.MetaSetRoles, Shard: 1, Index: 1 << 40, Voters: []wire.ReplicaID{1, 2, 3}, Replica: 5}
	require.False(t, changeMap(m, late), "a report of the group that was lost")
	late.Voters, late.Replica = []wire.ReplicaID{6, 7, 8}, 8
	require.False(t, changeMap(m, late), "it says what the map says")
	late.Voters, late.Replica = []wire.ReplicaID{6, 7}, 8
	require.True(t, changeMap(m, late), "one of the present group")
}

func TestForget(t *testing.T) {
	m := three()
	require.False(t, changeMap(m, &wire.MetaCommand{Kind: wire.MetaForget, Node: 10, Incarnation: 2}), "another life")
	require.False(t, changeMap(m, &wire.MetaCommand{Kind: wire.MetaForget, Node: 99, Incarnation: 1}), "nobody")
	require.True(t, changeMap(m, &wire.MetaCommand{Kind: wire.MetaForget, Node: 10, Incarnation: 1}))
	require.True(t, superseded(m, m.Placements[1].Replicas[0]))
	require.Equal(t, wire.MemberLeft, m.Member(10).State)
	who := member(10, 1)
	require.False(t, changeMap(m, &wire.MetaCommand{Kind: wire.MetaJoin, Member: &who}), "that life is over")
	who.Incarnation = 9
	require.True(t, changeMap(m, &wire.MetaCommand{Kind: wire.MetaJoin, Member: &who}), "the node may come back with another")
}

// five is a cluster of five nodes and one data shard of three replicas.
func five(t *testing.T, cfg Config) *world {
	w := newWorld(7)
	names := []string{"a", "b", "c", "d", "e"}
	cfg.Join, cfg.Expect, cfg.Shards = names, 5, 1
	for i, addr := range names {
		w.start(addr, wire.NodeID(i+1), 7, cfg)
	}
	require.True(t, w.until(20*time.Second, w.everywhere), "founded")
	w.run(5 * time.Second)
	return w
}

// restart begins a new life of a node.
func (w *world) restart(addr string) {
	old := w.nodes[addr]
	old.over = true
	w.start(addr, old.cfg.Self.ID, old.cfg.Self.Incarnation+1, old.cfg)
}

// holders are the nodes that have a replica of shard 1 by somebody's map.
func (w *world) holders() (addrs []string) {
	m := w.newest()
	for _, r := range m.Placements[1].Replicas {
		addrs = append(addrs, w.names[r.Node-1])
	}
	return addrs
}

func (w *world) newest() (m *wire.ClusterMap) {
	for _, addr := range w.names {
		if n := w.nodes[addr]; !n.over && n.m != nil && (m == nil || n.m.Epoch > m.Epoch) {
			m = n.m
		}
	}
	return m
}

// leads reports whether somebody leads shard 1 and can write.
func (w *world) leads() bool {
	for _, addr := range w.names {
		if g := w.nodes[addr].groups[1]; !w.nodes[addr].over && g != nil && g.member.Leads() {
			return true
		}
	}
	return false
}

// Where operators have left but one node to hold anything, a group of two goes on as one of one; the map may not have heard of that yet. Who
// is silent may be that one.
func TestWhoIsSilentMayBeEnough(t *testing.T) {
	m := over(mapOf(replica(1, voter), replica(2, leaving)), 20)
	require.True(t, m.QuorumGone(&m.Placements[1]))
	m.Placements[1].Seal = 5
	_, lost := judge(m, &m.Placements[1], nil)
	require.True(t, lost, "with nodes enough a group of two stays one")
	for _, id := range []wire.NodeID{20, 30, 40, 50} {
		m.Member(id).Draining = true
	}
	_, lost = judge(m, &m.Placements[1], nil)
	require.False(t, lost)
	m.Fewest = fewest(m)
	for _, id := range []wire.NodeID{20, 30, 40, 50} {
		m.Member(id).Draining = false
	}
	_, lost = judge(m, &m.Placements[1], nil)
	require.False(t, lost, "the group's leader may not know that there are nodes again")
}

// Two of three voters restart before either is replaced: the shard is begun anew, after the grace,
// and says so.
func TestALostShardIsBegunAnew(t *testing.T) {
	w := five(t, Config{ResetGrace: 10 * time.Second})
	before := w.newest().Placements[1]
	holders := w.holders()
	w.restart(holders[0])
	w.restart(holders[1])
	w.run(9 * time.Second)
	require.Zero(t, w.newest().Placements[1].Losses, "nothing is done within the grace")
	require.Zero(t, w.newest().Placements[1].Seal)
	require.False(t, w.leads())
	require.True(t, w.until(10*time.Second, w.leads), "begun anew")
	p := w.newest().Placements[1]
	require.EqualValues(t, 1, p.Losses)
	require.Len(t, p.Replicas, 3)
	require.Greater(t, p.Replicas[0].ID, before.Replicas[2].ID)
	w.run(30 * time.Second)
	require.EqualValues(t, 1, w.newest().Placements[1].Losses, "once")
	require.True(t, w.leads())
}

// With the other policy nothing is done.
func TestALostShardIsLeftAlone(t *testing.T) {
	w := five(t, Config{ResetGrace: 4 * time.Second, OnQuorumLoss: LossRefuse})
	holders := w.holders()
	w.restart(holders[0])
	w.restart(holders[1])
	w.until(time.Minute, func() bool { require.Zero(t, w.newest().Placements[1].Seal); return false })
	require.Zero(t, w.newest().Placements[1].Losses)
	require.False(t, w.leads())
}

// Silence is no proof: nodes that do not come back keep the shard down until the operator says that
// they never will.
func TestWhoIsSilentMayLive(t *testing.T) {
	w := five(t, Config{ResetGrace: 4 * time.Second, Grace: 2 * time.Second})
	var gone []*node // two of the shard's, at most one of them in the meta group
	inMeta := 0
	for _, addr := range w.holders() {
		n := w.nodes[addr]
		if n.groups[wire.MetaShard] != nil {
			if inMeta++; inMeta > 1 {
				continue
			}
		}
		gone = append(gone, n)
	}
	require.GreaterOrEqual(t, len(gone), 2)
	for _, n := range gone[:2] {
		n.over = true
	}
	w.run(time.Minute)
	require.Zero(t, w.newest().Placements[1].Losses)
	require.False(t, w.leads())
	for _, n := range gone[:2] {
		for _, addr := range w.names {
			if leader := w.nodes[addr]; leader.leading && !leader.over {
				leader.turn(func() {
					leader.command(&wire.MetaCommand{Kind: wire.MetaForget, Node: n.cfg.Self.ID, Incarnation: n.cfg.Self.Incarnation})
				})
			}
		}
	}
	require.True(t, w.until(20*time.Second, w.leads), "begun anew")
	require.EqualValues(t, 1, w.newest().Placements[1].Losses)
}

// A shard that was to be sealed and has a leader goes on: nobody of it seals himself, so the leader's report
// lifts the seal. A learner would seal itself at once, and never be brought up to date.
func TestALeadersReportLiftsTheSeal(t *testing.T) {
	o := newOffice(t, 3, 4)
	p := func() *wire.Placement { return o.m().Placement(2) }
	o.lead(wire.MetaShard).command(&wire.MetaCommand{Kind: wire.MetaSeal, Shard: 2, Index: p().ConfIndex})
	require.True(t, o.until(2*time.Second, func() bool { return p().Seal != 0 }), "sealed")
	require.True(t, o.until(5*time.Second, func() bool {
		for _, n := range o.nodes {
			require.Zero(t, n.groups[2].sealed, "it has a leader")
		}
		return p().Seal == 0
	}))
	require.Zero(t, p().Losses)
}

// Of a sealed shard one replica alone knows of the last change. It can go on, but whom the change leaves out is not let go on that one's
// word: should it die, the others need him.
func TestASealedReplicasWordLetsNobodyGo(t *testing.T) {
	w := five(t, Config{ResetGrace: 4 * time.Second})
	lead := w.leader(1)
	ids, _ := w.others(lead)
	conf := func() []uint64 { return lead.groups[1].member.Conf().Voters }
	w.drop = func(_ string, f *wire.Frame) bool { // from when it has applied the change
		return len(conf()) == 2 && slices.ContainsFunc(f.Messages, func(m wire.Message) bool {
			_, is := m.(*wire.Raft)
			return is && m.Group() == 1
		})
	}
	lead.turn(func() { require.NoError(t, lead.groups[1].member.Replace(nil, ids[:1])) })
	require.True(t, w.until(10*time.Second, func() bool { return len(conf()) == 2 && lead.groups[1].member.Leader() == 0 }))
	p := func() *wire.Placement { return w.newest().Placement(1) }
	meta := w.leader(wire.MetaShard)
	meta.turn(func() { meta.command(&wire.MetaCommand{Kind: wire.MetaSeal, Shard: 1, Index: p().ConfIndex}) })
	require.True(t, w.until(2*time.Second, func() bool { return p().Seal != 0 }), "sealed")
	require.True(t, w.until(10*time.Second, func() bool { return p().Seal == 0 }), "it can go on")
	require.NotNil(t, p().Replica(ids[0]))
	require.Zero(t, p().Losses)
	w.drop = nil
	require.True(t, w.until(20*time.Second, func() bool { return w.leader(1) != nil }))
}

// No shard is written so often between two losses that a version is given out again, however close the founders' IDs are, nor where the
// meta group was begun anew from a map that has not heard of the latest losses.
func TestVersionsLeaveRoomForEveryWrite(t *testing.T) {
	const room = 1 << 46 // writes: fifteen years of 150,000 a second
	m := mapOf(replica(1, voter))
	m.NextReplica = 2
	lose := func(m *wire.ClusterMap) uint64 {
		p := &m.Placements[1]
		p.Seal = 5
		r := p.Replicas[0]
		require.True(t, reset(m, p, &wire.MetaCommand{Shard: 1, Seal: 5, Voters: idsOf(p.Replicas), Founders: []wire.Replica{{Node: r.Node, Incarnation: r.Incarnation}}}))
		return versionsAbove(p)
	}
	last := versionsAbove(&m.Placements[1])
	require.Zero(t, last)
	require.Zero(t, versionsAbove(&wire.Placement{Losses: 1}), "which no map says")
	for range 10 {
		next := lose(m)
		require.GreaterOrEqual(t, next-last, uint64(room))
		last = next
	}
	other := recovered(m, &m.Members[0], 0, 1000)
	for range 60 { // that the recovered meta group has never heard of
		last = lose(m)
	}
	require.GreaterOrEqual(t, lose(other), last+room)
}

// Whoever was cut off when the shard was lost is no founder, also where the grace is shorter than the time within which a life counts as fresh.
func TestFoundersWereHeardSinceTheLoss(t *testing.T) {
	w := five(t, Config{ResetGrace: 2 * time.Second})
	holders := w.holders()
	p := w.newest().Placement(wire.MetaShard)
	slices.SortStableFunc(holders, func(a, b string) int { // the last one is not needed for the meta group
		at := func(addr string) int {
			if slices.ContainsFunc(p.Replicas, func(r wire.Replica) bool { return w.names[r.Node-1] == addr }) {
				return 0
			}
			return 1
		}
		return at(a) - at(b)
	})
	cut := holders[2]
	w.restart(holders[0])
	require.True(t, w.until(20*time.Second, func() bool { return w.newest().Member(w.nodes[holders[0]].cfg.Self.ID).Incarnation == 8 }))
	w.restart(holders[1])
	require.True(t, w.until(20*time.Second, func() bool { return w.newest().QuorumGone(w.newest().Placement(1)) }), "lost")
	w.drop = func(addr string, f *wire.Frame) bool { return addr == cut || w.names[f.From-1] == cut }
	require.True(t, w.until(20*time.Second, func() bool { return w.newest().Placement(1).Losses == 1 }), "begun anew")
	require.NotContains(t, w.holders(), cut)
	require.True(t, w.until(10*time.Second, w.leads))
}
