package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/session"
	"torc/core/trace"
	"torc/core/wire"
	"torc/linearizability"
)

// lookOn makes a world in which nothing happens but what a test tells its oracles.
func lookOn(change func(*Settings)) *World {
	s := DrawSettings(1)
	if change != nil {
		change(&s)
	}
	return newWorld(1, s, toyFactory(""), nil)
}

func accused(w *World) (letters string) {
	for _, v := range w.violations {
		letters += v.Oracle.String()
	}
	return letters
}

func TestQuality(t *testing.T) {
	for _, c := range []struct {
		name  string
		asks  uint64
		stats session.Stats
		want  string
	}{
		{"nothing was retried", 1000, session.Stats{}, ""},
		{"every operation once, and the drip", 1000, session.Stats{Retries: 100 + 600 + 1100}, ""},
		{"one more", 1000, session.Stats{Retries: 100 + 600 + 1100 + 1}, "Q"},
		{"breakers open every two seconds", 1000, session.Stats{Trips: 3 * 34}, ""},
		{"a breaker flaps", 1000, session.Stats{Trips: 3*34 + 1}, "Q"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := lookOn(func(s *Settings) { s.Nodes = 3 })
			w.now = int64(time.Minute)
			w.judgeRetries(0, c.asks, c.stats)
			require.Equal(t, c.want, accused(w))
			if c.want != "" {
				require.Equal(t, NoProgress, verdictOf(w.violations))
			}
		})
	}
}

func TestChangesNeedReasons(t *testing.T) {
	snapshot := trace.Event{Kind: trace.Snapshot, Shard: 1, A: 0}
	for _, c := range []struct {
		name           string
		faults, copies int
		epochs         uint64
		log            int64
		want           string
	}{
		{"a quiet run", 0, 0, 1, logLong, ""},
		{"a crash that cost two shards a replica", 1, 3, 12, logLong, ""},
		{"replicas moved for nothing", 0, 0, 5, logLong, "R"},
		{"copies for nothing", 0, 60, 1, logLong, "Q"},
		{"a short log is an excuse", 0, 60, 1, 4 << 10, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := lookOn(func(s *Settings) { s.Shards, s.LogBytes = 2, c.log })
			for range c.faults {
				w.faults.made = append(w.faults.made, Step{})
			}
			for range c.copies {
				w.watch.see(&snapshot)
			}
			w.watch.see(&trace.Event{Kind: trace.Map, A: c.epochs})
			w.judgeQuality()
			require.Equal(t, c.want, accused(w))
		})
	}
}

func TestRing(t *testing.T) {
	founded := func(id uint64) trace.Event { return trace.Event{Kind: trace.Founded, A: id} }
	put := func(epoch, digest uint64) trace.Event { return trace.Event{Kind: trace.Map, A: epoch, B: digest} }
	for _, c := range []struct {
		name   string
		events []trace.Event
		want   string
	}{
		{"one cluster, one map an epoch", []trace.Event{founded(9), put(1, 7), put(1, 7), put(2, 8), put(1, 7)}, ""},
		{"two clusters", []trace.Event{founded(9), founded(8)}, "R"},
		{"two maps under one epoch", []trace.Event{put(1, 7), put(1, 8)}, "R"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := lookOn(nil)
			for _, e := range c.events {
				w.watch.see(&e)
			}
			require.Equal(t, c.want, accused(w))
		})
	}
}

func TestFence(t *testing.T) {
	conf := func(index uint64, note string) trace.Event {
		return trace.Event{Kind: trace.Conf, Shard: 1, Index: index, Note: note}
	}
	for _, c := range []struct {
		name   string
		events []trace.Event
		want   string
	}{
		{"in as a learner, then a voter", []trace.Event{conf(2, "[1 2] learners [3]"), conf(3, "[1 2 3] learners []")}, ""},
		{"out by a joint change", []trace.Event{conf(2, "[1 2] learners [3]"), conf(3, "[1 3]&&[1 2] learners []"), conf(4, "[1 3] learners []")}, ""},
		{"a learner that comes back", []trace.Event{conf(2, "[1] learners [2]"), conf(3, "[1] learners []"), conf(4, "[1] learners [2]")}, "I"},
		{"a voter that comes back", []trace.Event{conf(2, "[1 2] learners []"), conf(3, "[1] learners []"), conf(4, "[1] learners [2]")}, "I"},
		{"a voter that never learned", []trace.Event{conf(2, "[1 2] learners []"), conf(3, "[1 2 3] learners []")}, "I"},
		{"an old configuration that another replica applies", []trace.Event{conf(2, "[1 2] learners []"), conf(3, "[1] learners []"), conf(2, "[1 2] learners []")}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := lookOn(nil)
			for _, e := range c.events {
				w.watch.fence.configured(w, &e)
			}
			require.Equal(t, c.want, accused(w))
		})
	}
}

