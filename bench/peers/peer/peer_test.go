package peer

import (
	"context"
	"errors"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestFreeAddrsDiffer(t *testing.T) {
	addrs, err := freeAddrs(20)
	require.NoError(t, err)
	slices.Sort(addrs)
	require.Len(t, slices.Compact(addrs), 20)
}

// TestLastWords: a server that ends at once says why.
func TestLastWords(t *testing.T) {
	p, err := start(t.TempDir(), "sh", "sh", "-c", "echo the port is taken; exit 1")
	require.NoError(t, err)
	err = p.waitFor(t.Context(), "sh", func() error { return errors.New("not yet") })
	require.ErrorContains(t, err, "the port is taken")
	require.ErrorContains(t, (&Server{Name: "x", processes: []*process{p}}).Dead(), "the port is taken")
	p.stop()
}

// TestNotReady: a server that never gets ready is not waited for for ever, and its stop ends it.
func TestNotReady(t *testing.T) {
	p, err := start(t.TempDir(), "sleep", "sleep", "100")
	require.NoError(t, err)
	s := &Server{processes: []*process{p}}
	require.NoError(t, s.Dead())
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	require.ErrorContains(t, p.waitFor(ctx, "sleep", func() error { return errors.New("still asleep") }), "still asleep")
	began := time.Now()
	s.Stop()
	require.Less(t, time.Since(began), stopsWithin)
	require.Error(t, s.Dead())
}

// TestProcessorTime: a process that counts has taken some, one that sleeps has not.
func TestProcessorTime(t *testing.T) {
	busy, err := start(t.TempDir(), "busy", "sh", "-c", "while :; do :; done")
	require.NoError(t, err)
	defer busy.stop()
	if busy.memory() == 0 {
		t.Skip("no /proc here: processor time and memory are not measured")
	}
	asleep, err := start(t.TempDir(), "asleep", "sleep", "100")
	require.NoError(t, err)
	defer asleep.stop()
	require.Eventually(t, func() bool { return busy.cpu() >= 100*time.Millisecond }, 30*time.Second, 20*time.Millisecond)
	require.Less(t, asleep.cpu(), 50*time.Millisecond)
}

// TestVersionsAreFound of those that are installed.
func TestVersionsAreFound(t *testing.T) {
	for program, args := range map[string][]string{"redis-server": {"--version"}, "memcached": {"--version"}, "etcd": {"--version"}} {
		t.Run(program, func(t *testing.T) {
			if _, err := exec.LookPath(program); err != nil {
				t.Skipf("%s is not installed", program)
			}
			require.Regexp(t, `\d+\.\d+\.\d+`, firstLine(program, args...))
		})
	}
}

func TestFileSystemIsNamed(t *testing.T) { require.NotEmpty(t, fileSystem(t.TempDir())) }

// TestSystemCalls: what a process reads and writes is counted, and that it sleeps.
func TestSystemCalls(t *testing.T) {
	p, err := start(t.TempDir(), "writer", "sh", "-c", "while :; do echo; sleep 0.01; done")
	require.NoError(t, err)
	defer p.stop()
	s := &Server{processes: []*process{p}}
	if p.memory() == 0 {
		t.Skip("no /proc here: system calls are not counted")
	}
	require.Eventually(t, func() bool {
		taken := s.Taken()
		return taken.Writes >= 5 && taken.Sleeps >= 5 && taken.Reads > 0
	}, 30*time.Second, 20*time.Millisecond)
}
