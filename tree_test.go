// Package torc_test holds what no compiler holds: who may import whom, what deterministic code
// must leave alone, and that every package says what it is for.
package torc_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// source is a parsed file that is not a test.
type source struct {
	folder string // slash-separated, relative to the root
	fset   *token.FileSet
	file   *ast.File
	types  *types.Info // of deterministic rooms only
}

// finding says where a rule is broken, which, and what to write instead.
func (s *source) finding(n ast.Node, format string, args ...any) string {
	return fmt.Sprintf("%s:%d: %s", path.Join(s.folder, filepath.Base(s.position(n).Filename)), s.position(n).Line, fmt.Sprintf(format, args...))
}

func (s *source) position(n ast.Node) token.Position { return s.fset.Position(n.Pos()) }

// folders parses every Go file under the root that is no test, by folder.
func folders(t *testing.T, fset *token.FileSet) map[string]map[string]*ast.File {
	tree := map[string]map[string]*ast.File{}
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // a test elsewhere cleaned up
			}
			return err
		}
		base := entry.Name()
		if entry.IsDir() {
			if name != "." && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata" || hasModule(name)) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(base, ".go") || strings.HasSuffix(base, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(fset, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		folder := filepath.ToSlash(filepath.Dir(name))
		if tree[folder] == nil {
			tree[folder] = map[string]*ast.File{}
		}
		tree[folder][base] = file
		return nil
	})
	require.NoError(t, err)
	return tree
}

// hasModule reports whether a folder is a module of its own (heavy benchmarks are).
func hasModule(folder string) bool {
	_, err := os.Stat(filepath.Join(folder, "go.mod"))
	return err == nil
}

func none(t *testing.T, found []string) {
	t.Helper()
	slices.Sort(found)
	if len(found) > 0 {
		t.Errorf("%d findings:\n%s", len(found), strings.Join(slices.Compact(found), "\n"))
	}
}

// expectFinding checks that one of the findings says this, or that there is none.
func expectFinding(t *testing.T, name, says string, found []string) {
	t.Helper()
	all := strings.Join(found, "\n")
	if says == "" {
		require.Empty(t, all, name)
		return
	}
	require.Contains(t, all, says, name)
}
