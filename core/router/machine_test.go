package router

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"torc/core/wire"
)

// TestAnyStory drives a hall through random events beside a model that knows the truth: what
// became of every try of every call.
func TestAnyStory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &machine{lobby: newLobby(), calls: map[uint64]*fate{}, tries: map[uint64]*try{}, names: map[name]uint64{}, openers: map[name]uint64{}}
		m.node.leader = wire.NodeID(rapid.IntRange(0, 3).Draw(t, "first leader"))
		t.Repeat(rapid.StateMachineActions(m))
		m.end(t)
	})
}

type machine struct {
	*lobby
	calls   map[uint64]*fate // by tag
	admits  uint64
	tries   map[uint64]*try // by forward's number
	numbers []uint64        // of tries, in order
	names   map[name]uint64 // (shard, client, seq) -> tag: a session's number is one request's
	openers map[name]uint64 // (shard, client, 0) -> tag: of the lane's own, who may begin it
	seen    int             // forwards looked at so far
}

// fate is what is true of a call.
type fate struct {
	write    bool
	local    bool
	deadline time.Duration
	tries    []*try
	log      bool // is in this node's log, perhaps
}

// try is one forward. What the other node does with it is decided once.
type try struct {
	forward wire.Forward
	decided bool
	answer  wire.Response
}

type name struct {
	shard       wire.ShardID
	client, seq uint64
}

// maybeApplied is the truth that a refusal must not deny.
func (f *fate) maybeApplied() bool {
	for _, y := range f.tries {
		if !y.decided || y.answer.Outcome != wire.OutcomeRefused && y.answer.Reason != wire.ReasonSessionExpired {
			return true
		}
	}
	return f.log
}

func (m *machine) Admit(t *rapid.T) {
	m.admits++
	f := &fate{write: rapid.Bool().Draw(t, "write"), local: rapid.IntRange(0, 9).Draw(t, "local") == 0}
	w := &wire.Call{Tag: m.admits, Sink: m, Local: f.local, TimeoutMillis: int64(rapid.SampledFrom([]int{0, 1, 100, 3000}).Draw(t, "timeout"))}
	w.Shard = wire.ShardID(rapid.IntRange(1, 2).Draw(t, "shard"))
	w.Commands = []wire.Command{get}
	if f.write {
		w.Commands = []wire.Command{set}
		if rapid.Bool().Draw(t, "own session") {
			w.Session = wire.Session{Client: 8, Seq: m.admits, Floor: 1}
		}
	}
	f.deadline = m.node.now + testConfig.Timeout
	if w.TimeoutMillis > 0 {
		f.deadline = m.node.now + time.Duration(w.TimeoutMillis)*time.Millisecond
	}
	m.calls[w.Tag] = f
	m.Hall.Admit(w)
}

// Deliver is the sink: it sees each answer at the moment when it is given.
func (m *machine) Deliver(tag uint64, r *wire.Response) {
	m.note()
	m.lobby.Deliver(tag, r)
	f := m.calls[tag]
	switch r.Outcome {
	case wire.OutcomeRefused:
		if f.write && f.maybeApplied() {
			panic("a write that may have been applied was refused")
		}
	case wire.OutcomeUnknown:
		if !f.write {
			panic("a read is unknown")
		}
		if len(f.tries) == 0 && !f.log {
			panic("a write that never left is unknown")
		}
	}
}

// note looks at what was forwarded since the last look.
func (m *machine) note() {
	for ; m.seen < len(m.node.sent); m.seen++ {
		s := m.node.sent[m.seen]
		sent := s.m.(*wire.Forward)
		y := &try{forward: *sent}
		if m.tries[sent.ID] != nil || s.to == self || sent.TimeoutMillis <= 0 {
			panic("a number used twice, a call sent to oneself, or with no time")
		}
		m.tries[sent.ID], m.numbers = y, append(m.numbers, sent.ID)
		tag := m.forwards[sent.ID].Tag
		f := m.calls[tag]
		if f.local {
			panic("a local call was forwarded")
		}
		if f.write {
			m.noteSession(tag, f, &sent.Request)
		}
		f.tries = append(f.tries, y)
	}
}

func (m *machine) noteSession(tag uint64, f *fate, r *wire.Request) {
	s := r.Session
	if s.Client == 0 || s.Floor > s.Seq || s.Seq == 0 {
		panic("a forwarded write without a session")
	}
	n := name{r.Shard, s.Client, s.Seq}
	if other, used := m.names[n]; used && other != tag {
		panic("two requests under one number")
	}
	m.names[n] = tag
	if !s.Retry && f.maybeApplied() {
		panic("a write that may have been applied is sent again as if it were new")
	}
	if s.Client == 8 && s.Retry && len(f.tries) == 0 {
		panic("a write that was never sent is no retry")
	}
	if opener, begun := m.openers[name{r.Shard, s.Client, 0}]; s.Client != 8 && (s.Retry && !begun || !s.Retry && begun && opener != tag) {
		panic("a session of the lane's is begun by one write, and the others insist on it")
	}
	if s.Client != 8 && !s.Retry {
		m.openers[name{r.Shard, s.Client, 0}] = tag
	}
	for _, c := range m.open {
		if !c.Done() && c.Shard == r.Shard && c.Session.Client == s.Client && s.Client != 8 && c.Session.Seq < s.Floor {
			panic("the floor is above a request that is waited for")
		}
	}
}

