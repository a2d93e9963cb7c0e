package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPointNamesAreUnique(t *testing.T) {
	seen := map[string]bool{}
	names := PointNames()
	require.Len(t, names, points)
	for _, name := range names {
		require.NotEmpty(t, name)
		require.False(t, seen[name], name)
		seen[name] = true
	}
	require.LessOrEqual(t, int(branchCount), 64, "they are bits of a word")
}

// The kinds of fault are counted as the settings name them, and each is known by its looks.
func TestKindsOfFault(t *testing.T) {
	var f Faults
	require.Len(t, f.kinds(), int(kindCount))
	for fault, want := range map[string]faultKind{
		"isolate": kindIsolate, "bridge": kindBridge, "wall-jumps": kindWallJumps, "clog": kindClog, "rack": kindRack,
		"change-crash": kindChangeCrash, "wild-rates": kindWildRates, "lies": kindLies, "drain": kindDrain, "weigh": kindWeigh, "lag": kindLag, "stall": kindStall,
	} {
		require.Equal(t, fault, f.kinds()[want].Name)
	}
	require.Equal(t, kindWildRates, kindOf(Rate{Thousandth: -750}))
	require.Equal(t, kindRates, kindOf(Rate{Thousandth: -24}))
	require.Equal(t, kindLongPause, kindOf(For{time.Minute, Pause{Node(1)}}))
	require.Equal(t, kindPause, kindOf(For{time.Second, Pause{Node(1)}}))
	require.Equal(t, kindNone, kindOf(Cast{}))
}

func TestReachedReadsBack(t *testing.T) {
	r := toyRun(3, "", Scenario{Name: "toy", Script: []Step{At(time.Second, For{5 * time.Second, Isolate{Node(2)}})}}, nil)
	again, err := ParseReached(r.Reached.String())
	require.NoError(t, err)
	require.Equal(t, r.Reached, again)
	require.Len(t, again.Missing(), points-count(again))
	require.Contains(t, PointNames()[:opKinds], "isolate during read")
	require.True(t, again.Has(0), "reads were in flight")
	require.NotContains(t, again.Missing(), "isolate during read")
	require.Contains(t, again.Missing(), "crash during read")
	for _, wrong := range []string{"", "00", "zz" + r.Reached.String()[2:]} {
		_, err := ParseReached(wrong)
		require.Error(t, err, wrong)
	}
	var all Reached
	all.Merge(nil)
	all.Merge(again)
	require.Equal(t, again, all)
}

func count(r Reached) (n int) {
	for point := range points {
		if r.Has(point) {
			n++
		}
	}
	return n
}

func TestFaultsCountWhileTheyLast(t *testing.T) {
	c := newCoverage(3)
	c.invoked(1)
	c.begin(kindClog)
	c.returned(1)
	c.invoked(2)
	c.end(kindClog)
	c.invoked(3)
	require.Equal(t, uint64(1<<kindClog), c.during[1], "it was in flight when the fault began")
	require.Equal(t, uint64(1<<kindClog), c.during[2])
	require.Zero(t, c.during[3])
}
