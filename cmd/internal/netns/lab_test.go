package netns

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
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
		_ = c.Close()
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
	for name, rules := range map[string]Rules{
		"to it":     {Cuts: []Link{{l.Guest(0), l.Host(0)}}},
		"from it":   {Cuts: []Link{{l.Host(0), l.Guest(0)}}},
		"all lost":  {Loss: []Loss{{Link{l.Guest(0), l.Host(0)}, 10_000}}},
		"both ways": {Cuts: []Link{{l.Host(0), l.Guest(0)}, {l.Guest(0), l.Host(0)}}},
	} {
		require.NoError(t, l.Apply(ctx, rules), name)
		require.Error(t, reach(0, 200*time.Millisecond), name)
		require.NoError(t, reach(1, 5*time.Second), name)
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
