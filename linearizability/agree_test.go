package linearizability

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// Three ways to the same answer: the near-linear checkers, porcupine, and trying every
// order. On thousands of small histories, good and bad, they must agree.

var (
	registerProfile = profile{kinds: []Kind{Read, Read, Write}, spread: 6, unknown: 15, failed: 5}
	deleteProfile   = profile{kinds: []Kind{Read, Read, Write, Delete}, spread: 6, unknown: 15, failed: 5}
	counterProfile  = profile{kinds: []Kind{Increment, Increment, Read}, spread: 6, unknown: 20, failed: 5, deltas: []int64{1}}
	mixedProfile    = profile{kinds: []Kind{Increment, Increment, Read}, spread: 6, unknown: 20, failed: 5, deltas: []int64{1, 2, 5, -3}}
	unevenProfile   = profile{kinds: []Kind{Increment, Increment, Read}, spread: 6, unknown: 20, failed: 5, deltas: []int64{1, 3}}
	appendProfile   = profile{kinds: []Kind{Append, Append, Read}, spread: 6, unknown: 20, failed: 5}
	repeatProfile   = profile{kinds: []Kind{Append, Append, Read}, spread: 6, unknown: 20, failed: 5, values: 12}
	stringProfile   = profile{kinds: []Kind{Read, Read, Write, Delete, CAS, CAS, SetNX, GetDel, Increment, Append}, spread: 6, unknown: 15, failed: 5, values: 3, deltas: []int64{1, 2}}
)

// agreement runs many small histories of one profile past Check, porcupine and, if they are
// tiny, brute force.
func agreement(t *testing.T, p profile, rounds int) {
	t.Helper()
	good, bad := 0, 0
	for seed := range uint64(rounds) {
		rng := rand.New(rand.NewPCG(seed, 1))
		p := p
		p.n = 2 + rng.IntN(5)
		if seed%4 == 3 {
			p.n = 7 + rng.IntN(8)
		}
		p.spread = rng.Int64N(p.spread) + 1
		if seed%5 > 0 {
			p.spread, p.delay = rng.Int64N(2), 2
		}
		if seed%3 == 1 {
			p.lose, p.double = 30, 30
		}
		h := p.run(rng)
		if seed%3 == 2 {
			scramble(rng, h, p.n+rng.IntN(5))
		}
		require.NoError(t, h.Validate())
		k := h.ByKey()[0]
		verdicts := checkOrder(k, Options{})
		model := CheckModel(k, Options{})
		require.NotEqual(t, Undecided, Worst(model), text(t, h))
		require.Equal(t, Worst(model), Worst(verdicts), "seed %d\n%s\n%s", seed, text(t, h), sentences(verdicts))
		if p.n <= 6 {
			require.Equal(t, bruteForce(h), len(model) == 0, "seed %d: brute force and porcupine\n%s", seed, text(t, h))
		}
		if seed%3 == 0 {
			require.Empty(t, sentences(Check(h, Options{})), "a correct history\n%s", text(t, h))
		}
		if len(verdicts) == 0 {
			good++
			session, _ := CheckSession(k, Options{})
			require.Empty(t, sentences(session), "a linearizable history keeps session guarantees\n%s", text(t, h))
			durable, _ := CheckDurability(k, Options{FinalFrom: 1})
			require.NotEqual(t, Violation, Worst(durable), "%s\n%s", text(t, h), sentences(durable))
		} else {
			bad++
		}
	}
	t.Logf("%d linearizable, %d not", good, bad)
	require.Greater(t, good, rounds/10, "the generator is lopsided")
	require.Greater(t, bad, rounds/10, "the generator is lopsided")
}

func TestRegisterAgrees(t *testing.T) { agreement(t, registerProfile, 6000) }
func TestDeleteAgrees(t *testing.T)   { agreement(t, deleteProfile, 3000) }
func TestCounterAgrees(t *testing.T)  { agreement(t, counterProfile, 6000) }
func TestMixedAgrees(t *testing.T)    { agreement(t, mixedProfile, 3000) }
func TestUnevenAgrees(t *testing.T)   { agreement(t, unevenProfile, 3000) }
func TestAppendAgrees(t *testing.T)   { agreement(t, appendProfile, 6000) }
func TestRepeatAgrees(t *testing.T)   { agreement(t, repeatProfile, 3000) }
func TestStringAgrees(t *testing.T)   { agreement(t, stringProfile, 3000) }
