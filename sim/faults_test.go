package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/cluster"
	"torc/core/env"
	"torc/core/trace"
	"torc/core/wire"
)

func TestClogHoldsAndLetsGoAtOnce(t *testing.T) {
	var log []string
	w := recorderWorld(&log)
	w.until(10 * time.Millisecond)
	log = nil
	w.faults.strike(For{5 * time.Second, Clog{A: Node(1)}})
	w.sendTest(1, 0)
	w.until(900 * time.Millisecond)
	w.sendTest(2, 0)
	require.Empty(t, log)
	w.until(6 * time.Second)
	require.Equal(t, []string{"frame", "frame", "flush"}, log[2:], "after its timer: both at the same instant")
	require.Zero(t, w.network.Dropped)
}

func TestClogOfOneDirection(t *testing.T) {
	var log []string
	w := recorderWorld(&log)
	w.until(10 * time.Millisecond)
	log = nil
	w.faults.strike(Clog{A: Node(1), B: Node(2), Pair: true, OneWay: true})
	w.sendTest(1, 0)
	w.until(20 * time.Millisecond)
	require.Equal(t, []string{"frame", "flush"}, log)
	require.False(t, w.faults.strike(Clog{A: Node(1), B: Node(1), Pair: true}), "a node has no link with itself")
}

// What is sent while a link lags arrives late, and is overtaken by what is sent when it does not any more.
func TestLagIsOvertaken(t *testing.T) {
	var log []string
	w := recorderWorld(&log)
	w.until(10 * time.Millisecond)
	require.False(t, w.faults.strike(Lag{A: Node(1), B: Node(1), By: time.Second}), "a node has no link with itself")
	log = nil
	w.faults.strike(For{50 * time.Millisecond, Lag{A: Node(2), B: Node(1), By: 300 * time.Millisecond}})
	w.sendTest(1, 0)
	w.until(100 * time.Millisecond)
	require.Empty(t, log)
	w.sendTest(1, 0)
	w.until(200 * time.Millisecond)
	require.Equal(t, []string{"frame", "flush"}, log, "the second one")
	w.until(400 * time.Millisecond)
	require.Equal(t, []string{"frame", "flush", "frame", "flush"}, log)
	require.Zero(t, w.network.Dropped)
}

// What is sent while a link has an echo arrives twice.
func TestEchoComesOnceMore(t *testing.T) {
	var log []string
	w := recorderWorld(&log)
	w.until(10 * time.Millisecond)
	log = nil
	w.faults.strike(For{50 * time.Millisecond, Echo{A: Node(1), B: Node(2), Both: true, By: 300 * time.Millisecond}})
	w.sendTest(1, 0)
	w.until(100 * time.Millisecond)
	require.Equal(t, []string{"frame", "flush"}, log)
	w.sendTest(2, 0)
	w.until(200 * time.Millisecond)
	require.Equal(t, []string{"frame", "flush", "frame", "flush"}, log)
	w.sendTest(1, 0) // the fault is over
	w.until(500 * time.Millisecond)
	require.Equal(t, []string{"frame", "flush", "frame", "flush", "frame", "flush", "frame", "flush"}, log)
}

// While one of its lanes stands still a node takes what is for the others.
func TestAStallIsOfOneLane(t *testing.T) {
	var log []string
	w := recorderWorld(&log)
	w.until(10 * time.Millisecond)
	n := w.nodes[0]
	w.faults.strike(For{500 * time.Millisecond, Stall{Node(1), len(n.lanes)}})
	require.True(t, n.stalled(), "around in the circle")
	log = nil
	w.sendTest(1, 0)
	w.until(100 * time.Millisecond)
	require.Empty(t, log)
	require.Equal(t, stateUp, n.state)
	w.until(600 * time.Millisecond)
	require.Equal(t, []string{"frame", "flush"}, log)
	w.faults.strike(Stall{Node(1), 0})
	w.mend(n)
	require.False(t, n.stalled())
	require.False(t, w.faults.strike(Stall{Node(2), 0}), "it is down")
}

