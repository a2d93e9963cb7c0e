package linearizability

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// Versions that grow with every change are never accused, whatever is done to the key; and a change that leaves the key the version
// that somebody was told before always is.
func TestVersionsGrow(t *testing.T) {
	for name, p := range map[string]profile{"register": registerProfile, "counter": counterProfile, "append": appendProfile, "string": stringProfile, "ttl": ttlProfile} {
		t.Run(name, func(t *testing.T) {
			p.versions, p.n, p.evict = true, 30, 5
			stuck := 0
			for seed := range uint64(300) {
				rng := rand.New(rand.NewPCG(seed, 43))
				h := p.run(rng)
				require.Empty(t, sentences(CheckVersions(h.ByKey()[0], Options{})), text(t, h))
				stuck += stick(t, h)
			}
			require.Greater(t, stuck, 100)
		})
	}
}

// stick gives changes of a history the version that was told before, one at a time, and reports how many there were to try it with.
func stick(t *testing.T, h *History) (tried int) {
	t.Helper()
	var newest *Operation
	for i := range h.Ops {
		op := &h.Ops[i]
		if newest != nil && newest.before(op) && op.renews() {
			version := op.Out.Version
			op.Out.Version = newest.Out.Version
			require.NotEmpty(t, CheckVersions(h.ByKey()[0], Options{}), text(t, h))
			op.Out.Version, tried = version, tried+1
		}
		if op.tells() && op.Kind != Evict && (newest == nil || op.Out.Version > newest.Out.Version) {
			newest = op
		}
	}
	return tried
}
