package host

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/gossip"
	"torc/core/wire"
)

func onShard(shard wire.ShardID, sink wire.Sink) *wire.Call {
	return &wire.Call{Request: wire.Request{Shard: shard}, Sink: sink}
}

func TestRequestsGoToTheShardsLane(t *testing.T) {
	seen := make(chan [2]int, 8)
	lane := func(i int) *fakeLane {
		return &fakeLane{onCall: func(c *wire.Call) { seen <- [2]int{i, int(c.Shard)} }}
	}
	h := start(t, Config{}, nil, lane(0), lane(1), lane(2))
	for _, shard := range []wire.ShardID{1, 2, 3, 4} {
		h.Submit(onShard(shard, replies(nil)))
	}
	got := map[[2]int]bool{}
	for range 4 {
		got[await(t, seen)] = true
	}
	require.Equal(t, map[[2]int]bool{{1, 1}: true, {2, 2}: true, {0, 3}: true, {1, 4}: true}, got)
}

func TestFramesAreSplitByLane(t *testing.T) {
	frames := [2]chan *wire.Frame{make(chan *wire.Frame, 1), make(chan *wire.Frame, 1)}
	gossiped := make(chan string, 1)
	lane := func(i int) *fakeLane { return &fakeLane{onFrame: func(f *wire.Frame) { frames[i] <- f }} }
	cfg := Config{Gossip: func(data []byte) { gossiped <- string(data) }}
	h := start(t, cfg, nil, lane(0), lane(1))

	h.OnFrame(&wire.Frame{From: 7, FromIncarnation: 8, To: 9, ToIncarnation: 10, Cluster: 11, Messages: []wire.Message{
		&wire.Raft{Shard: 1}, &wire.Raft{Shard: 2}, &wire.Gossip{Data: []byte("rumour")}, &wire.Raft{Shard: 3},
	}})

	require.Equal(t, "rumour", await(t, gossiped))
	even := await(t, frames[0])
	require.Equal(t, []wire.Message{&wire.Raft{Shard: 2}}, even.Messages)
	odd := await(t, frames[1])
	require.Equal(t, []wire.Message{&wire.Raft{Shard: 1}, &wire.Raft{Shard: 3}}, odd.Messages)
	require.Equal(t, wire.NodeID(7), odd.From)
	require.Equal(t, wire.Incarnation(8), odd.FromIncarnation)
	require.Equal(t, wire.NodeID(9), odd.To)
	require.Equal(t, wire.Incarnation(10), odd.ToIncarnation)
	require.Equal(t, uint64(11), odd.Cluster)
}

// Two clusters' memberships are two, too: a former member's address may be another cluster's node's now, and is asked for news all the same. Who has no
// cluster yet is listened to, as nodes of this one are.
func TestGossipOfAnotherClusterIsDropped(t *testing.T) {
	gossiped := make(chan string, 8)
	net := &fakeNet{}
	h := start(t, Config{Gossip: func(data []byte) { gossiped <- string(data) }}, net, &fakeLane{})
	say := func(cluster uint64, what string) {
		h.OnFrame(&wire.Frame{From: 7, Cluster: cluster, Messages: []wire.Message{&wire.Gossip{Data: []byte(what)}}})
	}
	say(12, "no cluster yet")
	require.Equal(t, "no cluster yet", await(t, gossiped))
	h.PublishMap(&wire.ClusterMap{ClusterID: 11, Epoch: 1})
	say(12, "of another one")
	say(0, "of none")
	say(11, "of this one")
	require.Equal(t, "of none", await(t, gossiped))
	require.Equal(t, "of this one", await(t, gossiped))
	h.SendGossip("other:1", []byte("rumour"))
	require.Equal(t, uint64(11), net.last.Cluster)
}

func TestFramesForThisNodeStayHere(t *testing.T) {
	got := make(chan *wire.Frame, 1)
	net := &fakeNet{}
	l := &fakeLane{onFrame: func(f *wire.Frame) { got <- f }}
	h := start(t, Config{}, net, l)
	require.NoError(t, h.Do(soon(t), 0, func() {
		l.env.Send("self:1", &wire.Frame{Messages: []wire.Message{&wire.Hello{}}})
		l.env.Send("other:1", &wire.Frame{})
	}))
	await(t, got)
	require.Equal(t, []string{"other:1"}, net.addrs())
}

