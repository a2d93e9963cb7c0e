package netns

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/cmd/internal/delay"
)

// need skips a test where namespaces are not permitted, unless the environment says that they must be.
func need(t *testing.T) {
	err := Permitted()
	switch {
	case err == nil:
	case os.Getenv("TORC_NEED_NETNS") != "":
		t.Fatalf("TORC_NEED_NETNS asks for network namespaces: %v", err)
	default:
		t.Skipf("no network namespaces here: %v", err)
	}
}

// The test itself, run again on a host, is the server there.
func TestMain(m *testing.M) {
	if addr := os.Getenv("NETNS_TEST_DIAL"); addr != "" {
		dial(addr)
		return
	}
	addr := os.Getenv("NETNS_TEST_LISTEN")
	if addr == "" {
		os.Exit(m.Run())
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for {
		c, err := l.Accept()
		if err != nil {
			os.Exit(1)
		}
		go func() {
			_, _ = io.Copy(c, c)
			_ = c.Close()
		}()
	}
}

// dial is a server's client on a host: TestMain runs it there, and it prints how long three echoes
// took.
func dial(addr string) {
	c, err := net.DialTimeout("tcp", addr, 2*time.Second)
	for range 3 {
		if from := time.Now(); err == nil {
			_, _ = c.Write([]byte{1})
			if _, err = io.ReadFull(c, make([]byte, 1)); err == nil {
				fmt.Println(time.Since(from))
			}
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// A guest reaches a host's server unless the rules cut it off in either direction; another guest
// still does. Afterwards nothing is left.
func TestLab(t *testing.T) {
	need(t)
	ctx := context.Background()
	l, err := New(ctx, 2, 2)
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()

	target := net.JoinHostPort(l.Host(0).String(), "7000")
	server := l.Command(0, os.Args[0])
	server.Env = append(os.Environ(), "NETNS_TEST_LISTEN="+target)
	require.NoError(t, server.Start())
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()

	reach := func(guest int, patience time.Duration) error {
		d := net.Dialer{Timeout: patience, LocalAddr: &net.TCPAddr{IP: l.Guest(guest).AsSlice()}}
		c, err := d.Dial("tcp", target)
		if err == nil {
			_ = c.Close()
		}
		return err
	}
	require.Eventually(t, func() bool { return reach(0, time.Second) == nil }, 10*time.Second, 20*time.Millisecond)
	var dropped uint64
	for name, rules := range map[string]Rules{
		"to it":     {Cuts: []Link{{l.Guest(0), l.Host(0)}}},
		"from it":   {Cuts: []Link{{l.Host(0), l.Guest(0)}}},
		"all lost":  {Loss: []Loss{{Link{l.Guest(0), l.Host(0)}, 10_000}}},
		"both ways": {Cuts: []Link{{l.Host(0), l.Guest(0)}, {l.Guest(0), l.Host(0)}}},
	} {
		require.NoError(t, l.Apply(ctx, rules), name)
		require.Error(t, reach(0, 200*time.Millisecond), name)
		require.NoError(t, reach(1, 5*time.Second), name)
		lost, err := l.Dropped(ctx)
		require.NoError(t, err)
		require.Greater(t, lost, dropped, name)
		dropped = lost
	}
	require.NoError(t, l.Apply(ctx, Rules{Loss: []Loss{{Link{l.Guest(0), l.Host(0)}, 0}}}))
	require.NoError(t, reach(0, 5*time.Second), "healed")

	require.NoError(t, l.Close())
	require.Error(t, <-ended, "the server was ended")
	names, err := namespaces(ctx)
	require.NoError(t, err)
	for _, name := range names {
		require.NotEqual(t, l.name, labOf(name))
	}
	_, err = net.InterfaceByName(l.device)
	require.Error(t, err)
}

// A host's connections to another take as long as they are told, both ways, and are still cut by the
// rules; connections from this process are left alone.
func TestSlow(t *testing.T) {
	need(t)
	ctx := context.Background()
	l, err := New(ctx, 2, 0)
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	slow, err := l.SlowDown(ctx, 7000)
	require.NoError(t, err)

	target := net.JoinHostPort(l.Host(1).String(), "7000")
	server := l.Command(1, os.Args[0])
	server.Env = append(os.Environ(), "NETNS_TEST_LISTEN="+target)
	require.NoError(t, server.Start())
	defer func() { _ = server.Wait() }()
	echoes := func() (shortest time.Duration, err error) {
		client := l.Command(0, os.Args[0])
		client.Env = append(os.Environ(), "NETNS_TEST_DIAL="+target)
		out, err := client.Output()
		for line := range strings.Lines(string(out)) {
			took, err := time.ParseDuration(strings.TrimSpace(line))
			require.NoError(t, err)
			if shortest == 0 || took < shortest {
				shortest = took
			}
		}
		return shortest, err
	}
	require.Eventually(t, func() bool { _, err := echoes(); return err == nil }, 10*time.Second, 20*time.Millisecond)
	require.Zero(t, slow.Delayed())

	slow.Set(l.Host(0), l.Host(1), delay.Pace{Delay: 20 * time.Millisecond})
	took, err := echoes()
	require.NoError(t, err)
	require.GreaterOrEqual(t, took, 20*time.Millisecond)
	require.Less(t, took, 30*time.Millisecond)
	slow.Set(l.Host(1), l.Host(0), delay.Pace{Delay: 30 * time.Millisecond})
	took, err = echoes()
	require.NoError(t, err)
	require.GreaterOrEqual(t, took, 50*time.Millisecond)
	require.Less(t, took, 60*time.Millisecond)
	require.Positive(t, slow.Delayed())

	var r Rules
	r.Part(l.Host(0), l.Host(1))
	require.NoError(t, l.Apply(ctx, r))
	_, err = echoes()
	require.Error(t, err, "what cannot be dialled is closed")
	d := net.Dialer{Timeout: 5 * time.Second}
	c, err := d.Dial("tcp", target)
	require.NoError(t, err)
	require.NoError(t, c.Close())
	require.NoError(t, l.Close(), "it ends the server, too")
}

// What a killed process left is swept away; what a living one has is left alone.
func TestSweep(t *testing.T) {
	need(t)
	ctx := context.Background()
	dead := exec.Command("true")
	require.NoError(t, dead.Run())
	stale := fmt.Sprintf("%s%d-1-hub", prefix, dead.Process.Pid)
	_, err := run(ctx, "", "ip", "netns", "add", stale)
	require.NoError(t, err)
	l, err := New(ctx, 1, 0)
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	removed, err := Sweep(ctx)
	require.NoError(t, err)
	require.Contains(t, removed, stale)
	require.NotContains(t, removed, l.hub())
	names, err := namespaces(ctx)
	require.NoError(t, err)
	require.Contains(t, names, l.hub())
}

func TestLimits(t *testing.T) {
	for _, c := range [][2]int{{0, 1}, {HostsMax + 1, 1}, {1, GuestsMax + 1}, {1, -1}} {
		_, err := New(context.Background(), c[0], c[1])
		require.Error(t, err, "%v", c)
	}
}
