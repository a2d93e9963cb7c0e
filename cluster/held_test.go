package cluster

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// mirror is a cluster of three nodes, of which one that does not lead the shard holds a copy of the key k.
type mirror struct {
	*office
	leader, holder *node
	forwards       int // of reads by the holder, to the leader
}

func newMirror(t *testing.T) *mirror {
	r := &mirror{office: newOffice(t, 3, 1)}
	r.run(10 * time.Second)
	r.leader = r.lead(1)
	for _, name := range r.names {
		n := r.nodes[name]
		if n.cfg.HotReads = 4; n != r.leader {
			r.holder = n
		}
	}
	r.listening = func(_ string, f *wire.Frame) {
		for _, m := range f.Messages {
			if forward, is := m.(*wire.Forward); is && f.From == r.holder.cfg.Self.ID && !forward.Request.IsWrite() && forward.Request.Commands[0].Flags == 0 {
				r.forwards++
			}
		}
	}
	r.leader.write("old")
	r.run(time.Second)
	r.heat(t)
	return r
}

// heat reads the key through the holder until it holds a copy.
func (r *mirror) heat(t *testing.T) {
	t.Helper()
	require.True(t, r.until(5*time.Second, func() bool {
		r.holder.ask(&answers{}, getK)
		return r.holder.Status().Hot.Keys == 1
	}))
}

// read asks the holder for a key and waits.
func (r *mirror) read(c wire.Command) wire.Result {
	told := &answers{}
	r.holder.ask(told, c)
	r.until(5*time.Second, func() bool { return len(told.all) == 1 })
	require.Len(r.t, told.all, 1)
	require.Equal(r.t, wire.OutcomeOK, told.all[0].Outcome)
	return told.all[0].Results[0]
}

// A node that is asked for a key often answers at once, from memory, in a turn or between two; and tells the leader no more than that the
// key is still wanted.
func TestANodeHoldsAHotKey(t *testing.T) {
	r := newMirror(t)
	version := r.leader.look(getK).Version
	r.forwards = 0
	taken, asked := r.holder.Status().Hot.Taken, 0
	for range 100 {
		told := &answers{}
		r.holder.ask(told, getK)
		require.Len(t, told.all, 1, "answered within the turn")
		require.Equal(t, "old", string(told.all[0].Results[0].Value))
		require.Equal(t, version, told.all[0].Results[0].Version)
		require.Zero(t, told.all[0].Results[0].Int, "who asks is promised nothing")
		require.Equal(t, "old", string(r.holder.look(getK).Value))
		r.run(20 * time.Millisecond)
		asked += 2
	}
	require.Zero(t, r.forwards)
	s := r.holder.Status().Hot
	require.InDelta(t, 2*time.Second/(150*time.Millisecond), s.Taken-taken, 5, "renewed about halfway")
	require.GreaterOrEqual(t, int(s.Reads), asked)
	require.Positive(t, r.holder.Holdings().Held)

	require.EqualValues(t, 3, r.holder.look(wire.Command{Op: wire.OpStrLen, Key: getK.Key}).Int)
	require.EqualValues(t, 1, r.holder.look(wire.Command{Op: wire.OpExists, Key: getK.Key}).Int)
	for _, c := range []wire.Command{keepable, {Op: wire.OpTTL, Key: getK.Key}, {Op: wire.OpGet, Key: []byte("other")}, {Op: wire.OpGet, Key: getK.Key, Flags: wire.FlagLoad}} {
		require.Nil(t, r.holder.look(c), "%+v", c)
	}
	elsewhere := &wire.Look{Shard: 2, Command: getK}
	require.False(t, r.holder.Look(elsewhere), "it belongs to another shard")

	require.True(t, r.until(3*time.Second, func() bool { return r.holder.Status().Hot.Keys == 0 }), "nobody asks for it any more")
	require.Zero(t, r.holder.Holdings().Held)
}

