package session

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"torc/core/wire"
)

// wide is a cluster of which the nodes 1 to owners hold the only shard. Who holds it names its leader,
// unless all are deaf; who does not guesses.
type wide struct {
	*world
	brain  *Brain
	cmap   *wire.ClusterMap
	owners wire.NodeID
	leader wire.NodeID // zero: nobody
	dead   wire.NodeID // answers nothing
	deaf   bool        // nobody but the leader knows who leads
	anew   bool        // the shard knows no session: what comes in doubt is not taken
	asked  []wire.NodeID
}

func newWide(seed uint64, owners, nodes int, down ...wire.NodeID) *wide {
	q := &wide{world: newWorld(seed), owners: wire.NodeID(owners), cmap: threeNodes(7, 1, 1)}
	p := q.cmap.Placement(1)
	for id := wire.NodeID(4); id <= wire.NodeID(nodes); id++ {
		q.cmap.Members = append(q.cmap.Members, wire.Member{ID: id, GRPCAddr: id.String(), Weight: 100})
		if int(id) <= owners {
			p.Replicas = append(p.Replicas, wire.Replica{ID: wire.ReplicaID(id), Node: id, Role: wire.RoleVoter})
		}
	}
	for _, id := range down {
		q.cmap.Member(id).State = wire.MemberDown
	}
	q.brain = New(Config{Seeds: []string{"n2"}}, q, q, q)
	q.brain.Start()
	q.run(q.now + time.Second)
	return q
}

func (q *wide) FetchMap(id uint64, _ string) {
	q.After(time.Millisecond, func() { q.brain.OnMap(id, q.cmap) })
}

func (q *wide) Send(id uint64, addr string, req *wire.Request, _ time.Duration) {
	var node wire.NodeID
	_, _ = fmt.Sscanf(addr, "n%d", &node)
	q.asked = append(q.asked, node)
	q.After(time.Millisecond, func() {
		if node == q.dead {
			return
		}
		r := &wire.Response{Outcome: wire.OutcomeRefused, Reason: wire.ReasonNotLeader, Epoch: q.cmap.Epoch}
		switch {
		case node == q.leader && q.anew && req.Session.Retry:
			r.Reason = wire.ReasonSessionExpired
		case node == q.leader:
			q.anew = false
			r = &wire.Response{Results: make([]wire.Result, 1), Epoch: q.cmap.Epoch}
		case node > q.owners:
			r.Reason, r.Leader = wire.ReasonNotOwner, q.cmap.Placement(1).Preferred
		case !q.deaf:
			r.Leader = q.leader
		}
		q.After(time.Millisecond, func() { q.brain.OnResponse(id, r) })
	})
}

// set writes, and returns when it was answered.
func (q *wide) set(t require.TestingT) time.Duration {
	var at time.Duration
	q.brain.Do([]wire.Command{{Op: wire.OpSet, Key: []byte("k")}}, 20*time.Second, func(items []Item) {
		require.Equal(t, wire.OutcomeOK, items[0].Outcome, "%v", items[0].Reason)
		at = q.now
	})
	q.run(q.now + 20*time.Second)
	require.NotZero(t, at)
	return at
}

// A new leader is found as soon as the longest backoff and one question to a dead node allow, however
// many other nodes the cluster has: one replica's node is dead and called down, and the others take
// their time to elect somebody.
func TestANewLeaderIsFoundSoon(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := newWide(rapid.Uint64().Draw(t, "seed"), 3, rapid.IntRange(3, 60).Draw(t, "nodes"), 1)
		q.dead = 1
		elected := q.now + time.Duration(rapid.IntRange(1, 3000).Draw(t, "electionMillis"))*time.Millisecond
		q.After(elected-q.now, func() { q.leader = wire.NodeID(rapid.IntRange(2, 3).Draw(t, "leader")) })
		require.LessOrEqual(t, q.set(t)-elected, 250*time.Millisecond+time.Second/4+20*time.Millisecond)
	})
}

// A leader that the map has declared down, and that nobody else knows of, is found all the same, and is
// asked at once from then on.
func TestALeaderThatIsCalledDownIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		owners := rapid.IntRange(3, 7).Draw(t, "owners")
		nodes := rapid.IntRange(owners, 30).Draw(t, "nodes")
		var down []wire.NodeID
		for range rapid.IntRange(1, owners).Draw(t, "down") {
			down = append(down, wire.NodeID(rapid.IntRange(1, owners).Draw(t, "who")))
		}
		q := newWide(rapid.Uint64().Draw(t, "seed"), owners, nodes, down...)
		q.deaf, q.leader = true, rapid.SampledFrom(down).Draw(t, "leader")
		began := q.now
		require.LessOrEqual(t, q.set(t)-began, 20*time.Second)
		q.asked = nil
		q.set(t)
		require.Equal(t, []wire.NodeID{q.leader}, q.asked)
	})
}

