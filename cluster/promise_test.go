package cluster

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/evict"
	"torc/core/wire"
)

// keeper is a client that keeps what it reads. It drops nothing by itself.
type keeper struct {
	answers
	recalls []*wire.Recall
}

func (k *keeper) Recall(m *wire.Recall) { k.recalls = append(k.recalls, m) }

// ask has a client ask a node, and waits for nothing.
func (n *node) ask(who wire.Sink, c ...wire.Command) {
	n.turn(func() {
		n.OnCall(&wire.Call{Request: wire.Request{Shard: 1, Commands: c}, TimeoutMillis: 20_000, Sink: who})
	})
}

func (n *node) write(value string) *answers {
	told := &answers{}
	n.ask(told, wire.Command{Op: wire.OpSet, Key: []byte("k"), Value: []byte(value)})
	return told
}

var keepable = wire.Command{Op: wire.OpGet, Key: []byte("k"), Flags: wire.FlagCache}

// kept lets a client keep a key: the first read has the log say that there are promises, the second comes with one.
func (o *office) kept() (*node, *keeper) {
	o.run(10 * time.Second)
	leader, k := o.lead(1), &keeper{}
	leader.write("old")
	o.run(time.Second)
	leader.ask(k, keepable)
	o.run(time.Second)
	require.Zero(o.t, k.all[0].Results[0].Int, "nothing is promised before the log says so")
	leader.ask(k, keepable)
	require.EqualValues(o.t, 904, k.all[1].Results[0].Int, "a second, less what two clocks may differ")
	return leader, k
}

// A write waits until whoever keeps the key has dropped it, and not a moment longer. What comes for another key does not.
func TestAWriteWaitsForTheHolder(t *testing.T) {
	o := newOffice(t, 3, 1)
	leader, k := o.kept()
	first, second, other := leader.write("new"), leader.write("newer"), &answers{}
	leader.ask(other, wire.Command{Op: wire.OpSet, Key: []byte("other"), Value: []byte("v")})
	o.run(100 * time.Millisecond)
	require.Len(t, k.recalls, 1)
	require.Empty(t, first.all)
	require.Len(t, other.all, 1)

	leader.ask(k, keepable)
	require.Equal(t, "old", string(k.all[2].Results[0].Value))
	require.Zero(t, k.all[2].Results[0].Int, "nothing more is promised on a key that is about to change")

	leader.ask(&answers{}, wire.Command{Op: wire.OpDropped, Key: []byte("k"), Version: k.recalls[0].ID + 1})
	o.run(100 * time.Millisecond)
	require.Empty(t, first.all, "a word on another promise")
	leader.ask(&answers{}, wire.Command{Op: wire.OpDropped, Key: []byte("k"), Version: k.recalls[0].ID})
	o.run(100 * time.Millisecond)
	require.Len(t, first.all, 1)
	require.Less(t, first.all[0].Results[0].Version, second.all[0].Results[0].Version, "in the order in which they came")
}

// Of two who keep a key each is asked, and one's word is not the other's. Who asks again has one promise, the later one.
func TestAWriteWaitsForEveryHolder(t *testing.T) {
	o := newOffice(t, 3, 1)
	leader, first := o.kept()
	second := &keeper{}
	leader.ask(second, keepable)
	require.Positive(t, second.all[0].Results[0].Int)
	o.run(500 * time.Millisecond)
	leader.ask(first, keepable)
	require.EqualValues(t, 904, first.all[2].Results[0].Int)
	write := leader.write("new")
	require.Len(t, first.recalls, 1)
	require.Len(t, second.recalls, 1)
	leader.ask(&answers{}, wire.Command{Op: wire.OpDropped, Key: []byte("k"), Version: second.recalls[0].ID})
	o.run(800 * time.Millisecond)
	require.Empty(t, write.all)
	leader.ask(&answers{}, wire.Command{Op: wire.OpDropped, Key: []byte("k"), Version: first.recalls[0].ID})
	o.run(100 * time.Millisecond)
	require.Len(t, write.all, 1)
}

