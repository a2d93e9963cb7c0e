package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/bench/peers/load"
	"torc/bench/peers/peer"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

// known is a small run whose figures are easy to check by hand.
func known() *Run {
	r := &Run{
		Began: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Took: 61 * time.Second, Mode: "quick", Commit: "abc1234", Rounds: 3,
		Machine: Machine{CPU: "Some CPU", Cores: 2, Memory: "8 GiB", System: "Linux 6", Go: "go1.26", Load: 0.1},
		LeftOut: []string{"memcached: memcached is not installed, and --no-install is given"},
		Idle:    []Idle{{Server: "torc", Processes: 3, CPUPercent: 1.5, Connections: 1000, ConnBytes: 31 << 20}, {Server: "etcd", Processes: 3, CPUPercent: 0.7}},
	}
	for _, name := range []string{"torc", "torc-sized", "redis", "redis-wait", "etcd"} {
		r.Peers = append(r.Peers, peer.Peer{Name: name, Facts: peer.Facts{What: "a " + name, Version: "1", Flags: "--x", Copies: "2 of 3", Durable: "no", Consistent: "yes", Pipeline: "commands"}})
	}
	r.add(plain("SET"), "torc", 40_000, 30_000, 50_000)
	r.add(plain("SET"), "torc-sized", 50_000, 50_000, 48_000)
	r.add(plain("SET"), "etcd", 5000, 5000, 4000)
	r.add(plain("SET"), "redis-wait", 40_000, 40_000, 40_000)
	r.add(plain("GET"), "torc", 40_000, 41_000, 42_000)
	r.add(plain("GET"), "redis", 50_000, 50_000, 50_000)
	r.add(large("SET", 1<<20), "torc", 1500, 1500, 1500)
	r.add(large("SET", 1<<20), "redis-wait", 2000, 2000, 2000)
	r.add(paced(5000), "torc", 5000, 5000, 5000)
	r.add(paced(5000), "redis-wait", 5000, 5000, 5000)
	r.add(paced(5000), "etcd", 4000, 4000, 4000)
	r.add(paced(2000), "torc", 2000, 2000, 2000)
	for i := range r.Samples {
		s := &r.Samples[i]
		if s.Shape.Rate > 0 && s.Peer == "etcd" {
			s.Result.Due, s.Result.Late = 5000, 1000
		}
		if s.Shape.Rate > 0 && s.Peer == "redis-wait" {
			s.Result.P99 = 3 * time.Millisecond
		}
		if s.Shape == plain("SET") && s.Peer == "redis-wait" && s.Round == 1 {
			s.Result.Errors, s.Result.Error = 7, load.ErrUnacked.Error()
		}
	}
	return r
}

func (r *Run) add(s Shape, peer string, perSecond ...float64) {
	for round, v := range perSecond {
		r.Samples = append(r.Samples, Sample{Shape: s, Peer: peer, Round: round, ServerCPU: 12.34, Reads: 3.8, Writes: 2, Sleeps: 0.25,
			Result: load.Result{PerSecond: v, P50: 300 * time.Microsecond, P99: 2 * time.Millisecond, P999: 12 * time.Millisecond}})
	}
}

func golden(t *testing.T, name string, got []byte) {
	file := filepath.Join("testdata", name)
	if *rewrite {
		require.NoError(t, os.WriteFile(file, got, 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err, "go test ./report -rewrite makes it")
	require.Equal(t, string(want), string(got), "if that is right: go test ./report -rewrite")
}

func TestTable(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, known().Table(&b))
	golden(t, "table.md", b.Bytes())
}

func TestHistory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "history.md")
	require.NoError(t, AddHistory(file, known()))
	require.NoError(t, AddHistory(file, known()))
	got, err := os.ReadFile(file)
	require.NoError(t, err)
	golden(t, "history.md", got)
}

