package late

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"torc/core/wire"
)

const ms = time.Millisecond

// fill makes a window of rounds, each with one answer after so many milliseconds; -1 is a round without one.
func fill(rounds ...int) (w Window) {
	for _, after := range rounds {
		if after >= 0 {
			w.Answered(time.Duration(after) * ms)
		}
		w.Round()
	}
	return w
}

func TestWindow(t *testing.T) {
	for _, c := range []struct {
		what   string
		rounds []int
		after  int // -1: not known
	}{
		{"nothing yet", nil, -1},
		{"too little", []int{9, 9, 9}, -1},
		{"enough", []int{9, 9, 9, 9}, 9},
		{"late twice of eight: under the floor of 10", []int{1, 1, 90, 1, 1, 90, 1, 1}, 8},
		{"three times: over it", []int{1, 1, 90, 1, 80, 90, 1, 1}, 11},
		{"long ago", []int{90, 90, 90, 90, 90, 90, 2, 2, 2, 2, 2, 2, 2, 2}, 2},
		{"some are lost", []int{5, -1, -1, 5, -1, 5, 5, -1}, 5},
		{"silence", []int{5, 5, 5, 5, 5, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1}, -1},
		{"and after it", []int{90, 90, 90, 90, 90, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 90, 1, 1, 1, 1, 1}, 5},
	} {
		w := fill(c.rounds...)
		after, known := w.Late(10 * ms)
		require.Equal(t, c.after >= 0, known, c.what)
		require.Equal(t, int64(max(c.after, 0)), after.Milliseconds(), c.what)
	}
}

// A node that was stopped answers all that has come meanwhile at once: it was late once.
func TestAPauseIsOneLateAnswer(t *testing.T) {
	w := fill(1, 1, 1, 1, 1, 1, 1)
	for i := range 6 {
		w.Answered(time.Duration(3000-500*i) * ms)
	}
	w.Round()
	after, _ := w.Late(10 * ms)
	require.Less(t, after, 10*ms, "late, but not by this alone")
	require.Equal(t, 500*ms, w.answers[7])
}

// Where a quarter of all that is asked and answered takes long, all nodes are alike, whatever luck each has had lately: once it is known what is usual
// hardly any verdict is of chance.
func TestABadNetworkMakesNobodySlow(t *testing.T) {
	slow := 0
	for seed := range uint64(20) {
		const floor = 12 * ms
		luck := rand.New(rand.NewPCG(seed, 1))
		j := New(Rules{Floor: floor})
		j.Keep(nodes(3))
		var windows [3][3]Window
		for round := range 400 {
			for by := range 3 {
				var says []wire.Lateness
				for of := range 3 {
					if of == by {
						continue
					}
					took := 2 * ms
					if luck.IntN(4) == 0 {
						took = 90 * ms
					}
					windows[by][of].Answered(took)
					windows[by][of].Round()
					if after, known := windows[by][of].Late(floor); known {
						says = append(says, wire.Lateness{Node: wire.NodeID(of + 1), After: after})
					}
				}
				j.Hear(wire.NodeID(by+1), says)
			}
			j.Round()
			if round >= 3*longRun && len(j.AllSlow()) > 0 {
				slow++
			}
		}
	}
	require.Less(t, slow, 20*400/100, "one round in a hundred")
}

// Nodes whose election timeouts differ call other answers late, and would let one late answer count for more than others do. On links that are equally bad
// nobody is slow for that: all go by the longest that anybody tells. (Each by its own, the one that differs here was slow in two of three rounds.)
func TestABadNetworkMakesNobodySlowWhereFloorsDiffer(t *testing.T) {
	slow, rounds := 0, 0
	for seed := range uint64(30) {
		luck := rand.New(rand.NewPCG(seed, 2))
		floors := []time.Duration{36 * ms, 36 * ms, 12 * ms}
		var judges []*Judge
		for _, floor := range floors {
			j := New(Rules{Floor: floor})
			j.Keep(nodes(3))
			judges = append(judges, j)
		}
		var windows [3][3]Window
		for round := range 600 {
			for by := range 3 {
				var says []wire.Lateness
				for of := range 3 {
					if of == by {
						continue
					}
					took := 2 * ms
					for range 2 { // there and back
						if luck.IntN(12) == 0 {
							took += time.Duration(luck.IntN(130)) * ms
						}
					}
					windows[by][of].Answered(took)
					windows[by][of].Round()
					if after, known := windows[by][of].Late(judges[by].Floor()); known {
						says = append(says, wire.Lateness{Node: wire.NodeID(of + 1), After: after})
					}
				}
				for _, j := range judges {
					j.Hear(wire.NodeID(by+1), says)
					j.HearFloor(wire.NodeID(by+1), floors[by])
				}
			}
			for _, j := range judges {
				if j.Round(); round < 3*longRun {
					continue
				}
				if rounds++; len(j.AllSlow()) > 0 {
					slow++
				}
			}
		}
	}
	require.Less(t, slow, rounds/100, "one round in a hundred")
}

