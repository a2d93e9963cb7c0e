package torc_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// deterministic reports whether the simulator must be able to replay a folder's code.
func deterministic(folder string) bool {
	return folder == "cluster" || strings.HasPrefix(folder, "cluster/") || strings.HasPrefix(folder, "core/")
}

// bannedImports are packages that let the world in. A prefix that ends in "/" covers a tree.
var bannedImports = []struct{ prefix, instead string }{
	{"math/rand", "draw from env.Rand; the simulator cannot seed a global source"},
	{"crypto/rand", "draw from env.Rand; the simulator cannot seed the system's randomness"},
	{"hash/maphash", "hash with a fixed seed (hash/fnv, xxhash); maphash's differs from process to process"},
	{"sync", "a lane is one thread: use plain fields; a lock would order events by the scheduler"},
	{"context", "set a deadline by env.Clock.After; a context brings goroutines and the wall clock"},
	{"os", "take it as a parameter; node logic reads no files, environment or signals"},
	{"syscall", "take it as a parameter; node logic makes no system calls"},
	{"net", "send by env.Network; the simulator cannot control sockets"},
}

// bannedFunctions are functions of packages that are otherwise welcome.
var bannedFunctions = map[string]string{
	"time.Now":       "read env.Clock.Now; the simulator cannot control the wall clock",
	"time.Since":     "subtract two env.Clock.Now; the simulator cannot control the wall clock",
	"time.Until":     "subtract env.Clock.Now; the simulator cannot control the wall clock",
	"time.Sleep":     "set a timer by env.Clock.After; a lane never waits",
	"time.After":     "set a timer by env.Clock.After; its channel belongs to the runtime",
	"time.AfterFunc": "set a timer by env.Clock.After; its function runs on another thread",
	"time.NewTimer":  "set a timer by env.Clock.After; its channel belongs to the runtime",
	"time.NewTicker": "set a timer by env.Clock.After; its channel belongs to the runtime",
	"time.Tick":      "set a timer by env.Clock.After; its channel belongs to the runtime",
	"maps.Keys":      "sort them: slices.Sorted(maps.Keys(m)); their order differs from run to run",
	"maps.Values":    "sort them: slices.Sorted(maps.Values(m)); their order differs from run to run",
	"maps.All":       "range over slices.Sorted(maps.Keys(m)); the order differs from run to run",
}

// What a line may say (itself or the line above it) to be allowed, with its reason.
var (
	mapOrderExcuse = regexp.MustCompile(`//\s*map order: \S+`)
	floatExcuse    = regexp.MustCompile(`//\s*float: \S+`)
)

// checkDeterminism holds the rules for one file of core or cluster.
func checkDeterminism(s *source) (found []string) {
	c := &determinism{source: s, excused: map[*regexp.Regexp]map[int]bool{}, sorted: map[ast.Node]bool{}, floats: map[int]bool{}}
	c.readExcuses()
	for _, spec := range s.file.Imports {
		c.imports(spec)
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		if n != nil {
			c.node(n)
		}
		return true
	})
	return c.found
}

type determinism struct {
	*source
	excused map[*regexp.Regexp]map[int]bool // lines that carry an excuse
	sorted  map[ast.Node]bool               // functions whose result is sorted at once
	floats  map[int]bool                    // lines already found
	found   []string
}

func (c *determinism) report(n ast.Node, format string, args ...any) {
	c.found = append(c.found, c.finding(n, format, args...))
}

// readExcuses notes the lines with an excuse, and the lines below them.
func (c *determinism) readExcuses() {
	for _, excuse := range []*regexp.Regexp{mapOrderExcuse, floatExcuse} {
		lines := map[int]bool{}
		for _, group := range c.file.Comments {
			for _, comment := range group.List {
				if excuse.MatchString(comment.Text) {
					lines[c.position(comment).Line] = true
					lines[c.fset.Position(group.End()).Line+1] = true // the excuse may take more lines
				}
			}
		}
		c.excused[excuse] = lines
	}
}

