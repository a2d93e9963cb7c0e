package simtest

import (
	"flag"
	"os"
	"runtime/debug"
	"testing"
)

// Main runs a package's tests as a sweep's workers make their runs: a world needs little memory, so time is the better bargain.
// Benchmarks are compared with older ones, so for them everything stays as it is.
func Main(m *testing.M) {
	flag.Parse()
	if os.Getenv("GOGC") == "" && flag.Lookup("test.bench").Value.String() == "" {
		debug.SetGCPercent(400)
	}
	os.Exit(m.Run())
}