// That there is no such key is known as well as a value.
func TestANodeHoldsThatThereIsNone(t *testing.T) {
	r := newMirror(t)
	r.leader.ask(&answers{}, wire.Command{Op: wire.OpDelete, Key: getK.Key})
	r.run(100 * time.Millisecond)
	r.heat(t)
	require.Equal(t, wire.KindNil, r.holder.look(getK).Kind)
	require.Zero(t, r.holder.look(wire.Command{Op: wire.OpExists, Key: getK.Key}).Int)
	require.Zero(t, r.holder.look(wire.Command{Op: wire.OpStrLen, Key: getK.Key}).Int)
}

// whenTold is a sink that does something when it is told.
type whenTold func()

func (f whenTold) Deliver(uint64, *wire.Response) { f() }

// A write is acknowledged when no copy answers any more: after a word between the nodes, if they hear each other, else when the promise is
// over, and never before. Then whoever asks any node reads what was written.
func TestAWriteWaitsForTheNode(t *testing.T) {
	for name, lost := range map[string]func(m wire.Message) bool{
		"":                func(wire.Message) bool { return false },
		"recall is lost":  func(m wire.Message) bool { _, is := m.(*wire.Recall); return is },
		"dropped is lost": func(m wire.Message) bool { _, is := m.(*wire.Dropped); return is },
	} {
		t.Run(name, func(t *testing.T) {
			r := newMirror(t)
			r.drop = func(_ string, f *wire.Frame) bool { return slices.ContainsFunc(f.Messages, lost) }
			began, told := r.now, false
			r.holder.ask(whenTold(func() { // at the very moment
				require.Nil(t, r.holder.look(getK))
				told = true
			}), wire.Command{Op: wire.OpSet, Key: getK.Key, Value: []byte("new")}) // through the holder itself
			require.True(t, r.until(time.Second, func() bool { return told }))
			require.Equal(t, "new", string(r.read(getK).Value))
			if name == "" {
				require.Less(t, r.now-began, 100*time.Millisecond)
			}
		})
	}
}

// A life that the cluster cannot admit yet, for the meta group decides nothing, answers for its clients as any other, and holds copies. Its word that
// it has dropped one counts: else writers would wait for its promises, and what it sends in the same frame would be lost.
func TestALifeThatIsNotAdmittedDropsItsCopies(t *testing.T) {
	r := newMirror(t)
	r.drop = func(_ string, f *wire.Frame) bool {
		f.Messages = slices.DeleteFunc(slices.Clone(f.Messages), func(m wire.Message) bool {
			_, raft := m.(*wire.Raft)
			return raft && m.Group() == wire.MetaShard
		})
		return len(f.Messages) == 0
	}
	r.run(5 * time.Second)
	r.restart(r.holder.cfg.Self.Name)
	r.holder = r.nodes[r.holder.cfg.Self.Name]
	require.True(t, r.until(5*time.Second, func() bool { return r.holder.m != nil }))
	r.heat(t)
	require.NotEqual(t, r.holder.cfg.Self.Incarnation, r.leader.m.Member(r.holder.cfg.Self.ID).Incarnation)
	began := r.now
	write := r.leader.write("new")
	require.True(t, r.until(time.Second, func() bool { return len(write.all) == 1 }))
	require.Less(t, r.now-began, 100*time.Millisecond)
	require.Equal(t, "new", string(r.read(getK).Value))
}

// A leader that goes while a holder is gone waits for what it has promised that one, whenever it last counted its followers, and hands over then.
func TestAHandoverWaitsForTheNode(t *testing.T) {
	for phase := range 12 {
		r := newMirror(t)
		r.run(time.Duration(phase) * r.leader.cfg.Tick)
		r.heat(t)
		r.holder.over = true
		done := false
		r.leader.turn(func() { r.leader.HandOver(func() { done = true }) })
		require.True(t, r.until(2*time.Second, func() bool { return done }))
		require.False(t, r.leader.groups[1].member.IsLeader(), "at %d ticks", phase)
	}
}

