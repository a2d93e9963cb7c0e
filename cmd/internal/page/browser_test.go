package page

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"torc/core/mutant"
)

// TestInABrowser opens pages in a headless chromium and tries what a reader would (browser/check.mjs).
// With -tags mutants it also opens the page of a planted bug's run.
func TestInABrowser(t *testing.T) {
	chromium := browser(t)
	folder := t.TempDir()
	good, bad := filepath.Join(folder, "good.html"), filepath.Join(folder, "bad.html")
	_, err := Write(good, options(t, "swarm", 5, 0))
	require.NoError(t, err)
	args := []string{"check.mjs", chromium, good}
	o := options(t, "local-read", 2, 0)
	o.Mutant = mutant.LocalRead
	if mutant.Enable(o.Mutant) {
		rec, r := Make(o)
		require.NotEmpty(t, r.Violations)
		require.NoError(t, WriteFile(bad, rec))
		args = append(args, bad, rec.Operations[rec.Findings[0].Operations[0]].Name)
	} else {
		t.Log("built without planted bugs: only a good run's page is opened (go test -tags mutants)")
	}
	node := exec.CommandContext(t.Context(), "node", args...)
	node.Dir, node.Stderr = "browser", os.Stderr
	out, err := node.Output()
	require.NoError(t, err, "%s", out)
	checks := 0
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); checks++ {
		var c struct {
			Name, Said string
			OK         bool
		}
		require.NoError(t, json.Unmarshal(lines.Bytes(), &c), lines.Text())
		t.Run(c.Name, func(t *testing.T) {
			t.Log(c.Said)
			require.True(t, c.OK, c.Said)
		})
	}
	require.GreaterOrEqual(t, checks, 12)
}

// browser finds chromium, node and playwright-core, or skips the test; where TORC_NEED_BROWSER is set, it must not be skipped.
func browser(t *testing.T) string {
	missing := func(what string) {
		if os.Getenv("TORC_NEED_BROWSER") != "" {
			t.Fatalf("%s is needed (see .ci/browser.sh)", what)
		}
		t.Skipf("%s is not here: .ci/browser.sh installs it", what)
	}
	chromium := os.Getenv("CHROMIUM")
	if chromium == "" {
		chromium = "chromium"
	}
	chromium, err := exec.LookPath(chromium)
	if err != nil {
		missing("chromium")
	}
	if _, err := exec.LookPath("node"); err != nil {
		missing("node")
	}
	if _, err := os.Stat(filepath.Join("browser", "node_modules", "playwright-core")); err != nil {
		missing("playwright-core")
	}
	return chromium
}
