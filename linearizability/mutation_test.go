package linearizability

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// A checker is worth what it catches. Each mutation here turns a good history into one that is
// certainly wrong, by construction; all of them must be caught, by the oracle that is meant to.
// TestRandomMutations then changes answers blindly, where only brute force knows what is wrong.

// mutation changes a history that ends quietly at some time, and says whether it found a victim.
type mutation struct {
	profile profile
	oracle  string
	spoil   func(h *History, at int64, rng *rand.Rand) bool
}

var mutations = map[string]mutation{
	"a write is dropped":           {registerProfile, OracleRegister, dropWrite},
	"two reads are swapped":        {registerProfile, OracleRegister, swapReads},
	"a failed write is seen":       {registerProfile, OracleRegister, seeFailed},
	"a value is invented":          {deleteProfile, OracleRegister, invent},
	"a deleted value comes back":   {deleteProfile, OracleRegister, comeBack},
	"an increment is dropped":      {counterProfile, OracleCounter, dropIncrement},
	"an increment is doubled":      {counterProfile, OracleCounter, doubleIncrement},
	"an append is dropped":         {appendProfile, OracleAppend, dropAppend},
	"an append is doubled":         {appendProfile, OracleAppend, doubleAppend},
	"two tokens change places":     {appendProfile, OracleAppend, swapTokens},
	"a set-if-absent wins twice":   {stringProfile, OracleModel, winTwice},
	"a value outlives its TTL":     {ttlProfile, OracleTTL, outlive},
	"a value dies before its time": {ttlProfile, OracleTTL, dieEarly},
}

func TestCertainMutationsAreCaught(t *testing.T) {
	for name, m := range mutations {
		t.Run(name, func(t *testing.T) {
			spoilt, total := 0, 0
			rapid.Check(t, func(t *rapid.T) {
				p := m.profile
				p.n, p.unknown = rapid.IntRange(0, 40).Draw(t, "operations"), rapid.IntRange(0, 8).Draw(t, "unknown percent")
				p.spread = rapid.Int64Range(0, 8).Draw(t, "spread")
				rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 40))
				h := p.run(rng)
				require.Empty(t, sentences(Check(h, Options{})), "before it is spoilt")
				total++
				if !m.spoil(h, endOf(h)+100, rng) { // all TTLs are over by then
					return
				}
				spoilt++
				require.NoError(t, h.Validate())
				verdicts := checkOrder(h.ByKey()[0], Options{})
				require.Equal(t, Violation, Worst(verdicts), h.lines())
				require.True(t, slices.ContainsFunc(verdicts, func(v Verdict) bool { return v.Oracle == m.oracle }), sentences(verdicts))
			})
			require.Greater(t, spoilt*3, total, "most histories have a victim")
		})
	}
}

func (h *History) lines() string {
	var b strings.Builder
	_, _ = h.WriteTo(&b) // a builder never fails
	return b.String()
}

func (h *History) then(at int64, kind Kind, in Input, out Output) *Operation {
	h.Ops = append(h.Ops, Operation{ID: len(h.Ops) + 1, Client: 9, Call: at, Return: at + 1, Kind: kind, Key: "x", In: in, Outcome: OK, Out: out})
	return &h.Ops[len(h.Ops)-1]
}

func dropWrite(h *History, at int64, _ *rand.Rand) bool {
	h.then(at, Write, Input{Value: "kept"}, Output{})
	h.then(at+2, Write, Input{Value: "dropped"}, Output{})
	h.then(at+4, Read, Input{}, Output{Value: Some("kept")})
	return true
}

func swapReads(h *History, at int64, _ *rand.Rand) bool {
	h.then(at, Write, Input{Value: "first"}, Output{})
	h.then(at+2, Read, Input{}, Output{Value: Some("second")})
	h.then(at+4, Write, Input{Value: "second"}, Output{})
	h.then(at+6, Read, Input{}, Output{Value: Some("first")})
	return true
}

func seeFailed(h *History, at int64, rng *rand.Rand) bool {
	h.then(at, Write, Input{Value: "failed"}, Output{}).Outcome = Failed
	h.then(at+2+rng.Int64N(9), Read, Input{}, Output{Value: Some("failed")})
	return true
}

func invent(h *History, _ int64, rng *rand.Rand) bool {
	return change(h, rng, Read, func(op *Operation) bool {
		op.Out.Value = Some("nobody wrote this")
		return true
	})
}

func comeBack(h *History, at int64, _ *rand.Rand) bool {
	h.then(at, Write, Input{Value: "deleted"}, Output{})
	h.then(at+2, Delete, Input{}, Output{Applied: true})
	h.then(at+4, Read, Input{}, Output{Value: Some("deleted")})
	return true
}

// change applies a change to some answered operation of a kind.
func change(h *History, rng *rand.Rand, kind Kind, f func(*Operation) bool) bool {
	for _, i := range rng.Perm(len(h.Ops)) {
		if op := &h.Ops[i]; op.Kind == kind && op.Outcome == OK && f(op) {
			return true
		}
	}
	return false
}