func TestAFullInboxRefuses(t *testing.T) {
	for name, cfg := range map[string]Config{
		"by count": {CallsMax: 1},
		"by bytes": {CallBytesMax: 200},
	} {
		t.Run(name, func(t *testing.T) {
			release, busy := make(chan struct{}), make(chan struct{})
			answered := make(replies, 3)
			l := &fakeLane{onCall: func(c *wire.Call) { c.Sink.Deliver(c.Tag, &wire.Response{}) }}
			h := start(t, cfg, nil, l)
			go func() { _ = h.Do(context.Background(), 0, func() { close(busy); <-release }) }()
			<-busy

			big := onShard(1, answered)
			big.Commands = []wire.Command{{Op: wire.OpSet, Value: make([]byte, 1000)}}
			h.Submit(big) // one alone is admitted, whatever its size
			h.Submit(onShard(1, answered))
			require.Equal(t, wire.Response{Outcome: wire.OutcomeRefused, Reason: wire.ReasonOverloaded}, await(t, answered))
			require.Equal(t, 1, h.Stats().Waiting)
			require.EqualValues(t, 1, h.Stats().CallsRefused)

			close(release)
			require.Equal(t, wire.OutcomeOK, await(t, answered).Outcome)
		})
	}
}

// What waits longer than its sender does is refused, and the lane does nothing for it; what waited less has the rest.
func TestWhatIsTooLateIsRefusedBeforeItIsDone(t *testing.T) {
	release, busy := make(chan struct{}), make(chan struct{})
	late, inTime := make(replies, 1), make(replies, 1)
	var done []int64
	l := &fakeLane{onCall: func(c *wire.Call) { done = append(done, c.TimeoutMillis); c.Sink.Deliver(c.Tag, &wire.Response{}) }}
	h := start(t, Config{}, nil, l)
	go func() { _ = h.Do(context.Background(), 0, func() { close(busy); <-release }) }()
	<-busy
	hurried, patient := onShard(1, late), onShard(1, inTime)
	hurried.TimeoutMillis, patient.TimeoutMillis = 20, 60_000
	h.Submit(hurried)
	h.Submit(patient)
	time.Sleep(30 * time.Millisecond)
	close(release)
	require.Equal(t, wire.Response{Outcome: wire.OutcomeRefused, Reason: wire.ReasonDeadline}, await(t, late))
	require.Equal(t, wire.OutcomeOK, await(t, inTime).Outcome)
	require.EqualValues(t, 1, h.Stats().CallsLate)
	require.Len(t, done, 1)
	require.LessOrEqual(t, done[0], int64(59_970))
}

func TestFramesOverTheBoundAreDropped(t *testing.T) {
	release, busy := make(chan struct{}), make(chan struct{})
	got := make(chan *wire.Frame, 3)
	h := start(t, Config{FrameMax: 1000}, nil, &fakeLane{onFrame: func(f *wire.Frame) { got <- f }})
	go func() { _ = h.Do(context.Background(), 0, func() { close(busy); <-release }) }()
	<-busy
	for range 3 {
		h.OnFrame(&wire.Frame{Messages: []wire.Message{&wire.SnapshotChunk{Data: make([]byte, 600)}}})
	}
	close(release)
	await(t, got)
	require.EqualValues(t, 2, h.Stats().FramesDropped)
}

func TestEverythingWaitingIsOneTurn(t *testing.T) {
	release, busy := make(chan struct{}), make(chan struct{})
	calls := 0
	turns := make(chan int, 100)
	l := &fakeLane{onCall: func(*wire.Call) { calls++ }}
	l.onFlush = func() {
		if calls > 0 {
			turns <- calls
			calls = 0
		}
	}
	h := start(t, Config{}, nil, l)
	go func() { _ = h.Do(context.Background(), 0, func() { close(busy); <-release }) }()
	<-busy
	for range 50 {
		h.Submit(onShard(1, replies(nil)))
	}
	close(release)
	require.Equal(t, 50, await(t, turns))
}

// flusher is a connection that is flushed once for all that it is told in a turn.
type flusher struct {
	atEnd     func(func(many bool))
	noted     bool
	delivered int
	turns     chan int
}

func (f *flusher) Within(atEnd func(func(many bool))) { f.atEnd = atEnd }

func (f *flusher) Deliver(uint64, *wire.Response) {
	f.delivered++
	switch {
	case f.atEnd == nil:
		f.flush(false)
	case !f.noted:
		f.noted = true
		f.atEnd(f.flush)
	}
}

func (f *flusher) flush(bool) {
	f.turns <- f.delivered
	f.delivered, f.noted = 0, false
}

func TestSinksAreFlushedAtTheEndOfTheTurn(t *testing.T) {
	var held []*wire.Call
	flushed := false
	l := &fakeLane{onCall: func(c *wire.Call) { held = append(held, c) }, onFlush: func() { flushed = true }}
	h := start(t, Config{}, nil, l)
	one, two := &flusher{turns: make(chan int, 9)}, &flusher{turns: make(chan int, 9)}
	for range 3 {
		h.Submit(onShard(1, one))
		h.Submit(onShard(1, two))
	}
	require.NoError(t, h.Do(soon(t), 0, func() {
		flushed = false
		for _, c := range held {
			c.Sink.Deliver(c.Tag, &wire.Response{})
		}
		require.Empty(t, one.turns)
	}))
	require.Equal(t, 3, await(t, one.turns))
	require.Equal(t, 3, await(t, two.turns))
	require.True(t, flushed, "after the lane's own Flush")
	require.NoError(t, h.Stop(soon(t)))
	h.Submit(onShard(1, one))
	require.Equal(t, 1, await(t, one.turns), "no turn delivers a refusal: the sink does without")
}