func (c *determinism) isExcused(n ast.Node, by *regexp.Regexp) bool {
	return c.excused[by][c.position(n).Line]
}

func (c *determinism) imports(spec *ast.ImportSpec) {
	imported, _ := strconv.Unquote(spec.Path.Value)
	for _, b := range bannedImports {
		if imported == b.prefix || strings.HasPrefix(imported, b.prefix+"/") {
			c.report(spec, "import of %s in %s: %s", imported, c.room(), b.instead)
		}
	}
}

func (c *determinism) room() string { room, _, _ := strings.Cut(c.folder, "/"); return room }

func (c *determinism) node(n ast.Node) {
	switch n := n.(type) {
	case *ast.GoStmt:
		c.report(n, "go statement in %s: schedule by env.Clock.After(0, f); goroutines run in the runtime's order", c.room())
	case *ast.ChanType:
		c.report(n, "channel in %s: call a function, or keep a slice that the lane drains; channels order events by the scheduler", c.room())
	case *ast.SelectStmt:
		c.report(n, "select in %s: branch on the event; select draws from the runtime's randomness", c.room())
	case *ast.SendStmt:
		c.report(n, "channel send in %s: call a function, or append to a slice that the lane drains", c.room())
	case *ast.UnaryExpr:
		if n.Op == token.ARROW {
			c.report(n, "channel receive in %s: let the world call the lane", c.room())
		}
	case *ast.CallExpr:
		c.noteSorted(n)
	case *ast.RangeStmt:
		c.rangeOver(n)
	case *ast.Ident:
		c.function(n)
		c.local(n)
	}
	if e, ok := n.(ast.Expr); ok {
		c.float(e)
	}
}

// noteSorted lets slices.Sorted(maps.Keys(m)) and its kind pass.
func (c *determinism) noteSorted(call *ast.CallExpr) {
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || len(call.Args) == 0 {
		return
	}
	inner, ok := call.Args[0].(*ast.CallExpr)
	if !ok {
		return
	}
	if g, ok := inner.Fun.(*ast.SelectorExpr); ok && strings.HasPrefix(c.nameOf(f.Sel), "slices.Sorted") {
		c.sorted[g.Sel] = true
	}
}

// nameOf is a package-level function's name with its package's path, or "".
func (c *determinism) nameOf(id *ast.Ident) string {
	f, ok := c.types.Uses[id].(*types.Func)
	if !ok || f.Pkg() == nil || f.Signature().Recv() != nil {
		return ""
	}
	return f.Pkg().Path() + "." + f.Name()
}

func (c *determinism) function(id *ast.Ident) {
	name := c.nameOf(id)
	if instead, ok := bannedFunctions[name]; ok && !c.sorted[id] && !c.isExcused(id, mapOrderExcuse) {
		c.report(id, "%s in %s: %s", name, c.room(), instead)
	}
}

// rangeOver finds what only types tell: that the ranged thing is a map or a channel.
func (c *determinism) rangeOver(n *ast.RangeStmt) {
	t := c.types.TypeOf(n.X)
	if n.Key == nil && n.Value == nil {
		// Counting rounds: the order cannot be seen, except by a channel.
		if !isKind[*types.Chan](t) {
			return
		}
	}
	switch {
	case isKind[*types.Map](t) && !c.isExcused(n, mapOrderExcuse):
		c.report(n, `range over a map in %s: range over slices.Sorted(maps.Keys(m)) or keep a slice; if the order cannot reach an output, say why in a comment "// map order: ..."`, c.room())
	case isKind[*types.Chan](t):
		c.report(n, "range over a channel in %s: let the world call the lane", c.room())
	}
}

