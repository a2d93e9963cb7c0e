package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/client"
)

// fakeRESP is a server of the Redis protocol whose replies a test chooses.
type fakeRESP struct {
	addr  string
	reply func(nth int, command []string) string // "" hangs up, "silence" waits for the test's end

	mu   sync.Mutex
	seen int // commands
	sets int
	size int // of the last value
}

func startFakeRESP(t *testing.T, reply func(nth int, command []string) string) *fakeRESP {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	f := &fakeRESP{addr: l.Addr().String(), reply: reply}
	over := make(chan struct{})
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer func() { _ = conn.Close() }()
				f.serve(conn, over)
			})
		}
	})
	t.Cleanup(func() {
		close(over)
		_ = l.Close()
		serving.Wait()
	})
	return f
}

func (f *fakeRESP) serve(conn net.Conn, over chan struct{}) {
	in := bufio.NewReader(conn)
	for {
		command, err := readCommand(in)
		if err != nil {
			return
		}
		switch reply := f.reply(f.note(command), command); reply {
		case "":
			return
		case "silence":
			<-over
			return
		default:
			if _, err := io.WriteString(conn, reply); err != nil {
				return
			}
		}
	}
}

func (f *fakeRESP) note(command []string) (nth int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen++
	if command[0] == "SET" {
		f.sets, f.size = f.sets+1, len(command[2])
	}
	return f.seen
}

// counts tells how many commands came, how many of them were SETs, and how large the last value was.
func (f *fakeRESP) counts() (seen, sets, size int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.seen, f.sets, f.size
}

// readCommand reads an array of bulk strings, and is strict about it.
func readCommand(in *bufio.Reader) (command []string, err error) {
	number := func(kind string) (int, error) {
		line, err := in.ReadString('\n')
		if err != nil {
			return 0, err
		}
		if !strings.HasPrefix(line, kind) || !strings.HasSuffix(line, "\r\n") {
			return 0, fmt.Errorf("%q", line)
		}
		return strconv.Atoi(line[1 : len(line)-2])
	}
	n, err := number("*")
	for range n {
		var size int
		if size, err = number("$"); err != nil {
			return nil, err
		}
		arg := make([]byte, size+2)
		if _, err = io.ReadFull(in, arg); err != nil {
			return nil, err
		}
		command = append(command, string(arg[:size]))
	}
	return command, err
}

// wellBehaved answers as redis-server does; half of the keys are absent.
func wellBehaved(nth int, command []string) string {
	switch {
	case command[0] == "AUTH":
		return "+OK\r\n"
	case command[0] == "SET":
		return "+OK\r\n"
	case nth%2 == 0:
		return "$-1\r\n"
	}
	return "$3\r\na\r\n\r\n" // a value may hold line ends
}

func measureRESP(t *testing.T, addr string, s benchShape, timeout time.Duration) benchResult {
	t.Helper()
	require.NoError(t, s.check())
	r, err := s.measure(connectionOf(t, "--timeout", timeout.String()), addr)
	require.NoError(t, err)
	return r
}

func TestBenchRESP(t *testing.T) {
	for _, pipeline := range []int{1, 7, 64} {
		f := startFakeRESP(t, wellBehaved)
		s := benchShape{clients: 5, requests: 1000, pipeline: pipeline, size: 10, keys: 50, reads: 0.5}
		r := measureRESP(t, f.addr, s, 5*time.Second)
		seen, sets, size := f.counts()
		require.Equal(t, 1000, seen, "pipeline %d: as many as asked for, not a batch more", pipeline)
		require.Equal(t, 10, size)
		require.Greater(t, sets, 0)
		require.Less(t, sets, 1000)
		require.Zero(t, r.Errors, r.FirstError)
		require.Positive(t, r.PerSecond)
		require.LessOrEqual(t, r.P50, r.P90)
		require.LessOrEqual(t, r.P90, r.P99)
		require.LessOrEqual(t, r.P99, r.P999)
		require.LessOrEqual(t, r.P999, r.Max)
		require.Positive(t, r.P50)
	}
}

// Every request has one outcome, whatever the server does, and errors are told apart.
func TestBenchRESPErrors(t *testing.T) {
	every := func(n int, reply string) func(int, []string) string {
		return func(nth int, command []string) string {
			if nth%n == 0 {
				return reply
			}
			return wellBehaved(nth, command)
		}
	}
	for _, c := range []struct {
		name    string
		reply   func(int, []string) string
		kind    string
		errors  int // -1: some
		timeout time.Duration
	}{
		{"a refusal leaves the connection as it is", every(10, "-OOM command not allowed when used memory > 'maxmemory'.\r\n"), "OOM", 10, 5 * time.Second},
		{"a redirection is an error", every(4, "-MOVED 3999 127.0.0.1:6381\r\n"), "MOVED", 25, 5 * time.Second},
		{"hanging up", every(10, ""), "connection", -1, 5 * time.Second},
		{"not the protocol", every(10, "HTTP/1.1 400 Bad Request\r\n"), "protocol", -1, 5 * time.Second},
		{"a wrong length", every(10, "$99999999999\r\n"), "protocol", -1, 5 * time.Second},
		{"silence", every(50, "silence"), "timeout", -1, 100 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := startFakeRESP(t, c.reply)
			r := measureRESP(t, f.addr, benchShape{clients: 1, requests: 100, pipeline: 3, size: 1, keys: 5, reads: 0.5}, c.timeout)
			require.Equal(t, 100, r.Requests)
			if c.errors >= 0 {
				require.Equal(t, c.errors, r.Errors)
			}
			require.Positive(t, r.Errors)
			require.Less(t, r.Errors, 100, "the connection was made anew, or never lost")
			require.Equal(t, map[string]int{c.kind: r.Errors}, r.Kinds, r.FirstError)
			require.NotEmpty(t, r.FirstError)
		})
	}
}

