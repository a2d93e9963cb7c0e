package script

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"torc/linearizability"
	"torc/sim"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

// Each wrong line of testdata/wrong.scenario is named, with what was expected.
func TestErrors(t *testing.T) {
	text, err := os.ReadFile("testdata/wrong.txt")
	require.NoError(t, err)
	var out strings.Builder
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		if line == "" || strings.HasPrefix(line, "  ") {
			continue
		}
		file := "scenario wrong\n" + line + "\n"
		if strings.HasPrefix(line, "!") {
			file = strings.ReplaceAll(line[1:], `\n`, "\n")
		}
		_, err := Parse("wrong.scenario", file)
		require.Error(t, err, "%s", line)
		fmt.Fprintf(&out, "%s\n  %s\n\n", line, strings.ReplaceAll(err.Error(), "\n", "\n  "))
	}
	if *rewrite {
		require.NoError(t, os.WriteFile("testdata/wrong.txt", []byte(out.String()), 0o644))
	}
	require.Equal(t, string(text), out.String())
}

// A file that uses every word reads and writes back as itself.
func TestEveryWord(t *testing.T) {
	text, err := os.ReadFile("testdata/words.scenario")
	require.NoError(t, err)
	f, err := Parse("words.scenario", string(text))
	require.NoError(t, err)
	again, err := f.Format()
	require.NoError(t, err)
	if *rewrite {
		require.NoError(t, os.WriteFile("testdata/words.scenario", []byte(again), 0o644))
	}
	require.Equal(t, string(text), again)
	for _, w := range faultWords {
		require.Contains(t, again, w.word)
	}
	for _, w := range opWords {
		require.Contains(t, again, " "+w.word+" ")
	}
	for _, d := range directives {
		require.Contains(t, "\n"+again, "\n"+d.word, "%s", d.word)
	}
}

func TestUsageNamesEveryWord(t *testing.T) {
	var b strings.Builder
	require.NoError(t, Usage(&b))
	for _, w := range faultWords {
		require.Contains(t, b.String(), w.usage)
	}
	for _, f := range sim.Fields() {
		require.Contains(t, b.String(), f.Name)
	}
}

// Whatever the simulator drew and did reads back as it was written.
func TestPlansReadBack(t *testing.T) {
	for seed := uint64(1); seed <= 5; seed++ {
		swarm := sim.Scenario{Name: "swarm", Swarm: true}
		r := sim.Run(sim.Options{Seed: seed, Scenario: swarm, Duration: 10 * time.Second})
		f := Of(r.Plan, r.Settings)
		text, err := f.Format()
		require.NoError(t, err)
		again, err := Parse("plan", text)
		require.NoError(t, err)
		require.Equal(t, f, again)
		require.Equal(t, r.Hash, sim.Run(sim.Options{Seed: seed, Scenario: again.Scenario()}).Hash, "seed %d", seed)
	}
}

func TestAnyFileReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFile(t)
		text, err := f.Format()
		require.NoError(t, err)
		again, err := Parse("drawn", text)
		require.NoError(t, err, "%s", text)
		require.Equal(t, f, again, "%s", text)
	})
}

func drawFile(t *rapid.T) *File {
	f := &File{Name: "drawn", Base: rapid.SampledFrom([]string{"", "small", "hot"}).Draw(t, "base"),
		Seed: rapid.Uint64().Draw(t, "seed"), Quiet: rapid.Bool().Draw(t, "quiet"), Duration: drawTime(t)}
	at := time.Duration(0)
	for range rapid.IntRange(0, 6).Draw(t, "steps") {
		at += drawTime(t) + 1
		f.Script = append(f.Script, sim.At(at, drawFault(t)))
	}
	at = 0
	for range rapid.IntRange(0, 6).Draw(t, "calls") {
		at += drawTime(t) + 1
		c := sim.Call{At: at, Client: rapid.IntRange(0, 9).Draw(t, "client"), Via: rapid.SampledFrom([]sim.Target{{}, sim.Node(2), sim.Part("A")}).Draw(t, "via")}
		for range rapid.IntRange(1, 3).Draw(t, "ops") {
			c.Ops = append(c.Ops, drawOp(t))
		}
		f.Calls = append(f.Calls, c)
	}
	return f
}

func drawTime(t *rapid.T) time.Duration {
	return time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "time"))
}

func drawTarget(t *rapid.T) sim.Target {
	return rapid.SampledFrom([]sim.Target{sim.Node(2), sim.Leader(1), sim.Follower(3, 2), sim.Random(), sim.Part("A"), sim.Voter(1, 2)}).Draw(t, "target")
}