// A node that ends in an orderly way gives its copies back, and what it has asked for: nobody waits for the promises. Another life's word changes nothing.
func TestANodeThatStopsGivesItsCopiesBack(t *testing.T) {
	for name, begin := range map[string]func(r *mirror){
		"held": func(*mirror) {},
		"asked for": func(r *mirror) { // again; the first copy is over
			r.delayPromises(200 * time.Millisecond)
			r.run(2 * time.Second)
			require.True(r.t, r.until(5*time.Second, func() bool {
				r.holder.ask(&answers{}, getK)
				return r.leader.groups[1].promises.alive == 1
			}))
			require.Zero(r.t, r.holder.Status().Hot.Keys)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newMirror(t)
			begin(r)
			p := r.leader.groups[1].promises
			require.Equal(t, 1, p.alive)
			r.leader.turn(func() {
				self := r.holder.cfg.Self
				r.leader.OnFrame(&wire.Frame{From: self.ID, FromIncarnation: self.Incarnation - 1, To: r.leader.cfg.Self.ID, Cluster: r.leader.m.ClusterID, Messages: []wire.Message{&wire.Dropped{Shard: 1}}})
			})
			require.Equal(t, 1, p.alive, "a former life has said so")
			r.holder.turn(func() { r.holder.Stop(func() { r.holder.over = true }) })
			require.True(t, r.until(time.Second, func() bool { return r.holder.over }))
			began, write := r.now, r.leader.write("new")
			require.True(t, r.until(time.Second, func() bool { return len(write.all) == 1 }))
			require.Less(t, r.now-began, 50*time.Millisecond)
			require.Zero(t, r.holder.Status().Hot.Keys)
		})
	}
}

// delayPromises holds answers up that come with a promise.
func (r *mirror) delayPromises(by time.Duration) {
	r.lag = func(_ string, f *wire.Frame) time.Duration {
		if slices.ContainsFunc(f.Messages, func(m wire.Message) bool {
			reply, is := m.(*wire.Reply)
			return is && len(reply.Response.Results) == 1 && reply.Response.Results[0].Int > 0
		}) {
			return by
		}
		return 0
	}
}

// The promise counts from the question, and the slower clock may be the node's: it is over here before it is over there, however long the
// answer took.
func TestAPromiseCountsFromTheQuestion(t *testing.T) {
	r := newMirror(t)
	r.run(2 * time.Second)
	r.delayPromises(200 * time.Millisecond)
	r.heat(t)
	h := r.holder.held.entries["k"]
	given := r.leader.groups[1].promises.keys[r.leader.groups[1].store.HashOf(getK.Key)]
	require.Len(t, given, 1)
	require.Less(t, h.until, given[0].until)
	require.Less(t, h.until-r.now, 80*time.Millisecond, "most of it is over")
	require.Equal(t, 271*time.Millisecond, h.length, "less what two clocks may differ")
}

// A copy answers nothing at the moment when its promise is over, whenever the next tick comes, and till then what the leader answered.
func TestACopyIsOverWithItsPromise(t *testing.T) {
	for name, answer := range map[string]func(r *mirror) bool{
		"between turns": func(r *mirror) bool { return r.holder.look(getK) != nil },
		"in a turn": func(r *mirror) bool {
			told := &answers{}
			r.holder.ask(told, getK)
			return len(told.all) == 1
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newMirror(t)
			r.now = r.holder.held.entries["k"].until - 1 // and nothing ticks
			require.True(t, answer(r))
			r.now++
			require.False(t, answer(r))
		})
	}
}