func TestThrottledLinksAreNarrow(t *testing.T) {
	var l link
	f := &wire.Frame{}
	l.narrow(f.Size()) // one frame a second
	for i := range 4 {
		wait, fits := l.queue(0, f, nil)
		require.True(t, fits)
		require.Equal(t, time.Duration(i+1)*time.Second, wait)
	}
	_, fits := l.queue(0, f, nil)
	require.False(t, fits, "more than the link's queue keeps")
	l.narrow(-f.Size())
	wait, fits := l.queue(0, f, nil)
	require.True(t, fits)
	require.Zero(t, wait)
}

// Where what is large is lost, what is small passes, and all does afterwards.
func TestWhatIsLargeIsLost(t *testing.T) {
	var log []string
	w := recorderWorld(&log)
	w.until(10 * time.Millisecond)
	log = nil
	sendTest := func(over int) {
		w.faults.strike(For{50 * time.Millisecond, Throttle{Target: Node(1), Over: over}})
		w.sendTest(1, 0)
		w.until(time.Duration(w.now) + 20*time.Millisecond)
	}
	sendTest(1)
	require.Empty(t, log)
	require.EqualValues(t, 1, w.network.Dropped)
	sendTest(1 << 20)
	require.Equal(t, []string{"frame", "flush"}, log)
	w.until(time.Duration(w.now) + 100*time.Millisecond)
	w.sendTest(1, 0)
	w.until(time.Duration(w.now) + 20*time.Millisecond)
	require.EqualValues(t, 1, w.network.Dropped)
}

func TestReplayIsOfTheFormerLife(t *testing.T) {
	var log []string
	w := recorderWorld(&log)
	w.until(10 * time.Millisecond)
	require.False(t, w.faults.strike(Replay{Node(1)}), "there was none")
	w.sendTest(1, 0)
	w.sendTest(2, 0)
	w.until(20 * time.Millisecond)
	w.nodes[0].crash()
	w.nodes[0].start()
	w.until(30 * time.Millisecond)
	log = nil
	require.True(t, w.faults.strike(Replay{Node(1)}))
	w.until(40 * time.Millisecond)
	require.Equal(t, []string{"frame", "flush", "frame", "flush"}, log)
}

// bearingWorld is a world of five nodes, all up, with shard 1 in the eyes of the rule: replica i is on
// node i, replica 10+i on a later life of it. Those that live say so in their status.
func bearingWorld(conf shardConf, lives ...wire.ReplicaID) *World {
	s := DrawSettings(1)
	toySettings(&s)
	s.Nodes, s.Shards, s.Replicas, s.Absent = 5, 1, 3, 0
	w := newWorld(1, s, statusFactory(lives), nil)
	for _, n := range w.nodes {
		n.start()
	}
	w.nodes[4].board = &wire.ClusterMap{Epoch: 1, Placements: []wire.Placement{{Shard: 0}, {Shard: 1}}}
	w.watch.lives(0, 5, 5)
	for id := range wire.ReplicaID(5) {
		w.watch.lives(1, id+1, wire.NodeID(id+1))
		w.watch.lives(1, id+11, wire.NodeID(id+1))
	}
	w.watch.confs[0] = shardConf{voters: []wire.ReplicaID{5}}
	w.watch.confs[1] = conf
	return w
}

// stating is a toy that holds some replicas of shard 1, and node 5 the meta group.
type stating struct {
	toy
	lives []wire.ReplicaID
}

func statusFactory(lives []wire.ReplicaID) Factory {
	return func(cfg *cluster.Config, _ int, _ env.Env, _ cluster.Board, _ trace.Sink) Lane {
		return &stating{toy: toy{cfg: cfg}, lives: lives}
	}
}

func (l *stating) Start() {}

func (l *stating) Status() (s cluster.LaneStatus) {
	if l.cfg.Self.ID == 5 {
		s.Groups = append(s.Groups, cluster.GroupStatus{Shard: 0, Replica: 5})
	}
	for _, id := range l.lives {
		if uint64(id)%10 == uint64(l.cfg.Self.ID) {
			s.Groups = append(s.Groups, cluster.GroupStatus{Shard: 1, Replica: id})
		}
	}
	return s
}

