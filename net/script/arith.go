package script

import (
	"math"

	lua "github.com/yuin/gopher-lua"
)

// What the machine makes a number of a string is not what Lua makes of it: to it "010" is 8, and "1_000" a thousand. So arithmetic with strings is ours:
// the machine asks a string's metatable first.

// arithmetic is what is put there.
func arithmetic(l *lua.LState) (list []named) {
	for event, f := range map[string]func(a, b float64) float64{
		"__add": func(a, b float64) float64 { return a + b },
		"__sub": func(a, b float64) float64 { return a - b },
		"__mul": func(a, b float64) float64 { return a * b },
		"__div": func(a, b float64) float64 { return a / b },
		"__mod": func(a, b float64) float64 { return a - math.Floor(a/b)*b },
		"__pow": math.Pow,
		"__unm": func(a, _ float64) float64 { return -a },
	} {
		list = append(list, named{event, l.NewFunction(arith(event, f))})
	}
	return list
}

func arith(event string, f func(a, b float64) float64) lua.LGFunction {
	return func(l *lua.LState) int {
		a, b := l.Get(1), l.Get(2)
		if event == "__unm" {
			b = a
		}
		x, isNumber := toNumber(a)
		y, also := toNumber(b)
		if isNumber && also {
			l.Push(lua.LNumber(f(float64(x), float64(y))))
			return 1
		}
		for _, v := range []lua.LValue{a, b} { // the other one may be a table that knows what to do
			if g := l.GetMetaField(v, event); v.Type() != lua.LTString && g != lua.LNil {
				l.Push(g)
				l.Push(a)
				l.Push(b)
				l.Call(2, 1)
				return 1
			}
		}
		bad := b
		if !isNumber {
			bad = a
		}
		l.RaiseError("attempt to perform arithmetic on a %s value", bad.Type())
		return 0
	}
}

// ofNumbers makes numbers of the strings that a function is given.
func ofNumbers(f lua.LGFunction) lua.LGFunction {
	return func(l *lua.LState) int {
		for i := 1; i <= l.GetTop(); i++ {
			if s, ok := l.Get(i).(lua.LString); ok {
				n, ok := toNumber(s)
				if !ok {
					l.TypeError(i, lua.LTNumber)
				}
				l.Replace(i, n)
			}
		}
		return f(l)
	}
}
