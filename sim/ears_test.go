package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// hearing is a world of three nodes with a grace of ten seconds, in which everybody has heard node 3
// every second for a minute, but that node 1 has heard nothing of it for the given time.
func hearing(silent time.Duration) *World {
	w := lookOn(func(s *Settings) { s.Nodes, s.Absent, s.Grace, s.DriftUsed = 3, 0, 10*time.Second, 0 })
	for _, n := range w.nodes {
		n.start()
	}
	for range 60 {
		w.now += int64(time.Second)
		for i, n := range w.nodes[:2] {
			if i == 1 || w.now <= int64(time.Minute-silent) {
				w.watch.ears.hears(n, 3, w.nodes[2].incarnation)
			}
		}
	}
	return w
}

func TestDeclaredDownTooSoon(t *testing.T) {
	for _, c := range []struct {
		name   string
		silent time.Duration
		then   func(*World)
		want   string
	}{
		{"everybody hears it", 0, nil, "R"},
		{"one has not heard it for long", 11 * time.Second, nil, ""},
		{"a ping or two were missed", 3 * time.Second, nil, "R"},
		{"it is heard again before its death is known", 11 * time.Second, func(w *World) { w.watch.ears.hears(w.nodes[0], 3, w.nodes[2].incarnation) }, ""},
		{"who has not heard it is dead by now", 11 * time.Second, func(w *World) { w.nodes[0].crash(); w.nodes[0].start() }, ""},
		{"it is about another life", 0, func(w *World) { w.nodes[2].incarnation++ }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := hearing(c.silent)
			if c.then != nil {
				c.then(w)
			}
			w.watch.ears.declared(w, &wire.Member{ID: 3, Incarnation: w.nodes[2].incarnation, State: wire.MemberDown})
			require.Equal(t, c.want, accused(w))
		})
	}
}

func TestAFormerLifesFrameIsNotHeard(t *testing.T) {
	w := hearing(0)
	heard := w.watch.ears.of[0][2]
	w.now += int64(time.Second)
	w.watch.ears.hears(w.nodes[0], 3, w.nodes[2].incarnation-1)
	require.Equal(t, heard, w.watch.ears.of[0][2])
}
