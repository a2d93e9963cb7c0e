package script

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// What things cost, in bytes.
const (
	placeBytes   = 64  // a table's place that is given a value
	tableBytes   = 512 // a table
	arrayBytes   = 16  // a place that is left out: t[1000] = 1 makes those before it
	closureBytes = 256 // a function
	upvalueBytes = 64  // a variable that a function shares with others
)

// concat joins its arguments from the right, as Lua does.
func (r *run) concat(l *lua.LState) int {
	right := l.Get(l.GetTop())
	for i := l.GetTop() - 1; i >= 1; {
		from := i + 1
		for lua.LVCanConvToString(right) && from > 1 && lua.LVCanConvToString(l.Get(from-1)) {
			from--
		}
		if from > i { // one of the two is no string
			right = concatOther(l, l.Get(i), right)
			i--
			continue
		}
		right = r.joined(l, from, i, right)
		i = from - 1
	}
	l.Push(right)
	return 1
}

// joined joins the strings from one argument to another, and what is to their right.
func (r *run) joined(l *lua.LState, from, to int, right lua.LValue) lua.LValue {
	size, parts := 0, make([]string, 0, to-from+2)
	for i := from; i <= to; i++ {
		parts = append(parts, text(l.Get(i)))
	}
	parts = append(parts, text(right))
	for _, p := range parts {
		size += len(p)
	}
	r.pay(l, size)
	return lua.LString(strings.Join(parts, ""))
}

// concatOther is for what is no string: a table may say how it is joined.
func concatOther(l *lua.LState, a, b lua.LValue) lua.LValue {
	f := l.GetMetaField(a, "__concat")
	if f == lua.LNil {
		f = l.GetMetaField(b, "__concat")
	}
	if f == lua.LNil {
		bad := a
		if lua.LVCanConvToString(a) {
			bad = b
		}
		l.RaiseError("attempt to concatenate a %s value", bad.Type())
	}
	l.Push(f)
	l.Push(a)
	l.Push(b)
	l.Call(2, 1)
	v := l.Get(-1)
	l.Pop(1)
	return v
}

func (r *run) set(l *lua.LState) int {
	t, k, v := l.Get(1), l.Get(2), l.Get(3)
	if table, ok := t.(*lua.LTable); !ok || table.RawGet(k) == lua.LNil {
		r.place(l, t, k)
	}
	l.SetTable(t, k, v)
	return 0
}

// place pays for a table's place, and for those that are made before it.
func (r *run) place(l *lua.LState, t, k lua.LValue) {
	cost := placeBytes
	if n, ok := k.(lua.LNumber); ok && n > 0 && n < lua.LNumber(lua.MaxArrayIndex) {
		cost += max(0, int(n)-r.have(l, t)) * arrayBytes
	}
	r.pay(l, cost)
}

// have is how many places of an array there are for certain. One that hands what it has not to another table may have none.
func (r *run) have(l *lua.LState, t lua.LValue) int {
	table, ok := t.(*lua.LTable)
	if !ok || table.Metatable != lua.LNil && l.GetMetaField(t, "__newindex") != lua.LNil {
		return 0
	}
	return table.Len()
}

// key pays for the place of a table that is being made.
func (r *run) key(l *lua.LState) int {
	r.place(l, lua.LNil, l.Get(1))
	l.SetTop(1)
	return 1
}

// table pays for a table that is made, and so many of its places that have names. An empty one is made anew: the machine would give it
// places for 32 names with the first.
func (r *run) table(l *lua.LState) int {
	t, names := l.CheckTable(1), l.OptInt(2, 0)
	n := t.Len()
	r.pay(l, tableBytes+placeBytes*(n+names))
	if n+names == 0 && t.MaxN() == 0 {
		if k, _ := t.Next(lua.LNil); k == lua.LNil {
			t = l.CreateTable(0, 1)
		}
	}
	l.Push(t)
	return 1
}

// closure pays for a function, which its first argument may be, and so many variables that it may share.
func (r *run) closure(l *lua.LState) int {
	r.pay(l, closureBytes+upvalueBytes*l.CheckInt(1))
	l.Push(l.Get(2))
	return 1
}

// forNumber is a number of a loop: for i = "1", 2 is one in Lua, and none to the machine.
func forNumber(l *lua.LState) int {
	n, ok := toNumber(l.Get(1))
	if !ok {
		l.RaiseError("'for' %s must be a number", l.CheckString(2))
	}
	l.Push(n)
	return 1
}