// Reads of more keys than are looked for at once go to the leader, though a copy of each is here.
func TestManyReadsOfACopy(t *testing.T) {
	r := newMirror(t)
	for _, n := range []int{0, heldMost, heldMost + 1} {
		told := &answers{}
		r.holder.turn(func() {
			r.holder.OnCall(&wire.Call{Request: wire.Request{Shard: 1, Commands: slices.Repeat([]wire.Command{getK}, n)}, TimeoutMillis: 1000, Sink: told})
		})
		require.Equal(t, n <= heldMost, len(told.all) == 1, "%d", n)
		r.run(100 * time.Millisecond)
		require.Len(t, told.all, 1)
		require.Len(t, told.all[0].Results, n)
	}
}

// An answer to what was asked before the recall is not kept, though it comes with a promise.
func TestALateAnswerIsNotKept(t *testing.T) {
	r := newMirror(t)
	r.run(2 * time.Second) // it has run out
	r.delayPromises(150 * time.Millisecond)
	require.True(t, r.until(5*time.Second, func() bool {
		r.holder.ask(&answers{}, getK)
		return len(r.leader.groups[1].promises.keys) > 0
	}), "it is promised")
	write := r.leader.write("new")
	require.True(t, r.until(time.Second, func() bool { return len(write.all) == 1 }))
	require.EqualValues(t, 1, r.holder.Status().Hot.Recalls)
	for range 30 {
		r.run(10 * time.Millisecond)
		require.Nil(t, r.holder.look(getK))
	}
	require.Equal(t, "new", string(r.read(getK).Value))
}

// A key that is recalled again and again is let alone, and writers wait for nobody.
func TestAKeyThatIsWrittenIsNotHeld(t *testing.T) {
	r := newMirror(t)
	write := r.leader.write("1")
	r.run(100 * time.Millisecond)
	require.Len(t, write.all, 1)
	r.heat(t)
	r.leader.write("2")
	r.run(100 * time.Millisecond)
	for range 50 {
		require.Equal(t, "2", string(r.read(getK).Value))
		require.Zero(t, r.holder.Status().Hot.Keys)
	}
	r.run(r.holder.cfg.HotRest)
	r.heat(t)
}

// Copies are forgotten when they need not be, too: with another leader, another map. One who stops answers nothing.
func TestCopiesAreForgotten(t *testing.T) {
	for name, do := range map[string]func(r *mirror){
		"leader": func(r *mirror) {
			r.leader.over = true
			require.True(r.t, r.until(5*time.Second, func() bool { return r.holder.groups[1].leader != r.leader.groups[1].replica }))
		},
		"map": func(r *mirror) {
			next := r.holder.m.Clone()
			next.Epoch++
			r.holder.turn(func() { r.holder.OnMap(next) })
		},
		"stop": func(r *mirror) { r.holder.hall.Stop() },
	} {
		t.Run(name, func(t *testing.T) {
			r := newMirror(t)
			do(r)
			require.Nil(t, r.holder.look(getK))
		})
	}
}

// A client's wish to keep what it reads is not passed on: it would be this node that is asked for the key.
func TestAWishIsNotPassedOn(t *testing.T) {
	r := newMirror(t)
	r.run(2 * time.Second)
	k := &keeper{}
	for range 20 {
		r.holder.ask(k, keepable)
		r.run(10 * time.Millisecond)
	}
	require.Len(t, k.all, 20)
	for _, a := range k.all {
		require.Zero(t, a.Results[0].Int)
	}
	require.Empty(t, r.leader.groups[1].promises.keys)
}

