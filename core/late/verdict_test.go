package late

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"torc/core/wire"
)

// look is what one round finds of a node.
type look int

const (
	isWell look = iota
	between
	isBad
)

// wellAgain is the rule by the letter, of all that was seen since the node became slow: it is well when in the rounds of late, from any one on, there
// were so many more well ones than bad ones take back.
func wellAgain(r *Rules, seen []look, needs int) bool {
	sum := 0
	for i := len(seen) - 1; i >= 0; i-- {
		switch seen[i] {
		case isWell:
			sum++
		case isBad:
			sum -= r.Setback
		}
		if sum >= needs {
			return true
		}
	}
	return false
}

// Whatever a node is like, round by round: it becomes slow by so many bad rounds on end, and well by the rule.
func TestVerdicts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Rules{Well: rapid.IntRange(1, 40).Draw(t, "well"), Setback: rapid.IntRange(1, 12).Draw(t, "setback"), Longest: rapid.IntRange(1, 3).Draw(t, "longest")}.withDefaults()
		v, slow := verdict{since: relapseMost * r.Well}, false
		var seen []look // since it became what it is
		onEnd := 0
		for range rapid.IntRange(1, 12).Draw(t, "times") {
			kinds := rapid.SliceOfN(rapid.SampledFrom([]look{isWell, between, isBad}), 1, 3).Draw(t, "kinds") // more of one thing than of another
			for range rapid.IntRange(1, 90).Draw(t, "rounds") {
				is := rapid.SampledFrom(kinds).Draw(t, "is")
				needs := r.Well << v.longer
				v.step(&r, is == isBad, is == isWell)
				if onEnd++; is != isBad {
					onEnd = 0
				}
				seen = append(seen, is)
				if slow && wellAgain(&r, seen, needs) || !slow && onEnd == r.Bad {
					slow, seen, onEnd = !slow, nil, 0
				}
				require.Equal(t, slow, v.slow)
				require.LessOrEqual(t, v.count, v.needs(&r))
				require.GreaterOrEqual(t, v.count, 0)
			}
		}
	})
}

// rounds makes so many of a node that has become slow time and again, with so many bad ones and so many in between of a hundred, and says after how
// many it was well.
func rounds(most int, luck *rand.Rand, bad, mid int) (int, bool) {
	r := Rules{}.withDefaults()
	v := verdict{slow: true, longer: r.Longest}
	for n := range most {
		p := luck.IntN(100)
		v.step(&r, p < bad, p >= bad+mid)
		if !v.slow {
			return n + 1, true
		}
	}
	return most, false
}

// A node that is bad now and then becomes well, and not much later than one that never is. One that is bad often stays slow.
func TestNowAndThenIsNotOften(t *testing.T) {
	for seed := range uint64(50) {
		luck := rand.New(rand.NewPCG(seed, 3))
		for bad, most := range []int{132, 180, 240, 320} { // on average it takes 132/(1-9*bad) rounds
			n, well := rounds(1000, luck, bad, 0)
			require.True(t, well)
			require.LessOrEqual(t, n, most, "%d bad ones of a hundred", bad)
		}
		n, well := rounds(1000, luck, 2, 30)
		require.True(t, well)
		require.LessOrEqual(t, n, 430, "and a third in between")
		for bad := 20; bad <= 100; bad += 10 {
			_, well := rounds(10_000, luck, bad, 0)
			require.False(t, well, "%d bad ones of a hundred", bad)
		}
	}
	r := Rules{}.withDefaults()
	v := verdict{slow: true}
	for n := range 10_000 {
		v.step(&r, n%9 == 0, n%9 != 0)
		require.True(t, v.slow, "one of nine is bad")
	}
}

// Where all links are equally bad a node that was slow becomes well, even one that is judged by three, and compared with those that are judged by two:
// that makes them look better than they are. Well rounds on end never came: it is in between in a third of them.
func TestABadNetworkKeepsNobodySlow(t *testing.T) {
	const floor = 12500 * time.Microsecond
	for seed := range uint64(30) {
		luck := rand.New(rand.NewPCG(seed, 4))
		j := New(Rules{Floor: floor})
		j.Keep(nodes(4))
		var windows [5][5]Window
		n, well := 0, false
		for ; n < 800 && !well; n++ {
			for by := wire.NodeID(1); by <= 4; by++ {
				var says []wire.Lateness
				for of := wire.NodeID(1); of <= 4; of++ {
					if of == by || of == 4 && by != 1 || by == 4 && of != 1 { // only the first shares a group with the fourth
						continue
					}
					w, took := &windows[by][of], 4*ms
					for range 2 { // there and back
						if luck.IntN(100) < 8 {
							took += time.Duration(luck.IntN(122)) * ms
						}
					}
					w.Answered(took)
					w.Round()
					if after, known := w.Late(floor); known {
						says = append(says, wire.Lateness{Node: of, After: after})
					}
				}
				j.Hear(by, says)
			}
			if j.Round(); n == 3*longRun {
				j.find(1).verdict = verdict{slow: true, longer: j.rules.Longest}
			}
			well = n > 3*longRun && !j.Slow(1)
		}
		require.True(t, well, "seed %d", seed)
	}
}
