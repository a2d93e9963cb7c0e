package router

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/breaker"
	"torc/core/wire"
)

func TestWhatIsRefusedAtTheDoor(t *testing.T) {
	long := make([]byte, 33)
	for _, c := range []struct {
		name    string
		prepare func(*lobby)
		shard   wire.ShardID
		command wire.Command
		why     wire.Reason
	}{
		{"the node stops", func(l *lobby) { l.Stop() }, here, set, wire.ReasonStopping},
		{"no cluster yet", func(l *lobby) { l.node.m = nil }, here, set, wire.ReasonNotReady},
		{"the meta group takes no calls", nil, wire.MetaShard, set, wire.ReasonNotOwner},
		{"no such shard", nil, 3, set, wire.ReasonNotOwner},
		{"the key is too long", nil, here, wire.Command{Op: wire.OpGet, Key: long[:17]}, wire.ReasonTooLarge},
		{"the value is too long", nil, here, wire.Command{Op: wire.OpSet, Value: long}, wire.ReasonTooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLobby()
			l.node.leader = self
			if c.prepare != nil {
				c.prepare(l)
			}
			tag, _ := l.call(c.shard, get, c.command)
			l.told(t, tag, wire.OutcomeRefused, c.why)
			require.Zero(t, l.Waiting())
			require.Empty(t, l.node.taken)
		})
	}
}

// A request for another cluster is refused, without a word of who leads here, and one for this cluster or none is taken. Between nodes the frame says it.
func TestARequestForAnotherClusterIsRefused(t *testing.T) {
	l := newLobby()
	ask := func(tag uint64, shard wire.ShardID, cluster uint64) {
		l.admit(&wire.Call{Request: wire.Request{Shard: shard, Cluster: cluster, Commands: []wire.Command{set}}, Tag: tag})
	}
	for tag, shard := range []wire.ShardID{here, there, 9} {
		ask(uint64(tag), shard, 8)
		require.Equal(t, []wire.Response{{Outcome: wire.OutcomeRefused, Reason: wire.ReasonOtherCluster, Epoch: 5}}, l.answers[uint64(tag)])
	}
	require.Empty(t, l.node.sent)
	ask(11, there, 7)
	ask(12, there, 0)
	require.Len(t, l.node.sent, 2)
	require.Zero(t, l.node.sent[0].m.(*wire.Forward).Request.Cluster)
}

// A request that no frame carries is refused, though none of its values is too long.
func TestARequestLongerThanAFrameIsRefused(t *testing.T) {
	l := newLobby()
	l.node.leader = self
	l.cfg.MaxValue = wire.RequestMax
	half := wire.Command{Op: wire.OpSet, Value: make([]byte, wire.RequestMax/2)}
	tag, _ := l.call(here, half, half)
	l.told(t, tag, wire.OutcomeRefused, wire.ReasonTooLarge)
	l.call(here, half)
	require.Len(t, l.node.taken, 1)
}

