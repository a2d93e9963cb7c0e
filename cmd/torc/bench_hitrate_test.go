package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBenchHitrate(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, (&hitrateShape{write: dir, requests: 800, seed: 2}).run(nil))
	more := filepath.Join(dir, "others.tsv")
	require.NoError(t, os.WriteFile(more, []byte("loops\t250\totter\t7\n"), 0o600))

	var out strings.Builder
	require.NoError(t, (&hitrateShape{dir: dir, requests: 400, with: more}).run(&out))
	require.Regexp(t, `^trace +size +optimum adaptive ak-lru .* W-TinyLFU +LIRS +otter\n`, out.String())
	require.Regexp(t, `\nmean +0\.\d+`, out.String())
	require.Contains(t, out.String(), "\nworst ")

	out.Reset()
	require.NoError(t, (&hitrateShape{dir: dir, bytes: true, json: true}).run(&out))
	require.Contains(t, out.String(), `"trace": "sized-scans"`)
	require.NotContains(t, out.String(), `"trace": "loops"`)
}

func TestBenchHitrateSaysWhatIsWrong(t *testing.T) {
	require.ErrorContains(t, (&hitrateShape{dir: t.TempDir()}).run(nil), "holds no traces")
	require.ErrorContains(t, (&hitrateShape{requests: -1}).run(nil), "--requests")
	require.ErrorContains(t, (&hitrateShape{requests: 10, with: "/nonexistent"}).run(nil), "/nonexistent")
	require.Equal(t, exitError, benchHitrate([]string{"argument"}))
}
