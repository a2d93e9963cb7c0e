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

// lossySettings make clients retry.
func lossySettings(s *Settings) {
	s.Links = Links{Delay: time.Millisecond, Jitter: time.Millisecond, Drop: 500}
	s.Clients, s.Plain = 4, 1
	s.Think = 20 * time.Millisecond
}

// kill takes a node's memory without asking whether the cluster bears it.
type kill struct{ Target Target }

func (f kill) fix(*World) Fault { return f }

func (f kill) strike(w *World) (string, func()) {
	n := f.Target.find(w)
	n.crash()
	return "kill " + n.String(), w.revive(n, time.Second)
}

// busyFamilies is a run in which much is done in atomic batches.
func busyFamilies(s *Settings) {
	s.Transactions, s.Clients, s.Threads, s.Think = 1, 6, 2, 5*time.Millisecond
}

// Each flaw of a toy is seen by the oracle that is there for it.
func TestOraclesSeeFlaws(t *testing.T) {
	for _, c := range []struct {
		name     string
		flaw     string
		scenario Scenario
		want     Oracle
		verdict  Verdict
	}{
		{"retries apply twice", "no dedupe", Scenario{Settings: lossySettings}, OracleOnce, LostTruth},
		{"keys never expire", "immortal", Scenario{Settings: func(s *Settings) { s.Skew = 0 }}, OracleTTL, LostTruth},
		{"the only copy dies", "", Scenario{Script: []Step{At(4*time.Second, kill{Node(1)})}}, OracleDurability, LostTruth},
		{"a number is called none", "no numbers", Scenario{}, OracleLinearizable, LostTruth},
		{"guards are not looked at", "unguarded", Scenario{Settings: busyFamilies}, OracleOnce, LostTruth},
		{"guards forbid what they should not", "never as it was", Scenario{Settings: busyFamilies}, OracleLinearizable, LostTruth},
		{"a batch without guards is said to be guarded", "nothing as it was", Scenario{}, OracleLinearizable, LostTruth},
		{"the only copy sleeps for ever", "asleep", Scenario{}, OracleLiveness, NoProgress},
		{"a node panics", "bomb", Scenario{}, OracleSanity, Crashed},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.scenario.Name = "toy"
			r := toyRun(3, c.flaw, c.scenario, nil)
			var seen []Oracle
			for _, v := range r.Violations {
				seen = append(seen, v.Oracle)
			}
			require.Contains(t, seen, c.want, "%v", r.Violations)
			require.Equal(t, c.verdict, r.Verdict)
		})
	}
}

// The oracles that look on, told things that must not happen.
func TestWatch(t *testing.T) {
	role := func(replica, term uint64) trace.Event {
		return trace.Event{Kind: trace.Role, Shard: 1, Replica: wire.ReplicaID(replica), Term: term, A: 2}
	}
	apply := func(replica, index, digest uint64) trace.Event {
		return trace.Event{Kind: trace.Apply, Shard: 1, Replica: wire.ReplicaID(replica), Index: index, A: digest}
	}
	commit := func(replica, index uint64) trace.Event {
		return trace.Event{Kind: trace.Commit, Shard: 1, Replica: wire.ReplicaID(replica), Index: index}
	}
	conf := func(index uint64, note string) trace.Event {
		return trace.Event{Kind: trace.Conf, Shard: 1, Replica: 1, Index: index, Note: note}
	}
	for _, c := range []struct {
		name   string
		events []trace.Event
		want   string
	}{
		{"a healthy group", []trace.Event{role(1, 1), apply(1, 1, 7), apply(2, 1, 7), commit(1, 1), commit(1, 2), role(2, 2)}, ""},
		{"two leaders in a term", []trace.Event{role(1, 1), role(2, 1)}, "I"},
		{"terms that nobody wins", []trace.Event{role(1, 1), role(2, 20)}, "V"},
		{"different digests", []trace.Event{apply(1, 1, 7), apply(2, 1, 8)}, "S"},
		{"a commit index that goes back", []trace.Event{commit(1, 2), commit(1, 1)}, "I"},
		{"an entry applied twice", []trace.Event{apply(1, 1, 7), apply(1, 1, 7)}, "I"},
		{"one voter more", []trace.Event{conf(1, "voters=[1 2 3] learners=[4]"), conf(2, "voters=[1 2 3 4] learners=[]")}, ""},
		{"a voter swapped at once", []trace.Event{conf(1, "voters=[1 2 3]"), conf(2, "voters=[1 2 4]")}, "II"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := DrawSettings(1)
			w := newWorld(1, s, toyFactory(""), nil)
			for _, e := range c.events {
				e.Node = wire.NodeID(e.Replica)
				w.watch.see(&e)
			}
			got := ""
			for _, v := range w.violations {
				got += v.Oracle.String()
			}
			require.Equal(t, c.want, got, "%v", w.violations)
		})
	}
}