// TestNobodyAnswers: what a caller is told when its time is over, by where its call was.
func TestNobodyAnswers(t *testing.T) {
	proposed := func(l *lobby, c *Call) {
		l.lead(self)
		c.Proposed()
	}
	for _, c := range []struct {
		name    string
		command wire.Command
		way     func(l *lobby, c *Call)
		outcome wire.Outcome
		why     wire.Reason
	}{
		{"a write that waited for a leader", set, func(*lobby, *Call) {}, wire.OutcomeRefused, wire.ReasonNoQuorum},
		{"a read that waited for a leader", get, func(*lobby, *Call) {}, wire.OutcomeRefused, wire.ReasonNoQuorum},
		{"a write in this node's replica", set, func(l *lobby, _ *Call) { l.lead(self) }, wire.OutcomeRefused, wire.ReasonDeadline},
		{"a read in this node's replica", get, func(l *lobby, _ *Call) { l.lead(self) }, wire.OutcomeRefused, wire.ReasonDeadline},
		{"a write in the log", set, proposed, wire.OutcomeUnknown, wire.ReasonDeadline},
		{"a write that the log did not take", set, func(l *lobby, c *Call) { proposed(l, c); c.Dropped() }, wire.OutcomeRefused, wire.ReasonDeadline},
		{"a forwarded write", set, func(l *lobby, _ *Call) { l.lead(2) }, wire.OutcomeUnknown, wire.ReasonDeadline},
		{"a forwarded read", get, func(l *lobby, _ *Call) { l.lead(2) }, wire.OutcomeRefused, wire.ReasonDeadline},
		{"a write that was forwarded and waits again", set, func(l *lobby, _ *Call) { l.lead(2); l.lead(0) }, wire.OutcomeUnknown, wire.ReasonNoQuorum},
		{"a read that was forwarded and waits again", get, func(l *lobby, _ *Call) { l.lead(2); l.lead(0) }, wire.OutcomeRefused, wire.ReasonNoQuorum},
		{"a write that was forwarded and came back to this node", set, func(l *lobby, _ *Call) { l.lead(2); l.lead(self) }, wire.OutcomeUnknown, wire.ReasonDeadline},
		{"the same, and the log here did not take it", set, func(l *lobby, c *Call) {
			l.lead(2)
			proposed(l, c)
			c.Dropped()
		}, wire.OutcomeUnknown, wire.ReasonDeadline},
		{"reads and a write together are a write", set, func(l *lobby, _ *Call) { l.lead(2) }, wire.OutcomeUnknown, wire.ReasonDeadline},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLobby()
			l.tag++
			call := l.admit(&wire.Call{Request: wire.Request{Shard: here, Commands: []wire.Command{get, c.command}}, Tag: l.tag, TimeoutMillis: 900})
			require.NotNil(t, call)
			c.way(l, call)
			l.pass(899 * time.Millisecond)
			require.Empty(t, l.answers[l.tag], "not before its time")
			l.pass(time.Millisecond)
			l.told(t, l.tag, c.outcome, c.why)
			require.Zero(t, l.Waiting())

			l.Finish(call, &wire.Response{})
			l.Refuse(call, wire.ReasonStopping)
			l.Route(call)
			require.True(t, call.Done(), "whoever gathered it finds it answered, and does not propose it")
			l.Park(call)
			require.True(t, call.Done())
			l.lead(2)
			l.pass(time.Minute)
			require.Len(t, l.answers[l.tag], 1, "nothing that comes later is told")
		})
	}
}

func TestTheDefaultTimeout(t *testing.T) {
	l := newLobby()
	l.node.leader = self
	tag, _ := l.call(here, get)
	l.pass(testConfig.Timeout - 1)
	require.Empty(t, l.answers[tag])
	l.pass(1)
	l.told(t, tag, wire.OutcomeRefused, wire.ReasonDeadline)
}

func TestAnAnswerIsPassedOn(t *testing.T) {
	l := newLobby()
	tag, _ := l.call(there, set)
	f := l.forwarded(t, 2)
	require.EqualValues(t, 5, f.Request.Epoch, "the request goes under this node's map")
	require.EqualValues(t, 10_000, f.TimeoutMillis)
	answer := wire.Response{Results: []wire.Result{{Kind: wire.KindOK}}}
	l.reply(f, answer)
	l.reply(f, answer)
	r := l.told(t, tag, wire.OutcomeOK, wire.ReasonNone)
	require.Equal(t, answer.Results, r.Results)
	require.EqualValues(t, 5, r.Epoch)
	require.EqualValues(t, 2, r.Leader, "whom to ask next time")
	require.EqualValues(t, 1, l.Answered)
}

func TestRedirectsAreFollowed(t *testing.T) {
	for _, c := range []struct {
		name string
		why  wire.Reason
		hint wire.NodeID
		next wire.NodeID
	}{
		{"to the leader that is named", wire.ReasonNotLeader, 4, 4},
		{"to the first replica's node, when none is named", wire.ReasonNotLeader, 0, 2},
		{"to the first replica's node, when it names itself", wire.ReasonNotReady, 2, 2},
		{"not to this node, which does not lead", wire.ReasonNotOwner, self, 2},
		{"from a node that stops", wire.ReasonStopping, 3, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLobby()
			tag, _ := l.call(there, set)
			l.refuse(l.forwarded(t, 2), c.why, c.hint)
			require.Empty(t, l.answers[tag])
			l.pass(time.Millisecond)
			l.reply(l.forwarded(t, c.next), wire.Response{})
			l.told(t, tag, wire.OutcomeOK, wire.ReasonNone)
		})
	}
}

