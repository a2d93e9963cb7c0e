package sim

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What clients and the world do comes before all else that is due at the same nanosecond, whenever it was put on the agenda: so a
// plan, which knows all of it from the beginning, is the run that it was drawn from.
func TestWhoIsFirstAtTheSameNanosecond(t *testing.T) {
	var a agenda
	for _, kind := range []eventKind{evPacket, evTimer, evThread, evTurn, evCall, evExpire, evThread, evSwim} {
		a.add(7, kind)
	}
	a.add(6, evPacket)
	var order []eventKind
	for len(a.slots) > 0 {
		_, e := a.pop()
		order = append(order, e.kind)
	}
	require.Equal(t, []eventKind{evPacket, evThread, evCall, evThread, evPacket, evTimer, evTurn, evExpire, evSwim}, order)
}

// What a link does at an instant does not depend on what was sent before.
func TestLuckIsOfTheInstant(t *testing.T) {
	busy, idle := link{key: 5, drawn: -1}, link{key: 5, drawn: -1}
	for now := range int64(100) {
		busy.draws(now).Uint64()
	}
	var seen []uint64
	for range 3 {
		seen = append(seen, busy.draws(100).Uint64())
		require.Equal(t, idle.draws(100).Uint64(), seen[len(seen)-1])
	}
	require.NotEqual(t, seen[0], seen[1], "two packets of an instant are two draws")
	other := link{key: 6, drawn: -1}
	require.NotEqual(t, seen[0], other.draws(100).Uint64())
}