// A word that a key was dropped is answered wherever it comes, and changes nothing where nobody waits for it: it may be late, and the shard elsewhere.
func TestALateWordIsAnswered(t *testing.T) {
	o := newOffice(t, 3, 1)
	o.kept()
	for _, n := range o.nodes {
		for _, shard := range []wire.ShardID{1, 7} {
			told := &answers{}
			n.turn(func() {
				n.OnCall(&wire.Call{Request: wire.Request{Shard: shard, Commands: []wire.Command{{Op: wire.OpDropped, Version: 1}}}, Sink: told})
				n.OnFrame(&wire.Frame{From: n.cfg.Self.ID%3 + 1, FromIncarnation: 1, To: n.cfg.Self.ID, Cluster: n.m.ClusterID, Messages: []wire.Message{&wire.Dropped{Shard: shard, ID: 1}}})
			})
			require.Len(t, told.all, 1)
		}
	}
	require.Equal(t, 1, o.lead(1).groups[1].promises.alive)
}

// A write of several keys waits for one of them, and what comes for another one of them waits behind it.
func TestWritesOfAKeyKeepTheirOrder(t *testing.T) {
	o := newOffice(t, 3, 1)
	leader, k := o.kept()
	both, after, told := &answers{}, &answers{}, &answers{}
	set := func(key, value string) wire.Command {
		return wire.Command{Op: wire.OpSet, Key: []byte(key), Value: []byte(value)}
	}
	leader.turn(func() {
		leader.OnCall(&wire.Call{Request: wire.Request{Shard: 1, Commands: []wire.Command{set("k", "1"), set("other", "1")}}, TimeoutMillis: 20_000, Sink: both})
	})
	leader.ask(after, set("other", "2"))
	o.run(100 * time.Millisecond)
	require.Empty(t, after.all)
	leader.ask(&answers{}, wire.Command{Op: wire.OpDropped, Key: []byte("k"), Version: k.recalls[0].ID})
	o.run(100 * time.Millisecond)
	require.Len(t, both.all, 1)
	leader.ask(told, wire.Command{Op: wire.OpGet, Key: []byte("other")})
	require.Equal(t, "2", string(told.all[0].Results[0].Value))
}

// A promise is for no longer than the log says, or a successor waited for less; nor for longer than was wished.
func TestAPromiseIsAsLongAsTheLogSays(t *testing.T) {
	o := newOffice(t, 3, 1)
	leader, k := o.kept()
	promised := func(wished time.Duration) int64 {
		leader.cfg.CacheLease = wished
		leader.ask(k, keepable)
		return k.all[len(k.all)-1].Results[0].Int
	}
	require.EqualValues(t, 904, promised(5*time.Second), "the log speaks of a second")
	o.run(100 * time.Millisecond)
	require.EqualValues(t, 4523, promised(5*time.Second))
	require.EqualValues(t, 452, promised(500*time.Millisecond))
}

// A promise is for one who reads a key and can be asked for it back.
func TestWhoIsPromisedNothing(t *testing.T) {
	o := newOffice(t, 3, 1)
	leader, _ := o.kept()
	load, exists, long := keepable, keepable, keepable
	load.Flags |= wire.FlagLoad
	exists.Op = wire.OpExists
	long.Key = make([]byte, promisedKey+1)
	for name, c := range map[string]struct {
		sink     wire.Sink
		commands []wire.Command
	}{
		"nobody to ask": {&answers{}, []wire.Command{keepable}}, "two keys": {&keeper{}, []wire.Command{keepable, keepable}},
		"a load": {&keeper{}, []wire.Command{load}}, "another question": {&keeper{}, []wire.Command{exists}}, "a long key": {&keeper{}, []wire.Command{long}},
	} {
		leader.turn(func() {
			leader.OnCall(&wire.Call{Request: wire.Request{Shard: 1, Commands: c.commands}, TimeoutMillis: 1000, Sink: c.sink})
		})
		require.Equal(t, 1, leader.groups[1].promises.alive, name)
	}
}

// Promises are bounded: on a key, of a shard, and as long as those that are over have not run out.
func TestPromisesAreBounded(t *testing.T) {
	o := newOffice(t, 3, 1)
	leader, k := o.kept()
	p := leader.groups[1].promises
	for range promisesOf {
		leader.ask(&keeper{}, keepable)
	}
	require.Equal(t, promisesOf, p.alive)
	for i := range uint64(promisesMax) {
		c := set(i)
		c.Op, c.Value, c.Flags = wire.OpGet, nil, wire.FlagCache
		leader.ask(k, c)
	}
	require.Equal(t, promisesMax, p.alive)
	o.run(2 * time.Second)
	for range 3 * promisesMax {
		leader.ask(k, keepable)
	}
	require.Len(t, p.order, 2*promisesMax)
}

