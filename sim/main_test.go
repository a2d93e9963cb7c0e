package sim

import (
	"flag"
	"os"
	"runtime/debug"
	"testing"
)

// As in a sweep's workers: a world needs little memory, so time is the better bargain. Benchmarks are compared with older ones, so
// for them everything stays as it is.
func TestMain(m *testing.M) {
	flag.Parse()
	if os.Getenv("GOGC") == "" && flag.Lookup("test.bench").Value.String() == "" {
		debug.SetGCPercent(400)
	}
	os.Exit(m.Run())
}