// A client's brain may say only what nodes have said.
func TestBatchesToldAsTheyWere(t *testing.T) {
	set := func(value string) wire.Command {
		return wire.Command{Op: wire.OpSet, Key: []byte("k"), Value: []byte(value)}
	}
	ok := func(n int) *wire.Response { return &wire.Response{Results: make([]wire.Result, n)} }
	refused := &wire.Response{Outcome: wire.OutcomeRefused}
	for _, c := range []struct {
		name    string
		answers map[uint64]*wire.Response // question 1 asks for a, 2 for b
		told    []wire.Outcome            // of a and b
		want    string
	}{
		{"both are done", map[uint64]*wire.Response{1: ok(1), 2: ok(1)}, []wire.Outcome{wire.OutcomeOK, wire.OutcomeOK}, ""},
		{"one is not", map[uint64]*wire.Response{1: ok(1), 2: refused}, []wire.Outcome{wire.OutcomeOK, wire.OutcomeRefused}, ""},
		{"and nobody knows", map[uint64]*wire.Response{1: ok(1)}, []wire.Outcome{wire.OutcomeOK, wire.OutcomeUnknown}, ""},
		{"one word for both", map[uint64]*wire.Response{1: ok(1), 2: refused}, []wire.Outcome{wire.OutcomeOK, wire.OutcomeOK}, "B"},
		{"the other word for both", map[uint64]*wire.Response{1: refused, 2: ok(1)}, []wire.Outcome{wire.OutcomeRefused, wire.OutcomeRefused}, "B"},
		{"an answer that does not fit is none", map[uint64]*wire.Response{1: ok(1), 2: ok(2)}, []wire.Outcome{wire.OutcomeOK, wire.OutcomeOK}, "B"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := lookOn(nil)
			user := w.clients[0]
			k := &call{ops: make([]operation, 2)}
			commands := []wire.Command{set("a"), set("b")}
			user.enter(k, commands)
			user.heard.ask(1, commands[:1])
			user.heard.ask(2, commands[1:])
			for id := uint64(1); id <= 2; id++ {
				if r := c.answers[id]; r != nil {
					user.heard.answer(id, r)
				}
			}
			for j, outcome := range c.told {
				user.verify(k, j, outcome)
			}
			require.Equal(t, c.want, accused(w))
		})
	}
}

// Two calls that ask the same cannot be told apart: one may be refused and the other done.
func TestTwinsAreNotAccused(t *testing.T) {
	w := lookOn(nil)
	user, commands := w.clients[0], []wire.Command{{Op: wire.OpGet, Key: []byte("k")}}
	one, other := &call{ops: make([]operation, 1)}, &call{ops: make([]operation, 1)}
	user.enter(one, commands)
	user.enter(other, commands)
	user.heard.ask(1, commands)
	user.heard.answer(1, &wire.Response{Results: make([]wire.Result, 1)})
	user.verify(other, 0, wire.OutcomeOK)
	user.open = []*call{one}
	user.verify(one, 0, wire.OutcomeRefused)
	require.Empty(t, accused(w))
}

// Who was shown less than before is named by an oracle of its own.
func TestSessionOracle(t *testing.T) {
	w := lookOn(nil)
	w.work = newWorkload(w)
	write := w.work.record.Invoke(0, 1, linearizability.Write, "k", linearizability.Input{Value: "a"})
	w.work.record.Return(write, 2, linearizability.OK, linearizability.Output{})
	read := w.work.record.Invoke(0, 3, linearizability.Read, "k", linearizability.Input{})
	w.work.record.Return(read, 4, linearizability.OK, linearizability.Output{})
	w.judge(0, nil)
	require.Contains(t, accused(w), "G")
	require.Contains(t, accused(w), "L")
}