func (m *machine) LeaderChanged(t *rapid.T) {
	m.node.leader = wire.NodeID(rapid.IntRange(0, 3).Draw(t, "leader"))
	if m.node.leader != self {
		m.deposed(rapid.Bool().Draw(t, "log gave up"))
	}
	m.Hall.LeaderChanged(here)
}

// deposed is what a replica does with its calls when it ceases to lead.
func (m *machine) deposed(unknown bool) {
	taken := m.node.taken
	m.node.taken = nil
	for _, c := range taken {
		switch {
		case c.Done():
		case c.place != proposed:
			m.Route(c)
		case unknown:
			m.Finish(c, &wire.Response{Outcome: wire.OutcomeUnknown, Reason: wire.ReasonLeadershipLost})
		default:
			m.Finish(c, &wire.Response{})
		}
	}
}

// Replica lets this node's replica do something with a call that it took.
func (m *machine) Replica(t *rapid.T) {
	if len(m.node.taken) == 0 {
		t.Skip("it has none")
	}
	i := rapid.IntRange(0, len(m.node.taken)-1).Draw(t, "which")
	c := m.node.taken[i]
	f := m.calls[c.Tag]
	away := true
	switch {
	case c.Done():
	case f.write && c.place != proposed:
		if !c.Session.Retry && f.maybeApplied() {
			panic("a write that may have been applied is proposed here as if it were new")
		}
		f.log = true
		if c.Proposed(); rapid.IntRange(0, 3).Draw(t, "dropped") == 0 {
			c.Dropped()
			f.log = false
			m.Refuse(c, wire.ReasonOverloaded)
		} else {
			away = false
		}
	case f.write:
		m.Finish(c, &wire.Response{})
	case rapid.Bool().Draw(t, "read again"):
		m.Park(c)
	default:
		m.Served(here)
		m.Finish(c, &wire.Response{})
	}
	if away {
		m.node.taken = append(m.node.taken[:i:i], m.node.taken[i+1:]...)
	}
}

// Reply delivers an answer to any try, however old, however often.
func (m *machine) Reply(t *rapid.T) {
	if len(m.numbers) == 0 {
		t.Skip("nothing was sent")
	}
	y := m.tries[m.numbers[len(m.numbers)-1-min(rapid.IntRange(0, 30).Draw(t, "which, newest first"), len(m.numbers)-1)]]
	if !y.decided {
		y.decided = true
		answers := []wire.Response{
			{},
			{Outcome: wire.OutcomeRefused, Reason: wire.ReasonNotLeader, Leader: 3},
			{Outcome: wire.OutcomeRefused, Reason: wire.ReasonNotOwner},
			{Outcome: wire.OutcomeRefused, Reason: wire.ReasonOverloaded},
			{Outcome: wire.OutcomeRefused, Reason: wire.ReasonNoQuorum},
		}
		if y.forward.Request.Session.Retry {
			answers = append(answers, wire.Response{Outcome: wire.OutcomeUnknown, Reason: wire.ReasonSessionExpired})
		}
		y.answer = rapid.SampledFrom(answers).Draw(t, "answer")
	}
	answer := y.answer
	m.OnReply(&wire.Reply{ID: y.forward.ID, Shard: y.forward.Request.Shard, Response: answer})
}

func (m *machine) Tick(t *rapid.T) {
	m.node.now += time.Duration(rapid.SampledFrom([]int{0, 1, 50, 1001, 3001}).Draw(t, "ms")) * time.Millisecond
	m.Hall.Tick()
	for tag, f := range m.calls {
		require.False(t, f.deadline <= m.node.now && len(m.answers[tag]) == 0, "call %d is overdue", tag)
	}
}

func (m *machine) Check(t *rapid.T) {
	m.note()
	waiting := 0
	for tag := range m.calls {
		answers := len(m.answers[tag])
		require.LessOrEqual(t, answers, 1, "answers to call %d", tag)
		waiting += 1 - answers
	}
	require.Equal(t, waiting, m.Waiting())
	require.LessOrEqual(t, waiting, testConfig.InboxMax)
	queued := map[*Call]bool{}
	for _, c := range m.parked {
		require.False(t, queued[c], "call %d stands in the queue twice", c.Tag)
		queued[c] = true
	}
	for number, c := range m.forwards {
		require.False(t, c.Done() || c.forward != number, "an answered call is still awaited")
	}
}

// end lets all time run out: then every call has its answer, and nothing is kept.
func (m *machine) end(t *rapid.T) {
	m.node.now += time.Hour
	m.Hall.Tick()
	for tag := range m.calls {
		require.Len(t, m.answers[tag], 1, "answers to call %d", tag)
	}
	m.Hall.Tick()
	require.Zero(t, m.Waiting())
	require.Empty(t, m.open)
	require.Empty(t, m.parked)
	require.Empty(t, m.forwards)
}