// A node that is down and was still to be given its replica leads nothing, and may be of another cluster, where it does (cluster/stranger.go). It is not asked,
// however long the others are of no help.
func TestWhoDoesNotVoteIsNotTakenForALeader(t *testing.T) {
	q := newWide(1, 3, 4, 4)
	p := q.cmap.Placement(1)
	p.Replicas = append(p.Replicas, wire.Replica{ID: 4, Node: 4})
	q.deaf, q.leader = true, 4
	var told []Item
	q.brain.Do([]wire.Command{{Op: wire.OpSet, Key: []byte("k")}}, 10*time.Second, func(items []Item) { told = append(told, items...) })
	q.run(q.now + 11*time.Second)
	require.Len(t, told, 1)
	require.NotContains(t, q.asked, q.leader)
	require.NotEqual(t, wire.OutcomeOK, told[0].Outcome)
}

// A shard begun anew knows no session, and its leader by preference is silent. The first write comes in doubt to
// the node that leads, which cannot tell what became of it; the next asks that one first, and succeeds at once.
func TestWhoLeadsIsLearntFromAForgottenSession(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := newWide(rapid.Uint64().Draw(t, "seed"), 3, rapid.IntRange(3, 30).Draw(t, "nodes"))
		q.dead, q.deaf, q.leader, q.anew = q.cmap.Placement(1).Preferred, true, 3, true
		require.NotEqual(t, q.dead, q.leader)
		var outcomes []Item
		for range 3 {
			q.brain.Do([]wire.Command{{Op: wire.OpSet, Key: []byte("k")}}, 4*time.Second, func(items []Item) { outcomes = append(outcomes, items[0]) })
			q.run(q.now + 5*time.Second)
			q.asked = q.asked[:len(q.asked)*min(len(outcomes)-1, 1)]
		}
		require.Equal(t, wire.OutcomeUnknown, outcomes[0].Outcome)
		require.Equal(t, []wire.Outcome{wire.OutcomeOK, wire.OutcomeOK}, []wire.Outcome{outcomes[1].Outcome, outcomes[2].Outcome})
		require.Equal(t, []wire.NodeID{q.leader, q.leader}, q.asked)
	})
}

// A map that prefers a silent node comes while a write is under way to the one that leads. The next writes go where this one was answered.
func TestAMapThatComesMeanwhileHidesNoLeader(t *testing.T) {
	q := newWide(1, 3, 3)
	q.leader, q.deaf = q.cmap.Placement(1).Preferred, true
	q.After(time.Millisecond/2, func() {
		next := *q.cmap
		next.Epoch++
		next.Placements = append([]wire.Placement(nil), q.cmap.Placements...)
		next.Placement(1).Preferred = q.leader%3 + 1
		q.cmap, q.dead = &next, next.Placement(1).Preferred
		q.brain.refresh(next.Epoch)
	})
	q.set(t)
	q.asked = nil
	q.set(t)
	require.Equal(t, []wire.NodeID{q.leader}, q.asked)
}

// Callers that have less time than one attempt is given leave a silent leader all the same, soon and for good.
func TestShortCallsLeaveASilentLeader(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := newWide(rapid.Uint64().Draw(t, "seed"), 3, rapid.IntRange(3, 30).Draw(t, "nodes"))
		q.dead, q.leader = q.cmap.Placement(1).Preferred, 2
		require.NotEqual(t, q.dead, q.leader)
		op := rapid.SampledFrom([]wire.Op{wire.OpGet, wire.OpSet}).Draw(t, "op")
		timeout := time.Duration(rapid.IntRange(20, 240).Draw(t, "timeoutMillis")) * time.Millisecond
		began, failed := q.now, 0
		for q.now-began < 10*time.Second {
			q.brain.Do([]wire.Command{{Op: op, Key: []byte("k")}}, timeout, func(items []Item) {
				if items[0].Outcome != wire.OutcomeOK {
					failed++
				}
			})
			q.run(q.now + timeout)
		}
		require.LessOrEqual(t, time.Duration(failed)*timeout, 4*time.Second)
	})
}
