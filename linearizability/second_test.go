package linearizability

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTheSecondOpinionCounts: a search that took a bad history for a good one, or a good one for a bad one, would be found out.
func TestTheSecondOpinionCounts(t *testing.T) {
	good, bad := 0, 0
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 5))
		p := stringProfile
		p.n, p.spread = 20, 5
		h := p.run(rng)
		if seed%2 == 1 {
			scramble(rng, h, 3)
		}
		k := h.ByKey()[0]
		s := newSearch(KeyHistory{k.Key, effective(k.Ops)}, Options{}.withDefaults())
		v := s.run()
		require.NotEqual(t, Undecided, v.Result, v.Sentence)
		if v.Result == Fine {
			good++
		} else {
			bad++
		}
		s.exact = true
		n := len(s.ends)
		explained := s.try(n, nil) == found
		require.True(t, agrees(s.prefix(n, nil), explained))
		require.False(t, agrees(s.prefix(n, nil), !explained), "the contrary of the truth")
		wrong := s.check(Verdict{Oracle: OracleModel, Result: map[bool]Result{true: Violation, false: Fine}[explained]}, n)
		require.Equal(t, Undecided, wrong.Result)
		require.Contains(t, wrong.Sentence, "one of them has a bug")
	}
	require.Greater(t, good, 90)
	require.Greater(t, bad, 15)
}

// TestTheSecondOpinionIsBounded: where porcupine would take for ever it says nothing.
func TestTheSecondOpinionIsBounded(t *testing.T) {
	k := hopeless(40).ByKey()[0]
	s := newSearch(KeyHistory{k.Key, effective(k.Ops)}, Options{}.withDefaults())
	s.exact = true
	require.True(t, agrees(s.prefix(len(s.ends), nil), true))
	require.True(t, agrees(s.prefix(len(s.ends), nil), false))
}