// A holder that says nothing is waited for until its promise is over; one that does so again and again is given none.
func TestAPromiseRunsOut(t *testing.T) {
	o := newOffice(t, 3, 1)
	leader, k := o.kept()
	for range lapsesAllowed {
		leader.ask(k, keepable)
		write := leader.write("new")
		o.run(940 * time.Millisecond)
		require.Empty(t, write.all)
		o.run(200 * time.Millisecond)
		require.Len(t, write.all, 1)
	}
	leader.ask(k, keepable)
	require.Zero(t, k.all[len(k.all)-1].Results[0].Int)
	fair := &keeper{}
	leader.ask(fair, keepable)
	require.Positive(t, fair.all[0].Results[0].Int)
}

// All that changes keys waits: deletes, flushes, fills, whatever else there is in the same request; and time, if the key would expire.
func TestWhateverChangesAKeyWaits(t *testing.T) {
	key := []byte("k")
	for name, c := range map[string]wire.Command{
		"delete": {Op: wire.OpDelete, Key: key}, "flush": {Op: wire.OpFlush}, "append": {Op: wire.OpAppend, Key: key, Value: key}, "expire": {Op: wire.OpExpire, Key: key, TTLKind: wire.TTLRelative, TTL: 1},
		"fill": {Op: wire.OpFill, Key: key, Version: 1, Value: key}, "lease": {Op: wire.OpLease, Key: key, TTL: 1000},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t, 3, 1)
			leader, k := o.kept()
			told := &answers{}
			leader.ask(told, c)
			o.run(100 * time.Millisecond)
			require.Empty(t, told.all)
			require.Len(t, k.recalls, 1)
			leader.ask(&answers{}, wire.Command{Op: wire.OpDropped, Key: key, Version: k.recalls[0].ID})
			o.run(100 * time.Millisecond)
			require.Len(t, told.all, 1)
		})
	}
}

// A successor does not know who keeps what. It waits once, for as long as a promise may last, if the log says that there are promises.
func TestASuccessorKeepsThePromises(t *testing.T) {
	for _, cached := range []bool{true, false} {
		o := newOffice(t, 3, 1)
		leader, _ := o.kept()
		if !cached {
			o.run(time.Minute) // nobody asks for promises any more, and the log says so
			require.Zero(t, leader.groups[1].store.Caching())
			require.Nil(t, leader.groups[1].promises)
		}
		leader.over = true
		require.True(t, o.until(10*time.Second, func() bool { return o.lead(1) != nil }))
		next := o.lead(1)
		flush := &answers{}
		next.ask(flush, wire.Command{Op: wire.OpFlush})
		write := next.write("new")
		o.run(900 * time.Millisecond)
		if !cached {
			require.Len(t, flush.all, 1)
			require.Len(t, write.all, 1)
			continue
		}
		require.Empty(t, flush.all)
		require.Empty(t, write.all)
		read := &answers{}
		next.ask(read, wire.Command{Op: wire.OpGet, Key: []byte("k")})
		require.Equal(t, "old", string(read.all[0].Results[0].Value), "reads wait for nothing")
		o.run(200 * time.Millisecond)
		require.Len(t, flush.all, 1)
		require.Len(t, write.all, 1)
	}
}

// A key that expires comes with a promise only long before that, so that time need not wait.
func TestAKeyThatExpiresSoonIsNotKept(t *testing.T) {
	o := newOffice(t, 3, 1)
	leader, k := o.kept()
	told := &answers{}
	leader.ask(told, wire.Command{Op: wire.OpSet, Key: []byte("t"), Value: []byte("v"), TTLKind: wire.TTLRelative, TTL: 3000})
	o.run(100 * time.Millisecond)
	soon := keepable
	soon.Key = []byte("t")
	leader.ask(k, soon)
	require.Positive(t, k.all[2].Results[0].Int)
	o.run(1500 * time.Millisecond)
	leader.ask(k, soon)
	require.Zero(t, k.all[3].Results[0].Int, "it may expire before the promise is over")
	g := leader.groups[1]
	_, free := g.timeToPropose()
	require.True(t, free)
	o.run(1500 * time.Millisecond)
	leader.ask(k, soon)
	o.run(100 * time.Millisecond)
	require.Equal(t, wire.KindNil, k.all[4].Results[0].Kind)
}

