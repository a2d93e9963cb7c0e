package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func serve(t *testing.T, opts Options) string {
	t.Helper()
	opts.Addr = "127.0.0.1:0"
	opts.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	s, err := Listen(opts)
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		require.NoError(t, s.Close(ctx))
		require.NoError(t, <-served)
	})
	return "http://" + s.Addr().String()
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(body)
}

func TestAnswers(t *testing.T) {
	no := func(text string) func(context.Context) error {
		return func(context.Context) error { return errors.New(text) }
	}
	for _, c := range []struct {
		name, path string
		opts       Options
		code       int
		body       string
	}{
		{"healthy", "/healthz", Options{}, 200, "ok\n"},
		{"hanging", "/healthz", Options{Health: no("lane 1 does not answer")}, 503, "lane 1 does not answer\n"},
		{"ready", "/readyz", Options{Ready: func(context.Context) error { return nil }}, 200, "ok\n"},
		{"not ready", "/readyz", Options{Ready: no("has not joined a cluster yet")}, 503, "has not joined a cluster yet\n"},
		{"status", "/status", Options{Status: func(context.Context) (any, error) {
			return map[string]int{"shards": 64}, nil
		}}, 200, "{\n  \"shards\": 64\n}\n"},
		{"no status", "/status", Options{}, 404, "404 page not found\n"},
		{"status fails", "/status", Options{Status: func(context.Context) (any, error) {
			return nil, errors.New("stopped")
		}}, 503, "stopped\n"},
		{"status does not encode", "/status", Options{Status: func(context.Context) (any, error) {
			return func() {}, nil
		}}, 500, "status does not encode: json: unsupported type: func()\n"},
		{"profiles are off", "/debug/pprof/", Options{}, 404, "404 page not found\n"},
		{"the flight is off", "/debug/flight", Options{}, 404, "404 page not found\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, body := get(t, serve(t, c.opts)+c.path)
			require.Equal(t, c.code, code)
			require.Equal(t, c.body, body)
		})
	}
}

func TestANodeThatHangsIsAnsweredFor(t *testing.T) {
	url := serve(t, Options{Timeout: 10 * time.Millisecond, Health: func(ctx context.Context) error {
		<-ctx.Done()
		return fmt.Errorf("no answer: %w", ctx.Err())
	}})
	code, body := get(t, url+"/healthz")
	require.Equal(t, 503, code)
	require.Equal(t, "no answer: context deadline exceeded\n", body)
}

func TestMetrics(t *testing.T) {
	url := serve(t, Options{Samples: func() []Sample {
		return []Sample{
			{Name: "torc_refused_total", Help: "Requests refused.", Counter: true, Value: 3},
			{Name: "torc_shard_keys", Help: "Keys.", Labels: []Label{{"shard", "1"}}, Value: 10},
			{Name: "torc_shard_keys", Help: "Keys.", Labels: []Label{{"shard", "2"}}, Value: 20},
		}
	}})
	code, body := get(t, url+"/metrics")
	require.Equal(t, 200, code)
	for _, line := range []string{
		"# HELP torc_refused_total Requests refused.", "# TYPE torc_refused_total counter", "torc_refused_total 3",
		"# TYPE torc_shard_keys gauge", `torc_shard_keys{shard="1"} 10`, `torc_shard_keys{shard="2"} 20`,
		"# TYPE go_goroutines gauge",
	} {
		require.Contains(t, strings.Split(body, "\n"), line)
	}
}

func TestABadSampleDoesNotStopTheNode(t *testing.T) {
	url := serve(t, Options{Samples: func() []Sample { return []Sample{{Name: ""}} }})
	code, _ := get(t, url+"/metrics")
	require.Equal(t, 500, code)
	code, _ = get(t, url+"/healthz")
	require.Equal(t, 200, code)
}

func TestProfilesWhenAskedFor(t *testing.T) {
	code, body := get(t, serve(t, Options{Profiles: true})+"/debug/pprof/goroutine?debug=1")
	require.Equal(t, 200, code)
	require.Contains(t, body, "goroutine profile")
}

// A command line may hold secrets; a profile's reader only wants to know which program it is of.
func TestProfilesDoNotTellTheCommandLine(t *testing.T) {
	defer func(args []string) { os.Args = args }(os.Args)
	os.Args = []string{"torcd", "--password", "hunter2"}
	code, body := get(t, serve(t, Options{Profiles: true})+"/debug/pprof/cmdline")
	require.Equal(t, 200, code)
	require.Equal(t, "torcd", body)
}

// Who opens the address in a browser is told what there is, and nothing else has no name.
func TestIndex(t *testing.T) {
	code, body := get(t, serve(t, Options{})+"/")
	require.Equal(t, 200, code)
	require.Contains(t, body, "/readyz")
	require.NotContains(t, body, "/debug")
	_, body = get(t, serve(t, Options{Profiles: true, Flight: func() ([]byte, error) { return nil, nil }})+"/")
	require.Contains(t, body, "/debug/pprof/")
	require.Contains(t, body, "/debug/flight")
	code, _ = get(t, serve(t, Options{})+"/favicon.ico")
	require.Equal(t, 404, code)
}

func TestFlight(t *testing.T) {
	code, body := get(t, serve(t, Options{Flight: func() ([]byte, error) { return []byte("a trace"), nil }})+"/debug/flight")
	require.Equal(t, 200, code)
	require.Equal(t, "a trace", body)
	code, body = get(t, serve(t, Options{Flight: func() ([]byte, error) { return nil, errors.New("another one does") }})+"/debug/flight")
	require.Equal(t, 503, code)
	require.Equal(t, "the flight recorder does not run: another one does\n", body)
}

func TestNothingCanBeChanged(t *testing.T) {
	resp, err := http.Post(serve(t, Options{})+"/status", "text/plain", strings.NewReader("x"))
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusMethodNotAllowed, resp.StatusCode)
}

func TestATakenPortIsNamed(t *testing.T) {
	taken := strings.TrimPrefix(serve(t, Options{}), "http://")
	_, err := Listen(Options{Addr: taken})
	require.ErrorContains(t, err, "port "+taken[strings.LastIndex(taken, ":")+1:]+" is taken")
	require.ErrorContains(t, err, "--admin-addr")
	_, err = Listen(Options{Addr: "nonsense"})
	require.ErrorContains(t, err, "want host:port")
}
