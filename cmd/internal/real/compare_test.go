package real

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/scenarios/script"
	"torc/sim"
)

// What differs is said, what is the same is not; times are noted only when they are far apart.
func TestCompare(t *testing.T) {
	f, err := script.Parse("test", `
scenario test
base small
quiet
set sessions=1 plain=1
duration 4s
at 500ms c1 set x a -> ok
at 600ms c2 via n1 get x -> "a" | refused
at 700ms c2 cas x b if version 0
at 1s    crash leader(1)
at 2s    cast A=n1
`)
	require.NoError(t, err)
	r := &Result{File: f, Seed: 1, Settings: (&sim.Scenario{Settings: f.Scenario().Settings}).Draw(1), Network: "on paper",
		Struck: []bool{true, true}, StruckAt: []time.Duration{time.Second, 2200 * time.Millisecond},
		Answers:   []sim.Answer{{Call: 0, Got: "ok"}, {Call: 1, Got: "refused"}},
		Whys:      []string{"", "CLUSTERDOWN"},
		Elections: []Election{{At: -time.Second, Shard: 1, Node: 2, Term: 2}, {At: 3500 * time.Millisecond, Shard: 1, Node: 1, Term: 3}},
	}
	c := Compare(r, Options{File: f, Seed: 1})
	require.Equal(t, []string{
		`c2 via n1 get x at 600ms: in the model it came to "a", in reality it came to refused (CLUSTERDOWN); the file wants "a" | refused`,
		`c2 cas x b if version 0 at 700ms: in the model it came to no, in reality it was not done`,
	}, c.Differences)
	require.Len(t, c.Failovers, 1)
	require.Equal(t, 2500*time.Millisecond, c.Failovers[0].Real)
	require.Len(t, c.Notes, 2)
	require.Equal(t, "cast A=n1 at 2s struck 200ms late in reality: this machine was busy", c.Notes[0])
	require.Contains(t, c.Notes[1], "after crash leader(1) at 1s shard 1 had a new leader after ")
	var plain, coloured strings.Builder
	require.NoError(t, c.Write(&plain, false))
	require.NoError(t, c.Write(&coloured, true))
	require.NotContains(t, plain.String(), "\x1b")
	require.Contains(t, coloured.String(), "\x1b[32;1mPASS")
	require.Zero(t, c.ExitCode())
}