func TestBenchRESPConnect(t *testing.T) {
	t.Run("the password is shown first", func(t *testing.T) {
		t.Setenv("TORC_PASSWORD", "hunter2")
		first := make(chan []string, 1)
		f := startFakeRESP(t, func(nth int, command []string) string {
			if nth == 1 {
				first <- command
			}
			return wellBehaved(nth, command)
		})
		r := measureRESP(t, f.addr, benchShape{clients: 1, requests: 10, pipeline: 1, keys: 1, reads: 1}, 5*time.Second)
		require.Zero(t, r.Errors)
		require.Equal(t, []string{"AUTH", "hunter2"}, <-first)
	})
	t.Run("a wrong password ends it before the run", func(t *testing.T) {
		t.Setenv("TORC_PASSWORD", "hunter2")
		f := startFakeRESP(t, func(int, []string) string { return "-WRONGPASS invalid username-password pair\r\n" })
		_, err := benchShape{clients: 3, requests: 10, pipeline: 1, keys: 1}.measure(connectionOf(t), f.addr)
		require.ErrorContains(t, err, "WRONGPASS")
		require.NotContains(t, err.Error(), "hunter2")
		seen, _, _ := f.counts()
		require.Equal(t, 1, seen)
	})
	t.Run("a port for TLS", func(t *testing.T) {
		f := startFakeRESP(t, func(int, []string) string { return "" })
		r := measureRESP(t, f.addr, benchShape{clients: 1, requests: 1, pipeline: 1, keys: 1, reads: 1}, 5*time.Second)
		require.Equal(t, 1, r.Errors)
		require.Contains(t, r.FirstError, "--tls")
		require.Equal(t, map[string]int{"connection": 1}, r.Kinds)
	})
	t.Run("nobody there", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		require.NoError(t, l.Close())
		_, err = benchShape{clients: 3, requests: 10, pipeline: 1, keys: 1}.measure(connectionOf(t), l.Addr().String())
		require.ErrorContains(t, err, l.Addr().String())
		require.Equal(t, "connection", errorKind(err))
	})
}

func TestErrorKind(t *testing.T) {
	for _, c := range []struct {
		err  error
		kind string
	}{
		{serverError{"TRYAGAIN later"}, "TRYAGAIN"},
		{serverError{"ERR"}, "ERR"},
		{fmt.Errorf("set: %w", client.ErrUnknown), "outcome unknown"},
		{errors.Join(client.ErrRefused, client.ErrInvalid), "invalid"},
		{client.ErrRefused, "refused"},
		{fmt.Errorf("%w: x", errProtocol), "protocol"},
		{fmt.Errorf("connect: %w", context.DeadlineExceeded), "timeout"},
		{io.EOF, "connection"},
	} {
		require.Equal(t, c.kind, errorKind(c.err), "%v", c.err)
	}
}

// What people read and what scripts read.
func TestBenchResult(t *testing.T) {
	r := benchResult{Requests: 1000, Errors: 3, Kinds: map[string]int{"refused": 1, "outcome unknown": 2}, FirstError: "torc: set \"k\": outcome unknown",
		Seconds: 2, PerSecond: 498.5, P50: 1_100_400, P90: 2_000_000, P99: 3_000_000, P999: 40_000_000, Max: 1_200_000_000}
	var out bytes.Buffer
	r.print(&out)
	require.Equal(t, `1000 requests in 2.00 s: 498/s
p50 1.1ms  p90 2ms  p99 3ms  p99.9 40ms  max 1.2s
3 errors, such as: torc: set "k": outcome unknown
  2 outcome unknown
  1 refused
`, out.String())
	text, err := json.Marshal(r)
	require.NoError(t, err)
	require.JSONEq(t, `{"requests":1000, "errors":3, "errors_by_kind":{"refused":1, "outcome unknown":2}, "first_error":"torc: set \"k\": outcome unknown",
		"seconds":2, "requests_per_second":498.5, "p50_ns":1100400, "p90_ns":2000000, "p99_ns":3000000, "p999_ns":40000000, "max_ns":1200000000}`, string(text))
}

// Whatever a server sends, a reply ends, is remembered to no more than a line, and panics nothing.
func FuzzReply(f *testing.F) {
	for _, seed := range []string{"+OK\r\n", "-ERR no\r\n", "$-1\r\n", "$3\r\nabc\r\n", "$3\r\nabcd\r\n", "_\r\n", ":1\r\n", "$-2\r\n", "$x\r\n", "\r\n", "\n", "*1\r\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, reply []byte) {
		c := &respConn{in: bufio.NewReader(bytes.NewReader(reply))}
		for range len(reply) + 1 {
			if err := c.reply(); err != nil && !errors.As(err, new(serverError)) {
				return
			}
		}
		t.Fatal("more replies than bytes")
	})
}
