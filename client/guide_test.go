package client_test

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"torc/client"
)

// TestEveryMethodHasAnExample holds what docs/CLIENT.md says.
func TestEveryMethodHasAnExample(t *testing.T) {
	examples, err := os.ReadFile("example_test.go")
	require.NoError(t, err)
	of := reflect.TypeFor[*client.Client]()
	for i := range of.NumMethod() {
		require.Contains(t, string(examples), "c."+of.Method(i).Name+"(", "%s has no example that runs", of.Method(i).Name)
	}
}

// The module's examples are of addresses that nodes listen on.
func TestExamplesNameThePort(t *testing.T) {
	for _, path := range []string{"doc.go", "../docs/CLIENT.md"} {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Positive(t, strings.Count(string(text), ":7401\""), path)
		require.Equal(t, strings.Count(string(text), "\"cache-"), strings.Count(string(text), ":7401\""), "%s: the default of --grpc is 7401", path)
	}
}
