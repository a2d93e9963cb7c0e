package linearizability

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var profiles = map[string]profile{
	"register": registerProfile, "delete": deleteProfile, "counter": counterProfile, "mixed": mixedProfile,
	"uneven": unevenProfile, "append": appendProfile, "repeat": repeatProfile, "string": stringProfile, "ttl": ttlProfile,
}

var profileNames = []string{"register", "delete", "counter", "mixed", "uneven", "append", "repeat", "string", "ttl"}

// TestWhatHappenedIsAccepted: a history of operations that really took effect one by one is
// never accused, by any checker.
func TestWhatHappenedIsAccepted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := profiles[rapid.SampledFrom(profileNames).Draw(t, "profile")]
		p.n = rapid.IntRange(0, 60).Draw(t, "operations")
		p.spread = rapid.Int64Range(0, 12).Draw(t, "spread")
		p.unknown = rapid.IntRange(0, 12).Draw(t, "unknown percent")
		p.failed = rapid.IntRange(0, 30).Draw(t, "failed percent")
		p.versions = rapid.Bool().Draw(t, "versions")
		h := p.run(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 5)))
		require.NoError(t, h.Validate())
		for _, v := range Check(h, Options{FinalFrom: rapid.Int64Range(0, 100).Draw(t, "final from")}) {
			require.Equal(t, Undecided, v.Result, v.String())
			require.Equal(t, OracleDurability, v.Oracle, v.String()) // no read happened to be final
		}
	})
}

// TestDoubledIncrementIsRejected and its neighbours inject one fault each into a history that
// is otherwise good, and show it to readers who come later.
func TestDoubledIncrementIsRejected(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := counterProfile
		p.n, p.unknown = rapid.IntRange(1, 100).Draw(t, "operations"), 0
		h := p.run(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 6)))
		at := rapid.IntRange(0, len(h.Ops)-1).Draw(t, "victim")
		for i := range h.Ops {
			op := &h.Ops[i]
			if i >= at && op.Kind == Increment && op.Outcome == OK {
				doubleFrom(h, op)
				requireViolation(t, h, OracleCounter)
				return
			}
		}
	})
}

// doubleFrom adds 1 to everything that came after an increment, as if it had been applied
// twice, and reads the result at the end.
func doubleFrom(h *History, victim *Operation) {
	sum, last := int64(1), int64(0)
	for i := range h.Ops {
		op := &h.Ops[i]
		if op.Return != Open {
			last = max(last, op.Return)
		}
		if op.Outcome != OK {
			continue
		}
		if op.Kind == Increment {
			sum += op.In.Delta
			if op.Out.Number > victim.Out.Number {
				op.Out.Number++
			}
		}
		if n, _ := number(op.Out.Value); op.Kind == Read && n >= victim.Out.Number {
			op.Out.Value = Some(decimalText(n + 1))
		}
	}
	h.Ops = append(h.Ops, Operation{ID: len(h.Ops) + 1, Call: last + 1, Return: last + 2, Kind: Read, Key: "x", Outcome: OK, Out: Output{Value: Some(decimalText(sum))}})
}

func TestStaleReadIsRejected(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := registerProfile
		p.n, p.unknown = rapid.IntRange(2, 60).Draw(t, "operations"), 4 // few, for porcupine's sake
		h := p.run(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 7)))
		var old, last *Operation
		end := int64(0)
		for i := range h.Ops {
			op := &h.Ops[i]
			if op.Return != Open {
				end = max(end, op.Return)
			}
			if op.Kind != Write || op.Outcome != OK {
				continue
			}
			if old == nil {
				old = op
			} else if old.before(op) {
				last = op
			}
		}
		if last == nil {
			t.Skip("no two writes one after the other")
		}
		h.Ops = append(h.Ops, Operation{ID: len(h.Ops) + 1, Call: end + 1, Return: end + 2, Kind: Read, Key: "x", Outcome: OK, Out: Output{Value: Some(old.In.Value)}})
		requireViolation(t, h, OracleRegister)
	})
}

func requireViolation(t *rapid.T, h *History, oracle string) {
	verdicts := Check(h, Options{})
	require.Equal(t, Violation, Worst(verdicts))
	require.Equal(t, oracle, verdicts[0].Oracle)
	require.Equal(t, Violation, Worst(CheckModel(h.ByKey()[0], Options{})), "porcupine agrees")
}

// TestLossesExcuse: a key that vanishes once, at a time for which a loss was declared, is no
// error; the same history without the declaration often is.
func TestLossesExcuse(t *testing.T) {
	alarms := 0
	for seed := range uint64(900) {
		rng := rand.New(rand.NewPCG(seed, 8))
		name := profileNames[seed%uint64(len(profileNames))]
		p := profiles[name]
		p.n, p.spread, p.unknown, p.delay = 40, rng.Int64N(6), 5, 2
		h, loss := p.runAndLose(rng, 20)
		o := Options{FinalFrom: h.Ops[len(h.Ops)*2/3].Call, Losses: []Loss{loss}}
		for _, v := range Check(h, o) {
			require.Equal(t, Undecided, v.Result, "%s, seed %d: %s\n%s", name, seed, v, text(t, h))
			require.Equal(t, OracleDurability, v.Oracle, "%s, seed %d: %s", name, seed, v)
		}
		if Worst(Check(h, Options{})) == Violation {
			alarms++
		}
		o.Losses[0].Keys = []string{"another"}
		require.Equal(t, Check(h, Options{FinalFrom: o.FinalFrom}), Check(h, o), "a loss of another key excuses nothing")
	}
	require.Greater(t, alarms, 450)
}