// TestEveryReplicaIsTried: without a hint the replicas' nodes are asked in turn.
func TestEveryReplicaIsTried(t *testing.T) {
	l := newLobby()
	l.call(there, set)
	var asked []wire.NodeID
	for range 5 {
		ids, to := l.forwardsSent(t)
		require.Len(t, ids, 1)
		asked = append(asked, to[0])
		l.refuse(ids[0], wire.ReasonNotLeader, 0)
		l.pass(time.Millisecond)
	}
	require.Equal(t, []wire.NodeID{2, 2, 3, 4, 2}, asked, "the preferred one, each replica, the preferred one")
}

// TestAFormerLifeIsNoLeader: the map names this node for a replica that a former life of it held.
// It asks the others, and names nobody but them to those who ask it.
func TestAFormerLifeIsNoLeader(t *testing.T) {
	l := newLobby()
	for i := range l.node.m.Placements[there].Replicas {
		if r := &l.node.m.Placements[there].Replicas[i]; r.Node == 3 {
			r.Node = self
		}
	}
	l.node.m.Placements[there].Preferred = self
	tag, _ := l.call(there, set)
	var asked []wire.NodeID
	for range 4 {
		ids, to := l.forwardsSent(t)
		require.Len(t, ids, 1)
		asked = append(asked, to[0])
		l.refuse(ids[0], wire.ReasonNotLeader, 0)
		l.pass(time.Millisecond)
	}
	require.NotContains(t, asked, wire.NodeID(self))
	require.Contains(t, asked, wire.NodeID(4))
	l.pass(time.Hour)
	require.Len(t, l.answers[tag], 1)
	require.NotEqual(t, wire.NodeID(self), l.answers[tag][0].Leader)
}

// TestWhoHasLeftIsNotAsked: a node that has left, or was forgotten by an operator, is nobody's guess.
func TestWhoHasLeftIsNotAsked(t *testing.T) {
	l := newLobby()
	l.node.m.Member(2).State = wire.MemberLeft
	l.call(there, set)
	_, to := l.forwardsSent(t)
	require.NotContains(t, to, wire.NodeID(2))
}

// TestALateRedirectIsNoNews: the leadership came to this node while a call was under way; what
// the former leader says about it does not matter.
func TestALateRedirectIsNoNews(t *testing.T) {
	l := newLobby()
	l.node.leader = 2
	tag, c := l.call(here, set)
	f := l.forwarded(t, 2)
	l.lead(self)
	require.Equal(t, []*Call{c}, l.node.taken)
	c.Proposed()

	l.refuse(f, wire.ReasonNotLeader, 3)
	l.refuse(f, wire.ReasonOverloaded, 0)
	l.pass(time.Millisecond)
	require.Empty(t, l.answers[tag])
	require.Empty(t, l.node.sent)
	require.Len(t, l.node.taken, 1)

	l.Finish(c, &wire.Response{})
	l.told(t, tag, wire.OutcomeOK, wire.ReasonNone)
}

// TestALateAnswerIsGood: the former leader did carry it out.
func TestALateAnswerIsGood(t *testing.T) {
	l := newLobby()
	l.node.leader = 2
	tag, c := l.call(here, set)
	f := l.forwarded(t, 2)
	l.lead(self)
	l.reply(f, wire.Response{})
	l.told(t, tag, wire.OutcomeOK, wire.ReasonNone)
	require.True(t, c.Done(), "the replica here sees that it need not be proposed")
}

func TestPatience(t *testing.T) {
	l := newLobby()
	first, _ := l.call(here, get)
	l.pass(testConfig.Patience)
	second, _ := l.call(here, set)
	require.Empty(t, l.answers, "there is still hope")
	l.node.now++
	third, _ := l.call(here, set)
	l.told(t, third, wire.OutcomeRefused, wire.ReasonNoQuorum)
	l.Tick()
	l.told(t, first, wire.OutcomeRefused, wire.ReasonNoQuorum)
	l.told(t, second, wire.OutcomeRefused, wire.ReasonNoQuorum)
	require.Zero(t, l.Waiting())
	var others []wire.NodeID
	for _, tag := range []uint64{first, second, third} {
		others = append(others, l.answers[tag][0].Leader)
	}
	require.Subset(t, []wire.NodeID{2, 3}, others, "where the majority may be: with the shard's other nodes")
}

