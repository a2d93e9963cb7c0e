package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/scenarios"
	"torc/sim"
)

func healthy(t *testing.T, duration time.Duration) sim.Options {
	scenario, err := scenarios.Find("healthy")
	require.NoError(t, err)
	return sim.Options{Seed: 1, Scenario: scenario, Duration: duration}
}

// One run, told three ways; the page links to the others.
func TestARunIsToldToThoseWhoLook(t *testing.T) {
	folder := t.TempDir()
	p := pageFlags{report: filepath.Join(folder, "out.html"), porcupine: filepath.Join(folder, "key.html"), shiviz: filepath.Join(folder, "out.log"), from: time.Second, to: 2 * time.Second}
	r, err := p.run(healthy(t, 3*time.Second))
	require.NoError(t, err)
	require.Equal(t, sim.Pass, r.Verdict)
	for _, file := range []string{p.report, p.porcupine, p.shiviz} {
		info, err := os.Stat(file)
		require.NoError(t, err)
		require.Positive(t, info.Size(), file)
	}
	require.Equal(t, "key.html", p.beside(p.porcupine))
	plain, err := (&pageFlags{}).run(healthy(t, 3*time.Second))
	require.NoError(t, err)
	require.Equal(t, plain.Hash, r.Hash, "who looks changes nothing")
}

func TestAPageThatCannotBeWritten(t *testing.T) {
	p := pageFlags{report: filepath.Join(t.TempDir(), "no", "folder", "out.html")}
	_, err := p.run(healthy(t, time.Second))
	require.ErrorIs(t, err, os.ErrNotExist)
}