// isKind reports whether a type is, or as a type parameter may be, of a kind.
func isKind[T types.Type](t types.Type) bool {
	if t == nil {
		return false
	}
	if p, ok := t.(*types.TypeParam); ok {
		return constraintAllows[T](p.Constraint().Underlying().(*types.Interface))
	}
	_, ok := t.Underlying().(T)
	return ok
}

func constraintAllows[T types.Type](constraint *types.Interface) bool {
	for embedded := range constraint.EmbeddedTypes() {
		switch e := embedded.(type) {
		case *types.Union:
			for term := range e.Terms() {
				if isKind[T](term.Type()) {
					return true
				}
			}
		default:
			if inner, ok := e.Underlying().(*types.Interface); ok && constraintAllows[T](inner) || !ok && isKind[T](e) {
				return true
			}
		}
	}
	return false
}

// local finds time.Local by its name: it is a variable.
func (c *determinism) local(id *ast.Ident) {
	if v, ok := c.types.Uses[id].(*types.Var); ok && v.Pkg() != nil && v.Pkg().Path() == "time" && v.Name() == "Local" {
		c.report(id, "time.Local in %s: use time.UTC; the time zone differs from machine to machine", c.room())
	}
}

// float finds values of floating-point type, once a line. Constants that end up as integers
// are exact and welcome.
func (c *determinism) float(e ast.Expr) {
	tv, ok := c.types.Types[e]
	if id, isIdent := e.(*ast.Ident); isIdent && !ok {
		if obj := c.types.ObjectOf(id); obj != nil {
			if _, isVar := obj.(*types.Var); isVar {
				tv.Type, ok = obj.Type(), true
			}
		}
	}
	if !ok || tv.Type == nil {
		return
	}
	basic, isBasic := tv.Type.Underlying().(*types.Basic)
	line := c.position(e).Line
	if !isBasic || basic.Info()&(types.IsFloat|types.IsComplex) == 0 || basic.Info()&types.IsUntyped != 0 || c.floats[line] || c.isExcused(e, floatExcuse) {
		return
	}
	c.floats[line] = true
	c.report(e, `%s in %s: count in integers (thousandths, nanoseconds); processors round and fuse differently; if it decides nothing, say why in a comment "// float: ..."`, basic.Name(), c.room())
}

// TestDeterminism checks core and cluster as they are built by default and with their tags:
// every file is in one of the two builds.
func TestDeterminism(t *testing.T) {
	for _, tags := range []string{"", "invariants,mutants"} {
		fset := token.NewFileSet()
		tree := folders(t, fset)
		exports := listExports(t, tags, "./core/...", "./cluster/...")
		var found []string
		checked := 0
		for folder, files := range tree {
			if !deterministic(folder) {
				continue
			}
			chosen := choose(t, files, tags)
			info, err := exports.check(fset, "torc/"+folder, chosen)
			if err != nil {
				found = append(found, fmt.Sprintf("%s does not compile (tags %q): %v", folder, tags, err))
				continue
			}
			for _, file := range chosen {
				checked++
				found = append(found, checkDeterminism(&source{folder: folder, fset: fset, file: file, types: info})...)
			}
		}
		require.Greater(t, checked, 20, "the walk did not find the tree")
		none(t, found)
	}
}

// choose returns the files that a build with these tags holds.
func choose(t *testing.T, files map[string]*ast.File, tags string) (chosen []*ast.File) {
	set := strings.Split(tags, ",")
	for _, file := range files {
		in := true
		for _, group := range file.Comments {
			for _, comment := range group.List {
				if comment.Pos() < file.Package && constraint.IsGoBuild(comment.Text) {
					expr, err := constraint.Parse(comment.Text)
					require.NoError(t, err)
					in = expr.Eval(func(tag string) bool { return slices.Contains(set, tag) })
				}
			}
		}
		if in {
			chosen = append(chosen, file)
		}
	}
	slices.SortFunc(chosen, func(a, b *ast.File) int { return int(a.Pos() - b.Pos()) })
	return chosen
}

