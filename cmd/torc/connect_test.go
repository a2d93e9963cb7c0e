package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSeeds(t *testing.T) {
	for addr, want := range map[string][]string{
		"a:1": {"a:1"}, "a:1,b:2": {"a:1", "b:2"}, "a:1, b:2": {"a:1", "b:2"}, " a:1 ,, b:2,": {"a:1", "b:2"}, "": {""}, " ": {" "},
	} {
		require.Equal(t, want, (&connection{addr: addr}).seeds(), "%q", addr)
	}
}

// connectionOf is the connection that these flags make.
func connectionOf(t *testing.T, args ...string) *connection {
	t.Helper()
	f, c := newFlags("torc test", ""), &connection{}
	c.flags(f)
	require.NoError(t, f.Parse(args))
	return c
}

// Flags win over the environment; what neither says is as it always was.
func TestConnectionSettles(t *testing.T) {
	require.Equal(t, []string{"127.0.0.1:7401"}, connectionOf(t).seeds())
	t.Setenv("TORC_ADDR", "a:1, b:1")
	t.Setenv("TORC_PASSWORD", "sesame")
	c := connectionOf(t)
	require.Equal(t, []string{"a:1", "b:1"}, c.seeds())
	password, err := c.password()
	require.NoError(t, err)
	require.Equal(t, "sesame", password)
	require.Equal(t, []string{"c:1"}, connectionOf(t, "--addr", "c:1").seeds())
	require.Equal(t, []string{""}, connectionOf(t, "--addr", "").seeds(), "an empty variable of a script's is not this machine")

	t.Setenv("TORC_ADDRS", "a:1")
	_, err = connectionOf(t).password()
	require.ErrorContains(t, err, "did you mean TORC_ADDR?")
	_, err = connectionOf(t).tlsConfig()
	require.ErrorContains(t, err, "did you mean TORC_ADDR?")
}
