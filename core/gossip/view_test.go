package gossip

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"torc/core/wire"
)

func TestSupersedes(t *testing.T) {
	believe := func(life, refuted int, s Status) Event {
		return Event{Node: 1, Incarnation: wire.Incarnation(life), Refuted: uint64(refuted), Status: s}
	}
	for _, c := range []struct {
		name   string
		belief Event
		event  Event
		wins   bool
	}{
		{"a new life wins over a dead one", believe(1, 9, Dead), believe(2, 0, Alive), true},
		{"a new life wins over one that left", believe(1, 0, Left), believe(2, 0, Alive), true},
		{"a new life's death wins over the old one's life", believe(1, 0, Alive), believe(2, 0, Dead), true},
		{"an old life's death is no news", believe(2, 0, Alive), believe(1, 9, Dead), false},
		{"an old life's goodbye is no news", believe(2, 0, Alive), believe(1, 0, Left), false},
		{"suspicion wins over life", believe(1, 0, Alive), believe(1, 0, Suspect), true},
		{"suspicion is refuted", believe(1, 0, Suspect), believe(1, 0, Alive), true},
		{"death wins over suspicion", believe(1, 0, Suspect), believe(1, 0, Dead), true},
		{"life alone does not wake the dead", believe(1, 0, Dead), believe(1, 0, Alive), false},
		{"suspicion does not wake the dead", believe(1, 0, Dead), believe(1, 0, Suspect), false},
		{"a refutation wakes the dead", believe(1, 0, Dead), believe(1, 1, Alive), true},
		{"a death that was refuted is no news", believe(1, 1, Alive), believe(1, 0, Dead), false},
		{"a life that said goodbye stays away", believe(1, 0, Left), believe(1, 1, Alive), false},
		{"a goodbye wins over a refutation", believe(1, 2, Alive), believe(1, 1, Left), true},
		{"a goodbye wins over death", believe(1, 0, Dead), believe(1, 0, Left), true},
		{"the same again is let in for its digest", believe(1, 0, Alive), believe(1, 0, Alive), true},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.wins, Supersedes(c.event, c.belief)) })
	}
}

func TestChangesAreTold(t *testing.T) {
	var v View
	change, changed := v.Merge(Event{Node: 7, Incarnation: 1})
	require.True(t, changed)
	require.True(t, change.NewLife())

	_, changed = v.Merge(Event{Node: 7, Incarnation: 1})
	require.False(t, changed, "the same again")

	change, changed = v.Merge(Event{Node: 7, Incarnation: 1, Digest: (&Health{Waiting: 3}).Encode()})
	require.True(t, changed)
	require.False(t, change.NewLife())

	_, changed = v.Merge(Event{Node: 7, Incarnation: 1, Status: Suspect})
	require.True(t, changed)
	health, ok := v.Health(7)
	require.True(t, ok, "a rumour without a digest keeps the one we have")
	require.Equal(t, uint64(3), health.Waiting)

	_, changed = v.Merge(Event{Node: 7, Incarnation: 1, Status: Suspect, Digest: []byte("all is well")})
	require.False(t, changed, "what cannot be read is no news")

	change, changed = v.Merge(Event{Node: 7, Incarnation: 2})
	require.True(t, changed)
	require.True(t, change.NewLife())
	require.Equal(t, Suspect, change.Before.Status)
	_, ok = v.Health(7)
	require.False(t, ok, "a new life has said nothing yet")

	v.Merge(Event{Node: 7, Incarnation: 2, Status: Dead, Digest: (&Health{}).Encode()})
	_, ok = v.Health(7)
	require.False(t, ok, "the dead are not well")

	v.Forget(7)
	_, known := v.Of(7)
	require.False(t, known)
}

func TestFullOfTheLiving(t *testing.T) {
	var v View
	for i := range NodesMax {
		v.Merge(Event{Node: wire.NodeID(i + 1)})
	}
	_, changed := v.Merge(Event{Node: NodesMax + 1})
	require.False(t, changed, "nobody makes way")
	v.Merge(Event{Node: 5, Status: Dead})
	_, changed = v.Merge(Event{Node: NodesMax + 1})
	require.True(t, changed, "the dead make way")
	require.Len(t, v.All(), NodesMax)
	_, known := v.Of(5)
	require.False(t, known)
}

func drawEvent(t *rapid.T) Event {
	return Event{
		Node:        wire.NodeID(rapid.IntRange(1, 4).Draw(t, "node")),
		Incarnation: wire.Incarnation(rapid.IntRange(1, 3).Draw(t, "life")),
		Refuted:     uint64(rapid.IntRange(0, 2).Draw(t, "refuted")),
		Status:      Status(rapid.IntRange(0, 3).Draw(t, "status")),
	}
}

// Lives only ever move forward, the dead of a life do not wake without a refutation, and the
// listing is ordered.
func TestForwardOnly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var v View
		for range rapid.IntRange(0, 60).Draw(t, "events") {
			e := drawEvent(t)
			before, known := v.Of(e.Node)
			change, changed := v.Merge(e)
			after, _ := v.Of(e.Node)
			if changed {
				require.Equal(t, after, change.After)
				require.Equal(t, known, change.Known)
			} else if known {
				require.True(t, same(before, after))
			}
			if known {
				require.GreaterOrEqual(t, after.Incarnation, before.Incarnation)
			}
			if known && before.Incarnation == after.Incarnation && before.Status >= Dead && after.Status < Dead {
				require.Equal(t, Dead, before.Status)
				require.Greater(t, after.Refuted, before.Refuted)
			}
		}
		require.True(t, slices.IsSortedFunc(v.All(), func(a, b Event) int { return int(a.Node) - int(b.Node) }))
	})
}

// Without the one exception (Alive taking back Suspect), order does not matter: views that
// hear the same rumours agree.
func TestViewsAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := rapid.SliceOfN(rapid.Custom(drawEvent), 0, 20).Draw(t, "events")
		events = slices.DeleteFunc(events, func(e Event) bool { return e.Status == Suspect })
		var a, b View
		for _, e := range events {
			a.Merge(e)
		}
		for _, e := range rapid.Permutation(events).Draw(t, "order") {
			b.Merge(e)
		}
		left := func(v View) []Event {
			all := v.All()
			for i := range all {
				if all[i].Status == Left {
					all[i].Refuted = 0 // Left is final, whichever goodbye came first
				}
			}
			return all
		}
		require.Equal(t, left(a), left(b))
	})
}