// When wall clocks jump to the expiry of a key with a promise, log time waits for the holder, and with it whoever would see that the
// key has expired. Other keys' writes go on.
func TestTimeWaitsForTheHolder(t *testing.T) {
	o := newOffice(t, 3, 1)
	leader, k := o.kept()
	expiring := wire.Command{Op: wire.OpSet, Key: []byte("t"), Value: []byte("v"), TTLKind: wire.TTLRelative, TTL: 5000}
	leader.ask(&answers{}, expiring)
	o.run(100 * time.Millisecond)
	get := keepable
	get.Key = expiring.Key
	leader.ask(k, get)
	require.Positive(t, k.all[2].Results[0].Int)
	later := expiring
	later.Key, later.TTL = []byte("later"), 500_000
	leader.ask(&answers{}, later)
	o.run(100 * time.Millisecond)
	leader.ask(k, wire.Command{Op: wire.OpGet, Key: later.Key, Flags: wire.FlagCache})
	require.Positive(t, k.all[3].Results[0].Int)
	o.jumped = leader.groups[1].store.ExpiryOf(expiring.Key) - o.Wall() // to the very millisecond

	read, write := &answers{}, &answers{}
	leader.ask(read, wire.Command{Op: wire.OpGet, Key: expiring.Key})
	leader.ask(write, wire.Command{Op: wire.OpSet, Key: []byte("other"), Value: []byte("v")})
	o.run(200 * time.Millisecond)
	require.Empty(t, read.all, "it is neither there nor gone")
	require.Len(t, write.all, 1)
	require.Len(t, k.recalls, 1)
	require.Equal(t, expiring.Key, k.recalls[0].Key, "and of no other key")
	leader.ask(&answers{}, wire.Command{Op: wire.OpDropped, Key: expiring.Key, Version: k.recalls[0].ID})
	o.run(200 * time.Millisecond)
	require.Equal(t, wire.KindNil, read.all[0].Results[0].Kind)
}

// A clock that was ahead, and is set back: what was proposed meanwhile takes log time past an expiry that seems to be far away.
func TestNothingIsPromisedOfWhatIsAboutToExpire(t *testing.T) {
	o := newOffice(t, 3, 1)
	leader, k := o.kept()
	expiring := wire.Command{Op: wire.OpSet, Key: []byte("t"), Value: []byte("v"), TTLKind: wire.TTLRelative, TTL: 5000}
	leader.ask(&answers{}, expiring)
	o.run(2 * time.Second)
	o.jumped = 60_000
	leader.ask(&answers{}, wire.Command{Op: wire.OpSet, Key: []byte("other"), Value: []byte("v")})
	o.jumped = 0
	leader.ask(k, wire.Command{Op: wire.OpGet, Key: expiring.Key, Flags: wire.FlagCache})
	require.Equal(t, "v", string(k.all[2].Results[0].Value), "it is not applied yet")
	require.Zero(t, k.all[2].Results[0].Int)
}

// Nothing is promised of any key while a flush waits for the promises on others, and nothing is written that came after it.
func TestNothingIsPromisedBeforeAFlush(t *testing.T) {
	o := newOffice(t, 3, 1)
	leader, k := o.kept()
	flush, write, told := &answers{}, &answers{}, &answers{}
	leader.ask(flush, wire.Command{Op: wire.OpFlush})
	leader.ask(write, wire.Command{Op: wire.OpSet, Key: []byte("other"), Value: []byte("v")})
	leader.ask(k, wire.Command{Op: wire.OpGet, Key: []byte("another"), Flags: wire.FlagCache})
	require.Zero(t, k.all[2].Results[0].Int)
	o.run(100 * time.Millisecond)
	require.Empty(t, write.all, "it came later")
	leader.ask(&answers{}, wire.Command{Op: wire.OpDropped, Key: []byte("k"), Version: k.recalls[0].ID})
	o.run(100 * time.Millisecond)
	require.Len(t, flush.all, 1)
	require.Len(t, write.all, 1)
	leader.ask(told, wire.Command{Op: wire.OpGet, Key: []byte("other")})
	require.Equal(t, "v", string(told.all[0].Results[0].Value))
}