// A floor counts for as long as its node is heard.
func TestTheLongestFloorCounts(t *testing.T) {
	j := New(Rules{Floor: 10 * ms})
	j.Keep(nodes(3))
	require.Equal(t, 10*ms, j.Floor())
	j.Hear(2, nil)
	j.HearFloor(2, 40*ms)
	j.HearFloor(9, time.Hour) // nobody
	j.Round()
	require.Equal(t, 40*ms, j.Floor())
	for range silentMost {
		j.Round()
	}
	require.Equal(t, 10*ms, j.Floor(), "it was not heard any more")
	j.Hear(2, nil)
	j.HearFloor(2, ms)
	j.Round()
	require.Equal(t, 10*ms, j.Floor(), "its own is longer")
}

// Who finds himself slow says so; that is remembered for as long as he goes on saying it.
func TestWhoAdmitsIt(t *testing.T) {
	j := New(Rules{})
	j.Keep(nodes(3))
	j.Hear(2, []wire.Lateness{{Node: 1, After: ms}, {Node: 2, After: 60 * ms}})
	require.True(t, j.Admits(2))
	require.False(t, j.Admits(1))
	require.False(t, j.Admits(9))
	j.Hear(2, []wire.Lateness{{Node: 1, After: ms}})
	require.False(t, j.Admits(2))
	j.Hear(2, []wire.Lateness{{Node: 2, After: 60 * ms}})
	for range silentMost {
		j.Round()
	}
	require.False(t, j.Admits(2), "old words count for nothing")
}

// nodes are the first so many, in their first lives.
func nodes(n int) (list []Node) {
	for i := range n {
		list = append(list, Node{ID: wire.NodeID(i + 1), Life: 1})
	}
	return list
}

// judge lets some rounds pass in which each node takes so many milliseconds for whatever it does: what one says of another
// is both their times.
func judge(j *Judge, rounds int, takes ...int) {
	for range rounds {
		for by := range takes {
			var says []wire.Lateness
			for of := range takes {
				if of != by {
					says = append(says, wire.Lateness{Node: wire.NodeID(of + 1), After: time.Duration(takes[of]+takes[by]) * ms})
				}
			}
			j.Hear(wire.NodeID(by+1), says)
		}
		j.Round()
	}
}

func TestWhoIsSlow(t *testing.T) {
	for _, c := range []struct {
		what  string
		takes []int
		slow  []wire.NodeID
	}{
		{"nobody", []int{1, 1, 2}, nil},
		{"one of three", []int{1, 40, 1}, []wire.NodeID{2}},
		{"late, but sooner than the floor", []int{1, 15, 1}, nil},
		{"all of three", []int{40, 40, 40}, nil},
		{"all of three, at very different loads", []int{30, 90, 60}, nil},
		{"two of three: the third finds both so, and they find the third so", []int{1, 60, 60}, nil},
		{"two of five", []int{1, 60, 1, 60, 1}, []wire.NodeID{2, 4}},
		{"one of two: nobody can tell which", []int{1, 60}, nil},
		{"one alone", []int{60}, nil},
	} {
		j := New(Rules{Floor: 25 * ms})
		j.Keep(nodes(len(c.takes)))
		judge(j, 100, c.takes...)
		require.Equal(t, c.slow, j.AllSlow(), c.what)
	}
}

// A link that is slow makes neither of its ends slow; nor does one node's word, whatever it says.
func TestOneWordIsNotEnough(t *testing.T) {
	j := New(Rules{Floor: 25 * ms})
	j.Keep(nodes(3))
	for range 100 {
		j.Hear(1, []wire.Lateness{{Node: 2, After: ms}, {Node: 3, After: 80 * ms}, {Node: 1, After: time.Hour}, {Node: 77, After: time.Hour}})
		j.Hear(2, []wire.Lateness{{Node: 1, After: ms}, {Node: 3, After: ms}})
		j.Hear(3, []wire.Lateness{{Node: 1, After: 80 * ms}, {Node: 2, After: ms}})
		j.Hear(77, []wire.Lateness{{Node: 3, After: time.Hour}})
		j.Round()
	}
	require.Empty(t, j.AllSlow())
	require.Len(t, j.find(1).says, 2)
}

