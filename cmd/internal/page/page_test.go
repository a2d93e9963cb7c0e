package page

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/mutant"
	"torc/core/wire"
	"torc/linearizability"
	"torc/scenarios"
	"torc/sim"
	"torc/ui"
)

func options(t *testing.T, name string, seed uint64, duration time.Duration) sim.Options {
	scenario, err := scenarios.Find(name)
	require.NoError(t, err)
	return sim.Options{Seed: seed, Scenario: scenario, Duration: duration}
}

func TestWatchingChangesNothing(t *testing.T) {
	o := options(t, "swarm", 3, 5*time.Second)
	alone := sim.Run(o)
	rec, watched := Make(o)
	require.Equal(t, alone.Hash, watched.Hash)
	again, _ := Make(o)
	require.Equal(t, rec, again)
}

// A recording holds every operation with its beginning and its end, and every message with what became
// of it. Evictions are nodes' operations.
func TestNothingIsMissing(t *testing.T) {
	evicted := 0
	for seed := uint64(1); seed <= 5; seed++ {
		rec, r := Make(options(t, "swarm", seed, 10*time.Second))
		require.Len(t, rec.Operations, len(r.History.Ops))
		begun, ended := map[int]int{}, map[int]int{}
		sent, done := map[int]int{}, map[int]int{}
		for _, e := range rec.Events {
			switch e.Kind {
			case ui.Invoke:
				begun[e.Ref]++
				require.Equal(t, r.History.Ops[e.Ref].Call, e.At)
				require.Equal(t, rec.Operations[e.Ref].Host, e.Host)
			case ui.Return:
				ended[e.Ref]++
			case ui.Send:
				sent[e.Ref]++
				require.Equal(t, rec.Messages[e.Ref].From, e.Host)
			case ui.Arrive, ui.Lost:
				done[e.Ref]++
			}
		}
		for i := range rec.Operations {
			require.Equal(t, 1, begun[i], "operation %s", rec.Operations[i].Name)
			require.LessOrEqual(t, ended[i], 1)
			if r.History.Ops[i].Kind == linearizability.Evict {
				evicted++
				require.Less(t, rec.Operations[i].Host, r.Settings.Nodes)
			}
		}
		for i := range rec.Messages {
			require.Equal(t, 1, sent[i])
			require.LessOrEqual(t, done[i], 1)
		}
		require.Less(t, len(sent)-len(done), 200, "only the last ones are still on the way")
	}
	require.NotZero(t, evicted)
}

func TestAPageIsSmall(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.html")
	r, err := Write(path, options(t, "swarm", 5, 0)) // the largest of the first five
	require.NoError(t, err)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Less(t, info.Size(), int64(ui.DefaultBytesMax))
	t.Logf("%d messages, %.0f simulated seconds: %d bytes", r.Messages, r.SimSeconds, info.Size())
}

