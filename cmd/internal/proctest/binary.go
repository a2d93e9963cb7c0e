package proctest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
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

// buildTool builds torc beside torcd, for the tests that drive it.
var buildTool = sync.OnceValues(func() (string, error) {
	path := filepath.Join(filepath.Dir(binary), "torc")
	if out, err := exec.Command("go", "build", "-o", path, "torc/cmd/torc").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build torc: %w\n%s", err, out)
	}
	return path, nil
})

// toolWithin is how long one run of torc may take.
const toolWithin = time.Minute

// Torc runs the tool with these arguments and returns what it printed and its exit code.
func Torc(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	path, err := buildTool()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), toolWithin)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Env = &out, &complaints, environment()
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatalf("run torc %v: %v", args, err)
	}
	return out.String(), complaints.String(), cmd.ProcessState.ExitCode()
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
	t.Skipf("%s is not installed (packages redis-tools, redis-server)", name)
	return ""
}