func TestRuleOfLostMemory(t *testing.T) {
	type ids = []wire.ReplicaID
	three, five := shardConf{voters: ids{1, 2, 3}}, shardConf{voters: ids{1, 2, 3, 4, 5}}
	for _, c := range []struct {
		name    string
		conf    shardConf
		lives   ids
		victims []int
		bears   bool
	}{
		{"one of three", three, ids{1, 2, 3}, []int{1}, true},
		{"two of three", three, ids{1, 2, 3}, []int{1, 2}, false},
		{"one of three, and one that holds nothing", three, ids{1, 2, 3}, []int{1, 4}, true},
		{"a second one before the first is replaced", three, ids{2, 3}, []int{2}, false},
		{"the new life of a dead voter's node", shardConf{voters: ids{1, 2, 3}, learners: ids{11}}, ids{2, 3, 11}, []int{1}, true},
		{"that, when it votes beside the dead one", shardConf{voters: ids{1, 2, 11}}, ids{2, 11}, []int{1}, false},
		{"a learner that may take a living one's place", shardConf{voters: ids{1, 2, 3}, learners: ids{4}}, ids{2, 3, 4}, []int{4}, false},
		{"a voter, beside a learner that is dead", shardConf{voters: ids{1, 2, 3}, learners: ids{4}}, ids{1, 2, 3}, []int{1}, false},
		{"a learner, while all voters live", shardConf{voters: ids{1, 2, 3}, learners: ids{4}}, ids{1, 2, 3, 4}, []int{4}, true},
		{"who leaves, in a joint change", shardConf{voters: ids{1, 2, 4}, outgoing: ids{1, 2, 3}}, ids{1, 2, 3, 4}, []int{3}, true},
		{"one of both halves, when one half has a dead one", shardConf{voters: ids{1, 2, 4}, outgoing: ids{1, 2, 3}}, ids{1, 2, 4}, []int{1}, false},
		{"two of five", five, ids{1, 2, 3, 4, 5}, []int{1, 2}, true},
		{"three of five", five, ids{1, 2, 3, 4, 5}, []int{1, 2, 3}, false},
		{"the only copy", shardConf{voters: ids{1}}, ids{1}, []int{1}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := bearingWorld(c.conf, c.lives...)
			var victims []*node
			for _, n := range c.victims {
				victims = append(victims, w.nodes[n-1])
			}
			require.Equal(t, c.bears, w.faults.mayLose(victims...))
			w.faults.leaving = departure{w.nodes[0], w.nodes[0].life}
			require.False(t, w.faults.mayLose(victims...), "while a node leaves")
			w.faults.lawless = true
			require.True(t, w.faults.mayLose(victims...), "a declared loss")
		})
	}
}

// A leader that has left a joint change alone must not die when that would leave the others, who have
// not, without the majority of the former voters (seed 60083 of the swarm).
func TestRuleOfLostMemoryAsksTheSurvivors(t *testing.T) {
	w := bearingWorld(shardConf{voters: []wire.ReplicaID{1, 2, 13}}, 1, 2, 13) // 13 has taken the place of 3
	groups := []cluster.GroupStatus{{Shard: 1, Replica: 1}, {Shard: 1, Replica: 2}, {Shard: 1, Replica: 13}}
	require.True(t, w.bears(1, groups, w.newestMap(), w.nodes[:1]))
	groups[1].Voters, groups[1].Outgoing = []wire.ReplicaID{1, 2, 13}, []wire.ReplicaID{1, 2, 3}
	require.False(t, w.bears(1, groups, w.newestMap(), w.nodes[:1]))
}

