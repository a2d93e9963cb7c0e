package linearizability

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

var ttlProfile = profile{kinds: []Kind{Read, Read, Read, Write, Write, Touch, Delete}, spread: 4, unknown: 12, failed: 5, ttl: 6, delay: 3}

// life is a key with a TTL in the exhaustive search below.
type life struct {
	value Value
	set   int64 // when the TTL was given
	ttl   int64 // 0 = none
}

// explainTTL tries every order and every instant (times are small whole numbers) at which
// the operations may have taken effect, and every expiry within eps of the promised one.
func explainTTL(c life, now, eps, horizon int64, left []*Operation) bool {
	if !slices.ContainsFunc(left, func(op *Operation) bool { return op.Outcome == OK }) {
		return true
	}
	for i, op := range left {
		if slices.ContainsFunc(left, func(other *Operation) bool { return other.before(op) }) {
			continue
		}
		rest := append(append([]*Operation(nil), left[:i]...), left[i+1:]...)
		for at := max(now, op.Call); at <= min(op.Return, horizon); at++ {
			for _, state := range c.at(at, eps) {
				if next, ok := state.do(op, at); ok && explainTTL(next, at, eps, horizon, rest) {
					return true
				}
			}
		}
	}
	return false
}

// at is what may have become of a key by an instant.
func (c life) at(now, eps int64) []life {
	if c.ttl == 0 || now < c.set+c.ttl-eps {
		return []life{c}
	}
	if now > c.set+c.ttl+eps {
		return []life{{}}
	}
	return []life{c, {}}
}

func (c life) do(op *Operation, at int64) (life, bool) {
	answered := op.Outcome == OK
	switch op.Kind {
	case Read:
		return c, !answered || op.Out.Value == c.value
	case Write:
		return life{Some(op.In.Value), at, int64(op.In.TTL)}, true
	case Touch:
		if c.value.Found && (!answered || op.Out.Applied) {
			c.set, c.ttl = at, int64(op.In.TTL)
		}
		if op.In.TTL == 0 && !op.Out.Applied {
			return c, !answered || c.ttl == 0 // PERSIST is refused as well where there is no TTL
		}
		return c, !answered || op.Out.Applied == c.value.Found
	case Evict:
		return life{}, true
	case Delete:
		return life{}, !answered || op.Out.Applied == c.value.Found
	}
	return c, false
}

// TestTTLIsSound: whatever the checkers of an expiring key accuse has no explanation, however
// the clocks and the instants are chosen; and whatever really happened they accept. In every third history
// the key was lost for sure.
func TestTTLIsSound(t *testing.T) {
	caught, missed := map[bool]int{}, map[bool]int{}
	for seed := range uint64(6000) {
		rng := rand.New(rand.NewPCG(seed, 2))
		p := ttlProfile
		p.n = 2 + rng.IntN(4)
		p.spread = rng.Int64N(3)
		p.versions = seed%4 == 0
		eps := rng.Int64N(3)
		lossAt := -1
		if seed%3 == 2 {
			lossAt = 1 + rng.IntN(p.n-1)
		}
		h, loss := p.runAndLose(rng, lossAt)
		o := Options{TTLEpsilon: timeOf(eps)}
		if lossAt > 0 {
			loss.Sure, o.Losses = true, []Loss{loss}
		}
		if seed%2 == 1 {
			scramble(rng, h, 1+rng.IntN(3))
		}
		require.NoError(t, h.Validate())
		verdicts := checkExpiring(h.ByKey()[0], o)
		if seed%2 == 0 {
			require.Empty(t, sentences(verdicts), "seed %d: a correct history\n%s", seed, text(t, h))
			continue
		}
		ops := h.withLosses(o.Losses)
		explained := explainTTL(life{}, beginning, eps, horizonOf(ops), ops)
		switch {
		case len(verdicts) > 0:
			require.False(t, explained, "seed %d: a false alarm (epsilon %d, losses %v)\n%s\n%s", seed, eps, o.Losses, text(t, h), sentences(verdicts))
			caught[lossAt > 0]++
		case !explained:
			missed[lossAt > 0]++
		}
	}
	for _, lossy := range []bool{false, true} {
		t.Logf("losses %v: %d bad histories caught, %d missed", lossy, caught[lossy], missed[lossy])
		require.Greater(t, caught[lossy], 4*missed[lossy], "the checker should find most of what is wrong")
	}
}

// withLosses are a history's operations that did not fail, and what empties the key for each loss.
func (h *History) withLosses(losses []Loss) (ops []*Operation) {
	for i := range h.Ops {
		if op := &h.Ops[i]; op.Outcome != Failed {
			ops = append(ops, op)
		}
	}
	for _, loss := range losses {
		ops = append(ops, &Operation{Kind: Evict, Call: loss.From, Return: loss.To, Outcome: OK})
	}
	return ops
}

// horizonOf is when the last that is known of operations happened.
func horizonOf(ops []*Operation) (at int64) {
	for _, op := range ops {
		if at = max(at, op.Call); op.Return != Open {
			at = max(at, op.Return)
		}
	}
	return at
}

// TestTTLWithSkew: the store stamps a write by a clock that is off by up to 3 and expires it
// by one that is off as much the other way. With epsilon 6 that is no error; with 0 it is.
func TestTTLWithSkew(t *testing.T) {
	alarms := 0
	kinds := append(slices.Repeat([]Kind{Read}, 12), Write, Touch, Delete)
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 3))
		p := ttlProfile
		p.kinds, p.unknown = kinds, 0
		p.n, p.ttl, p.skew, p.spread, p.versions = 400, 15, 3, 1, seed%2 == 0
		h := p.run(rng)
		require.Empty(t, sentences(Check(h, Options{TTLEpsilon: timeOf(6)})), "seed %d", seed)
		if Worst(Check(h, Options{})) == Violation {
			alarms++
		}
	}
	require.Greater(t, alarms, 100, "without the tolerance the skew shows")
}

// TestTTLWithManyUnknowns: of whatever became of the operations of unknown outcome, nothing is accused.
func TestTTLWithManyUnknowns(t *testing.T) {
	for seed := range uint64(1500) {
		rng := rand.New(rand.NewPCG(seed, 4))
		p := ttlProfile
		p.n, p.unknown, p.ttl, p.spread, p.versions = 60, 10+rng.IntN(40), timeOf(3+rng.Int64N(12)), rng.Int64N(6), seed%2 == 0
		h, loss := p.runAndLose(rng, int(seed%3)*20-20)
		o := Options{}
		if loss.To > 0 {
			loss.Sure, o.Losses = true, []Loss{loss}
		}
		require.Empty(t, sentences(Check(h, o)), "seed %d, losses %v\n%s", seed, o.Losses, text(t, h))
	}
}
