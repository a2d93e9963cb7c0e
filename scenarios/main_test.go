package scenarios

import (
	"os"
	"runtime/debug"
	"testing"
)

// As in a sweep's workers: a world needs little memory, so time is the better bargain.
func TestMain(m *testing.M) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	os.Exit(m.Run())
}
