package torc_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// checkDoc holds that a folder with Go files has a doc.go whose comment opens as godoc wants it.
func checkDoc(folder string, files map[string]*ast.File) string {
	doc := files["doc.go"]
	if doc == nil {
		return folder + ": no doc.go: write one that says what the room is for, who calls it, what must hold, what it leaves to others"
	}
	opening := "Package " + doc.Name.Name + " "
	if doc.Name.Name == "main" {
		opening = "Command " + path.Base(folder) + " "
	}
	switch {
	case doc.Doc == nil:
		return folder + `/doc.go: no package comment (a blank line before "package" cuts it off)`
	case !strings.HasPrefix(strings.ReplaceAll(doc.Doc.Text(), "\n", " "), opening):
		return fmt.Sprintf("%s/doc.go: the package comment must begin %q", folder, strings.TrimSpace(opening))
	}
	return ""
}

// TestPackageDocs holds that every package says what it is for.
func TestPackageDocs(t *testing.T) {
	var found []string
	for folder, files := range folders(t, token.NewFileSet()) {
		if wrong := checkDoc(folder, files); wrong != "" {
			found = append(found, wrong)
		}
	}
	none(t, found)
}

func TestPackageDocsFindWhatTheyShould(t *testing.T) {
	for _, c := range []struct{ name, text, says string }{
		{"doc.go", "// Package a is an example.\npackage a", ""},
		{"doc.go", "// Package a\n// is an example.\npackage a", ""},
		{"doc.go", "// Command example does it.\npackage main", ""},
		{"a.go", "// Package a is an example.\npackage a", "no doc.go"},
		{"doc.go", "// Package a is an example.\n\npackage a", "no package comment"},
		{"doc.go", "// An example.\npackage a", `must begin "Package a"`},
		{"doc.go", "// Package main does it.\npackage main", `must begin "Command example"`},
	} {
		file, err := parser.ParseFile(token.NewFileSet(), c.name, c.text, parser.ParseComments)
		require.NoError(t, err)
		var found []string
		if wrong := checkDoc("cmd/example", map[string]*ast.File{c.name: file}); wrong != "" {
			found = append(found, wrong)
		}
		expectFinding(t, c.text, c.says, found)
	}
}
