package router

import (
	"testing"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// A caller's wish to keep what is read is not sent on: the promise would be this node's. A sink of the node's own has it.
func TestForward_PromisesAreTheNodesOwn(t *testing.T) {
	l := newLobby()
	l.lead(2)
	wish := get
	wish.Flags = wire.FlagCache
	_, c := l.call(here, wish)
	sent := func() wire.Flags {
		return l.node.sent[len(l.node.sent)-1].m.(*wire.Forward).Request.Commands[0].Flags
	}
	require.Zero(t, sent())
	require.Equal(t, wire.FlagCache, c.Commands[0].Flags, "should this node's replica come to lead")
	_, many := l.call(here, get, get)
	require.Equal(t, many.Commands, l.node.sent[len(l.node.sent)-1].m.(*wire.Forward).Request.Commands)
	l.Admit(&wire.Call{Request: wire.Request{Shard: here, Commands: []wire.Command{wish}}, Tag: 99, Sink: keeps{l}})
	require.Equal(t, wire.FlagCache, sent())
}

type keeps struct{ *lobby }

func (keeps) Keeps() {}

// A node that has forwarded a read can be asked to drop it: the life of it that has asked.
func TestForward_ANodeIsAHolder(t *testing.T) {
	l := newLobby()
	l.lead(self)
	l.OnForward(2, 7, &wire.Forward{ID: 3, Request: wire.Request{Shard: here, Commands: []wire.Command{get}}})
	holder, is := wire.HolderOf(l.node.taken[0].Sink)
	require.True(t, is)
	require.True(t, FromNode(holder))
	require.False(t, FromNode(nil))
	m := &wire.Recall{Shard: here, ID: 9, Key: get.Key}
	holder.Recall(m)
	require.Equal(t, letter{2, m}, l.node.sent[len(l.node.sent)-1])
	require.Equal(t, wire.Incarnation(7), l.node.lives[len(l.node.lives)-1])
}

func TestForwardedWritesHaveASession(t *testing.T) {
	l := newLobby()
	first, _ := l.call(there, set)
	a := l.forwarded(t, 2)
	require.Equal(t, wire.Session{Client: 4711, Seq: 1, Floor: 1}, a.Request.Session)

	l.call(there, set)
	b := l.forwarded(t, 2)
	require.Equal(t, wire.Session{Client: 4711, Seq: 2, Floor: 1, Retry: true}, b.Request.Session, "the first is still waited for")

	l.call(there, get)
	require.Zero(t, l.forwarded(t, 2).Request.Session, "a read needs none")

	l.reply(b, wire.Response{})
	l.call(there, set)
	c := l.forwarded(t, 2)
	require.Equal(t, wire.Session{Client: 4711, Seq: 3, Floor: 1, Retry: true}, c.Request.Session, "the first is still waited for")

	l.reply(a, wire.Response{})
	l.told(t, first, wire.OutcomeOK, wire.ReasonNone)
	l.call(there, set)
	require.Equal(t, wire.Session{Client: 4711, Seq: 4, Floor: 3, Retry: true}, l.forwarded(t, 2).Request.Session)

	own := wire.Session{Client: 9, Seq: 40, Floor: 38}
	l.admit(&wire.Call{Request: wire.Request{Shard: there, Session: own, Commands: []wire.Command{set}}, Tag: 99})
	require.Equal(t, own, l.forwarded(t, 2).Request.Session, "the caller's goes before the lane's")

	l.lead(2)
	l.call(here, set)
	require.Equal(t, wire.Session{Client: 4711, Seq: 1, Floor: 1}, l.forwarded(t, 2).Request.Session, "each shard counts by itself")
}

// TestASessionIsOpenedOnce: one write may begin the lane's session with a shard; the others insist on it. What finds it forgotten
// goes under the next one, and what may have been applied before is unknown.
func TestASessionIsOpenedOnce(t *testing.T) {
	forgotten := wire.Response{Outcome: wire.OutcomeUnknown, Reason: wire.ReasonSessionExpired}
	l := newLobby()
	first, _ := l.call(there, set)
	opener := l.forwarded(t, 2) // and nobody answers
	l.pass(testConfig.Resend + 1)
	again := l.forwardedTo(t)
	require.Equal(t, wire.Session{Client: 4711, Seq: 1, Floor: 1, Retry: true}, again.Request.Session)

	second, _ := l.call(there, set)
	b := l.forwardedTo(t)
	require.Equal(t, wire.Session{Client: 4711, Seq: 2, Floor: 1, Retry: true}, b.Request.Session)
	l.reply(b, forgotten)
	require.Empty(t, l.answers[second], "it had no effect: it is sent again")
	b = l.forwardedTo(t)
	require.Equal(t, wire.Session{Client: 4713, Seq: 1, Floor: 1}, b.Request.Session, "and opens the next session")
	third, _ := l.call(there, set)
	c := l.forwardedTo(t)
	require.Equal(t, wire.Session{Client: 4713, Seq: 2, Floor: 1, Retry: true}, c.Request.Session)
	l.reply(b, wire.Response{})
	l.told(t, second, wire.OutcomeOK, wire.ReasonNone)

	l.reply(again, forgotten)
	l.told(t, first, wire.OutcomeUnknown, wire.ReasonLeadershipLost)
	l.reply(opener, wire.Response{})
	require.Len(t, l.answers[first], 1)
	l.reply(c, wire.Response{Outcome: wire.OutcomeRefused, Reason: wire.ReasonOverloaded})
	l.told(t, third, wire.OutcomeRefused, wire.ReasonOverloaded)
}

// TestAnOpenerInDoubtEndsItsSession: nobody has said that the shard knows the session, and the write that opens it may be under way still. If it
// came late it would begin the session beside what goes under it by then. What is answered under another session says nothing of this one.
func TestAnOpenerInDoubtEndsItsSession(t *testing.T) {
	for _, another := range []wire.Session{{}, {Client: 9, Seq: 1, Floor: 1}} {
		l := newLobby()
		first, _ := l.call(there, set)
		require.Equal(t, wire.Session{Client: 4711, Seq: 1, Floor: 1}, l.forwarded(t, 2).Request.Session)
		if another.Client != 0 {
			l.admit(&wire.Call{Request: wire.Request{Shard: there, Session: another, Commands: []wire.Command{set}}, Tag: 99})
			l.reply(l.forwarded(t, 2), wire.Response{})
		}
		l.pass(testConfig.Timeout)
		l.told(t, first, wire.OutcomeUnknown, wire.ReasonDeadline)
		l.call(there, set)
		require.Equal(t, wire.Session{Client: 4713, Seq: 1, Floor: 1}, l.forwardedTo(t).Request.Session)
	}
}

// TestAFormerSessionSaysNothingOfTheNext: nor does what is answered late under the one before.
func TestAFormerSessionSaysNothingOfTheNext(t *testing.T) {
	l := newLobby()
	l.call(there, set)
	l.reply(l.forwarded(t, 2), wire.Response{})
	l.call(there, set)
	late := l.forwarded(t, 2)
	l.call(there, set)
	l.reply(l.forwarded(t, 2), wire.Response{Outcome: wire.OutcomeUnknown, Reason: wire.ReasonSessionExpired})
	require.Equal(t, wire.Session{Client: 4713, Seq: 1, Floor: 1}, l.forwarded(t, 2).Request.Session)
	l.reply(late, wire.Response{})
	l.pass(testConfig.Timeout)
	l.call(there, set)
	require.Equal(t, wire.Session{Client: 4715, Seq: 1, Floor: 1}, l.forwardedTo(t).Request.Session)
}

// TestAForgottenSessionComesTooLate: that another node did not know the session is no reason to send a write again that this node's replica
// has by now. It would be in the log twice.
func TestAForgottenSessionComesTooLate(t *testing.T) {
	l := newLobby()
	l.lead(2)
	tag, call := l.call(here, set)
	f := l.forwarded(t, 2)
	l.lead(0)
	l.pass(testConfig.Notice)
	l.lead(self)
	l.pass(testConfig.Notice)
	require.Equal(t, []*Call{call}, l.node.taken)
	l.reply(f, wire.Response{Outcome: wire.OutcomeUnknown, Reason: wire.ReasonSessionExpired})
	require.Equal(t, []*Call{call}, l.node.taken)
	require.Empty(t, l.answers[tag])
}

// TestAForgottenTryHadNoEffect: so when the next one is refused the write is.
func TestAForgottenTryHadNoEffect(t *testing.T) {
	l := newLobby()
	tag, _ := l.call(there, set)
	l.reply(l.forwarded(t, 2), wire.Response{Outcome: wire.OutcomeUnknown, Reason: wire.ReasonSessionExpired})
	l.refuse(l.forwarded(t, 2), wire.ReasonOutOfMemory, 0)
	l.told(t, tag, wire.OutcomeRefused, wire.ReasonOutOfMemory)
}

// TestWhatIsAnsweredIsNotKept: what the lane's session remembers of forwarded writes goes with the answers, though nothing more is
// forwarded to the shard.
func TestWhatIsAnsweredIsNotKept(t *testing.T) {
	l := newLobby()
	for range 4 {
		l.call(there, set)
	}
	sent, _ := l.forwardsSent(t)
	for i, f := range []*wire.Forward{sent[1], sent[0], sent[3]} {
		l.reply(f, wire.Response{})
		require.Len(t, l.shard(there).writes, []int{4, 2, 2}[i])
	}
	l.pass(testConfig.Timeout)
	require.Nil(t, l.shard(there).writes)

	l.lead(2)
	l.call(here, set)
	l.reply(l.forwarded(t, 2), wire.Response{})
	l.call(here, set)
	l.refuse(l.forwarded(t, 2), wire.ReasonNotLeader, 0)
	l.lead(self)
	require.Len(t, l.node.taken, 1)
	require.Nil(t, l.shard(here).writes, "it is proposed here")

	l.lead(2)
	l.call(here, set)
	_, call := l.call(here, set)
	sent, _ = l.forwardsSent(t)
	l.refuse(sent[len(sent)-1], wire.ReasonNotLeader, 0)
	l.Refuse(call, wire.ReasonOverloaded)
	l.withdraw(call) // it was answered as it was taken
	require.True(t, call.own)
}

// TestAtHomeAWriteNeedsNoSession: a write that another node has refused, and that is proposed here, would open a session that was
// forgotten meanwhile. One that may have been applied insists on it.
func TestAtHomeAWriteNeedsNoSession(t *testing.T) {
	for _, answered := range []bool{true, false} {
		l := newLobby()
		l.lead(2)
		l.call(here, set)
		l.reply(l.forwarded(t, 2), wire.Response{})
		_, call := l.call(here, set)
		f := l.forwarded(t, 2)
		if answered {
			l.refuse(f, wire.ReasonNotLeader, 0)
		}
		l.lead(0)
		l.pass(testConfig.Notice)
		l.lead(self)
		l.pass(testConfig.Notice)
		require.Equal(t, []*Call{call}, l.node.taken)
		if answered {
			require.Zero(t, call.Session)
			continue
		}
		require.True(t, call.Session.Retry)
		require.EqualValues(t, 2, call.Session.Seq)
	}
}

// TestAForgottenSessionAfterATryInDoubt: that a shard does not remember the session says that this try had no effect, and a caller
// that hears it writes again, under another session. It is not told so when an earlier try of this node may still arrive.
func TestAForgottenSessionAfterATryInDoubt(t *testing.T) {
	for _, retry := range []bool{false, true} {
		l := newLobby()
		request := wire.Request{Shard: there, Session: wire.Session{Client: 9, Seq: 1, Floor: 1, Retry: retry}, Commands: []wire.Command{set}}
		l.admit(&wire.Call{Request: request, Tag: 1})
		forgotten := wire.Response{Outcome: wire.OutcomeUnknown, Reason: wire.ReasonSessionExpired}
		l.reply(l.forwarded(t, 2), forgotten)
		l.told(t, 1, wire.OutcomeUnknown, wire.ReasonSessionExpired)

		l.admit(&wire.Call{Request: request, Tag: 2})
		l.forwarded(t, 2) // and nobody answers
		l.pass(testConfig.Resend + 1)
		again, _ := l.forwardsSent(t)
		l.reply(again[0], forgotten)
		l.told(t, 2, wire.OutcomeUnknown, wire.ReasonLeadershipLost)
	}
}

// TestSendingAgain: a try that nobody answered may have been applied, so the next one insists
// on the session; one that was refused has not, so following the redirect is no retry. (With
// Retry, a shard that has never heard of the session would have to call the outcome unknown.)
func TestSendingAgain(t *testing.T) {
	for _, c := range []struct {
		name    string
		session wire.Session
		between func(l *lobby, f *wire.Forward)
		retry   bool
	}{
		{"no answer", wire.Session{}, func(*lobby, *wire.Forward) {}, true},
		{"no answer, the caller's session", wire.Session{Client: 9, Seq: 1, Floor: 1}, func(*lobby, *wire.Forward) {}, true},
		{"a redirect", wire.Session{}, func(l *lobby, f *wire.Forward) { l.refuse(f, wire.ReasonNotLeader, 3) }, false},
		{"a redirect, the caller's session", wire.Session{Client: 9, Seq: 1, Floor: 1}, func(l *lobby, f *wire.Forward) { l.refuse(f, wire.ReasonNotOwner, 0) }, false},
		{"no answer, then a redirect", wire.Session{}, func(l *lobby, _ *wire.Forward) {
			l.pass(testConfig.Resend + 1)
			second := l.node.sent[0].m.(*wire.Forward)
			l.node.sent, l.node.now = nil, 0
			l.refuse(second, wire.ReasonNotLeader, 3)
		}, true},
		{"a redirect, the caller had sent it before", wire.Session{Client: 9, Seq: 1, Floor: 1, Retry: true}, func(l *lobby, f *wire.Forward) { l.refuse(f, wire.ReasonNotLeader, 3) }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLobby()
			l.admit(&wire.Call{Request: wire.Request{Shard: there, Session: c.session, Commands: []wire.Command{set}}})
			a := l.forwarded(t, 2)
			require.Equal(t, c.session.Retry, a.Request.Session.Retry)
			c.between(l, a)
			left := uint64(10_000)
			ids, _ := l.forwardsSent(t)
			if len(ids) == 0 { // a hint is followed at once
				l.pass(testConfig.Resend + 1)
				ids, _ = l.forwardsSent(t)
				left = 8999
			}
			require.Len(t, ids, 1)
			b := ids[0]
			require.Equal(t, a.Request.Session.Client, b.Request.Session.Client)
			require.Equal(t, a.Request.Session.Seq, b.Request.Session.Seq, "the same request")
			require.Equal(t, c.retry, b.Request.Session.Retry)
			require.NotEqual(t, a.ID, b.ID)
			require.EqualValues(t, left, b.TimeoutMillis, "what is left of its time, rounded down")
		})
	}
}