// TestNobodyLeadsElsewhere: this node holds no replica, and those that do say that they do not lead. When
// the patience is over calls are refused at once, after a single question, until one is served again.
func TestNobodyLeadsElsewhere(t *testing.T) {
	l := newLobby()
	first, _ := l.call(there, get)
	for i := 0; len(l.answers[first]) == 0; i++ {
		require.Less(t, i, 1000, "it is refused in the end")
		ids, _ := l.forwardsSent(t)
		for _, id := range ids {
			l.refuse(id, wire.ReasonNotLeader, 0)
		}
		l.pass(testConfig.Patience / 20)
	}
	l.told(t, first, wire.OutcomeRefused, wire.ReasonNoQuorum)
	second, _ := l.call(there, set)
	ids, _ := l.forwardsSent(t)
	l.refuse(ids[len(ids)-1], wire.ReasonNotLeader, 0)
	l.told(t, second, wire.OutcomeRefused, wire.ReasonNoQuorum)

	third, _ := l.call(there, get)
	ids, _ = l.forwardsSent(t)
	l.OnReply(&wire.Reply{ID: ids[len(ids)-1].ID, Shard: there, Response: wire.Response{Results: make([]wire.Result, 1)}})
	require.Equal(t, wire.OutcomeOK, l.answers[third][0].Outcome)
	fourth, _ := l.call(there, get)
	ids, _ = l.forwardsSent(t)
	l.refuse(ids[len(ids)-1], wire.ReasonNotLeader, 0)
	require.Empty(t, l.answers[fourth], "there is hope again")
}

// TestPatienceBeginsAnew: what counts is how long the shard has been without a leader now, not
// since a call last met it without one.
func TestPatienceBeginsAnew(t *testing.T) {
	for _, c := range []struct {
		name string
		back func(l *lobby)
	}{
		{"a leader elsewhere", func(l *lobby) { l.lead(2) }},
		{"a leader here", func(l *lobby) { l.lead(self) }},
		{"reads served by a follower", func(l *lobby) { l.Served(here) }},
		{"a call that is forwarded", func(l *lobby) { l.node.leader = 2; l.call(here, get) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLobby()
			l.admit(&wire.Call{Request: wire.Request{Shard: here, Commands: []wire.Command{get}}, TimeoutMillis: 10, Tag: 77})
			l.pass(10 * time.Millisecond)
			l.told(t, 77, wire.OutcomeRefused, wire.ReasonNoQuorum)
			c.back(l)
			l.pass(time.Minute)
			l.lead(0)
			tag, call := l.call(here, set)
			require.NotNil(t, call, "refused at once: %v", l.answers[tag])
		})
	}
}

func TestWhatWaitsIsBounded(t *testing.T) {
	for _, c := range []struct {
		name   string
		leader wire.NodeID
	}{{"for a leader", 0}, {"in this node's replica", self}, {"for another node's answer", 2}} {
		t.Run(c.name, func(t *testing.T) {
			l := newLobby()
			l.node.leader = c.leader
			for range testConfig.InboxMax {
				_, call := l.call(here, set)
				require.NotNil(t, call)
			}
			tag, _ := l.call(here, set)
			l.told(t, tag, wire.OutcomeRefused, wire.ReasonOverloaded)
			require.Equal(t, testConfig.InboxMax, l.Waiting())
			l.Finish(l.open[0], &wire.Response{})
			_, call := l.call(here, set)
			require.NotNil(t, call, "one has gone, one may come")
		})
	}
}

// TestWhatWaitsIsBoundedInBytes, too; but one call may always come.
func TestWhatWaitsIsBoundedInBytes(t *testing.T) {
	l := newLobby()
	l.node.leader = self
	_, first := l.call(here, set)
	l.cfg.BytesMax = 2*first.Bytes() + 1
	_, second := l.call(here, set)
	require.NotNil(t, second)
	tag, _ := l.call(here, set)
	l.told(t, tag, wire.OutcomeRefused, wire.ReasonOverloaded)
	require.Equal(t, 2*first.Bytes(), l.Bytes())
	l.Finish(first, &wire.Response{})
	_, third := l.call(here, set)
	require.NotNil(t, third, "one has gone, one may come")
	l.Finish(second, &wire.Response{})
	l.Finish(third, &wire.Response{})
	require.Zero(t, l.Bytes())
	l.cfg.BytesMax = 1
	_, alone := l.call(here, set)
	require.NotNil(t, alone)
}

