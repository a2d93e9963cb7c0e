package linearizability

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWriteOrder: on registers that a few clients share, what really happened is never accused;
// and who is accused after answers were scrambled read a key that is not linearizable.
func TestWriteOrder(t *testing.T) {
	caught := 0
	for seed := range uint64(3000) {
		rng := rand.New(rand.NewPCG(seed, 30))
		p := registerProfile
		p.n, p.spread, p.delay = 10+rng.IntN(30), rng.Int64N(4), 2
		var ops []Operation
		for _, key := range []string{"x", "y", "z"} {
			for _, op := range p.run(rng).Ops {
				op.Key = key
				ops = append(ops, op)
			}
		}
		h := numbered(ops)
		require.NoError(t, h.Validate())
		require.Empty(t, sentences(CheckWriteOrder(h, Options{})), "seed %d\n%s", seed, text(t, h))
		for range 3 {
			x := h.Ops[rng.IntN(len(h.Ops))].Key
			var same []int
			for i := range h.Ops {
				if op := &h.Ops[i]; op.Key == x && op.Kind == Read && op.Outcome == OK {
					same = append(same, i)
				}
			}
			if len(same) > 1 {
				a, b := &h.Ops[same[rng.IntN(len(same))]], &h.Ops[same[rng.IntN(len(same))]]
				a.Out, b.Out = b.Out, a.Out
			}
		}
		for _, v := range CheckWriteOrder(h, Options{}) {
			caught++
			for _, k := range h.ByKey() {
				if k.Key == v.Key {
					found, ok := CheckRegister(k, Options{})
					require.True(t, ok)
					require.NotEmpty(t, found, "seed %d: %s\n%s", seed, v, text(t, h))
				}
			}
		}
	}
	t.Logf("%d readers wronged", caught)
	require.Greater(t, caught, 500)
}

// TestWriteOrderIsRejected: a client writes x, then y; an observer sees y and then not x.
// Whatever the rest of the history is, the observer is named.
func TestWriteOrderIsRejected(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 31))
		p := registerProfile
		p.n = rng.IntN(30)
		h := p.run(rng)
		for i := range h.Ops {
			h.Ops[i].Client += 10
		}
		at := endOf(h)
		add := func(client int, kind Kind, key, value string, out Value) {
			at += 2
			h.Ops = append(h.Ops, Operation{ID: len(h.Ops) + 1, Client: client, Call: at - 1, Return: at, Kind: kind, Key: key, In: Input{Value: value}, Outcome: OK, Out: Output{Value: out}})
		}
		add(1, Write, "x", "old", Absent)
		add(1, Write, "x", "new", Absent)
		add(1, Write, "y", "done", Absent)
		add(2, Read, "y", "", Some("done"))
		add(2, Read, "x", "", Some("old"))
		verdicts := CheckWriteOrder(h, Options{})
		require.Len(t, verdicts, 1)
		require.Contains(t, verdicts[0].Sentence, "(monotonic writes)")
		require.Equal(t, h.Ops[len(h.Ops)-1], verdicts[0].Operations[0])
		require.Contains(t, sentences(Check(h, Options{})), "(monotonic writes)")
	}
}