// Copies are bounded: large values are not held, and what is read least makes room.
func TestHeldCopiesAreBounded(t *testing.T) {
	r := newMirror(t)
	r.holder.cfg.MaxHeld = 16 << 10
	hot := func(key string, value int) bool {
		c := wire.Command{Op: wire.OpGet, Key: []byte(key)}
		r.leader.ask(&answers{}, wire.Command{Op: wire.OpSet, Key: c.Key, Value: []byte(strings.Repeat("v", value))})
		r.run(50 * time.Millisecond)
		for range 40 {
			r.holder.ask(&answers{}, c)
			r.run(2 * time.Millisecond)
		}
		require.LessOrEqual(t, r.holder.Holdings().Held, r.holder.cfg.MaxHeld)
		return r.holder.look(c) != nil
	}
	require.False(t, hot("large", 2<<10))
	require.True(t, hot("small", 1<<10))
	for _, key := range strings.Split("abcdefghijklmnopqrstuvw", "") {
		require.True(t, hot(key, 1<<10), key)
	}
	var sum int64
	for _, h := range r.holder.held.list {
		require.Same(t, h, r.holder.held.entries[h.key])
		sum += h.size()
	}
	require.Equal(t, r.holder.held.bytes, sum)
	require.Len(t, r.holder.held.entries, len(r.holder.held.list))
	require.Equal(t, len(r.holder.held.list), r.holder.held.shards[1])
}

// A request that names a large copy many times is refused, as it is where the key is led.
func TestAnswersOfCopiesAreBounded(t *testing.T) {
	r := newMirror(t)
	const size = 16 << 20
	r.holder.cfg.MaxHeld = 16 * size
	r.leader.ask(&answers{}, wire.Command{Op: wire.OpSetRange, Key: getK.Key, Start: size - 1, Value: []byte("x")})
	r.run(100 * time.Millisecond)
	for most, outcome := range []wire.Outcome{wire.OutcomeOK, wire.OutcomeRefused} {
		r.heat(t)
		told, before := &answers{}, r.holder.Status().Hot.Reads
		r.holder.turn(func() {
			r.holder.OnCall(&wire.Call{Request: wire.Request{Shard: 1, Commands: slices.Repeat([]wire.Command{getK}, wire.AnswerMax/size+most)}, TimeoutMillis: 5000, Sink: told})
		})
		if outcome == wire.OutcomeOK {
			require.Positive(t, r.holder.Status().Hot.Reads-before, "by the copy: the test is one")
		}
		require.NotNil(t, r.holder.look(getK), "the copy is there: the test is one")
		require.True(t, r.until(time.Second, func() bool { return len(told.all) == 1 }))
		require.Equal(t, outcome, told.all[0].Outcome)
	}
}

// Where no clock is trusted, or it is turned off at either end, nothing is held.
func TestNothingIsHeld(t *testing.T) {
	for name, set := range map[string]func(r *mirror){
		"readindex":      func(r *mirror) { r.holder.cfg.Reads = ReadIndex },
		"off":            func(r *mirror) { r.holder.cfg.HotReads = -1 },
		"off at leaders": func(r *mirror) { r.leader.cfg.HotReads = -1 },
		"leader asks":    func(r *mirror) { r.leader.cfg.Reads = ReadIndex },
	} {
		t.Run(name, func(t *testing.T) {
			r := newMirror(t)
			require.True(t, r.until(5*time.Second, func() bool { return r.holder.Status().Hot.Keys == 0 }))
			set(r)
			for range 100 {
				r.read(getK)
				require.Zero(t, r.holder.Status().Hot.Keys)
			}
		})
	}
}

// A key that expires is not served later than it does.
func TestACopyDoesNotOutliveItsKey(t *testing.T) {
	r := newMirror(t)
	r.leader.ask(&answers{}, wire.Command{Op: wire.OpSet, Key: getK.Key, Value: []byte("v"), TTLKind: wire.TTLRelative, TTL: 2000})
	began := r.Wall()
	served := false
	for r.Wall() < began+3000 {
		if c := r.holder.look(getK); c != nil && c.Kind == wire.KindBytes && string(c.Value) == "v" {
			served = true
			require.Less(t, r.Wall(), began+2000+20)
		}
		r.holder.ask(&answers{}, getK)
		r.run(5 * time.Millisecond)
	}
	require.True(t, served)
}