// TestAParkedCallWaitsOnce: a call that waits for a leader through many elections stands in the
// queue once.
func TestAParkedCallWaitsOnce(t *testing.T) {
	l := newLobby()
	l.call(here, set)
	for range 50 {
		l.lead(2)
		l.lead(0)
	}
	require.Len(t, l.parked, 1)
	l.Tick()
	require.Len(t, l.parked, 1)
}

// TestASilentNodeIsLeftAlone: after five calls in a row that it did not answer, a node gets none
// for a while, then one to try.
func TestASilentNodeIsLeftAlone(t *testing.T) {
	l := newLobby()
	l.node.leader = 2
	l.call(here, get)
	for range 5 {
		l.forwarded(t, 2)
		l.pass(testConfig.Resend + 1)
	}
	require.Equal(t, breaker.Open, l.breaker(2).State())
	require.Empty(t, l.node.sent)
	tag, c := l.call(here, get)
	require.NotNil(t, c)
	require.Empty(t, l.node.sent)

	l.pass(250 * time.Millisecond)
	probe := l.forwarded(t, 2)
	l.reply(probe, wire.Response{})
	l.pass(time.Millisecond)
	l.reply(l.forwarded(t, 2), wire.Response{})
	l.told(t, tag, wire.OutcomeOK, wire.ReasonNone)
	require.Equal(t, breaker.Closed, l.breaker(2).State())
}

// TestAnotherNodeIsAskedInASilentOnesPlace: of a shard that lives elsewhere.
func TestAnotherNodeIsAskedInASilentOnesPlace(t *testing.T) {
	l := newLobby()
	tag, _ := l.call(there, get)
	var asked []wire.NodeID
	for range 9 {
		ids, to := l.forwardsSent(t)
		asked = append(asked, to...)
		if len(ids) > 0 && to[0] == 3 {
			l.reply(ids[0], wire.Response{})
			break
		}
		l.pass(testConfig.Resend + 1)
	}
	require.Contains(t, asked, wire.NodeID(3))
	l.told(t, tag, wire.OutcomeOK, wire.ReasonNone)
}

func TestLocalCallsAreNeverForwarded(t *testing.T) {
	for _, c := range []struct {
		name   string
		leader wire.NodeID
		shard  wire.ShardID
		why    wire.Reason
		hint   wire.NodeID
	}{
		{"another node leads", 3, here, wire.ReasonNotLeader, 3},
		{"nobody leads", 0, here, wire.ReasonNotLeader, 0},
		{"no replica here: the preferred one is a guess", 0, there, wire.ReasonNotOwner, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLobby()
			l.node.leader = c.leader
			l.admit(&wire.Call{Request: wire.Request{Shard: c.shard, Commands: []wire.Command{set}}, Local: true, Tag: 5})
			require.Equal(t, c.hint, l.told(t, 5, wire.OutcomeRefused, c.why).Leader)
			require.Empty(t, l.node.sent)
		})
	}
}

// TestOtherNodesCalls: a request that was forwarded here is answered to its sender, under the
// sender's number; it goes no further.
func TestOtherNodesCalls(t *testing.T) {
	l := newLobby()
	forward := func(id uint64) *wire.Forward {
		return &wire.Forward{ID: id, TimeoutMillis: 500, Request: wire.Request{Shard: here, Commands: []wire.Command{set}}}
	}
	l.OnForward(3, 1, forward(31))
	l.node.leader = self
	l.OnForward(3, 1, forward(32))
	require.Len(t, l.node.taken, 1)
	l.Finish(l.node.taken[0], &wire.Response{Results: []wire.Result{{Kind: wire.KindOK}}})
	l.OnForward(3, 1, forward(33))
	l.node.taken[1].Proposed()
	l.pass(500 * time.Millisecond)

	var outcomes []wire.Outcome
	for i, s := range l.node.sent {
		require.Equal(t, wire.NodeID(3), s.to)
		r := s.m.(*wire.Reply)
		require.EqualValues(t, 31+i, r.ID)
		require.Equal(t, here, r.Shard)
		outcomes = append(outcomes, r.Response.Outcome)
	}
	require.Equal(t, []wire.Outcome{wire.OutcomeRefused, wire.OutcomeOK, wire.OutcomeUnknown}, outcomes)
}

