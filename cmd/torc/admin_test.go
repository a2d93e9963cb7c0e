package main

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	torcv1 "torc/api/v1"
)

func TestParseWeight(t *testing.T) {
	for text, want := range map[string]uint32{"1": 100, "1.5": 150, "0.01": 1, "100": 10_000, "1.15": 115, "99.99": 9_999, "own": 0} {
		got, err := parseWeight(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "0", "-1", "100.01", "NaN", "Inf", "1e9", "heavy", "0.005", "1.234"} {
		_, err := parseWeight(text)
		require.ErrorContains(t, err, "want a weight from 0.01 to 100", text)
	}
}

// How long the rest takes is guessed from what was done since the first look, or since more came up.
func TestPace(t *testing.T) {
	var p pace
	at := time.Unix(0, 0)
	look := func(after time.Duration, a *torcv1.ProgressResponse) string { return p.text(a, at.Add(after)) }
	require.Equal(t, "no replica is on the move", look(0, &torcv1.ProgressResponse{}))
	require.Equal(t, "8 replicas to go, 4 shards on the move, 8.0MiB to send", look(0, &torcv1.ProgressResponse{Replicas: 8, Open: 4, Bytes: 8 << 20}))
	require.Equal(t, "6 replicas to go, 4 shards on the move, 4.0MiB to send, about 2s", look(2*time.Second, &torcv1.ProgressResponse{Replicas: 6, Open: 4, Bytes: 6 << 20, Sent: 2 << 20}))
	require.Equal(t, "9 replicas to go, 4 shards on the move, 9.0MiB to send (1 of 65 shards did not say)",
		look(3*time.Second, &torcv1.ProgressResponse{Replicas: 9, Open: 4, Bytes: 9 << 20, Shards: 65, NoAnswers: 1}))
}

// What is typed wrongly is answered before anybody is asked.
func TestAdminUsage(t *testing.T) {
	for _, args := range [][]string{{"drain"}, {"drain", "a", "b"}, {"undrain"}, {"weight", "a"}, {"weight", "a", "heavy"}, {"forget"}, {"forget", "a", "b"}, {"forget", "--confirm"}, {"recover-meta"}, {"recover-meta", "--addr", "a:1,b:1"}, {"recover-meta", "--addr", "a:1", "b"}, {"roll"}, {"roll", "a"}, {"roll", "--check", "a", "b"}} {
		require.Equal(t, exitError, run(args), "%v", args)
	}
}

func TestSayRoll(t *testing.T) {
	out, err := os.Create(t.TempDir() + "/out")
	require.NoError(t, err)
	stdout := os.Stdout
	os.Stdout = out
	defer func() { os.Stdout = stdout }()
	require.Equal(t, exitOK, sayRoll(&torcv1.RollCheckResponse{Safe: true, Lines: []string{"n1 may be stopped now"}}, painter(false)))
	require.Equal(t, exitDegraded, sayRoll(&torcv1.RollCheckResponse{Lines: []string{"shard 3: nobody answers as its leader"}}, painter(false)))
	text, err := os.ReadFile(out.Name())
	require.NoError(t, err)
	require.Equal(t, "safe\nn1 may be stopped now\nnot now\nshard 3: nobody answers as its leader\n", string(bytes.TrimLeft(text, "")))
}