func decimalText(n int64) string { return strconv.FormatInt(n, 10) }

// TestSearchFindsTheCulprit: a long history with one bad answer in it. The verdict names that
// answer, though the search starts from prefixes; and it comes fast, though the rest of the
// history has many open operations.
func TestSearchFindsTheCulprit(t *testing.T) {
	for seed := range uint64(5) {
		rng := rand.New(rand.NewPCG(seed, 9))
		p := stringProfile
		p.n, p.unknown, p.spread, p.delay = 600, 1, 3, 1
		h := p.run(rng)
		k := h.ByKey()[0]
		require.Empty(t, sentences(CheckModel(k, Options{})), "seed %d", seed)
		for i := 300; ; i++ {
			if op := &h.Ops[i]; op.Kind == Read && op.Outcome == OK {
				op.Out.Value = Some("nobody wrote this")
				verdicts := CheckModel(k, Options{})
				require.Equal(t, Violation, Worst(verdicts))
				require.Equal(t, *op, verdicts[0].Operations[0])
				require.Contains(t, verdicts[0].Sentence, op.Name()+" by client")
				break
			}
		}
	}
}

// TestTimeoutIsUndecided: a search that is too hard ends, and does not end as fine.
func TestTimeoutIsUndecided(t *testing.T) {
	h := hopeless(40)
	verdicts := CheckModel(h.ByKey()[0], Options{})
	require.Equal(t, Undecided, Worst(verdicts))
	require.Contains(t, verdicts[0].Sentence, "within the bound on steps")
	require.Error(t, Picture(&strings.Builder{}, h.ByKey()[0], Options{Timeout: 50 * time.Millisecond}))
}

// TestStepsAreBounded: beyond its bounds a search ends without a result, at the same point each
// time, and a history that is over the bounds from the start is not searched at all.
func TestStepsAreBounded(t *testing.T) {
	h := hopeless(40)
	k := h.ByKey()[0]
	o := Options{StepsMax: 10_000, Losses: []Loss{{From: 1, To: 2}, {From: 3, To: 4}}}
	first := CheckModel(k, o)
	require.Equal(t, Undecided, Worst(first))
	require.Contains(t, first[0].Sentence, "within the bound on steps")
	require.Equal(t, first, CheckModel(k, o))

	o = o.withDefaults()
	s := newSearch(KeyHistory{k.Key, effective(k.Ops)}, o)
	require.Equal(t, Undecided, s.run().Result)
	require.Less(t, -s.steps, int64(10_000), "the search unwinds at once")

	for _, o := range []Options{{ConcurrencyMax: 40}, {OperationsMax: 40}} {
		v, over := overBounds(k, o.withDefaults())
		require.True(t, over, "41 operations, all open at once")
		require.Equal(t, Undecided, v.Result)
		require.Equal(t, []Verdict{v}, CheckModel(k, o))
		require.Equal(t, Undecided, Worst(Check(h, o)), "giving up is never fine")
	}
}

// hopeless is a sum of many open increments that no subset of them gives.
func hopeless(n int) *History {
	h := &History{}
	for i := range n {
		h.Ops = append(h.Ops, Operation{ID: i + 1, Client: i, Return: Open, Kind: Increment, Key: "x", In: Input{Delta: 2 << (i % 30)}, Outcome: Unknown})
	}
	h.Ops = append(h.Ops, Operation{ID: n + 1, Call: 5, Return: 6, Kind: Read, Key: "x", Out: Output{Value: Some("1000001")}, Outcome: OK})
	return h
}

func TestVerdictsAreDeterministic(t *testing.T) {
	run := func() string {
		var all []string
		for _, name := range profileNames {
			rng := rand.New(rand.NewPCG(1, 10))
			p := profiles[name]
			p.n, p.lose, p.double, p.delay = 60, 5, 5, 2
			h := p.run(rng)
			for i := range h.Ops { // many keys, in no particular order
				h.Ops[i].Key = string('a' + rune(rng.IntN(5)))
			}
			all = append(all, sentences(Check(h, Options{FinalFrom: 100})))
		}
		return strings.Join(all, "\n")
	}
	first := run()
	require.NotEmpty(t, first)
	for range 5 {
		require.Equal(t, first, run())
	}
}

func TestViolationsAreBounded(t *testing.T) {
	h := &History{}
	for i := range 100 {
		h.Ops = append(h.Ops, Operation{ID: i + 1, Call: int64(i), Return: int64(i), Kind: Read, Key: "x", Outcome: OK, Out: Output{Value: Some("never written")}})
	}
	require.Len(t, Check(h, Options{}), 5)
	require.Len(t, Check(h, Options{ViolationsMax: 1}), 1)
}

func TestPictureFile(t *testing.T) {
	p := stringProfile
	p.n, p.lose = 30, 30
	h := p.run(rand.New(rand.NewPCG(1, 11)))
	path := filepath.Join(t.TempDir(), "x.html")
	require.NoError(t, PictureFile(path, h.ByKey()[0], Options{}))
	page, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(page), "<html")
	require.Contains(t, string(page), "append a")
	require.Error(t, PictureFile(filepath.Join(path, "no", "such", "folder"), h.ByKey()[0], Options{}))
}
