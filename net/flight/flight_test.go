package flight

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestRecorder: the last seconds are there at any time, one recorder for all who want it, again after the last has stopped.
func TestRecorder(t *testing.T) {
	for range 2 {
		a, b := Start(), Start()
		for range 2 {
			for _, r := range []*Recorder{a, b} {
				kept, err := r.Snapshot()
				require.NoError(t, err)
				require.Equal(t, "go 1.", string(kept[:5]), "an execution trace begins with Go's version")
			}
			a.Stop()
			a.Stop()
			a = b
		}
		b.Stop()
	}
	(*Recorder)(nil).Stop()
}

// Dumps are as many as are kept, in time's order, one in a while; what else is in the directory stays.
func TestDumps(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "traces")
	d, err := Open(dir, func() ([]byte, error) { return []byte("a trace"), nil })
	require.NoError(t, err)
	others := filepath.Join(dir, "torc-slow-notes.txt")
	require.NoError(t, os.WriteFile(others, nil, 0o600))
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	require.True(t, d.Due(now))
	require.False(t, d.Due(now.Add(time.Hour)), "one is being made")
	var paths []string
	for range d.Keep + 3 {
		path, err := d.Dump(now)
		require.NoError(t, err)
		paths = append(paths, path)
		require.False(t, d.Due(now.Add(d.Every-1)), "too soon")
		now = now.Add(d.Every)
		require.True(t, d.Due(now))
	}
	require.Equal(t, filepath.Join(dir, fmt.Sprintf("torc-slow-20260102T030405.000-%d.trace", os.Getpid())), paths[0])
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	require.Equal(t, append(paths[3:], others), left)
	content, err := os.ReadFile(left[0])
	require.NoError(t, err)
	require.Equal(t, "a trace", string(content))
}

// What a process has begun to write and left at its end goes with the next start or dump, and what another may be writing now stays.
func TestUnfinishedDumpsGo(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, age time.Duration) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte("a tra"), 0o600))
		at := time.Now().Add(-age)
		require.NoError(t, os.Chtimes(path, at, at))
		return path
	}
	other := write("torc-slow-20260102T030405.000-7.trace.part", time.Minute)
	notes := write("notes.trace.part", time.Hour)
	gone := write("torc-slow-20260102T030405.000-8.trace.part", time.Hour)
	d, err := Open(dir, func() ([]byte, error) { return []byte("a trace"), nil })
	require.NoError(t, err)
	require.NoFileExists(t, gone)

	gone = write("torc-slow-20260102T030406.000-8.trace.part", time.Hour)
	require.True(t, d.Due(time.Now()))
	path, err := d.Dump(time.Now())
	require.NoError(t, err)
	require.NoFileExists(t, gone)
	for _, left := range []string{other, notes, path} {
		require.FileExists(t, left)
	}
}

// A dump that fails says why, leaves nothing behind, and the next one may be made in its time.
func TestADumpThatFails(t *testing.T) {
	dir := t.TempDir()
	d, err := Open(dir, func() ([]byte, error) { return nil, errors.New("it does not run") })
	require.NoError(t, err)
	now := time.Now()
	require.True(t, d.Due(now))
	_, err = d.Dump(now)
	require.ErrorContains(t, err, "it does not run")
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
	require.True(t, d.Due(now.Add(d.Every)))

	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err = Open(file, nil)
	require.ErrorContains(t, err, file)
}