// What is submitted together comes into one turn of each lane, however soon that begins.
func TestCallsSubmittedTogetherShareATurn(t *testing.T) {
	lanes := []*fakeLane{{}, {}}
	var turns [2][]int
	for i, l := range lanes {
		count := 0
		l.onCall = func(c *wire.Call) { count++; c.Sink.Deliver(c.Tag, &wire.Response{}) }
		l.onFlush = func() {
			if count > 0 {
				turns[i], count = append(turns[i], count), 0
			}
		}
	}
	h := start(t, Config{}, nil, lanes[0], lanes[1])
	answers := make(replies, 5*100)
	for range 100 {
		var calls []*wire.Call
		for shard := range 5 {
			calls = append(calls, onShard(wire.ShardID(shard), answers))
		}
		h.Submit(calls...)
		for i := range lanes {
			require.NoError(t, h.Do(soon(t), i, func() {}))
		}
	}
	require.NoError(t, h.Stop(soon(t)))
	for i, want := range []int{3, 2} {
		require.Len(t, turns[i], 100)
		for _, n := range turns[i] {
			require.Equal(t, want, n)
		}
	}
}

func TestMapsReachReadersAndEveryLane(t *testing.T) {
	maps := make(chan wire.Epoch, 8)
	lane := func() *fakeLane {
		return &fakeLane{onMap: func(m *wire.ClusterMap) { maps <- m.Epoch }}
	}
	h := start(t, Config{}, nil, lane(), lane())
	require.Nil(t, h.Map())
	h.PublishMap(&wire.ClusterMap{Epoch: 5})
	h.PublishMap(&wire.ClusterMap{Epoch: 4}) // late: nobody wants it
	h.PublishMap(&wire.ClusterMap{Epoch: 5})
	require.EqualValues(t, 5, h.Map().Epoch)
	require.EqualValues(t, 5, await(t, maps))
	require.EqualValues(t, 5, await(t, maps))
	for lane := range 2 {
		require.NoError(t, h.Do(soon(t), lane, func() {}))
	}
	require.Empty(t, maps)
}

func TestLeadersAreShown(t *testing.T) {
	h := start(t, Config{}, nil, &fakeLane{})
	h.PublishLeader(3, 42, 1)
	require.EqualValues(t, 42, h.Leader(3))
	h.PublishLeader(3, 0, 2)
	require.Zero(t, h.Leader(3))
	require.Zero(t, h.Leader(1<<20), "a shard that cannot be")
}

func TestCopiesAreShown(t *testing.T) {
	h := start(t, Config{}, nil, &fakeLane{})
	require.False(t, h.Holds(3))
	h.PublishHeld(3, 2)
	require.True(t, h.Holds(3))
	h.PublishHeld(3, 0)
	require.False(t, h.Holds(3))
	require.False(t, h.Holds(1<<20), "a shard that cannot be")
}

func TestGossipGoesToLaneZero(t *testing.T) {
	got := make(chan gossip.Event, 1)
	h := start(t, Config{}, nil, &fakeLane{onGossip: func(e gossip.Event) { got <- e }}, &fakeLane{})
	h.OnGossip(gossip.Event{Node: 5, Status: gossip.Dead})
	require.Equal(t, gossip.Event{Node: 5, Status: gossip.Dead}, await(t, got))
}

func TestAPanicStopsTheNode(t *testing.T) {
	var log bytes.Buffer
	fatal := make(chan any, 1)
	h := start(t, Config{
		Logger:  slog.New(slog.NewTextHandler(&log, nil)),
		OnFatal: func(_ int, reason any) { fatal <- reason },
	}, nil, &fakeLane{onCall: func(*wire.Call) { panic("a belief was wrong") }})
	h.Submit(onShard(1, replies(nil)))
	require.Equal(t, "a belief was wrong", await(t, fatal))
	require.Contains(t, log.String(), "TestAPanicStopsTheNode", "the stack is in the log")
	require.ErrorIs(t, h.Do(soon(t), 0, func() {}), ErrStopped)
}