// Who gives the leadership away asks for everything back first, so that the next leader need not wait.
func TestAnHeirHasNothingToWaitFor(t *testing.T) {
	o := newOffice(t, 3, 1)
	leader, k := o.kept()
	leader.turn(func() { leader.HandOver(func() {}) })
	require.Len(t, k.recalls, 1)
	leader.ask(&answers{}, wire.Command{Op: wire.OpDropped, Key: []byte("k"), Version: k.recalls[0].ID})
	require.True(t, o.until(time.Second, func() bool { return o.lead(1) != nil && o.lead(1) != leader }))
	write := o.lead(1).write("new")
	o.run(100 * time.Millisecond)
	require.Len(t, write.all, 1)
}

// Nor does a successor let log time go on, by a clock of its own, past the expiry of a key that somebody may keep.
func TestASuccessorLetsNoTimePass(t *testing.T) {
	o := newOffice(t, 3, 1)
	leader, k := o.kept()
	leader.ask(&answers{}, wire.Command{Op: wire.OpSet, Key: []byte("t"), Value: []byte("v"), TTLKind: wire.TTLRelative, TTL: 8000})
	o.run(100 * time.Millisecond)
	get := keepable
	get.Key = []byte("t")
	leader.ask(k, get)
	require.Positive(t, k.all[2].Results[0].Int)
	leader.over = true
	require.True(t, o.until(10*time.Second, func() bool { return o.lead(1) != nil }))
	o.jumped = 60_000
	read := &answers{}
	o.lead(1).ask(read, wire.Command{Op: wire.OpGet, Key: get.Key})
	o.run(900 * time.Millisecond)
	require.Empty(t, read.all)
	o.run(200 * time.Millisecond)
	require.Equal(t, wire.KindNil, read.all[0].Results[0].Kind)
}

// A leader that has offered its place has no lease for the rest of its term, even if nobody took it: it asks a quorum before each answer, and
// promises nothing with it, for it does not know what is elected behind its back.
func TestNothingIsPromisedWithoutALease(t *testing.T) {
	o := newOffice(t, 3, 1)
	leader, k := o.kept()
	g := leader.groups[1]
	var gone wire.ReplicaID
	for _, n := range o.nodes {
		if n != leader && gone == 0 {
			n.over, gone = true, n.groups[1].replica
		}
	}
	leader.turn(func() { g.member.Transfer(gone) })
	o.run(5 * time.Second)
	require.Same(t, leader, o.lead(1))
	require.False(t, g.member.LeaseValid())
	for range 3 {
		leader.ask(k, keepable)
		o.run(time.Second)
	}
	require.Len(t, k.all, 5)
	for _, a := range k.all[2:] {
		require.Equal(t, "old", string(a.Results[0].Value))
		require.Zero(t, a.Results[0].Int)
	}
}

// A key of which a change is on its way is answered as it is, and nothing is promised: the change has been proposed already.
func TestNothingIsPromisedOfAChange(t *testing.T) {
	o := newOffice(t, 3, 1)
	leader, k := o.kept()
	get := keepable
	get.Key = []byte("other")
	leader.ask(&answers{}, wire.Command{Op: wire.OpSet, Key: get.Key, Value: []byte("v")})
	leader.ask(k, get)
	require.Equal(t, wire.KindNil, k.all[2].Results[0].Kind, "it is not applied yet")
	require.Zero(t, k.all[2].Results[0].Int)
	o.run(100 * time.Millisecond)
	leader.ask(k, get)
	require.Equal(t, "v", string(k.all[3].Results[0].Value))
	require.Positive(t, k.all[3].Results[0].Int)
}

