package envtest

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

const faultVariable = "ENVTEST_FAULT"

// TestBrokenWorld runs the suite on a world with a fault, in a process of its own: it must fail.
func TestBrokenWorld(t *testing.T) {
	fault := os.Getenv(faultVariable)
	if fault == "" {
		t.Skip("run by TestBrokenWorldsAreFoundOut")
	}
	Run(t, func(*testing.T) World { return newToy(fault) })
}

// TestBrokenWorldsAreFoundOut is the suite's own test: each fault must fail it, by the test
// that is about the broken rule.
func TestBrokenWorldsAreFoundOut(t *testing.T) {
	for fault, found := range map[string]string{
		"clock goes back": "the clock went back",
		"clock stops":     "the clock stood still",
		"early":           "early",
		"twice":           "ran 2 times",
		"inside After":    "ran its function itself",
		"never":           "never came about: every timer runs",
		"made up for":     "in 300ms with a stall",
		"other threads":   "was called on goroutine",
		"altered":         "a frame was altered",
		"callback":        "a frame came while a function was not over",
		"deaf to itself":  "never arrived: a frame to itself",
		"blocks":          "Sends took",
		"unknown address": "no node at",
		"equal streams":   "was drawn by",
		"constant":        "not random",
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(os.Args[0], "-test.run=^TestBrokenWorld$")
			cmd.Env = append(os.Environ(), faultVariable+"="+fault)
			out, err := cmd.CombinedOutput()
			require.Error(t, err, "the suite did not see it:\n%s", out)
			require.Contains(t, string(out), found)
		})
	}
}