func TestStopLetsLanesHandOverAndRefusesTheRest(t *testing.T) {
	release := make(chan func(), 1)
	l := &fakeLane{onStop: func(done func()) { release <- done }}
	h := start(t, Config{}, nil, l)
	stopped := make(chan error, 1)
	go func() { stopped <- h.Stop(context.Background()) }()
	done := await(t, release)
	require.NoError(t, h.Do(soon(t), 0, func() {}), "the lane still works while it hands over")
	require.NoError(t, h.Do(soon(t), 0, done))
	require.NoError(t, await(t, stopped))

	answered := make(replies, 1)
	h.Submit(onShard(1, answered))
	require.Equal(t, wire.Response{Outcome: wire.OutcomeRefused, Reason: wire.ReasonStopping}, await(t, answered))
	require.ErrorIs(t, h.Do(soon(t), 0, func() {}), ErrStopped)
	require.NoError(t, h.Stop(soon(t)), "a second Stop is no error")
}

func TestStopDoesNotWaitForEver(t *testing.T) {
	h := start(t, Config{}, nil, &fakeLane{onStop: func(func()) {}})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, h.Stop(ctx), context.Canceled)
}

func TestDoGivesUpWithItsContext(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	h := start(t, Config{}, nil, &fakeLane{})
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	err := h.Do(ctx, 0, func() { <-release })
	require.True(t, errors.Is(err, context.DeadlineExceeded), "%v", err)
}

func TestStartWantsEveryLane(t *testing.T) {
	require.ErrorContains(t, New(Config{Lanes: 2}).Start([]Lane{&fakeLane{}}, nil), "1 lanes given, 2 configured")
}

// counted is a sink that has something to do at the end of a turn, and knows whether its client has gone.
type counted struct {
	replies
	gone    bool
	within  int
	flushed chan bool
	atEnd   func(func(bool))
}

func (c *counted) Gone() bool { return c.gone }

func (c *counted) Within(atEnd func(flush func(many bool))) {
	c.within++
	c.atEnd = atEnd
}

func (c *counted) Deliver(tag uint64, resp *wire.Response) {
	c.atEnd(func(many bool) { c.flushed <- many })
	c.replies.Deliver(tag, resp)
}

// keeper is a client that keeps what it reads.
type keeper struct{ replies }

func (keeper) Recall(*wire.Recall) {}

// Whoever looks at slow requests does not come between a lane and a client that keeps what it reads.
func TestAWatchedHolderIsItself(t *testing.T) {
	who := keeper{make(replies, 1)}
	seen := make(chan wire.Holder, 1)
	l := &fakeLane{onCall: func(c *wire.Call) {
		holder, _ := wire.HolderOf(c.Sink)
		seen <- holder
		c.Sink.Deliver(c.Tag, &wire.Response{})
	}}
	h := start(t, Config{SlowAfter: time.Hour, OnSlow: func(SlowCall) {}}, nil, l)
	h.Submit(onShard(7, who))
	require.Equal(t, wire.Holder(who), await(t, seen))
	_, ok := wire.HolderOf(make(replies))
	require.False(t, ok)
}

// Who wants to know of slow requests is told of each that is, after its answer, and of no other; the sinks notice nothing.
func TestSlowRequestsAreToldOf(t *testing.T) {
	for after, slow := range map[time.Duration]int{time.Nanosecond: 2, time.Hour: 0} {
		told := make(chan SlowCall, 4)
		gone := make(chan bool, 4)
		l := &fakeLane{onCall: func(c *wire.Call) {
			who, says := c.Sink.(interface{ Gone() bool })
			gone <- says && who.Gone()
			c.Sink.Deliver(c.Tag, &wire.Response{Outcome: wire.OutcomeRefused, Reason: wire.ReasonNoQuorum})
		}}
		h := start(t, Config{SlowAfter: after, OnSlow: func(s SlowCall) { told <- s }}, nil, l)
		plain, flusher := make(replies, 1), &counted{replies: make(replies, 1), gone: true, flushed: make(chan bool, 1)}
		h.Submit(onShard(7, plain))
		await(t, plain)
		require.False(t, await(t, gone))
		c := onShard(8, flusher)
		c.Commands = []wire.Command{{Op: wire.OpSet}, {Op: wire.OpGet}}
		h.Submit(c)
		require.Equal(t, wire.ReasonNoQuorum, await(t, flusher.replies).Reason)
		require.True(t, await(t, gone))
		await(t, flusher.flushed)
		require.Equal(t, 1, flusher.within)
		require.NoError(t, h.Do(soon(t), 0, func() {}))
		require.Len(t, told, slow)
		if slow > 0 {
			first, second := <-told, <-told
			require.Positive(t, first.Took)
			first.Took, second.Took = 0, 0
			require.Equal(t, SlowCall{Shard: 7, Outcome: wire.OutcomeRefused, Reason: wire.ReasonNoQuorum}, first)
			require.Equal(t, SlowCall{Shard: 8, Op: wire.OpSet, Commands: 2, Outcome: wire.OutcomeRefused, Reason: wire.ReasonNoQuorum}, second)
		}
	}
}
