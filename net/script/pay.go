package script

import (
	"fmt"

	"github.com/yuin/gopher-lua/ast"
)

// What takes memory in one instruction is made a call of a function that pays for it first:
//
//	a .. b .. c       (concat)(a, b, c)
//	t[k] = v          (set)(t, k, v)          but for names: t.x = v
//	a, t[k] = v, w    local (1), (2) = v, w; a = (1); (set)(t, k, (2))
//	{[k] = v, w}      (table)({[(key)(k)] = v, w})
//
// The functions have names that no script can write, and stand where none can change them (run.go).

const (
	nameConcat = "(concat)"
	nameSet    = "(set)"
	nameKey    = "(key)"
	nameTable  = "(table)"

	// depthMost is how deep a script's parts may lie in each other. Those who walk through it, the compiler too, call themselves.
	depthMost = 200
)

// payFor changes a chunk.
func payFor(chunk []ast.Stmt) (err error) {
	w := &rewriter{}
	defer func() {
		if r := recover(); r != nil {
			deep, ok := r.(tooDeep)
			if !ok {
				panic(r)
			}
			err = deep
		}
	}()
	w.block(chunk)
	return nil
}

// tooDeep is the line where a script's parts lie too deep in each other.
type tooDeep int

func (line tooDeep) Error() string {
	return fmt.Sprintf("%s:%d: chunk has too many syntax levels", chunkName, int(line))
}

type rewriter struct{ depth int }

func (w *rewriter) enter(at ast.PositionHolder) {
	if w.depth++; w.depth > depthMost {
		panic(tooDeep(at.Line()))
	}
}

func (w *rewriter) block(stmts []ast.Stmt) {
	for i := range stmts {
		w.enter(stmts[i])
		stmts[i] = w.stmt(stmts[i])
		w.depth--
	}
}

func (w *rewriter) stmt(s ast.Stmt) ast.Stmt {
	switch s := s.(type) {
	case *ast.AssignStmt:
		return w.assign(s)
	case *ast.LocalAssignStmt:
		w.exprs(s.Exprs)
	case *ast.FuncCallStmt:
		s.Expr = w.expr(s.Expr)
	case *ast.DoBlockStmt:
		w.block(s.Stmts)
	case *ast.WhileStmt:
		s.Condition = w.expr(s.Condition)
		w.block(s.Stmts)
	case *ast.RepeatStmt:
		s.Condition = w.expr(s.Condition)
		w.block(s.Stmts)
	case *ast.IfStmt:
		s.Condition = w.expr(s.Condition)
		w.block(s.Then)
		w.block(s.Else)
	case *ast.NumberForStmt:
		s.Init, s.Limit, s.Step = w.expr(s.Init), w.expr(s.Limit), w.expr(s.Step)
		w.block(s.Stmts)
	case *ast.GenericForStmt:
		w.exprs(s.Exprs)
		w.block(s.Stmts)
	case *ast.FuncDefStmt:
		w.block(s.Func.Stmts)
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
	case *ast.FuncCallExpr:
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
		w.block(e.Stmts)
	}
	return e
}

func (w *rewriter) table(e *ast.TableExpr) ast.Expr {
	for _, f := range e.Fields {
		f.Key, f.Value = w.expr(f.Key), w.expr(f.Value)
		if f.Key != nil && !isName(f.Key) {
			f.Key = call(e, nameKey, single(f.Key))
		}
	}
	return call(e, nameTable, e)
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

// assign pays for the places of tables that are assigned to by other things than a name.
func (w *rewriter) assign(s *ast.AssignStmt) ast.Stmt {
	w.exprs(s.Rhs)
	pays := false
	for i, lhs := range s.Lhs {
		if get, ok := lhs.(*ast.AttrGetExpr); ok {
			get.Object, get.Key = w.expr(get.Object), w.expr(get.Key)
			pays = pays || !isName(get.Key)
		}
		s.Lhs[i] = lhs
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
	if !ok || isName(get.Key) {
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
