package linearizability

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

var evictedNames = append(slices.Clone(profileNames), "lease")

func evictedProfile(name string, rng *rand.Rand) profile {
	p, known := profiles[name]
	if !known {
		p = leaseProfile
	}
	p.n, p.spread, p.delay, p.unknown = 10+rng.IntN(40), rng.Int64N(7), rng.Int64N(3), rng.IntN(9)
	p.versions, p.evict = true, 12
	return p
}

// TestEvictionsAreOperations: a key that is evicted now and then, with all evictions in the history, is never accused,
// and never undecided.
func TestEvictionsAreOperations(t *testing.T) {
	evicted := 0
	for seed := range uint64(2500) {
		rng := rand.New(rand.NewPCG(seed, 81))
		name := evictedNames[seed%uint64(len(evictedNames))]
		h := evictedProfile(name, rng).run(rng)
		require.NoError(t, h.Validate())
		evicted += len(evictionsIn(h))
		for _, v := range Check(h, Options{FinalFrom: rng.Int64N(100)}) {
			require.Equal(t, Undecided, v.Result, "%s, seed %d: %s\n%s", name, seed, v, text(t, h))
			require.Equal(t, OracleDurability, v.Oracle, "%s, seed %d: %s\n%s", name, seed, v, text(t, h)) // no read happened to be final
		}
	}
	require.Greater(t, evicted, 2500)
}

func evictionsIn(h *History) (places []int) {
	for i := range h.Ops {
		if h.Ops[i].Kind == Evict {
			places = append(places, i)
		}
	}
	return places
}

// TestNothingElseIsExcused: whoever takes an eviction out of a history, moves it to another version, or has the key
// live on after it, is found out, wherever somebody has looked.
func TestNothingElseIsExcused(t *testing.T) {
	for _, name := range evictedNames {
		found, total := map[string]int{}, 0
		for seed := range uint64(400) {
			rng := rand.New(rand.NewPCG(seed, 82))
			p := evictedProfile(name, rng)
			p.unknown, p.spread = 0, rng.Int64N(3)
			h := p.run(rng)
			places := evictionsIn(h)
			if len(places) == 0 {
				continue
			}
			total++
			at := places[rng.IntN(len(places))]
			for what, changed := range map[string]*History{"gone": without(h, at), "another": ofAnother(h, at), "lives on": livesOn(h, at)} {
				verdicts := Check(changed, Options{})
				if Worst(verdicts) != Fine {
					found[what]++
				}
				require.NotEqual(t, Undecided, Worst(verdicts), "%s, seed %d\n%s\n%s", name, seed, text(t, changed), sentences(verdicts))
			}
		}
		t.Logf("%s: of %d found: %v", name, total, found)
		require.Greater(t, found["lives on"], total*9/10, name)
		if name != "ttl" { // its checkers know no versions, and what expires may be gone
			require.Greater(t, found["gone"], total/2, name)
		}
	}
}

// without leaves an eviction out.
func without(h *History, at int) *History {
	return &History{Ops: slices.Delete(slices.Clone(h.Ops), at, at+1)}
}

// ofAnother lets an eviction be one of a version that was not there then.
func ofAnother(h *History, at int) *History {
	ops := slices.Clone(h.Ops)
	ops[at].In.Version++
	return &History{Ops: ops}
}

// livesOn has the value that an eviction removed be read again, right after it and by somebody who comes later.
func livesOn(h *History, at int) *History {
	removed := h.Ops[at]
	ops := slices.Clone(h.Ops)
	value := Value{}
	for i := range ops {
		if op := &ops[i]; op.Kind == Read && op.Outcome == OK && op.Out.Version == removed.In.Version {
			value = op.Out.Value
		}
		if op := &ops[i]; op.Kind.setsWhole() && op.Outcome == OK && op.Out.Version == removed.In.Version && op.changes() {
			value = Some(op.In.Value)
		}
		if op := &ops[i]; op.Kind == Increment && op.Outcome == OK && op.Out.Version == removed.In.Version {
			value = Some(decimalText(op.Out.Number))
		}
	}
	if !value.Found { // an append, whose text nobody read: any text with a token of its
		value = Some("v0;")
	}
	ops = append(ops, Operation{ID: len(ops) + 1, Client: 9, Call: removed.Return + 1, Return: removed.Return + 1, Kind: Read, Key: "x", Outcome: OK,
		Out: Output{Value: value, Version: removed.In.Version}})
	return &History{Ops: ops}
}
