package repro

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/sim"
)

// A run that was kept is the same run when it is made again, and equal runs are kept equally.
func TestKeptRunsAreTheSame(t *testing.T) {
	o := sim.Options{Seed: 11, Scenario: sim.Scenario{Name: "swarm", Swarm: true}, Duration: 15 * time.Second}
	r := sim.Run(o)
	text, err := Of(&r).Encode()
	require.NoError(t, err)
	run, err := Decode("repro.json", text)
	require.NoError(t, err)
	again := sim.Run(run.Options())
	require.Equal(t, run.Hash, again.Hash)
	twice, err := Of(&again).Encode()
	require.NoError(t, err)
	require.Equal(t, string(text), string(twice))
}

func TestWhatCannotBeRead(t *testing.T) {
	for text, want := range map[string]string{
		`{`:                                   "is not a repro.json",
		`{"format":"torc-repro-1","speed":1}`: "unknown field",
		`{"format":"other"}`:                  `its format is "other"`,
		`{"format":"torc-repro-1","scenario":["scenario a","at x"]}`:        "a.json (scenario):2:",
		`{"format":"torc-repro-1","oracles":"X","scenario":["scenario a"]}`: "no oracle X",
		``:                          `want a line "scenario NAME"`,
		"scenario a\nat 3s explode": `no action "explode"`,
	} {
		_, err := Decode("a.json", []byte(text))
		require.ErrorContains(t, err, want, "%s", text)
	}
	_, err := Load("no such file")
	require.ErrorContains(t, err, "reading a run")
}

func FuzzDecode(f *testing.F) {
	f.Add(`{"format":"torc-repro-1","seed":3,"scenario":["scenario a","at 1s isolate n1"]}`)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := Decode("fuzzed", []byte(text))
		if err != nil {
			return
		}
		again, err := r.Encode()
		require.NoError(t, err)
		_, err = Decode("again", again)
		require.NoError(t, err)
	})
}