func TestNoRunNoPage(t *testing.T) {
	o := options(t, "swarm", 1, time.Second)
	o.Mutant = "no-such-bug"
	if planted := mutant.Enable(""); !planted { // this binary knows no planted bugs, so there is no such run
		_, err := Write(filepath.Join(t.TempDir(), "run.html"), o)
		require.ErrorContains(t, err, "no-such-bug")
	}
	_, err := Write(filepath.Join(t.TempDir(), "no", "such", "folder.html"), options(t, "swarm", 1, time.Second))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestSpans(t *testing.T) {
	at := func(s int, text string) sim.Moment { return sim.Moment{At: time.Duration(s) * time.Second, Text: text} }
	spans := spansOf([]sim.Moment{
		at(1, "formed: every shard has its leader and voters"), at(2, "isolate n2 (leads 1) for 2s"), at(3, "crash n1, down for 5s"),
		at(4, "over: isolate n2 (leads 1)"), at(5, "wall clock of n1 jumps by 3s"), at(6, "split n1 | n2,n3 for 3.91166957s"), at(8, "restart n1 as incarnation 9"),
		at(9, "heal everything"), at(10, "settled: final reads"), at(11, "pause n3"),
	}, int64(12*time.Second))
	var said []string
	for _, s := range spans {
		said = append(said, time.Duration(s.From).String()+"-"+time.Duration(s.To).String()+" "+s.Text)
	}
	require.Equal(t, []string{"2s-4s isolate n2 (leads 1) for 2s", "3s-8s crash n1, down for 5s", "5s-5s wall clock of n1 jumps by 3s",
		"6s-9s split n1 | n2,n3 for 3.91s", "11s-12s pause n3"}, said)
}

// A frame is said in words; what differs from frame to frame stands apart.
func TestFramesInWords(t *testing.T) {
	raft := func(m wire.RaftMessage) wire.Message { return &wire.Raft{Shard: 2, RaftMessage: m} }
	for _, c := range []struct {
		said  wire.Message
		class string
		want  string
	}{
		{raft(wire.RaftMessage{Type: 3, Index: 4, Commit: 3, Entries: []wire.Entry{{Index: 5}, {Index: 6}}}), "log", "shard 2: entries 5 to 6; committed up to 3"},
		{raft(wire.RaftMessage{Type: 4, Index: 6}), "log answer", "shard 2: has all up to 6"},
		{raft(wire.RaftMessage{Type: 4, Index: 6, Reject: true, RejectHint: 2}), "log answer", "shard 2: cannot append after 6, try 2"},
		{raft(wire.RaftMessage{Type: 8, Commit: 3}), "heartbeat", "shard 2: heartbeat; committed up to 3"},
		{raft(wire.RaftMessage{Type: 17, Term: 5, Index: 6}), "election", "shard 2: would you vote for me in term 5? (log up to 6)"},
		{raft(wire.RaftMessage{Type: 6, Term: 5, Reject: true}), "election", "shard 2: does not vote for it in term 5"},
		{raft(wire.RaftMessage{Type: 18, Term: 5, Reject: true}), "election", "shard 2: would not vote for it in term 5"},
		{&wire.SnapshotChunk{Shard: 1, Meta: wire.SnapshotMeta{Index: 9}, Seq: 2, Data: []byte("abc")}, "snapshot", "shard 1: snapshot up to 9, part 2 (3 bytes)"},
		{&wire.Forward{Request: wire.Request{Shard: 1, Commands: []wire.Command{{Op: wire.OpSet, Key: []byte("k#"), Value: []byte(`"#1"`)}, {Op: wire.OpIncr, Key: []byte("n"), Delta: 2}}}},
			"forward", `shard 1: asks: write k\x23 "\"\x231\"", increment n by 2`},
		{&wire.Reply{Shard: 1, Response: wire.Response{Outcome: wire.OutcomeRefused, Reason: wire.ReasonNotLeader}}, "forward", "shard 1: answers: refused, not the leader"},
		{&wire.Reply{Shard: 1, Response: wire.Response{Results: []wire.Result{{Kind: wire.KindBytes, Value: []byte("v")}, {}}}}, "forward", `shard 1: answers: "v", nothing`},
		{&wire.Hello{Epoch: 3}, "membership", "shard -1: hello, my map is of epoch 3"},
		{&wire.MapUpdate{}, "membership", "shard -1: there is no map"},
	} {
		var m ui.Message
		NewRecorder().describe(&m, &wire.Frame{Messages: []wire.Message{c.said}})
		require.Equal(t, c.want, partWords(&m))
		require.Equal(t, c.class, m.Class)
	}
}

func TestPorcupinesPage(t *testing.T) {
	_, r := Make(options(t, "swarm", 2, 5*time.Second))
	path := filepath.Join(t.TempDir(), "porcupine.html")
	key, err := Porcupine(path, &r)
	require.NoError(t, err)
	require.NotEmpty(t, key)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(text), "<html")
	_, err = Porcupine(path, &sim.Result{})
	require.ErrorIs(t, err, errNoKey)
}

func TestShiVizLogOfARun(t *testing.T) {
	rec, _ := Make(options(t, "healthy", 2, 5*time.Second)) // swarm runs may be founded late
	var log bytes.Buffer
	require.NoError(t, ShiViz(&log, rec, 2*time.Second, 3*time.Second))
	events := parseShiViz(t, log.String())
	require.Greater(t, len(events), 50)
	require.True(t, strings.HasPrefix(log.String(), "# "))
}