func TestRackTakesWhatTheClusterBears(t *testing.T) {
	w := bearingWorld(shardConf{voters: []wire.ReplicaID{1, 2, 3}}, 1, 2, 3)
	require.True(t, w.faults.strike(Rack{Targets: []Target{Node(1), Node(2), Node(4)}, Down: time.Second}))
	require.Equal(t, stateDown, w.nodes[0].state)
	require.Equal(t, stateUp, w.nodes[1].state, "the second of three voters")
	require.Equal(t, stateDown, w.nodes[3].state)
	w.until(2 * time.Second)
	require.Equal(t, stateUp, w.nodes[0].state)
}

// An armed fault strikes a little after its trigger, and is written down as what it was.
func TestWhenStrikesOnItsTrigger(t *testing.T) {
	var log []string
	w := recorderWorld(&log)
	w.nodes[1].start()
	w.watch.lives(1, 9, 2)
	w.until(10 * time.Millisecond)
	w.faults.open = true
	armed := When{Trigger: OnSnapshot, Shard: 1, After: time.Millisecond, Fault: For{time.Second, Pause{Receiver()}}}
	require.False(t, w.faults.strike(armed), "arming is no event")
	sink := laneSink{w: w, n: w.nodes[0]}
	sink.Emit(trace.Event{Kind: trace.Snapshot, Shard: 2, B: 9})
	w.until(20 * time.Millisecond)
	require.Len(t, w.faults.armed, 1, "another shard's")
	sink.Emit(trace.Event{Kind: trace.Snapshot, Shard: 1, B: 9})
	require.Equal(t, stateUp, w.nodes[1].state)
	w.until(30 * time.Millisecond)
	require.Equal(t, statePaused, w.nodes[1].state)
	require.Equal(t, []Step{At(21*time.Millisecond, For{time.Second, Pause{Node(2)}})}, w.faults.made)
	require.Empty(t, w.faults.armed)
}

func TestWhenWaitsUntilItMay(t *testing.T) {
	var log []string
	w := recorderWorld(&log)
	w.until(10 * time.Millisecond)
	w.faults.open, w.faults.leaving = true, departure{w.nodes[0], w.nodes[0].life} // no memory may be lost now
	w.faults.strike(When{Trigger: OnChange, Fault: Crash{Sender(), time.Second}})
	sink := laneSink{w: w, n: w.nodes[0]}
	sink.Emit(trace.Event{Kind: trace.Conf, Shard: 1, Index: 5, Note: "[1 2 4]&&[1 2 3] learners []"})
	w.until(20 * time.Millisecond)
	require.Equal(t, stateUp, w.nodes[0].state)
	require.Len(t, w.faults.armed, 1)
	w.faults.healAll()
	require.Empty(t, w.faults.armed, "healed is disarmed")
}

func TestWildRatesNeedReadIndex(t *testing.T) {
	for reads, want := range map[cluster.ReadMode]int64{cluster.ReadLease: 976_000, cluster.ReadIndex: 250_000} {
		var log []string
		w := recorderWorld(&log)
		w.settings.Reads, w.settings.Drift = reads, 50
		w.faults.strike(For{time.Second, Rate{Node(1), -750}})
		require.Equal(t, want, w.nodes[0].clock.ppm)
		w.until(2 * time.Second)
		if reads == cluster.ReadIndex {
			require.EqualValues(t, 1_000_000, w.nodes[0].clock.ppm, "what is wild ends")
		}
	}
}

func TestParseConf(t *testing.T) {
	require.Equal(t, shardConf{voters: []wire.ReplicaID{1, 2, 3}}, parseConf("[1 2 3] learners []"))
	require.Equal(t, shardConf{voters: []wire.ReplicaID{1, 2, 4}, outgoing: []wire.ReplicaID{1, 2, 3}, learners: []wire.ReplicaID{5, 16}},
		parseConf("[1 2 4]&&[1 2 3] learners [5 16]"))
	require.Equal(t, shardConf{}, parseConf("nonsense"))
}