// What was said long ago counts for nothing, and a node of which nobody speaks any more is well in the end.
func TestOldWords(t *testing.T) {
	j := New(Rules{Floor: 25 * ms})
	j.Keep(nodes(3))
	judge(j, 10, 1, 60, 1)
	require.True(t, j.Slow(2))
	for range silentMost - 1 + 33 {
		require.True(t, j.Slow(2))
		j.Round()
	}
	require.False(t, j.Slow(2))
	_, known := j.Late(2)
	require.False(t, known)
}

// It takes some bad rounds on end until a node is slow, and many good ones until it is well, of which a bad one takes back some; the more the
// sooner it was slow again.
func TestHysteresis(t *testing.T) {
	j := New(Rules{Floor: 25 * ms})
	j.Keep(nodes(3))
	bad, well := func(n int) { judge(j, n, 1, 60, 1) }, func(n int) { judge(j, n, 1, 1, 1) }
	for range 10 {
		bad(3)
		well(1)
	}
	require.False(t, j.Slow(2))
	for _, rounds := range []int{33, 66, 132, 132} {
		bad(4)
		require.True(t, j.Slow(2))
		well(rounds - 1)
		bad(1)
		well(8)
		require.True(t, j.Slow(2), "well for less than %d rounds", rounds)
		well(1)
		require.False(t, j.Slow(2))
	}
	well(132)
	bad(4)
	well(33)
	require.False(t, j.Slow(2), "it was a good one for long")
}

// In between nothing changes: neither is one slow at that, nor well again.
func TestInBetween(t *testing.T) {
	j := New(Rules{Floor: 25 * ms})
	j.Keep(nodes(3))
	judge(j, 100, 1, 19, 1)
	require.False(t, j.Slow(2))
	judge(j, 10, 1, 60, 1)
	judge(j, 200, 1, 19, 1)
	require.True(t, j.Slow(2))
	for range 32 {
		judge(j, 1, 1, 1, 1)
		judge(j, 3, 1, 19, 1)
	}
	require.True(t, j.Slow(2))
	judge(j, 1, 1, 1, 1)
	require.False(t, j.Slow(2), "what is in between takes nothing back")
}

// A later life begins anew.
func TestLives(t *testing.T) {
	j := New(Rules{Floor: 25 * ms})
	j.Keep(nodes(3))
	judge(j, 10, 1, 60, 1)
	j.Keep(append(nodes(3), Node{ID: 4, Life: 1}, Node{ID: 4, Life: 2}))
	require.True(t, j.Slow(2))
	require.Len(t, j.nodes, 4)
	j.Keep([]Node{{ID: 3, Life: 1}, {ID: 2, Life: 2}, {ID: 1, Life: 1}})
	require.False(t, j.Slow(2))
	j.Keep(nothing)
	require.False(t, j.Slow(1))
	j.Hear(1, []wire.Lateness{{Node: 2, After: ms}})
	j.Round()
}

var nothing []Node

// Whatever one node says, and whoever is silent meanwhile: nobody is slow whom the others do not find late.
func TestWhateverOneSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 7).Draw(t, "nodes")
		j := New(Rules{Floor: 25 * ms})
		j.Keep(nodes(n))
		id := func(label string) wire.NodeID { return wire.NodeID(rapid.IntRange(1, n+1).Draw(t, label)) }
		accuser := id("accuser")
		for range rapid.IntRange(1, 120).Draw(t, "rounds") {
			for by := range n {
				var says []wire.Lateness
				for of := range n {
					after := 10 * ms
					if wire.NodeID(by+1) == accuser {
						after = time.Duration(rapid.IntRange(0, 5000).Draw(t, "ms")) * ms
					}
					says = append(says, wire.Lateness{Node: wire.NodeID(of + 1), After: after})
				}
				if rapid.Bool().Draw(t, "speaks") {
					j.Hear(wire.NodeID(by+1), says)
				}
			}
			j.Round()
			require.Empty(t, j.AllSlow())
		}
	})
}

// BenchmarkRound is what a lane of a cluster does three times a second: it hears every other node, and judges all.
func BenchmarkRound(b *testing.B) {
	for _, n := range []int{3, 8, 32} {
		b.Run(fmt.Sprintf("nodes=%d", n), func(b *testing.B) {
			j := New(Rules{Floor: 25 * ms})
			j.Keep(nodes(n))
			takes := make([]int, n)
			b.ReportAllocs()
			for b.Loop() {
				judge(j, 1, takes...)
			}
		})
	}
}
