package sweep

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/scenarios/repro"
	"torc/sim"
)

// doomed is a scenario whose client wants what cannot be.
const doomed = `scenario doomed
duration 3s
quiet
base small
at 1s c1 set x one
at 2s c1 get x -> "two"
`

func work(t *testing.T, job Job, questions ...Question) (answers []Answer) {
	t.Helper()
	var in, out bytes.Buffer
	e := json.NewEncoder(&in)
	require.NoError(t, e.Encode(job))
	for _, q := range questions {
		require.NoError(t, e.Encode(q))
	}
	require.NoError(t, Work(&in, &out))
	for line := range strings.Lines(out.String()) {
		var a Answer
		require.NoError(t, json.Unmarshal([]byte(line), &a))
		answers = append(answers, a)
	}
	require.Len(t, answers, len(questions))
	return answers
}

// What ran before in the process changes no hash: seeds in any order, with failing runs and others
// between, have the hash of a run that is alone.
func TestRunsOfOneProcessDoNotTouchEachOther(t *testing.T) {
	job := Job{Scenario: "swarm", Duration: 5 * time.Second}
	forth := work(t, job, Question{Seed: 1}, Question{Seed: 2}, Question{Seed: 3}, Question{Seed: 1})
	back := work(t, job, Question{Seed: 3}, Question{Seed: 1}, Question{Seed: 2}, Question{Seed: 3})
	require.Equal(t, forth[0], forth[3])
	require.Equal(t, forth[2], back[0])
	require.Equal(t, forth[0], back[1])
	require.Equal(t, forth[1], back[2])
	require.NotEqual(t, forth[0].Hash, forth[1].Hash)
}

// A failing seed's folder holds all that is needed to make it again, and equal runs write equal
// folders: nothing in them is of a clock or a machine.
func TestKeepsWhatFails(t *testing.T) {
	var folders [2]map[string]string
	for i := range folders {
		job := Job{Scenario: "doomed.scenario", Text: doomed, Out: t.TempDir()}
		a := work(t, job, Question{Seed: 6}, Question{Seed: 7, Keep: true})
		require.Equal(t, sim.LostTruth, a[1].Verdict)
		require.Contains(t, a[1].Found, `came to "one"; the script wants "two"`)
		require.True(t, a[1].Kept)
		require.False(t, a[0].Kept)

		folders[i] = map[string]string{}
		entries, err := os.ReadDir(filepath.Join(job.Out, a[1].Folder()))
		require.NoError(t, err)
		for _, e := range entries {
			text, err := os.ReadFile(filepath.Join(job.Out, a[1].Folder(), e.Name()))
			require.NoError(t, err)
			folders[i][e.Name()] = string(text)
		}
		left, err := os.ReadDir(job.Out)
		require.NoError(t, err)
		require.Len(t, left, 1, "nothing half written is left")

		run, err := repro.Decode("repro.json", []byte(folders[i]["repro.json"]))
		require.NoError(t, err)
		require.Equal(t, a[1].Hash, run.Hash)
		again := sim.Run(run.Options())
		require.Equal(t, a[1].Hash, again.Hash)
		require.NotContains(t, folders[i]["report.txt"], "ANOTHER")

		packed, err := gzip.NewReader(strings.NewReader(folders[i]["trace.txt.gz"]))
		require.NoError(t, err)
		events, err := io.ReadAll(packed)
		require.NoError(t, err)
		require.EqualValues(t, again.Traced, bytes.Count(events, []byte("\n")))
	}
	require.Equal(t, folders[0], folders[1])
	require.Len(t, folders[0], 3)
}

func TestWhatAWorkerCannotDo(t *testing.T) {
	a := work(t, Job{Scenario: "no such"}, Question{Seed: 1})
	require.Equal(t, sim.Broken, a[0].Verdict)
	require.Contains(t, a[0].Error, `no scenario is called "no such"`)
	a = work(t, Job{Scenario: "x", Text: "scenario x\nexplode"}, Question{Seed: 1})
	require.Contains(t, a[0].Error, "x:2:")

	require.ErrorContains(t, Work(strings.NewReader("{"), io.Discard), "reading the job")
	require.ErrorContains(t, Work(strings.NewReader("{}\nwhat\n"), io.Discard), "reading a question")
	require.NoError(t, Work(strings.NewReader(""), io.Discard))
	require.ErrorContains(t, Work(strings.NewReader("{\"scenario\":\"no such\"}\n{\"seed\":1}\n"), broken{}), "answering")
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, fmt.Errorf("nobody listens") }

// The folder of a seed whose process died makes the run that it was to make.
func TestACrashKeepsTheRunToMake(t *testing.T) {
	job := Job{Scenario: "swarm", Duration: 4 * time.Second}
	o, err := job.Options(9)
	require.NoError(t, err)
	text, err := before(o).Encode()
	require.NoError(t, err)
	run, err := repro.Decode("repro.json", text)
	require.NoError(t, err)
	again := sim.Run(run.Options())
	meant := sim.Run(o)
	require.Equal(t, meant.Hash, again.Hash)
}