func drawFault(t *rapid.T) sim.Fault {
	a, b, d := drawTarget(t), drawTarget(t), drawTime(t)
	f := rapid.SampledFrom([]sim.Fault{
		sim.Isolate{Target: a}, sim.Split{Side: []sim.Target{a, b}}, sim.Split{Side: []sim.Target{a}, Clients: true},
		sim.Split{Side: []sim.Target{a}, Clients: true, Near: []int{0, 4}}, sim.Split{Side: []sim.Target{a}, Clients: true, Near: []int{}},
		sim.Deaf{Target: a}, sim.Deaf{Target: a, Mute: true}, sim.Cut{A: a, B: b}, sim.OneWay{From: a, To: b}, sim.Bridge{Middle: a},
		sim.Crash{Target: a, Down: d}, sim.Crash{Target: a}, sim.Stop{Target: a, Down: d}, sim.Restart{Target: a}, sim.Join{Target: a},
		sim.Pause{Target: a}, sim.Slow{Target: a, Turn: d}, sim.Lossy{Drop: 5, Duplicate: 7, Delay: d, Clients: true},
		sim.Rate{Target: a, Thousandth: -20}, sim.WallJump{Target: a, By: -d}, sim.HotKeys{}, sim.Heal{},
		sim.Clog{A: a}, sim.Clog{A: a, Clients: true}, sim.Clog{A: a, B: b, Pair: true}, sim.Clog{A: a, B: b, Pair: true, OneWay: true},
		sim.Stall{Target: a, Lane: 1}, sim.Lag{A: a, B: b, By: d}, sim.Lag{A: a, B: b, By: d, Both: true}, sim.Echo{A: a, B: b, By: d},
		sim.Throttle{Target: a, Delay: d, Bytes: 4096}, sim.Throttle{Target: a, Delay: d, Drop: 500}, sim.Throttle{Target: a, Delay: d, Over: 1200}, sim.Replay{Target: a}, sim.Rack{Targets: []sim.Target{a, b}, Down: d}, sim.Squeeze{Target: a, Bytes: 512},
		sim.Slander{Target: a, Lie: sim.LieOldRumour}, sim.Drain{Target: a, Via: b}, sim.Drain{Target: a, Via: b, Force: true},
		sim.Undrain{Target: a, Via: b}, sim.Forget{Target: a, Via: b}, sim.RecoverMeta{Via: b}, sim.Weigh{Target: a, Via: b, Hundredths: 50}, sim.Roll{Target: a, Down: d}, sim.When{Trigger: sim.OnChange, Shard: 1, After: d, Fault: sim.Crash{Target: sim.Sender(), Down: d}},
		sim.When{Fault: sim.For{Duration: d, Fault: sim.Isolate{Target: sim.Receiver()}}},
		sim.Cast{{Part: "A", Target: a}, {Part: "Old-leader", Target: b}}, sim.Demand{For: d, Gap: d, Elections: 3},
	}).Draw(t, "fault")
	if _, when := f.(sim.When); !when && rapid.Bool().Draw(t, "timed") { // a trigger takes the duration for its fault
		return sim.For{Duration: d, Fault: f}
	}
	return f
}

func drawOp(t *rapid.T) sim.Op {
	key, value := rapid.String().Draw(t, "key"), rapid.StringN(1, 8, -1).Draw(t, "value")
	ttl := time.Duration(rapid.IntRange(1, 5000).Draw(t, "ttl")) * time.Millisecond
	op := rapid.SampledFrom([]sim.Op{
		{Kind: linearizability.Read}, {Kind: linearizability.Delete}, {Kind: linearizability.GetDel},
		{Kind: linearizability.Write, In: linearizability.Input{Value: value}},
		{Kind: linearizability.Write, In: linearizability.Input{Value: value, TTL: ttl}},
		{Kind: linearizability.SetNX, In: linearizability.Input{Value: value}},
		{Kind: linearizability.CAS, Seen: true, In: linearizability.Input{Value: value, ByVersion: true}},
		{Kind: linearizability.CAS, In: linearizability.Input{Value: value, ByVersion: true, Version: 9}},
		{Kind: linearizability.Increment, In: linearizability.Input{Delta: -3}},
		{Kind: linearizability.Append, In: linearizability.Input{Value: value}},
		{Kind: linearizability.Touch, In: linearizability.Input{TTL: ttl}}, {Kind: linearizability.Touch},
	}).Draw(t, "op")
	op.Key = key
	op.Want = rapid.SampledFrom([]string{"", "ok", "absent", `"v 1"`, "3", "refused | unknown"}).Draw(t, "want")
	return op
}

// FuzzParse: no text makes it panic, and what it accepts it can write and read again.
func FuzzParse(f *testing.F) {
	seeds, _ := filepath.Glob("../named/*.scenario")
	for _, name := range append(seeds, "testdata/words.scenario") {
		text, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		file, err := Parse("fuzzed", text)
		if err != nil {
			return
		}
		again, err := file.Format()
		require.NoError(t, err)
		same, err := Parse("again", again)
		require.NoError(t, err, "%s", again)
		third, err := same.Format()
		require.NoError(t, err)
		require.Equal(t, again, third)
	})
}