// A key that a client keeps is no victim while the promise stands, though it is the one that was used least recently. Afterwards it is.
func TestAPromiseSparesAVictim(t *testing.T) {
	c := newCrowded(t, 1, 50, evict.AllKeysLRU)
	o := &office{c.world, t}
	leader, _ := o.kept()
	store := leader.groups[1].store
	crowd := func(from uint64) {
		told := &answers{}
		for key := from; key < from+150; key++ {
			if leader.ask(told, set(key)); key%15 == 0 {
				o.run(30 * time.Millisecond)
			}
		}
		o.run(30 * time.Millisecond)
		require.Len(t, told.all, 150)
		for _, r := range told.all {
			require.Equal(t, wire.OutcomeOK, r.Outcome, "there are others to make room")
		}
	}
	read := func() wire.Result { return c.do(wire.Command{Op: wire.OpGet, Key: []byte("k")}).Results[0] }

	crowd(0)
	require.Greater(t, store.Evicted(), uint64(90), "no room was needed: the test is none")
	require.Positive(t, leader.groups[1].promises.alive)
	_, held := store.FindHash(store.HashOf([]byte("k")))
	require.True(t, held, "given up while a client may answer with it")

	o.run(time.Second)
	require.Zero(t, leader.groups[1].promises.alive)
	crowd(1000)
	require.Equal(t, wire.KindNil, read().Kind, "nothing spares it any more")
	c.equal()
}

// A successor does not know which keys clients keep: it gives up none before the promises of the leader before are over, though it has less room
// than that one had.
func TestASuccessorGivesNothingUp(t *testing.T) {
	c := newCrowded(t, 1, 500, evict.AllKeysLRU)
	o := &office{c.world, t}
	leader, _ := o.kept()
	for key := range uint64(100) {
		leader.ask(&answers{}, set(key))
	}
	o.run(100 * time.Millisecond)
	leader.over = true
	require.True(t, o.until(10*time.Second, func() bool { return o.lead(1) != nil }))
	next := o.lead(1)
	next.cfg.MaxMemory = 50 * perKey
	o.run(900 * time.Millisecond)
	require.Zero(t, next.groups[1].store.Evicted())
	o.run(200 * time.Millisecond)
	require.Positive(t, next.groups[1].store.Evicted())
}

// Where every key is kept by somebody there is no victim: writes are refused until the promise has run out, and none is given meanwhile.
func TestPromisesLeaveNoVictim(t *testing.T) {
	c := newCrowded(t, 1, 50, evict.AllKeysLRU)
	o := &office{c.world, t}
	leader, k := o.kept()
	large := set(1)
	large.Value = make([]byte, leader.bound()+leader.bound()/overdraftOf-perKey-50) // it fits, but not beside the other
	told := &answers{}
	leader.ask(told, large)
	o.run(100 * time.Millisecond)
	require.Equal(t, wire.ReasonOutOfMemory, told.all[0].Reason)
	leader.ask(k, keepable)
	require.Equal(t, "old", string(k.all[2].Results[0].Value))
	require.Zero(t, k.all[2].Results[0].Int, "there would never be a victim")

	o.run(time.Second)
	leader.ask(told, large)
	o.run(100 * time.Millisecond)
	require.Equal(t, wire.OutcomeOK, told.all[1].Outcome)
	require.Equal(t, wire.KindNil, c.do(wire.Command{Op: wire.OpGet, Key: []byte("k")}).Results[0].Kind)
}

// Nothing is promised once it is proposed to say that there are no promises: a successor that finds it in the log waits for none.
func TestNothingIsPromisedBeforeTheLogSaysThatThereIsNone(t *testing.T) {
	o := newOffice(t, 3, 1)
	leader, k := o.kept()
	o.run(2 * time.Second) // the promise is over
	o.drop = func(_ string, f *wire.Frame) bool {
		return slices.ContainsFunc(f.Messages, func(m wire.Message) bool {
			r, is := m.(*wire.Raft)
			return is && r.Shard == 1 && len(r.Entries) > 0
		})
	}
	require.True(t, o.until(time.Minute, func() bool { return leader.groups[1].promises.closes }))
	require.True(t, leader.groups[1].member.LeaseValid())
	require.NotZero(t, leader.groups[1].store.Caching(), "it is not applied")
	asked := len(k.all)
	leader.ask(k, keepable)
	require.Len(t, k.all, asked+1)
	require.Zero(t, k.all[asked].Results[0].Int)
}
