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
