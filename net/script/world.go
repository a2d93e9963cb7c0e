package script

import (
	"sync"

	lua "github.com/yuin/gopher-lua"
)

// What a script's names mean is made when the script first uses one: all of it together takes many times as long as most scripts do. What knows nothing of a
// run is the same for all.

// meaning makes what a name stands for.
type meaning func(*run, *lua.LState) lua.LValue

// named is a function that all runs share. Nothing can change one: its library's table is each run's own.
type named struct {
	name string
	*lua.LFunction
}

type world struct {
	names      map[string]meaning
	math       []named
	table      []named
	arithmetic []named // of strings
}

// kept are the functions of the machine's own libraries that a script gets: those that take no more than a step.
var (
	keptBase = []string{"assert", "error", "getmetatable", "ipairs", "next", "pairs", "rawequal", "rawget", "select", "setmetatable", "type"}
	keptMath = []string{"abs", "acos", "asin", "atan", "atan2", "ceil", "cos", "cosh", "deg", "exp", "floor", "fmod", "frexp", "ldexp", "log", "log10", "max", "min",
		"modf", "pow", "rad", "sin", "sinh", "sqrt", "tan", "tanh"}
	keptTable = []string{"getn", "maxn"}
)

// shared is what all runs share.
var shared func() *world

func init() { shared = sync.OnceValue(newWorld) }

func newWorld() *world {
	l := lua.NewState(lua.Options{SkipOpenLibs: true})
	w := &world{names: meanings()}
	for _, f := range keep(l, lua.OpenBase, keptBase) {
		w.names[f.name] = same(f.LFunction)
	}
	getmetatable := w.names["getmetatable"]
	w.names["getmetatable"] = func(r *run, l *lua.LState) lua.LValue {
		r.named(l, "string") // it is seen in the metatable of strings
		return getmetatable(r, l)
	}
	w.table = keep(l, lua.OpenTable, keptTable)
	for _, f := range keep(l, lua.OpenMath, keptMath) {
		w.math = append(w.math, named{f.name, l.NewFunction(ofNumbers(f.GFunction))})
	}
	w.arithmetic = arithmetic(l)
	return w
}

// keep opens one of the machine's libraries, and takes some functions of it.
func keep(l *lua.LState, open lua.LGFunction, names []string) (list []named) {
	l.Push(l.NewFunction(open))
	l.Call(0, 1)
	all := l.CheckTable(-1)
	for _, name := range names {
		if f, ok := all.RawGetString(name).(*lua.LFunction); ok {
			list = append(list, named{name, f})
		}
	}
	l.Pop(1)
	return list
}

func same(v lua.LValue) meaning { return func(*run, *lua.LState) lua.LValue { return v } }

// method is a function that knows its run.
func method(f func(*run, *lua.LState) int) meaning {
	return func(r *run, l *lua.LState) lua.LValue {
		return l.NewFunction(func(l *lua.LState) int { return f(r, l) })
	}
}

// library is one that is made for a run.
func library(open func(*run, *lua.LState) *lua.LTable) meaning {
	return func(r *run, l *lua.LState) lua.LValue { return open(r, l) }
}

func meanings() map[string]meaning {
	return map[string]meaning{
		"string": library((*run).strings), "table": library((*run).tables), "math": library((*run).math), "bit": library((*run).bits), "cjson": library((*run).json),
		"os": library((*run).os), "redis": library((*run).redis), "server": func(r *run, l *lua.LState) lua.LValue { return r.named(l, "redis") },
		"KEYS":     func(r *run, l *lua.LState) lua.LValue { return r.list(l, r.keys) },
		"ARGV":     func(r *run, l *lua.LState) lua.LValue { return r.list(l, r.args) },
		"_G":       func(r *run, _ *lua.LState) lua.LValue { return r.outer },
		"_VERSION": same(lua.LString("Lua 5.1")),
		"tostring": method((*run).tostring), "tonumber": method(func(_ *run, l *lua.LState) int { return tonumber(l) }), "unpack": method((*run).unpack),
		"pcall": method((*run).pcall), "xpcall": method((*run).xpcall), "collectgarbage": method(func(_ *run, l *lua.LState) int { return collectgarbage(l) }),
		nameConcat: method((*run).concat), nameSet: method((*run).set), nameKey: method((*run).key), nameTable: method((*run).table), nameClosure: method((*run).closure),
		nameNumber: method(func(_ *run, l *lua.LState) int { return forNumber(l) }),
	}
}

// named is what a name stands for; nil: nothing.
func (r *run) named(l *lua.LState, name string) lua.LValue {
	if v := r.names.RawGetString(name); v != lua.LNil {
		return v
	}
	how, ok := shared().names[name]
	if !ok {
		return nil
	}
	v := how(r, l)
	r.names.RawSetString(name, v)
	return v
}

// open makes the world: a table that the script cannot change or see through, over one of all that it has used, over what makes the rest.
func (r *run) open(l *lua.LState) {
	r.names, r.outer = l.CreateTable(0, 8), l.CreateTable(0, 0)
	rest := l.CreateTable(0, 1)
	rest.RawSetString("__index", l.NewFunction(func(l *lua.LState) int {
		name := text(l.Get(2))
		v := r.named(l, name)
		if v == nil {
			r.pay(l, len(name))
			l.RaiseError("Script attempted to access nonexistent global variable '%s'", name)
		}
		l.Push(v)
		return 1
	}))
	r.names.Metatable = rest

	over := l.CreateTable(0, 3)
	over.RawSetString("__index", r.names)
	over.RawSetString("__newindex", l.NewFunction(func(l *lua.LState) int {
		l.RaiseError("Attempt to modify a readonly table")
		return 0
	}))
	over.RawSetString("__metatable", lua.LFalse)
	r.outer.Metatable = over
	r.overStrings(l)
}

// overStrings is the table that says what can be done with strings. It has their functions once one is used.
func (r *run) overStrings(l *lua.LState) {
	over := l.CreateTable(0, 8)
	over.RawSetString("__index", l.NewFunction(func(l *lua.LState) int {
		l.Push(l.GetTable(r.named(l, "string"), l.Get(2)))
		return 1
	}))
	for _, f := range shared().arithmetic {
		over.RawSetString(f.name, f.LFunction)
	}
	r.over = over
	l.SetMetatable(lua.LString(""), over)
}
