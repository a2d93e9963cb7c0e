package script

import (
	"fmt"
	"strconv"

	"github.com/yuin/gopher-lua/ast"
)

// What takes memory in one instruction is made a call of a function that pays for it first:
//
//	a .. b .. c       (concat)(a, b, c)
//	t[k] = v          (set)(t, k, v)
//	a, t[k] = v, w    local (1), (2) = v, w; a = (1); (set)(t, k, (2))
//	{[k] = v, w, x = u}  (table)({[(key)(k)] = v, w, x = u}, 1)
//	function() end    (closure)(n, function() end), or (closure)(n) before it; n: variables that it may share
//
// And what the machine knows no strings in, where Lua does, is made a number:
//
//	for i = a, b do   for i = (number)(a, "initial value"), (number)(b, "limit") do
//
// The functions have names that no script can write, and stand where none can change them (run.go).

const (
	nameConcat  = "(concat)"
	nameSet     = "(set)"
	nameKey     = "(key)"
	nameTable   = "(table)"
	nameClosure = "(closure)"
	nameNumber  = "(number)"

	// depthMost is how deep a script's parts may lie in each other. Those who walk through it, the compiler too, call themselves.
	depthMost = 200
)

// payFor changes a chunk.
func payFor(chunk []ast.Stmt) (changed []ast.Stmt, err error) {
	w := &rewriter{scope: newScope()}
	defer func() {
		if r := recover(); r != nil {
			much, ok := r.(tooMuch)
			if !ok {
				panic(r)
			}
			err = much
		}
	}()
	return w.block(chunk), nil
}

// tooMuch is what a script has too much of, and in which line.
type tooMuch struct {
	line int
	what string
}

func (t tooMuch) Error() string { return fmt.Sprintf("%s:%d: %s", chunkName, t.line, t.what) }

type rewriter struct {
	depth int
	work  int    // that the compiler will have (scope.go)
	scope *scope // of the function that is being walked through
}

func (w *rewriter) enter(at ast.PositionHolder) {
	if w.depth++; w.depth > depthMost {
		panic(tooMuch{at.Line(), "chunk has too many syntax levels"})
	}
}

// block changes statements, and puts before those that are functions themselves one that pays.
func (w *rewriter) block(stmts []ast.Stmt) []ast.Stmt {
	list := make([]ast.Stmt, 0, len(stmts))
	for _, s := range stmts {
		w.enter(s)
		if f := functionOf(s); f != nil {
			n := w.function(f)
			pay := &ast.FuncCallStmt{Expr: call(s, nameClosure, numberExpr(s, n))}
			pay.SetLine(s.Line())
			pay.SetLastLine(s.Line())
			list = append(list, pay)
		}
		list = append(list, w.stmt(s))
		w.depth--
	}
	return list
}

// functionOf is the function that a statement is: local function f() end, function f() end. To the first the compiler must be told as it is.
func functionOf(s ast.Stmt) *ast.FunctionExpr {
	switch s := s.(type) {
	case *ast.LocalAssignStmt:
		if len(s.Names) == 1 && len(s.Exprs) == 1 {
			f, _ := s.Exprs[0].(*ast.FunctionExpr)
			return f
		}
	case *ast.FuncDefStmt:
		return s.Func
	}
	return nil
}

func (w *rewriter) stmt(s ast.Stmt) ast.Stmt {
	switch s := s.(type) {
	case *ast.AssignStmt:
		return w.assign(s)
	case *ast.LocalAssignStmt:
		w.names(s, s.Names...)
		if functionOf(s) == nil {
			w.exprs(s.Exprs)
		}
	case *ast.FuncCallStmt:
		s.Expr = w.expr(s.Expr)
	case *ast.DoBlockStmt:
		s.Stmts = w.block(s.Stmts)
	case *ast.WhileStmt:
		s.Condition = w.expr(s.Condition)
		s.Stmts = w.block(s.Stmts)
	case *ast.RepeatStmt:
		s.Condition = w.expr(s.Condition)
		s.Stmts = w.block(s.Stmts)
	case *ast.IfStmt:
		s.Condition = w.expr(s.Condition)
		s.Then = w.block(s.Then)
		s.Else = w.block(s.Else)
	case *ast.NumberForStmt:
		w.names(s, s.Name)
		s.Init, s.Limit, s.Step = w.number(s.Init, "initial value"), w.number(s.Limit, "limit"), w.number(s.Step, "step")
		s.Stmts = w.block(s.Stmts)
	case *ast.GenericForStmt:
		w.names(s, s.Names...)
		w.exprs(s.Exprs)
		s.Stmts = w.block(s.Stmts)
	case *ast.FuncDefStmt:
		s.Name.Func, s.Name.Receiver = w.expr(s.Name.Func), w.expr(s.Name.Receiver)
		w.names(s, s.Name.Method)
	case *ast.GotoStmt, *ast.LabelStmt:
		panic(tooMuch{s.Line(), "Lua 5.1 has no goto"})
	case *ast.ReturnStmt:
		w.exprs(s.Exprs)
	}
	return s
}

