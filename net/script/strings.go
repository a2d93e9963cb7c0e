package script

import (
	"math"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

func (r *run) strings(l *lua.LState) *lua.LTable {
	t := lib(l, map[string]lua.LGFunction{
		"byte": r.byte, "char": r.char, "find": r.find, "format": r.format, "gmatch": r.gmatch, "gsub": r.gsub, "len": length, "lower": r.eachByte(toLower),
		"match": r.match, "rep": r.rep, "reverse": r.reverse, "sub": sub, "upper": r.eachByte(toUpper),
	})
	r.over.RawSetString("__index", t)
	return t
}

// stringOf is an argument. A number is what Lua writes for it.
func stringOf(l *lua.LState, i int) string {
	if n, ok := l.Get(i).(lua.LNumber); ok {
		return number(n)
	}
	return l.CheckString(i)
}

// span turns Lua's positions, of which negative ones count from the end, into those between which a string of so many bytes is cut.
func span(size, from, to int) (int, int) {
	if from < 0 {
		from = max(size+from+1, 1)
	}
	from = max(from, 1)
	if to < 0 {
		to = size + to + 1
	}
	to = min(to, size)
	if from > to {
		return 0, 0
	}
	return from - 1, to
}

func length(l *lua.LState) int {
	l.Push(lua.LNumber(len(stringOf(l, 1))))
	return 1
}

func sub(l *lua.LState) int {
	s := stringOf(l, 1)
	from, to := span(len(s), integer(l, 2, 1), integer(l, 3, -1))
	l.Push(lua.LString(s[from:to]))
	return 1
}

// integer is an argument, or what it is if there is none. What is beyond all positions stays so.
func integer(l *lua.LState, i, otherwise int) int {
	if l.GetTop() < i || l.Get(i) == lua.LNil {
		return otherwise
	}
	n, ok := toNumber(l.Get(i))
	if !ok {
		l.TypeError(i, lua.LTNumber)
	}
	return int(max(-1<<40, min(float64(n), 1<<40)))
}

func (r *run) byte(l *lua.LState) int {
	s := stringOf(l, 1)
	first := integer(l, 2, 1)
	from, to := span(len(s), first, integer(l, 3, first))
	if to-from > registerMost/8 {
		l.RaiseError("string slice too long")
	}
	r.walk(l, to-from)
	for i := from; i < to; i++ {
		l.Push(lua.LNumber(s[i]))
	}
	return to - from
}

func (r *run) char(l *lua.LState) int {
	b := make([]byte, l.GetTop())
	for i := range b {
		c := integer(l, i+1, 0)
		if c < 0 || c > 255 {
			l.ArgError(i+1, "invalid value")
		}
		b[i] = byte(c)
	}
	return r.give(l, string(b))
}

// give pays for a string and returns it.
func (r *run) give(l *lua.LState, s string) int {
	r.pay(l, len(s))
	l.Push(lua.LString(s))
	return 1
}

func (r *run) rep(l *lua.LState) int {
	s, n := stringOf(l, 1), integer(l, 2, 0)
	if n <= 0 || s == "" {
		l.Push(lua.LString(""))
		return 1
	}
	if n > math.MaxInt32 {
		n = math.MaxInt32
	}
	r.pay(l, len(s)*n)
	l.Push(lua.LString(strings.Repeat(s, n)))
	return 1
}

func (r *run) reverse(l *lua.LState) int {
	b := []byte(stringOf(l, 1))
	slices.Reverse(b)
	return r.give(l, string(b))
}

func (r *run) eachByte(f func(byte) byte) lua.LGFunction {
	return func(l *lua.LState) int {
		s := stringOf(l, 1)
		r.pay(l, len(s))
		b := []byte(s)
		for i := range b {
			b[i] = f(b[i])
		}
		l.Push(lua.LString(b))
		return 1
	}
}

func toLower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func toUpper(c byte) byte {
	if c >= 'a' && c <= 'z' {
		return c + 'A' - 'a'
	}
	return c
}
