package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/bench/peers/report"
)

// TestSmoke starts every peer that is installed, with a real torcd, asks each a little, and draws the page. It measures nothing that
// is worth reading.
func TestSmoke(t *testing.T) {
	if testing.Short() {
		t.Skip("builds torcd and starts up to fourteen processes")
	}
	out := t.TempDir()
	o := options{mode: "smoke", out: out, root: "../..", noInstall: true}
	run, err := o.measure(t.Context(), &progress{quiet: true})
	require.NoError(t, err)
	for _, p := range run.Peers {
		require.True(t, slices.ContainsFunc(run.Samples, func(s report.Sample) bool { return s.Peer == p.Name && s.Result.PerSecond > 0 }), "%s answered nothing", p.Name)
	}
	for _, s := range run.Samples {
		require.Zero(t, s.Result.Errors, "%s, %s: %s", s.Peer, s.Shape, s.Result.Error)
	}
	require.NoError(t, write(run, out))
	redrawn := t.TempDir()
	require.NoError(t, options{from: filepath.Join(out, "results.json"), out: redrawn}.redraw())
	for name := range report.Pictures {
		require.Equal(t, read(t, out, name), read(t, redrawn, name), "drawn again from results.json")
	}
	require.Equal(t, read(t, out, "table.md"), read(t, redrawn, "table.md"))
	if len(run.LeftOut) > 0 {
		t.Skipf("Torc and those present were driven; left out: %s", strings.Join(run.LeftOut, "; "))
	}
}

func read(t *testing.T, folder, name string) string {
	text, err := os.ReadFile(filepath.Join(folder, name))
	require.NoError(t, err)
	return string(text)
}

// TestStopped: a run that is stopped ends soon, and leaves nothing behind.
func TestStopped(t *testing.T) {
	if testing.Short() {
		t.Skip("builds torcd and starts processes")
	}
	t.Setenv("TMPDIR", t.TempDir())
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	o := options{mode: "full", root: "../..", noInstall: true}
	began := time.Now()
	_, err := o.measure(ctx, &progress{quiet: true})
	require.Error(t, err)
	require.Less(t, time.Since(began), 40*time.Second)
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "torc-bench-*"))
	require.NoError(t, err)
	require.Empty(t, left)
}
