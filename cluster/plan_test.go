package cluster

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"torc/core/raft"
	"torc/core/ring"
	"torc/core/wire"
)

func TestStep(t *testing.T) {
	to := func(nodes ...wire.NodeID) []wire.NodeID { return nodes }
	add := func(node wire.NodeID, instead wire.ReplicaID) *wire.MetaCommand {
		return &wire.MetaCommand{Kind: wire.MetaAddReplica, Shard: 1, Node: node, Incarnation: 1, Replica: instead}
	}
	for _, c := range []struct {
		name     string
		replicas []wire.Replica
		down     wire.NodeID
		target   []wire.NodeID
		next     *wire.MetaCommand
	}{
		{"nothing to do", three().Placements[1].Replicas, 0, to(10, 20, 30), nil},
		{"the order of the others does not matter", three().Placements[1].Replicas, 0, to(10, 30, 20), nil},
		{"another one should lead", three().Placements[1].Replicas, 0, to(20, 10, 30), &wire.MetaCommand{Kind: wire.MetaPrefer, Shard: 1, Node: 20}},
		{"one too few", three().Placements[1].Replicas[:2], 0, to(10, 20, 30), add(30, 0)},
		{"a live one moves", three().Placements[1].Replicas, 0, to(10, 20, 40), add(40, 3)},
		{"two live ones move, one after the other", three().Placements[1].Replicas, 0, to(10, 40, 50), add(40, 2)},
		{"a dead one is replaced, the live ones stay", three().Placements[1].Replicas, 30, to(10, 40, 50), add(40, 0)},
		{"one is to leave, but is wanted", mapOf(replica(1, voter), replica(2, voter), replica(3, leaving)).Placements[1].Replicas, 0, to(10, 20, 30), add(30, 0)},
		{"one too many", mapOf(replica(1, voter), replica(2, voter), replica(3, voter), replica(4, voter)).Placements[1].Replicas, 0, to(10, 20, 30),
			&wire.MetaCommand{Kind: wire.MetaRelieve, Shard: 1, Replica: 4}},
		{"a learner that is on its way is not added again", mapOf(replica(1, voter), replica(2, voter), replica(3, learner)).Placements[1].Replicas, 0, to(10, 20, 30), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := mapOf(c.replicas...)
			if c.down != 0 {
				m.Member(c.down).State = wire.MemberDown
			}
			require.Equal(t, c.next, step(m, &m.Placements[1], c.target))
		})
	}
}

func TestMoving(t *testing.T) {
	for _, c := range []struct {
		name     string
		replicas []wire.Replica
		down     wire.NodeID
		moving   bool
		healthy  int
		surplus  wire.ReplicaID // with nodes 10, 20 and 50 as the target
	}{
		{"settled", []wire.Replica{replica(1, voter), replica(2, voter), replica(5, voter)}, 0, false, 3, 0},
		{"on a node that is no target", []wire.Replica{replica(1, voter), replica(2, voter), replica(3, voter)}, 0, false, 3, 3},
		{"a learner", []wire.Replica{replica(1, voter), replica(2, voter), replica(3, voter), replica(5, learner)}, 0, true, 3, 3},
		{"a dead learner", []wire.Replica{replica(1, voter), replica(2, voter), replica(3, learner)}, 30, false, 2, 0},
		{"a dead voter", []wire.Replica{replica(1, voter), replica(3, voter), replica(4, voter)}, 30, false, 2, 0},
		{"one leaves, enough stay", []wire.Replica{replica(1, voter), replica(2, voter), replica(4, leaving), replica(5, voter)}, 0, true, 4, 0},
		{"one is to leave, too few stay", []wire.Replica{replica(1, voter), replica(2, voter), replica(4, leaving)}, 0, false, 3, 0},
		{"a dead one is to leave", []wire.Replica{replica(1, voter), replica(2, voter), replica(3, leaving), replica(5, voter)}, 30, false, 3, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := mapOf(c.replicas...)
			if c.down != 0 {
				m.Member(c.down).State = wire.MemberDown
			}
			p := &m.Placements[1]
			require.Equal(t, c.moving, moving(m, p, 3))
			require.Equal(t, c.healthy, healthy(m, p))
			require.Equal(t, c.surplus, surplus(m, p, []wire.NodeID{10, 20, 50}))
		})
	}
}