// recorder is a lane that writes down what the world does to it.
type recorder struct {
	toy
	log *[]string
	env env.Env
}

func recorderFactory(log *[]string) Factory {
	return func(cfg *cluster.Config, index int, e env.Env, board cluster.Board, tr trace.Sink) Lane {
		return &recorder{log: log, env: e}
	}
}

func (l *recorder) say(what string) { *l.log = append(*l.log, what) }
func (l *recorder) Start() {
	l.env.After(time.Second, func() { l.say("timer at " + l.env.Now().String()) })
}
func (l *recorder) OnFrame(*wire.Frame) { l.say("frame") }
func (l *recorder) Flush()              { l.say("flush") }

func recorderWorld(log *[]string) *World {
	s := DrawSettings(1)
	toySettings(&s)
	s.DriftUsed, s.Skew = 0, 0
	s.Links = Links{Delay: time.Millisecond}
	w := newWorld(1, s, recorderFactory(log), nil)
	w.nodes[0].clock = newClock(0, 1_000_000, 0)
	w.nodes[0].start()
	return w
}

func (w *World) sendTest(from, to int32) {
	w.network.sendTo(from, to, portPeer, &wire.Frame{Messages: []wire.Message{&wire.Hello{}}})
}

func TestFramesOfOneInstantShareAFlush(t *testing.T) {
	var log []string
	w := recorderWorld(&log)
	w.until(10 * time.Millisecond)
	log = nil
	w.sendTest(1, 0)
	w.sendTest(2, 0)
	w.until(20 * time.Millisecond)
	require.Equal(t, []string{"frame", "frame", "flush"}, log)
}

func TestPausedNodeWakesLateAndOnce(t *testing.T) {
	var log []string
	w := recorderWorld(&log)
	w.until(500 * time.Millisecond)
	w.nodes[0].pause()
	w.sendTest(1, 0)
	w.until(5 * time.Second)
	require.Equal(t, []string{"flush"}, log, "nothing but Start's turn happened")
	w.nodes[0].resume()
	w.until(6 * time.Second)
	require.Equal(t, []string{"flush", "timer at 5s", "frame", "flush"}, log)
}

func TestCrashLeavesNothing(t *testing.T) {
	var log []string
	w := recorderWorld(&log)
	w.until(500 * time.Millisecond)
	log = nil
	life := w.nodes[0].incarnation
	w.nodes[0].crash()
	w.sendTest(1, 0)
	w.until(1200 * time.Millisecond)
	require.Empty(t, log, "the timer and the frame were for the dead")
	w.sendTest(1, 0) // on its way while the node starts again
	w.nodes[0].start()
	require.Greater(t, w.nodes[0].incarnation, life)
	w.until(1300 * time.Millisecond)
	require.Equal(t, []string{"flush", "frame", "flush"}, log, "a new life hears what was said to the old one; it must know by the incarnation")
}

func TestPartitionsCompose(t *testing.T) {
	var log []string
	w := recorderWorld(&log)
	n := w.network
	w.faults.strike(Isolate{Node(1)})
	w.faults.strike(Deaf{Target: Node(2)})
	require.False(t, n.open(0, 1))
	require.False(t, n.open(2, 1))
	require.True(t, n.open(1, 2))
	require.True(t, n.open(3, 0), "clients still reach an isolated node")
	w.faults.active[0]()
	require.False(t, n.open(0, 1), "still deaf")
	require.True(t, n.open(1, 0))
	w.faults.healAll()
	w.faults.strike(Bridge{Node(2)})
	require.False(t, n.open(0, 2))
	require.True(t, n.open(0, 1) && n.open(1, 2))
}

func TestClock(t *testing.T) {
	c := newClock(100, 1_025_000, -3*time.Second)
	require.EqualValues(t, 100+1_025_000_000, c.at(1e9))
	c.setRate(1e9, 975_000)
	require.EqualValues(t, 100+1_025_000_000, c.at(1e9), "a new rate does not make it jump")
	require.EqualValues(t, 100+1_025_000_000+975_000_000, c.at(2e9))
	require.EqualValues(t, wallOrigin-3000+2000, c.unix(2e9))
	for _, local := range []int64{c.at(2e9), c.at(2e9) + 1, c.at(2e9) + 123_456_789} {
		at := c.when(2e9, local)
		require.GreaterOrEqual(t, c.at(at), local)
		require.Less(t, c.at(at-3), max(local, c.at(2e9)+1))
	}
}

func TestStreams(t *testing.T) {
	a, b, again := NewStream(1, "network"), NewStream(1, "clocks"), NewStream(1, "network")
	require.Equal(t, a.Uint64(), again.Uint64())
	require.NotEqual(t, a.Uint64(), b.Uint64())
	for range 1000 {
		d := a.Duration(5, 9)
		require.True(t, d >= 5 && d <= 9)
	}
}
