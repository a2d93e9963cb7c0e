package proctest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

var binary string

// Main builds torcd once for all tests of a package. Call it from TestMain.
func Main(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "torcd")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() { _ = os.RemoveAll(dir) }()
		binary = filepath.Join(dir, "torcd")
		if out, err := exec.Command("go", "build", "-o", binary, "torc/cmd/torcd").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build torcd: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// Binary is the path of the torcd that Main built.
func Binary() string { return binary }

// NeedTool returns the path of a program that the test drives, such as redis-benchmark. Where it is
// not installed the test is skipped, or fails when TORC_NEED_REDIS_TOOLS is set, as CI does.
func NeedTool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("TORC_NEED_REDIS_TOOLS") != "" {
		t.Fatalf("%s is not installed, and TORC_NEED_REDIS_TOOLS asks for it", name)
	}
	t.Skipf("%s is not installed (package redis-tools)", name)
	return ""
}