func TestFirstMap(t *testing.T) {
	members := []wire.Member{member(10, 4), member(20, 5), member(30, 6)}
	m := firstMap(77, members, 8, 3)
	require.EqualValues(t, 77, m.ClusterID)
	require.EqualValues(t, 1, m.Epoch)
	require.Len(t, m.Placements, 9)
	given := map[wire.ReplicaID]bool{}
	for i, p := range m.Placements {
		require.EqualValues(t, i, p.Shard)
		require.Len(t, p.Replicas, 3)
		require.NotNil(t, m.Member(p.Preferred))
		for _, r := range p.Replicas {
			require.False(t, given[r.ID])
			given[r.ID] = true
			require.Equal(t, m.Member(r.Node).Incarnation, r.Incarnation)
			require.Equal(t, voter, r.Role)
		}
	}
	require.EqualValues(t, len(given)+1, m.NextReplica)
	require.Empty(t, newPlanner(t).commands(m), "a new cluster is where it should be")
}

// planner is a lane whose meta group puts the commands on a list and does nothing else.
type planner struct {
	lane *Lane
	log  []*wire.MetaCommand
}

type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func newPlanner(t failer) *planner {
	p := &planner{}
	cfg := Config{Self: member(10, 1)}.Defaults()
	p.lane = NewLane(&cfg, 0, newWorld(0), nil, nil)
	m, err := raft.New(raft.Config{Replica: 1, Voters: []wire.ReplicaID{1}, Tick: cfg.Tick, ElectionTicks: cfg.ElectionTicks, HeartbeatTicks: cfg.HeartbeatTicks,
		LogBytes: cfg.LogBytes, Clock: p.lane.env, Machine: p, Output: p})
	if err != nil {
		t.Fatalf("start the meta group: %v", err)
	}
	for tick := 1; !m.Leads(); tick++ {
		m.Tick(tick)
		m.Flush()
	}
	p.lane.groups[wire.MetaShard] = &group{lane: p.lane, member: m}
	return p
}

func (p *planner) Apply(_ uint64, data []byte) {
	c, err := wire.DecodeMetaCommand(data)
	if err != nil {
		panic(err)
	}
	p.log = append(p.log, c)
}
func (p *planner) Digest() uint64                    { return 0 }
func (p *planner) Snapshot() raft.Source             { return nil }
func (p *planner) Restore() raft.Restorer            { return nil }
func (p *planner) Send(wire.ReplicaID, wire.Message) {}
func (p *planner) RoleChanged()                      {}

// plan asks for the next changes of a map.
func (p *planner) plan(m *wire.ClusterMap) (commands []*wire.MetaCommand, open int) {
	p.log = nil
	open = p.lane.plan(m)
	p.lane.Flush()
	return p.log, open
}

func (p *planner) commands(m *wire.ClusterMap) []*wire.MetaCommand {
	commands, open := p.plan(m)
	if len(commands) == 0 && open != 0 || len(commands) > open {
		panic("what is open is more than what is asked for, or waited for")
	}
	return commands
}

// TestMovesAreBounded: ten shards would be better off elsewhere, or all miss a replica; only so
// many move at a time.
func TestMovesAreBounded(t *testing.T) {
	members := []wire.Member{member(10, 1), member(20, 1), member(30, 1)}
	p := newPlanner(t)
	kinds := func(commands []*wire.MetaCommand) (adds int) {
		for _, c := range commands {
			if c.Kind == wire.MetaAddReplica {
				adds++
			}
		}
		return adds
	}

	m := firstMap(1, slices.Clone(members), 64, 3)
	join(m, member(40, 1))
	commands, open := p.plan(m)
	require.Equal(t, movesMax, kinds(commands))
	require.Greater(t, open, movesMax, "the others are not forgotten")
	for _, c := range commands {
		changeMap(m, c)
	}
	commands, _ = p.plan(m)
	require.Zero(t, kinds(commands), "the next ones wait until these have moved")

	m = firstMap(1, slices.Clone(members), 64, 3)
	join(m, member(40, 1))
	m.Member(20).State = wire.MemberDown
	commands, _ = p.plan(m)
	require.Equal(t, repairsMax, kinds(commands))
	for _, c := range commands {
		changeMap(m, c)
	}
	commands, _ = p.plan(m)
	require.Zero(t, kinds(commands))
}