func dropIncrement(h *History, at int64, _ *rand.Rand) bool {
	sum := int64(0)
	for i := range h.Ops {
		if op := &h.Ops[i]; op.Kind == Increment && op.Outcome == OK {
			sum += op.In.Delta
		}
	}
	h.then(at, Read, Input{}, Output{Value: Some(decimalText(sum - 1))})
	return sum > 1
}

func doubleIncrement(h *History, at int64, _ *rand.Rand) bool {
	sum := int64(0)
	for i := range h.Ops {
		if op := &h.Ops[i]; op.Kind == Increment && op.Outcome != Failed {
			sum += op.In.Delta
		}
	}
	h.then(at, Read, Input{}, Output{Value: Some(decimalText(sum + 1))}) // more than all that was ever asked for
	return sum > 0
}

// grown is the text of an append-only key as the longest read has it, if any.
func grown(h *History) (text string) {
	for i := range h.Ops {
		if op := &h.Ops[i]; op.Kind == Read && len(op.Out.Value.Text) > len(text) {
			text = op.Out.Value.Text
		}
	}
	return text
}

func dropAppend(h *History, at int64, rng *rand.Rand) bool {
	all := grown(h)
	return change(h, rng, Append, func(op *Operation) bool {
		left := strings.Replace(all, op.In.Value, "", 1)
		h.then(at, Read, Input{}, Output{Value: Value{left, left != ""}})
		return true
	})
}

func doubleAppend(h *History, at int64, rng *rand.Rand) bool {
	all := grown(h)
	return change(h, rng, Append, func(op *Operation) bool {
		if !strings.Contains(all, op.In.Value) {
			return false
		}
		h.then(at, Read, Input{}, Output{Value: Some(all + op.In.Value)})
		return true
	})
}

func swapTokens(h *History, at int64, _ *rand.Rand) bool {
	parts := strings.SplitAfter(grown(h), ";")
	if len(parts) < 3 { // the last is empty
		return false
	}
	parts[0], parts[1] = parts[1], parts[0]
	h.then(at, Read, Input{}, Output{Value: Some(strings.Join(parts, ""))})
	return true
}

func winTwice(h *History, at int64, _ *rand.Rand) bool {
	for i := range h.Ops { // an open delete or getdel could come in between
		if h.Ops[i].Outcome == Unknown {
			return false
		}
	}
	h.then(at, Delete, Input{}, Output{Applied: h.foundAfter()})
	h.then(at+2, SetNX, Input{Value: "one"}, Output{Applied: true})
	h.then(at+4, SetNX, Input{Value: "two"}, Output{Applied: true})
	return true
}

// foundAfter asks the model whether the key is there after a history without open operations.
func (h *History) foundAfter() bool {
	last := Operation{ID: len(h.Ops) + 1, Client: 9, Call: endOf(h) + 1, Return: endOf(h) + 2, Kind: Delete, Key: "x", Outcome: OK, Out: Output{Applied: true}}
	longer := &History{Ops: append(slices.Clone(h.Ops), last)}
	return len(CheckModel(longer.ByKey()[0], Options{})) == 0
}

func outlive(h *History, at int64, _ *rand.Rand) bool {
	for i := range h.Ops { // an open touch could have prolonged the life
		if h.Ops[i].Outcome == Unknown {
			return false
		}
	}
	h.then(at, Write, Input{Value: "mortal", TTL: 10}, Output{})
	h.then(at+20, Read, Input{}, Output{Value: Some("mortal")})
	return true
}

func dieEarly(h *History, at int64, _ *rand.Rand) bool {
	for i := range h.Ops { // an open delete could have removed it
		if h.Ops[i].Outcome == Unknown {
			return false
		}
	}
	h.then(at, Write, Input{Value: "mortal", TTL: 10}, Output{})
	h.then(at+3, Read, Input{}, Output{})
	return true
}

// TestRandomMutations: one to three answers of a good history changed at random. What brute
// force finds wrong must be caught, and nothing else; the share of mutations that are wrong at
// all says how much an observer can know.
func TestRandomMutations(t *testing.T) {
	for _, name := range []string{"register", "delete", "counter", "append", "string"} {
		wrong, total := 0, 0
		for seed := range uint64(1500) {
			rng := rand.New(rand.NewPCG(seed, 41))
			p := profiles[name]
			p.n, p.spread = 4+rng.IntN(3), rng.Int64N(4)
			h := p.run(rng)
			before := text(t, h)
			scramble(rng, h, 1+rng.IntN(3))
			if text(t, h) == before {
				continue
			}
			total++
			explained := bruteForce(h)
			verdicts := checkOrder(h.ByKey()[0], Options{})
			require.NotEqual(t, Undecided, Worst(verdicts))
			require.Equal(t, explained, len(verdicts) == 0, "%s, seed %d\n%s\n%s", name, seed, text(t, h), sentences(verdicts))
			if !explained {
				wrong++
			}
		}
		t.Logf("%s: of %d changed histories %d are wrong, and all of those are caught", name, total, wrong)
		require.Greater(t, wrong, total/3)
	}
}
