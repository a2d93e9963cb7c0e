package script

import "github.com/yuin/gopher-lua/ast"

// The compiler looks for each name and constant among all that its function has, one by one: tens of thousands of them took it a minute. So what it will
// have to do is counted, and a script with too much of it is refused. One of 100 KiB with 300 functions has the half of it.
const (
	workMost     = 16 << 20 // comparisons
	workFunction = 8 << 10  // as many comparisons is what a function takes: the compiler makes room for 1024 instructions
	workLevel    = 16       // variables of each function around it are looked through for a name

	upvaluesMost = 255 // variables that a function may share
)

// scope is a function that is being walked through.
type scope struct {
	names map[string]bool // of variables and constants
	level int             // how many functions there are around it
}

func newScope() *scope { return &scope{names: make(map[string]bool)} }

// names counts names and constants.
func (w *rewriter) names(at ast.PositionHolder, names ...string) {
	for _, name := range names {
		w.scope.names[name] = true
		w.labor(at, len(w.scope.names)+workLevel*w.scope.level)
	}
}

func (w *rewriter) labor(at ast.PositionHolder, n int) {
	if w.work += n; w.work > workMost {
		panic(tooMuch{at.Line(), "script has too many names, constants and functions"})
	}
}

// function walks through one, and returns how many variables it may share at most: those that it names.
func (w *rewriter) function(f *ast.FunctionExpr) int {
	around := w.scope
	w.scope = newScope()
	w.scope.level = around.level + 1
	w.labor(f, workFunction)
	if f.ParList != nil {
		w.names(f, f.ParList.Names...)
	}
	f.Stmts = w.block(f.Stmts)
	own := w.scope.names
	w.scope = around
	w.labor(f, len(own))
	for name := range own { // what it shares may be shared by the one around it with those around that
		around.names[name] = true
	}
	return min(len(own), upvaluesMost)
}