func (w *rewriter) exprs(list []ast.Expr) {
	for i := range list {
		list[i] = w.expr(list[i])
	}
}

func (w *rewriter) expr(e ast.Expr) ast.Expr {
	if e == nil {
		return nil
	}
	w.enter(e)
	defer func() { w.depth-- }()
	switch e := e.(type) {
	case *ast.AttrGetExpr:
		e.Object, e.Key = w.expr(e.Object), w.expr(e.Key)
	case *ast.TableExpr:
		return w.table(e)
	case *ast.IdentExpr:
		w.names(e, e.Value)
	case *ast.StringExpr:
		w.names(e, e.Value)
	case *ast.NumberExpr:
		w.names(e, e.Value)
		e.Value = decimal(e.Value)
	case *ast.FuncCallExpr:
		w.names(e, e.Method)
		e.Func, e.Receiver = w.expr(e.Func), w.expr(e.Receiver)
		w.exprs(e.Args)
	case *ast.LogicalOpExpr:
		e.Lhs, e.Rhs = w.expr(e.Lhs), w.expr(e.Rhs)
	case *ast.RelationalOpExpr:
		e.Lhs, e.Rhs = w.expr(e.Lhs), w.expr(e.Rhs)
	case *ast.ArithmeticOpExpr:
		e.Lhs, e.Rhs = w.expr(e.Lhs), w.expr(e.Rhs)
	case *ast.StringConcatOpExpr:
		return w.concat(e)
	case *ast.UnaryMinusOpExpr:
		e.Expr = w.expr(e.Expr)
	case *ast.UnaryNotOpExpr:
		e.Expr = w.expr(e.Expr)
	case *ast.UnaryLenOpExpr:
		e.Expr = w.expr(e.Expr)
	case *ast.FunctionExpr:
		n := w.function(e)
		return call(e, nameClosure, numberExpr(e, n), e)
	}
	return e
}

func (w *rewriter) table(e *ast.TableExpr) ast.Expr {
	named := 0
	for _, f := range e.Fields {
		f.Key, f.Value = w.expr(f.Key), w.expr(f.Value)
		switch {
		case f.Key == nil:
		case isName(f.Key):
			named++
		default:
			f.Key = call(e, nameKey, single(f.Key))
		}
	}
	return call(e, nameTable, e, numberExpr(e, named))
}

func (w *rewriter) number(e ast.Expr, what string) ast.Expr {
	if _, is := e.(*ast.NumberExpr); is || e == nil {
		return w.expr(e)
	}
	name := &ast.StringExpr{Value: what}
	name.SetLine(e.Line())
	return call(e, nameNumber, single(w.expr(e)), name)
}

// decimal is a numeral without the zeros that would make it octal to the machine.
func decimal(s string) string {
	for len(s) > 1 && s[0] == '0' && isDigit(s[1]) {
		s = s[1:]
	}
	return s
}

func numberExpr(at ast.PositionHolder, n int) ast.Expr {
	e := &ast.NumberExpr{Value: strconv.Itoa(n)}
	e.SetLine(at.Line())
	return e
}

// concat makes a chain of operators, which hangs to the right, one call.
func (w *rewriter) concat(e *ast.StringConcatOpExpr) ast.Expr {
	args := []ast.Expr{w.expr(e.Lhs)}
	rest := e.Rhs
	for {
		next, more := rest.(*ast.StringConcatOpExpr)
		if !more {
			break
		}
		args = append(args, w.expr(next.Lhs))
		rest = next.Rhs
	}
	args = append(args, single(w.expr(rest)))
	return call(e, nameConcat, args...)
}

