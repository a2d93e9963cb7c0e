package linearizability

import (
	"math/rand/v2"
	"testing"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"
)

var leaseProfile = profile{kinds: []Kind{Read, Lease, Lease, Fill, Fill, Write, Delete}, unknown: 15, failed: 5, versions: true}

// byPorcupine asks porcupine, which knows nothing of looks, turns and twins.
func byPorcupine(h *History) bool {
	var ops []porcupine.Operation
	for _, op := range effective(h.ByKey()[0].Ops) {
		ops = append(ops, porcupine.Operation{ClientId: op.Client, Input: op, Call: op.Call, Return: op.Return})
	}
	return porcupine.CheckOperations(porcupineModel(), ops)
}

// TestWalkAgreesWithPorcupine: what the search leaves out changes no verdict, on histories with many operations open at
// a time, good and bad.
func TestWalkAgreesWithPorcupine(t *testing.T) {
	for _, c := range []struct {
		name     string
		p        profile
		versions bool
		evict    int
	}{
		{"string", stringProfile, false, 0}, {"string", stringProfile, true, 0}, {"delete", deleteProfile, true, 0},
		{"uneven", unevenProfile, false, 0}, {"repeat", repeatProfile, true, 0}, {"lease", leaseProfile, true, 0}, {"lease", leaseProfile, false, 0},
		{"string", stringProfile, true, 12}, {"delete", deleteProfile, true, 12}, {"lease", leaseProfile, true, 12},
	} {
		good, bad := 0, 0
		for seed := range uint64(700) {
			rng := rand.New(rand.NewPCG(seed, 71))
			p := c.p
			p.versions, p.evict = c.versions, c.evict
			p.n, p.spread, p.delay = 6+rng.IntN(14), rng.Int64N(10), rng.Int64N(3)
			p.unknown = rng.IntN(20)
			if seed%3 == 1 {
				p.lose, p.double = 8, 8
			}
			h := p.run(rng)
			if seed%3 == 2 {
				scramble(rng, h, 1+rng.IntN(3))
			}
			verdicts := CheckModel(h.ByKey()[0], Options{})
			explained := len(verdicts) == 0
			require.NotEqual(t, Undecided, Worst(verdicts))
			if explained {
				good++
			} else {
				bad++
			}
			if c.name == "lease" && seed%3 > 0 && !explained {
				continue // porcupine's model does not know that the numbers of leases tell their order
			}
			require.Equal(t, byPorcupine(h), explained, "%s, seed %d\n%s\n%s", c.name, seed, text(t, h), sentences(verdicts))
			if seed%3 == 0 {
				require.True(t, explained, "a correct history\n%s", text(t, h))
			}
		}
		t.Logf("%s: %d linearizable, %d not", c.name, good, bad)
		require.Greater(t, bad, 50)
	}
}