// TestARefusalSpeaksForOneTry: of a write that was sent twice, only the second try is known not
// to have been applied.
func TestARefusalSpeaksForOneTry(t *testing.T) {
	for _, c := range []struct {
		name    string
		command wire.Command
		session wire.Session
		again   bool
		outcome wire.Outcome
	}{
		{"a write sent once", set, wire.Session{}, false, wire.OutcomeRefused},
		{"a write sent twice", set, wire.Session{}, true, wire.OutcomeUnknown},
		{"a read sent twice", get, wire.Session{}, true, wire.OutcomeRefused},
		{"a caller's first try", set, wire.Session{Client: 9, Seq: 1, Floor: 1}, false, wire.OutcomeRefused},
		{"a caller's retry", set, wire.Session{Client: 9, Seq: 1, Floor: 1, Retry: true}, false, wire.OutcomeUnknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLobby()
			const tag = 1
			l.admit(&wire.Call{Request: wire.Request{Shard: there, Session: c.session, Commands: []wire.Command{c.command}}, Tag: tag})
			f := l.forwarded(t, 2)
			if c.again {
				l.pass(testConfig.Resend + 1)
				late := f
				f = l.forwarded(t, 3) // node 2 is silent
				l.refuse(late, wire.ReasonOverloaded, 0)
				require.Empty(t, l.answers[tag], "the first try's answer comes too late")
			}
			l.refuse(f, wire.ReasonOverloaded, 0)
			l.told(t, tag, c.outcome, wire.ReasonOverloaded)
		})
	}
}