// single makes what may be several values one, where the last argument of a call would be all of them.
func single(e ast.Expr) ast.Expr {
	switch e := e.(type) {
	case *ast.FuncCallExpr:
		e.AdjustRet = true
	case *ast.Comma3Expr:
		e.AdjustRet = true
	}
	return e
}

func call(at ast.PositionHolder, name string, args ...ast.Expr) *ast.FuncCallExpr {
	f := &ast.IdentExpr{Value: name}
	c := &ast.FuncCallExpr{Func: f, Args: args}
	for _, n := range []ast.PositionHolder{f, c} {
		n.SetLine(at.Line())
		n.SetLastLine(at.LastLine())
	}
	return c
}

// assign pays for the places of tables that are assigned to.
func (w *rewriter) assign(s *ast.AssignStmt) ast.Stmt {
	w.exprs(s.Rhs)
	pays := false
	for i, lhs := range s.Lhs {
		if get, ok := lhs.(*ast.AttrGetExpr); ok {
			get.Object, get.Key = w.expr(get.Object), w.expr(get.Key)
			pays = true
		} else {
			s.Lhs[i] = w.expr(lhs)
		}
	}
	switch {
	case !pays:
		return s
	case len(s.Lhs) == 1:
		return w.set(s, s.Lhs[0], single(s.Rhs[0]), s.Rhs[1:])
	}
	return w.setEach(s)
}

func isName(key ast.Expr) bool {
	_, ok := key.(*ast.StringExpr)
	return ok
}

// set is an assignment to one place. Values beyond the first are computed, and forgotten.
func (w *rewriter) set(at ast.PositionHolder, lhs ast.Expr, value ast.Expr, rest []ast.Expr) ast.Stmt {
	get, ok := lhs.(*ast.AttrGetExpr)
	if !ok {
		s := &ast.AssignStmt{Lhs: []ast.Expr{lhs}, Rhs: append([]ast.Expr{value}, rest...)}
		s.SetLine(at.Line())
		s.SetLastLine(at.LastLine())
		return s
	}
	s := &ast.FuncCallStmt{Expr: call(at, nameSet, append([]ast.Expr{get.Object, get.Key, value}, rest...)...)}
	s.SetLine(at.Line())
	s.SetLastLine(at.LastLine())
	return s
}

// setEach computes all values before it assigns any. Lua does not say in which order that is done.
func (w *rewriter) setEach(s *ast.AssignStmt) ast.Stmt {
	local := &ast.LocalAssignStmt{Exprs: s.Rhs}
	block := &ast.DoBlockStmt{Stmts: []ast.Stmt{local}}
	for i := range s.Lhs {
		local.Names = append(local.Names, fmt.Sprintf("(%d)", i))
	}
	// The places' tables and keys, too, are those from before: i, t[i] = i + 1, 20.
	for i, lhs := range s.Lhs {
		if get, ok := lhs.(*ast.AttrGetExpr); ok {
			keep := &ast.LocalAssignStmt{Names: []string{fmt.Sprintf("(t%d)", i), fmt.Sprintf("(k%d)", i)}, Exprs: []ast.Expr{get.Object, single(get.Key)}}
			block.Stmts = append(block.Stmts, keep)
			kept := &ast.AttrGetExpr{Object: ident(s, keep.Names[0]), Key: get.Key}
			if !isName(get.Key) {
				kept.Key = ident(s, keep.Names[1])
			}
			s.Lhs[i] = kept
		}
	}
	for i, lhs := range s.Lhs {
		block.Stmts = append(block.Stmts, w.set(s, lhs, ident(s, local.Names[i]), nil))
	}
	for _, each := range append([]ast.Stmt{block}, block.Stmts...) {
		each.SetLine(s.Line())
		each.SetLastLine(s.LastLine())
	}
	return block
}

func ident(at ast.PositionHolder, name string) ast.Expr {
	e := &ast.IdentExpr{Value: name}
	e.SetLine(at.Line())
	e.SetLastLine(at.LastLine())
	return e
}