// catchUp makes voters of the learners of the shards that have a quorum and are not held up, in the place of the dead.
func catchUp(m *wire.ClusterMap, heldUp func(*wire.Placement) bool) {
	for i := range m.Placements {
		p := &m.Placements[i]
		if 2*healthy(m, p) <= voters(p) || heldUp(p) {
			continue
		}
		p.Replicas = slices.DeleteFunc(p.Replicas, func(r wire.Replica) bool { return !alive(m, r) })
		for j := range p.Replicas {
			p.Replicas[j].Role = voter
		}
		p.ConfIndex++
	}
}

// twoGone is a map of 96 shards on five nodes, of which two have fallen silent.
func twoGone() *wire.ClusterMap {
	m := firstMap(1, []wire.Member{member(10, 1), member(20, 1), member(30, 1), member(40, 1), member(50, 1)}, 96, 3)
	m.Member(10).State, m.Member(20).State = wire.MemberDown, wire.MemberDown
	return m
}

// A shard that has lost its majority to nodes that are silent waits for them, however long. The others do not wait for it.
func TestRepairsDoNotWaitForWhatCannotBeRepaired(t *testing.T) {
	p, m := newPlanner(t), twoGone()
	stuck := 0
	for range 40 {
		commands, _ := p.plan(m)
		for _, c := range commands {
			changeMap(m, c)
		}
		catchUp(m, func(*wire.Placement) bool { return false })
	}
	for i := range m.Placements {
		switch n := healthy(m, &m.Placements[i]); n {
		case 0, 1:
			stuck++
		default:
			require.Equal(t, 3, n, "shard %d", i)
		}
	}
	require.Greater(t, stuck, repairsMax, "or this says nothing")
}

// Nor do they wait longer than a while for a learner that does not catch up, whatever holds it up.
func TestRepairsDoNotWaitForEver(t *testing.T) {
	p, m := newPlanner(t), firstMap(1, []wire.Member{member(10, 1), member(20, 1), member(30, 1)}, 64, 3)
	join(m, member(40, 1))
	m.Member(20).State = wire.MemberDown
	heldUp := func(p *wire.Placement) bool { return p.Shard < 2*repairsMax }
	round := func() {
		commands, _ := p.plan(m)
		for _, c := range commands {
			changeMap(m, c)
		}
		catchUp(m, heldUp)
	}
	whole := func() (n int) {
		for i := range m.Placements {
			if healthy(m, &m.Placements[i]) == 3 {
				n++
			}
		}
		return n
	}
	for range 20 {
		round()
	}
	require.Zero(t, whole(), "while it may be on its way they wait")
	for range 4 {
		p.lane.env.(*world).now += overdueAfter + time.Second
		for range 20 {
			round()
		}
	}
	require.Equal(t, len(m.Placements)-2*repairsMax, whole())
}

// groups is what the shards' groups would do (mend.go): the configuration of each, as its leader
// brings it to what the map wants, and the reports, which may be late.
type groups struct {
	m       *wire.ClusterMap
	confs   []conf
	reports []*wire.MetaCommand // on their way, or lost
}

type conf struct {
	index            uint64
	voters, learners []wire.ReplicaID
}

func newGroups(m *wire.ClusterMap) *groups {
	g := &groups{m: m}
	for _, p := range m.Placements {
		c := conf{index: 1}
		for _, r := range p.Replicas {
			c.voters = append(c.voters, r.ID)
		}
		g.confs = append(g.confs, c)
	}
	return g
}

// live counts the live voters of a group, as the map has their lives.
func (g *groups) live(shard int, ids []wire.ReplicaID) (n int) {
	p := &g.m.Placements[shard]
	for _, id := range ids {
		if r := p.Replica(id); r != nil && alive(g.m, *r) {
			n++
		}
	}
	return n
}

func (g *groups) quorum(shard int) bool {
	return g.live(shard, g.confs[shard].voters)*2 > len(g.confs[shard].voters)
}