// Registers, counters, appends and keys that expire are in every drawn run: each sees what the
// others are blind to. And reads by lease never meet a wild clock.
func TestEverySwarmSeedHasAllWorkloads(t *testing.T) {
	cores, kinds := 0, Faults{}
	swarm := Scenario{Swarm: true}
	for seed := uint64(1); seed <= 500; seed++ {
		s := DrawSettings(seed)
		require.Positive(t, min(s.Registers, s.Models, s.Counters, s.Appends, s.Expiring), "seed %d", seed)
		require.False(t, s.Faults.WildRates && s.Reads == cluster.ReadLease)
		if s.Core {
			cores++
		}
		all := kinds.kinds()
		drawn := swarm.Draw(seed)
		for i, kind := range s.Faults.kinds() {
			*all[i].On = *all[i].On || *kind.On || *drawn.Faults.kinds()[i].On
		}
	}
	require.Greater(t, cores, 100)
	every, err := ParseFaults("all")
	require.NoError(t, err)
	require.Equal(t, every, kinds, "each kind is drawn by some seed")
}

// Of a shard that nobody has led yet the map says who its voters are: it is lost when the lives of most of them are over.
func TestAShardThatNobodyHasLedIsJudgedByTheMap(t *testing.T) {
	for _, c := range []struct {
		lives []wire.ReplicaID
		lost  bool
	}{
		{[]wire.ReplicaID{1, 2, 3}, false},
		{[]wire.ReplicaID{1, 3}, false},
		{[]wire.ReplicaID{2}, true},
		{nil, true},
		{[]wire.ReplicaID{2, 11, 13}, true}, // later lives of 1 and 3 have replicas that are not the map's
	} {
		w := bearingWorld(shardConf{}, c.lives...)
		require.False(t, w.isLost(1), "the map does not say")
		for id := range wire.ReplicaID(3) {
			p := &w.nodes[4].board.Placements[1]
			p.Replicas = append(p.Replicas, wire.Replica{ID: id + 1, Node: wire.NodeID(id + 1), Incarnation: 999, Role: wire.RoleVoter})
		}
		require.Equal(t, c.lost, w.isLost(1), "%v", c.lives)
	}
}

// The bound of memory, and what a turn costs, are those of the fault that began last, and when it is over those of the one before it.
func TestFaultsOfOneKindOverlap(t *testing.T) {
	var log []string
	w := recorderWorld(&log)
	n := w.nodes[0]
	w.until(10 * time.Millisecond)
	for at, f := range []Fault{
		For{2 * time.Second, Slow{Node(1), time.Millisecond}}, For{4 * time.Second, Slow{Node(1), 2 * time.Millisecond}}, For{1 * time.Second, Slow{Node(1), 3 * time.Millisecond}},
		For{2 * time.Second, Squeeze{Node(1), 100}}, For{4 * time.Second, Squeeze{Node(1), 200}},
	} {
		require.True(t, w.faults.strike(f), at)
	}
	for _, c := range []struct {
		at    time.Duration
		turn  time.Duration
		bytes int64
	}{
		{500 * time.Millisecond, 3 * time.Millisecond, 200},
		{1500 * time.Millisecond, 2 * time.Millisecond, 200},
		{2500 * time.Millisecond, 2 * time.Millisecond, 200},
		{4500 * time.Millisecond, w.settings.TurnCost, 0},
	} {
		w.until(c.at)
		require.Equal(t, c.turn, n.turnCost.value(w.settings.TurnCost), c.at)
		require.Equal(t, c.bytes, n.config.MaxMemory, c.at)
	}
	w.faults.strike(Slow{Node(1), time.Second})
	w.faults.strike(Squeeze{Node(1), 100})
	w.mend(n)
	require.Equal(t, w.settings.TurnCost, n.turnCost.value(w.settings.TurnCost))
	require.Zero(t, n.config.MaxMemory)
}

// A crash ends a polite stop that is under way: nobody is leaving any more, and others may be taken.
func TestACrashEndsAPoliteStop(t *testing.T) {
	var log []string
	w := recorderWorld(&log)
	w.until(10 * time.Millisecond)
	n := w.nodes[0]
	w.faults.leaving = departure{n, n.life}
	require.True(t, w.faults.leaving.on())
	n.crash()
	require.False(t, w.faults.leaving.on())
	n.start()
	require.False(t, w.faults.leaving.on(), "that is another life")
}
