package node

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// sampled are the metrics that this package's code makes, with their types. The code is read, not run: some are there only with TLS, or after a loss.
func sampled(t *testing.T) map[string]string {
	t.Helper()
	files, err := os.ReadDir(".")
	require.NoError(t, err)
	found := map[string]string{}
	for _, file := range files {
		if name := file.Name(); !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file.Name(), nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		ast.Inspect(parsed, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) < 3 {
				return true
			}
			of, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || of.Sel.Name != "gauge" && of.Sel.Name != "counter" {
				return true
			}
			text, ok := call.Args[0].(*ast.BasicLit)
			require.True(t, ok, "%s: a metric's name is to stand where it is made, so that docs/METRICS.md can be held against it", file.Name())
			name, err := strconv.Unquote(text.Value)
			require.NoError(t, err)
			found[name] = of.Sel.Name
			return true
		})
	}
	return found
}

// docs/METRICS.md has a line for each metric that a node serves, and for no other; the alerts of docs/OPERATIONS.md are about metrics that there are.
func TestEveryMetricHasALine(t *testing.T) {
	made := sampled(t)
	require.Greater(t, len(made), 40, "the code was not read")
	text, err := os.ReadFile("../../../docs/METRICS.md")
	require.NoError(t, err)
	told := map[string]string{}
	line := regexp.MustCompile(`(?m)^\| ` + "`" + `(torc_\w+)(?:\{\w+\})?` + "`" + ` \| (\w+) \|.*\|$`)
	for _, cells := range line.FindAllStringSubmatch(string(text), -1) {
		require.NotContains(t, told, cells[1], "two lines")
		require.Equal(t, 6, strings.Count(cells[0], "|"), "%s: metric, type, unit, what it is, be alarmed", cells[1])
		told[cells[1]] = cells[2]
	}
	require.Equal(t, made, told, "docs/METRICS.md and the code (-), metric by metric")

	text, err = os.ReadFile("../../../docs/OPERATIONS.md")
	require.NoError(t, err)
	_, alerts, _ := strings.Cut(string(text), "### What to be woken by")
	alerts, _, _ = strings.Cut(alerts, "\n### ")
	names := regexp.MustCompile(`torc_\w+`).FindAllString(alerts, -1)
	require.Greater(t, len(names), 10)
	for _, name := range names {
		require.Contains(t, made, name, "docs/OPERATIONS.md, what to be woken by")
	}
}
