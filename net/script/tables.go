package script

import (
	"sort"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

func (r *run) tables(l *lua.LState) *lua.LTable {
	t := lib(l, map[string]lua.LGFunction{
		"concat": r.tableConcat, "insert": r.tableInsert, "remove": r.tableRemove, "sort": r.tableSort, "foreach": foreach, "foreachi": foreachi,
	})
	for _, f := range shared().table {
		t.RawSetString(f.name, f.LFunction)
	}
	return t
}

func (r *run) tableConcat(l *lua.LState) int {
	t, between := l.CheckTable(1), l.OptString(2, "")
	from, to := integer(l, 3, 1), integer(l, 4, t.Len())
	var parts []string
	for i := from; i <= to; i++ {
		v := t.RawGetInt(i)
		if !lua.LVCanConvToString(v) {
			l.RaiseError("invalid value (%s) at index %d in table for 'concat'", v.Type(), i)
		}
		r.walk(l, 1)
		s := text(v)
		r.pay(l, len(s)+len(between)+arrayBytes)
		parts = append(parts, s)
	}
	l.Push(lua.LString(strings.Join(parts, between)))
	return 1
}

func (r *run) tableInsert(l *lua.LState) int {
	t := l.CheckTable(1)
	switch l.GetTop() {
	case 2:
		r.pay(l, placeBytes)
		t.Append(l.Get(2))
	case 3:
		at := integer(l, 2, 1)
		r.place(l, t, lua.LNumber(at))
		r.walk(l, max(0, t.Len()-at)/16) // those behind it move
		t.Insert(at, l.Get(3))
	default:
		l.RaiseError("wrong number of arguments to 'insert'")
	}
	return 0
}

// tableRemove takes a place out, the last one if none is named. The machine's takes the last that ever was.
func (r *run) tableRemove(l *lua.LState) int {
	t := l.CheckTable(1)
	n := t.Len()
	at := integer(l, 2, n)
	if at < 1 || at > n {
		return 0
	}
	l.Push(t.RawGetInt(at))
	r.walk(l, (n-at)/16) // those behind it move
	for ; at < n; at++ {
		t.RawSetInt(at, t.RawGetInt(at+1))
	}
	t.RawSetInt(n, lua.LNil)
	return 1
}

// sorted sorts the places of a table.
type sorted struct {
	l    *lua.LState
	r    *run
	t    *lua.LTable
	less lua.LValue
	n    int
}

func (s sorted) Len() int { return s.n }

func (s sorted) Swap(i, j int) {
	a, b := s.t.RawGetInt(i+1), s.t.RawGetInt(j+1)
	s.t.RawSetInt(i+1, b)
	s.t.RawSetInt(j+1, a)
}

func (s sorted) Less(i, j int) bool {
	s.r.walk(s.l, 1)
	a, b := s.t.RawGetInt(i+1), s.t.RawGetInt(j+1)
	if s.less != lua.LNil {
		s.l.Push(s.less)
		s.l.Push(a)
		s.l.Push(b)
		s.l.Call(2, 1)
		v := s.l.Get(-1)
		s.l.Pop(1)
		return lua.LVAsBool(v)
	}
	x, isNumber := a.(lua.LNumber)
	y, also := b.(lua.LNumber)
	if isNumber && also {
		return x < y
	}
	u, isString := a.(lua.LString)
	w, also := b.(lua.LString)
	if !isString || !also {
		s.l.RaiseError("attempt to compare %s with %s", a.Type(), b.Type())
	}
	return u < w
}

func (r *run) tableSort(l *lua.LState) int {
	t := l.CheckTable(1)
	s := sorted{l: l, r: r, t: t, less: l.Get(2), n: t.Len()}
	if s.less != lua.LNil {
		l.CheckFunction(2)
	}
	sort.Sort(s)
	return 0
}

// foreach calls a function with each key and value until it returns something.
func foreach(l *lua.LState) int {
	t, f := l.CheckTable(1), l.CheckFunction(2)
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		if called(l, f, k, v) {
			return 1
		}
	}
	return 0
}

func foreachi(l *lua.LState) int {
	t, f := l.CheckTable(1), l.CheckFunction(2)
	for i := 1; i <= t.Len(); i++ {
		if called(l, f, lua.LNumber(i), t.RawGetInt(i)) {
			return 1
		}
	}
	return 0
}

// called calls a function, and leaves what it returns if that is something.
func called(l *lua.LState, f *lua.LFunction, args ...lua.LValue) bool {
	l.Push(f)
	for _, a := range args {
		l.Push(a)
	}
	l.Call(len(args), 1)
	if l.Get(-1) != lua.LNil {
		return true
	}
	l.Pop(1)
	return false
}