func TestPictures(t *testing.T) {
	for name, draw := range Pictures {
		var b bytes.Buffer
		require.NoError(t, draw(known(), &b))
		require.NoError(t, wellFormed(b.Bytes()), name)
		require.Contains(t, b.String(), "prefers-color-scheme: dark", name)
		golden(t, name, b.Bytes())
	}
}

// TestPicturesOfNothing: a run of few cells, or none that held, draws all the same.
func TestPicturesOfNothing(t *testing.T) {
	r := &Run{Peers: known().Peers}
	r.add(paced(1000), "etcd", 1)
	r.Samples[0].Result.Due, r.Samples[0].Result.Late = 1000, 999
	for name, draw := range Pictures {
		var b bytes.Buffer
		require.NoError(t, draw(r, &b))
		require.NoError(t, wellFormed(b.Bytes()), name)
		require.NotContains(t, b.String(), "NaN", name)
		require.NotContains(t, b.String(), "Inf", name)
	}
}

func wellFormed(text []byte) error {
	d := xml.NewDecoder(bytes.NewReader(text))
	for {
		if _, err := d.Token(); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		of   []float64
		want float64
	}{{[]float64{3}, 3}, {[]float64{9, 1}, 5}, {[]float64{1, 1000, 2}, 2}, {[]float64{4, 1, 3, 2}, 2.5}} {
		r := &Run{}
		r.add(plain("GET"), "torc", c.of...)
		require.Equal(t, c.want, r.figures()[at{plain("GET"), "torc"}].PerSecond)
	}
}

func aim(t *testing.T, text string) Aim {
	for _, a := range Aims() {
		if a.Text == text {
			return a
		}
	}
	require.Failf(t, "no such aim", "%s", text)
	return Aim{}
}

// TestRatio: the ratio is of the medians, its spread of the rounds.
func TestRatio(t *testing.T) {
	r := known()
	v := &view{run: r, figures: r.figures()}
	a := aim(t, "SET against etcd")
	value, least, most, ok := a.measure(v)
	require.True(t, ok)
	require.Equal(t, 40_000.0/5000, value)
	require.Equal(t, 30_000.0/5000, least)
	require.Equal(t, 50_000.0/4000, most)
	require.True(t, a.reached(value))
	require.False(t, a.reached(3.99))

	_, _, _, ok = aim(t, "gRPC, SET, 500 callers, against etcd's client").measure(v)
	require.False(t, ok, "what was not measured has no ratio")
}

// TestLatencyThatFellBehind: percentiles of the few that were answered do not make a tick.
func TestLatencyThatFellBehind(t *testing.T) {
	r := known()
	for i := range r.Samples {
		if r.Samples[i].Shape.Rate > 0 && r.Samples[i].Peer == "torc" {
			r.Samples[i].Result.Due, r.Samples[i].Result.Late = 5000, 100
			r.Samples[i].Result.P99 = time.Microsecond
		}
	}
	v := &view{run: r, figures: r.figures()}
	for _, text := range []string{"p99 at 5,000/s (80/20) below Redis + WAIT 1's", "p99 at 2,000/s (80/20)"} {
		a := aim(t, text)
		value, _, _, ok := a.measure(v)
		require.True(t, ok)
		require.False(t, a.reached(value), text)
	}
	var b strings.Builder
	require.NoError(t, r.Table(&b))
	require.Contains(t, b.String(), "| p99 at 2,000/s (80/20) | < 1 ms | falls behind |")
}

func TestNumbers(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 7.4: "7", 999: "999", 1234: "1,230", 52_349: "52,300", 1_234_567: "1,230,000"} {
		require.Equal(t, want, thousands(v))
	}
	for v, want := range map[float64]string{0.01234: "0.0123", 12.34: "12.3", 999.9: "1,000", 1467: "1,470"} {
		require.Equal(t, want, three(v))
	}
	for n, want := range map[int]string{100: "100 B", 1 << 10: "1 KiB", 64 << 10: "64 KiB", 1 << 20: "1 MiB", 1500: "1500 B"} {
		require.Equal(t, want, SizeText(n))
	}
}