// mend makes the next change of one group's configuration, and reports it.
func (g *groups) mend(t failer, shard int) {
	c, p := &g.confs[shard], &g.m.Placements[shard]
	next := conf{c.index + 10, slices.Clone(c.voters), slices.Clone(c.learners)}
	without := func(ids []wire.ReplicaID, id wire.ReplicaID) []wire.ReplicaID {
		return slices.DeleteFunc(ids, func(x wire.ReplicaID) bool { return x == id })
	}
	gone, staying := wire.ReplicaID(0), 0
	for _, id := range c.voters {
		r := p.Replica(id)
		switch dead := r == nil || !alive(g.m, *r); {
		case dead:
			gone = id
		case r.Role == leaving && gone == 0:
			gone = id
		case r.Role == voter:
			staying++
		}
	}
	changed := func() bool {
		for _, id := range c.learners {
			if r := p.Replica(id); r == nil || !alive(g.m, *r) {
				next.learners = without(next.learners, id)
				return true
			}
		}
		for _, r := range p.Replicas {
			switch {
			case slices.Contains(c.voters, r.ID) || !alive(g.m, r):
			case !slices.Contains(c.learners, r.ID):
				if r.Role == learner {
					next.learners = append(next.learners, r.ID)
					return true
				}
			default:
				next.learners = without(next.learners, r.ID)
				next.voters = append(without(next.voters, gone), r.ID)
				return true
			}
		}
		if gone != 0 && staying >= wanted(g.m) {
			next.voters = without(next.voters, gone)
			return true
		}
		return false
	}()
	if changed {
		before, after := g.live(shard, c.voters), g.live(shard, next.voters)
		if after < min(before, wanted(g.m)) {
			t.Fatalf("shard %d: %d live voters of %v become %d of %v", shard, before, c.voters, after, next.voters)
		}
		*c = next
	}
	g.reports = append(g.reports, g.report(shard))
}

func (g *groups) report(shard int) *wire.MetaCommand {
	c := g.confs[shard]
	return &wire.MetaCommand{Kind: wire.MetaSetRoles, Shard: wire.ShardID(shard), Index: c.index, Voters: c.voters, Learners: c.learners, Replica: slices.Max(slices.Concat(c.voters, c.learners))}
}

func (g *groups) change(c *wire.MetaCommand) {
	if changeMap(g.m, c) {
		g.m.Epoch++
	}
}

// moves counts the shards that have a replica on its way, those that are stuck or the others. One that has lost its quorum, as far as the map knows, does not move: it is
// left alone until more is known (onItsWay).
func (g *groups) moves(stuck bool) (n int) {
	for i := range g.m.Placements {
		if g.stuck(i) == stuck && !onItsWay(g.m, &g.m.Placements[i]) && slices.ContainsFunc(g.m.Placements[i].Replicas, func(r wire.Replica) bool { return r.Role == learner && alive(g.m, r) }) {
			n++
		}
	}
	return n
}

// stuck reports whether a shard's voters by the map are no quorum: it has a place of its own (places), and events may put one on the move among
// those, or take it out.
func (g *groups) stuck(shard int) bool {
	p := &g.m.Placements[shard]
	return 2*healthy(g.m, p) <= voters(p)
}

// TestAnyMembershipSettles: whatever nodes come, go, return and change weight, with reports that
// are late, doubled and lost, the map ends where the ring wants it. On the way no change leaves a
// shard with fewer live voters than it had (or than it should have), and few shards move at a time.
func TestAnyMembershipSettles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var members []wire.Member
		for id := range rapid.IntRange(1, 6).Draw(t, "nodes") {
			members = append(members, member(wire.NodeID(id+1), 1))
		}
		shards := rapid.IntRange(1, 40).Draw(t, "shards")
		g := newGroups(firstMap(1, members, shards, rapid.IntRange(1, 5).Draw(t, "replication")))
		p := newPlanner(t)
		for range rapid.IntRange(1, 8).Draw(t, "events") {
			g.event(t)
			for range rapid.IntRange(0, 6).Draw(t, "rounds") {
				g.round(t, p, func(string) bool { return rapid.Bool().Draw(t, "this report arrives") })
			}
		}
		g.settle(t, p)
	})
}

