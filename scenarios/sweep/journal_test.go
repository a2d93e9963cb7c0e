package sweep

import (
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func open(t require.TestingT, job *Job, resume bool) *Journal {
	j, err := OpenJournal(job, "program", resume)
	require.NoError(t, err)
	return j
}

// session sweeps what the journal does not hold, and is killed after so many seeds (never: -1).
func session(t require.TestingT, job *Job, all []uint64, resume bool, killAfter int) (made []uint64, got map[uint64]Answer) {
	j := open(t, job, resume)
	defer func() { require.NoError(t, j.Close()) }()
	got = maps.Clone(j.Done)
	var left []uint64
	for _, seed := range all {
		if _, done := j.Done[seed]; !done {
			left = append(left, seed)
		}
	}
	stop := make(chan struct{})
	if killAfter == 0 {
		close(stop)
	}
	s := &Sweep{Job: *job, Seeds: left, Workers: 1, Budget: time.Minute, Start: (&fakes{answer: passes}).start, Stop: stop}
	s.Told = func(a Answer) error {
		made, got[a.Seed] = append(made, a.Seed), a
		if len(made) == killAfter {
			close(stop)
		}
		return j.Add(a)
	}
	require.NoError(t, s.Run())
	return made, got
}

// A sweep that is killed, again and again, at any seed and in the middle of any write, ends as one
// that was not; and no seed whose line was whole is run again.
func TestAKilledSweepGoesOn(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		out, err := os.MkdirTemp(dir, "sweep")
		require.NoError(t, err)
		job := &Job{Scenario: "healthy", Out: out}
		all := seeds(rapid.Uint64Range(1, 1000).Draw(t, "first"), rapid.IntRange(1, 30).Draw(t, "seeds"))
		path := filepath.Join(out, JournalName)
		for range rapid.IntRange(0, 4).Draw(t, "kills") {
			session(t, job, all, true, rapid.IntRange(0, len(all)).Draw(t, "killed after"))
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			torn := rapid.IntRange(0, len(text)).Draw(t, "bytes that reached the disk")
			require.NoError(t, os.WriteFile(path, text[:torn], 0o644))
		}
		before := open(t, job, true)
		require.NoError(t, before.Close())
		made, got := session(t, job, all, true, -1)
		require.Len(t, made, len(all)-len(before.Done))

		_, whole := session(t, &Job{Scenario: "healthy", Out: filepath.Join(out, "whole")}, all, false, -1)
		require.Equal(t, whole, got)
		again, _ := session(t, job, all, true, -1)
		require.Empty(t, again)
	})
}

func TestAnotherSweepDoesNotGoOn(t *testing.T) {
	job := Job{Scenario: "healthy", Out: t.TempDir()}
	session(t, &job, seeds(1, 5), false, -1)
	for want, change := range map[string]func(*Job){
		`the scenario was "healthy" and is "swarm" now`: func(j *Job) { j.Scenario = "swarm" },
		`the scenario file's text was ""`:               func(j *Job) { j.Text = "scenario x" },
		`the duration was "0s" and is "1m0s" now`:       func(j *Job) { j.Duration = time.Minute },
		`the planted bug was "" and is "no-dedupe" now`: func(j *Job) { j.Mutant = "no-dedupe" },
	} {
		other := job
		change(&other)
		_, err := OpenJournal(&other, "program", true)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "name another --out")
	}
	_, err := OpenJournal(&job, "newer", true)
	require.ErrorContains(t, err, `the program was "program" and is "newer" now`)

	more, _ := session(t, &job, seeds(1, 8), true, -1)
	require.Equal(t, []uint64{6, 7, 8}, more, "a sweep may grow")

	over := open(t, &job, false)
	require.Equal(t, 8, over.Former)
	require.Empty(t, over.Done)
	require.NoError(t, over.Close())
}

func TestABrokenJournalIsNotGuessedAt(t *testing.T) {
	job := Job{Scenario: "healthy", Out: t.TempDir()}
	path := filepath.Join(job.Out, JournalName)
	for text, want := range map[string]string{
		"gibberish\n": "line 1 of progress.jsonl is no header",
		`{"format":"torc-sweep-1","scenario":"healthy","binary":"program"}` + "\n{}x\n": "line 2 of progress.jsonl is no seed's",
		`{"format":"other"}` + "\n": `the journal's format was "other"`,
	} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		_, err := OpenJournal(&job, "program", true)
		require.ErrorContains(t, err, want)
	}
}
