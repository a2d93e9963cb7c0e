package sim

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSweep(t *testing.T) {
	told := 0
	results := Sweep{First: 10, Count: 5, Workers: 2, Done: func(SeedResult) { told++ }, Exec: func(seed uint64) ([]byte, int, error) {
		switch seed {
		case 12:
			return []byte("verdict: bad\ntrace hash: beef\nreplay: x\n"), 2, nil
		case 13:
			return []byte("panic: boom\n"), 2, nil
		}
		return fmt.Appendf(nil, "trace hash: %x\n", seed), 0, nil
	}}.Run()
	require.Equal(t, 5, told)
	require.Equal(t, Pass, results[0].Verdict)
	require.Equal(t, "a", results[0].Hash)
	require.Equal(t, LostTruth, results[2].Verdict)
	require.Equal(t, "beef", results[2].Hash)
	require.Equal(t, Broken, results[3].Verdict, "a crash of the process is no verdict")
	require.Error(t, results[3].Err)
}

func TestReportSaysHowToReplay(t *testing.T) {
	r := toyRun(3, "no dedupe", Scenario{Name: "toy", Settings: lossySettings}, nil)
	r.Mutant, r.WallSeconds = "no-dedupe", 1
	var out bytes.Buffer
	require.NoError(t, r.Report(&out, false))
	require.NotContains(t, out.String(), "\x1b")
	require.Contains(t, out.String(), "replay: make sim SEED=3 SCENARIO=toy MUTANT=no-dedupe DURATION=10s\n")
	require.Contains(t, out.String(), "trace hash: "+r.Hash)
	require.Contains(t, out.String(), "CONSISTENCY LOST")
}