// event is one change of the membership that leaves every group its quorum.
func (g *groups) event(t *rapid.T) {
	before := g.m.Clone()
	node := wire.NodeID(rapid.IntRange(1, 7).Draw(t, "node"))
	who := g.m.Member(node)
	switch kind := rapid.SampledFrom([]string{"join", "down", "restart", "up", "weight", "override", "drain", "undrain", "left"}).Draw(t, "event"); {
	case who == nil:
		join(g.m, member(node, 1))
	case kind == "down":
		who.State = wire.MemberDown
	case kind == "restart":
		again := member(node, who.Incarnation+1)
		join(g.m, again)
	case kind == "up" && who.State == wire.MemberDown:
		join(g.m, *who)
	case kind == "weight":
		who.Weight = uint32(rapid.IntRange(50, 300).Draw(t, "weight"))
	case kind == "override":
		overrideWeight(g.m, &wire.MetaCommand{Node: node, Weight: uint32(rapid.IntRange(0, 300).Draw(t, "override"))})
	case kind == "drain":
		drainMember(g.m, &wire.MetaCommand{Node: node, Force: rapid.Bool().Draw(t, "force")})
	case kind == "undrain":
		undrainMember(g.m, node)
	case kind == "left" && who.Draining && !holdsAny(g.m, node):
		who.State = wire.MemberLeft
	}
	g.m.Epoch++
	for shard := range g.confs {
		if !g.quorum(shard) {
			*g.m = *before
			return
		}
	}
}

// round is one round of everybody: the meta group's leader, then each group's, then the reports.
func (g *groups) round(t failer, p *planner, arrives func(string) bool) (open int) {
	commands, open := p.plan(g.m)
	added := map[bool]bool{}
	for _, c := range commands {
		if c.Kind == wire.MetaAddReplica {
			added[g.stuck(int(c.Shard))] = true
		}
		g.change(c)
	}
	if n := g.moves(false); n > repairsMax+movesMax && added[false] {
		t.Fatalf("%d shards move at a time", n)
	}
	if n := g.moves(true); n > repairsMax && added[true] {
		t.Fatalf("%d shards wait for nodes that are silent", n)
	}
	for shard := range g.confs {
		if !g.quorum(shard) {
			t.Fatalf("shard %d has lost its quorum: %v of %v", shard, g.confs[shard], g.m.Placements[shard].Replicas)
		}
		g.mend(t, shard)
	}
	late := g.reports
	g.reports = nil
	for i := len(late) - 1; i >= 0; i-- { // the newest overtake the others
		if arrives("report") {
			g.change(late[i])
		} else if len(g.reports) < 20 {
			g.reports = append(g.reports, late[i])
		}
	}
	return open
}

// settle lets everything arrive, and checks that it ends, and where.
func (g *groups) settle(t *rapid.T, p *planner) {
	for rounds := 0; ; rounds++ {
		before := g.m.Clone()
		if g.round(t, p, func(string) bool { return true }) == 0 && sameMap(before, g.m) {
			break
		}
		require.Less(t, rounds, 400, "it does not settle: %+v", g.m.Placements)
	}
	commands, open := p.plan(g.m)
	require.Empty(t, commands, "a settled map gives nothing to do")
	require.Zero(t, open)

	for i := range g.m.Members {
		who := &g.m.Members[i]
		require.False(t, who.Draining && who.State == wire.MemberActive && len(holders(g.m)) > 0 && holdsLive(g.m, who), "a drained node still holds something")
	}
	for shard, target := range ring.Place(holders(g.m), int(g.m.Shards), int(g.m.Replication), g.m.Placements) {
		placement := g.m.Placements[shard]
		var nodes []wire.NodeID
		for _, r := range placement.Replicas {
			if alive(g.m, r) {
				require.Equal(t, voter, r.Role)
				require.Contains(t, g.confs[shard].voters, r.ID)
				nodes = append(nodes, r.Node)
			}
		}
		require.ElementsMatch(t, target.Nodes, nodes, "shard %d", shard)
		require.Equal(t, target.Nodes[0], placement.Preferred)
		require.Empty(t, g.confs[shard].learners)
		if len(target.Nodes) == int(g.m.Replication) {
			require.Len(t, g.confs[shard].voters, len(nodes), "the dead ones have gone")
		}
	}
}

func holdsLive(m *wire.ClusterMap, who *wire.Member) bool {
	return slices.ContainsFunc(m.Placements, func(p wire.Placement) bool { return p.On(who.ID, who.Incarnation) != nil })
}

func sameMap(a, b *wire.ClusterMap) bool {
	return slices.Equal(wire.AppendClusterMap(nil, a), wire.AppendClusterMap(nil, b))
}
