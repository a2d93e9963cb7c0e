package mutant

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// names reads the planted bugs from the source, so that a new one cannot be forgotten here.
func names(t *testing.T) []string {
	file, err := parser.ParseFile(token.NewFileSet(), "names.go", nil, 0)
	require.NoError(t, err)
	var all []string
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok {
			name, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			require.NoError(t, err)
			require.True(t, strings.EqualFold(v.Names[0].Name, strings.ReplaceAll(name, "-", "")), "a lesson could not find the line of %s, which is %s", name, v.Names[0].Name)
			all = append(all, name)
		}
		return true
	})
	require.NotEmpty(t, all)
	return all
}

// TestNames: CI greps the release binary for them, so each must be a word that nothing else is.
func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for _, name := range names(t) {
		require.Regexp(t, regexp.MustCompile(`^[a-z]+(-[a-z]+)+$`), name)
		require.False(t, seen[name], "%s stands for two bugs", name)
		seen[name] = true
	}
}