// A node that holds no replica asks first who says that it leads. When that is wrong, it
// tries every replica, as without a hint.
func TestAHintIsAFirstGuess(t *testing.T) {
	l := newLobby()
	l.node.hint = 4
	l.call(there, get)
	f := l.forwarded(t, 4)
	l.refuse(f, wire.ReasonNotLeader, 0)
	for _, next := range []wire.NodeID{2, 3, 4} {
		l.Tick()
		f = l.forwarded(t, next)
		l.refuse(f, wire.ReasonNotLeader, 0)
	}
	l.refuse(f, wire.ReasonNotLeader, 0)
	l.Tick()
	l.refuse(l.forwarded(t, 4), wire.ReasonNotLeader, 3)
	l.Tick()
	l.forwarded(t, 3)
	l = newLobby()
	l.node.hint = 99 // that the map does not know
	l.call(there, get)
	l.forwarded(t, 2)
}

// Nodes that know no better send a call round in a circle, but not as fast as they can: after two hints it
// waits for the next tick.
func TestHintsAreNotFollowedForEver(t *testing.T) {
	l := newLobby()
	l.call(there, set)
	at := []wire.NodeID{2, 3, 4}
	for i := range hopsMax + 1 {
		f := l.forwarded(t, at[i%3])
		l.refuse(f, wire.ReasonNotLeader, at[(i+1)%3])
	}
	require.Empty(t, l.node.sent)
	l.pass(time.Millisecond)
	f := l.forwarded(t, at[(hopsMax+1)%3])
	l.refuse(f, wire.ReasonNotLeader, 3)
	l.forwarded(t, 3)
}

// What a leader holds when it gives its leadership away, it sends back with the next leader's name, once
// that is known; a call that was sent to it meanwhile waits for that word, for a moment.
func TestALeaderThatGoesSaysWhoIsNext(t *testing.T) {
	l := newLobby()
	l.lead(self)
	l.admit(&wire.Call{Request: wire.Request{Shard: here, Commands: []wire.Command{set}}, Tag: 1, Local: true})
	require.Len(t, l.node.taken, 1)
	l.node.leader = 0
	l.RouteAgain(l.node.taken[0])
	require.Empty(t, l.answers, "it does not say who is next before it knows")
	l.lead(3)
	require.EqualValues(t, 3, l.told(t, 1, wire.OutcomeRefused, wire.ReasonNotLeader).Leader)

	l = newLobby()
	l.cfg.Notice = 100 * time.Millisecond
	l.lead(2)
	tag, _ := l.call(here, set)
	f := l.forwarded(t, 2)
	l.node.now += 50 * time.Millisecond
	l.lead(3)
	require.Empty(t, l.node.sent, "node 2 is given a moment")
	l.refuse(f, wire.ReasonNotLeader, 3)
	again := l.forwarded(t, 3)
	require.False(t, again.Request.Session.Retry, "it was surely not applied")
	l.pass(99 * time.Millisecond)
	l.lead(2)
	require.Empty(t, l.node.sent)
	l.pass(time.Millisecond)
	require.True(t, l.forwarded(t, 2).Request.Session.Retry, "nobody answered")
	require.Empty(t, l.answers[tag])
}

// Callers in a hurry: their calls end before one would be sent again. The node that does not answer is
// left all the same.
func TestASilentNodeIsLeftByCallersInAHurry(t *testing.T) {
	l := newLobby()
	hurried := func() {
		l.admit(&wire.Call{Request: wire.Request{Shard: there, Commands: []wire.Command{set}}, TimeoutMillis: 900})
	}
	hurried()
	l.forwarded(t, 2)
	l.pass(900 * time.Millisecond)
	hurried()
	_, to := l.forwardsSent(t)
	require.NotContains(t, to, wire.NodeID(2), "node 2 has not answered")
}