// exports knows the compiler's own account of packages: types of what a package imports come
// from the build cache, which is many times quicker than reading its source.
type exports map[string]string

func listExports(t *testing.T, tags string, patterns ...string) exports {
	args := append([]string{"list", "-e", "-export", "-deps", "-tags", tags, "-json=ImportPath,Export"}, patterns...)
	cmd := exec.Command("go", args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "go list: %s", &stderr)
	found := exports{}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct{ ImportPath, Export string }
		if err := decoder.Decode(&p); err == io.EOF {
			return found
		} else {
			require.NoError(t, err)
		}
		found[p.ImportPath] = p.Export
	}
}

// check finds the types in one package's files.
func (x exports) check(fset *token.FileSet, name string, files []*ast.File) (*types.Info, error) {
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}}
	open := func(imported string) (io.ReadCloser, error) {
		if x[imported] == "" {
			return nil, fmt.Errorf("%s does not compile, or is not there", imported)
		}
		return os.Open(x[imported])
	}
	config := types.Config{Importer: importer.ForCompiler(fset, "gc", open)}
	_, err := config.Check(name, fset, files, info)
	return info, err
}

func TestDeterminismFindsWhatItShould(t *testing.T) {
	x := listExports(t, "", "time", "maps", "slices", "sync", "sync/atomic", "context", "math", "math/big", "math/rand", "math/rand/v2", "crypto/rand",
		"hash/maphash", "os", "os/exec", "net", "net/netip", "fmt")
	for _, c := range []struct{ body, says string }{
		{`func f() { go f() }`, "a.go:1: go statement in core: schedule by env.Clock.After(0, f)"},
		{`var c chan int`, "channel in core"},
		{`func f(c interface{ Done() <-chan int }) {}`, "channel in core"},
		{`import "context"; func f(c context.Context) { <-c.Done() }`, "channel receive in core"},
		{`import "context"; func f(c context.Context) { for range c.Done() {} }`, "range over a channel in core"},
		{`func f() { select {} }`, "select in core"},
		{`import "sync"; var m sync.Mutex`, "import of sync in core: a lane is one thread"},
		{`import "sync/atomic"; var m atomic.Bool`, "import of sync/atomic in core"},
		{`import "context"; var c context.Context`, "import of context in core: set a deadline by env.Clock.After"},
		{`import "math/rand"; var i = rand.Int()`, "import of math/rand in core: draw from env.Rand"},
		{`import "math/rand/v2"; var i = rand.Int()`, "import of math/rand/v2 in core"},
		{`import "crypto/rand"; var i = rand.Text()`, "import of crypto/rand in core"},
		{`import "hash/maphash"; var i maphash.Hash`, "import of hash/maphash in core"},
		{`import "os"; var i = os.Args`, "import of os in core"},
		{`import "os/exec"; var i exec.Cmd`, "import of os/exec in core"},
		{`import "net"; var i net.IP`, "import of net in core: send by env.Network"},
		{`import "net/netip"; var i netip.Addr`, "import of net/netip in core"},

		{`import "time"; var t = time.Now()`, "time.Now in core: read env.Clock.Now; the simulator cannot control the wall clock"},
		{`import wall "time"; var now = wall.Now`, "time.Now in core"},
		{`import . "time"; var t = Now()`, "time.Now in core"},
		{`import "time"; var t = time.Since(time.Time{})`, "time.Since in core"},
		{`import "time"; func f() { time.Sleep(1) }`, "time.Sleep in core: set a timer by env.Clock.After; a lane never waits"},
		{`import "time"; var t = time.After(1)`, "time.After in core"},
		{`import "time"; var t = time.NewTimer(1)`, "time.NewTimer in core"},
		{`import "time"; var t = time.Tick(1)`, "time.Tick in core"},
		{`import "time"; var t = time.UnixMilli(1).In(time.Local)`, "time.Local in core"},
		{`import "time"; const d = 3 * time.Second; func f(t time.Time) bool { return t.After(t) }`, ""},
		{`type time struct{}; func (time) Now() {}; func f(time time) { time.Now() }`, ""},

		{`func f(m map[int]int) { for k := range m { _ = k } }`, "range over a map in core: range over slices.Sorted(maps.Keys(m))"},
		{`type set map[int]bool; func f(s set) { for k, v := range s { _, _ = k, v } }`, "range over a map"},
		{`func f[M ~map[int]int](m M) { for k := range m { _ = k } }`, "range over a map"},
		{`type table interface{ ~map[int]int }; func f[M table](m M) { for k := range m { _ = k } }`, "range over a map"},
		{`type table interface{ map[int]int }; func f[M interface{ table; any }](m M) { for k := range m { _ = k } }`, "range over a map"},
		{`func f[S ~[]int](s S) { for i := range s { _ = i } }`, ""},
		{"func f(m map[int]int) {\nfor k := range m { // map order: only counts\n_ = k } }", ""},
		{"func f(m map[int]int) {\n// map order: the sum is\n// the same in any order\nfor k := range m { _ = k } }", ""},
		{"func f(m map[int]int) {\n// map order:\nfor k := range m { _ = k } }", "range over a map"},
		{"func f(m map[int]int) {\n// map order: only counts\n\nfor k := range m { _ = k } }", "a.go:4: range over a map"},
		{`func f(m map[int]int) { for range m {} }`, ""},
		{`func f(m []int) { for i := range m { _ = i } ; for i := range 3 { _ = i } }`, ""},
		{`import "maps"; func f(m map[int]int) { for k := range maps.Keys(m) { _ = k } }`, "maps.Keys in core: sort them"},
		{`import ("maps"; "slices"); func f(m map[int]int) []int { return slices.Collect(maps.Values(m)) }`, "maps.Values in core"},
		{`import ("maps"; "slices"); func f(m map[int]int) { for _, k := range slices.Sorted(maps.Keys(m)) { _ = k } }`, ""},

		{`var ratio float64`, "float64 in core: count in integers"},
		{`type t struct { ratio float32 }`, "float32 in core"},
		{`func f(n int) int { return int(float64(n) * 1.5) }`, "float64 in core"},
		{`import "time"; func f(d time.Duration) bool { return d.Seconds() > 1 }`, "float64 in core"},
		{`import "fmt"; func f() { fmt.Println(1.5) }`, "float64 in core"},
		{`func f() { x := 0.5; _ = x }`, "float64 in core"},
		{"// float: printed, decides nothing\nvar ratio float64", ""},
		{`import "math/big"; func f(r *big.Rat) *big.Rat { return r.Add(r, r) }`, ""},
		{`const half = 0.5; const most = int(half * 4)`, ""},
	} {
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, "a.go", "package a; "+c.body, parser.ParseComments)
		require.NoError(t, err, c.body)
		info, err := x.check(fset, "torc/core/a", []*ast.File{file})
		require.NoError(t, err, c.body)
		expectFinding(t, c.body, c.says, checkDeterminism(&source{folder: "core/a", fset: fset, file: file, types: info}))
	}
}

// TestTagsChooseFiles: a file that is in no checked build would be in no check.
func TestTagsChooseFiles(t *testing.T) {
	parse := func(text string) *ast.File {
		file, err := parser.ParseFile(token.NewFileSet(), "a.go", text+"\n\npackage a", parser.ParseComments)
		require.NoError(t, err)
		return file
	}
	files := map[string]*ast.File{"on.go": parse("//go:build mutants"), "off.go": parse("//go:build !mutants")}
	require.Equal(t, []*ast.File{files["off.go"]}, choose(t, files, ""))
	require.Equal(t, []*ast.File{files["on.go"]}, choose(t, files, "invariants,mutants"))
}
