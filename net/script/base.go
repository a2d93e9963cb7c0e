package script

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// collectgarbage does nothing: the garbage is the node's.
func collectgarbage(l *lua.LState) int {
	l.Push(lua.LNumber(0))
	return 1
}

func (r *run) tostring(l *lua.LState) int {
	v := l.CheckAny(1)
	if n, ok := v.(lua.LNumber); ok {
		l.Push(lua.LString(number(n)))
		return 1
	}
	l.Push(l.ToStringMeta(v))
	return 1
}

func (r *run) unpack(l *lua.LState) int {
	t := l.CheckTable(1)
	from, to := l.OptInt(2, 1), l.OptInt(3, t.Len())
	if to < from {
		return 0
	}
	n := to - from + 1
	if n <= 0 || n > registerMost/8 {
		l.RaiseError("too many results to unpack")
	}
	r.walk(l, n)
	for i := range n {
		l.Push(t.RawGetInt(from + i))
	}
	return n
}

// tonumber reads a number as C's strtod does, or in another base as strtoul.
func tonumber(l *lua.LState) int {
	base := l.OptInt(2, 10)
	v := l.CheckAny(1)
	switch {
	case base < 2 || base > 36:
		l.ArgError(2, "base out of range")
	case base == 10:
		if n, ok := toNumber(v); ok {
			l.Push(n)
			return 1
		}
	default:
		digits := strings.ToLower(strings.TrimSpace(text(v)))
		if base == 16 {
			digits = strings.TrimPrefix(digits, "0x")
		}
		if n, err := strconv.ParseInt(digits, base, 64); err == nil {
			l.Push(lua.LNumber(n))
			return 1
		}
	}
	l.Push(lua.LNil)
	return 1
}

// numeralMost is how many bytes a string may have that is a number. To say that one is none takes a copy of it.
const numeralMost = 1 << 10

func toNumber(v lua.LValue) (lua.LNumber, bool) {
	switch v := v.(type) {
	case lua.LNumber:
		return v, true
	case lua.LString:
		if len(v) > numeralMost {
			return 0, false
		}
		s := strings.Trim(string(v), " \t\n\v\f\r")
		if strings.ContainsAny(s, "_") || strings.HasPrefix(s, "0b") || strings.HasPrefix(s, "0o") {
			return 0, false
		}
		if hex := strings.ToLower(s); strings.HasPrefix(strings.TrimLeft(hex, "+-"), "0x") && !strings.ContainsAny(hex, ".p") {
			n, err := strconv.ParseInt(hex, 0, 64)
			return lua.LNumber(n), err == nil
		}
		n, err := strconv.ParseFloat(s, 64)
		return lua.LNumber(n), err == nil || math.IsInf(n, 0)
	}
	return 0, false
}

// text is a string, or a number as Lua writes it.
func text(v lua.LValue) string {
	if n, ok := v.(lua.LNumber); ok {
		return number(n)
	}
	return v.String()
}

// number writes a number as C's "%.14g" does.
func number(n lua.LNumber) string { return general(float64(n), 14) }

// general is C's "%.*g".
func general(f float64, digits int) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	case math.IsNaN(f) && math.Signbit(f): // 0/0, to a processor
		return "-nan"
	case math.IsNaN(f):
		return "nan"
	}
	s := strconv.FormatFloat(f, 'e', digits-1, 64)
	mantissa, exponent, _ := strings.Cut(s, "e")
	if exp, _ := strconv.Atoi(exponent); exp >= -4 && exp < digits {
		return trimZeros(strconv.FormatFloat(f, 'f', digits-1-exp, 64))
	}
	return trimZeros(mantissa) + "e" + exponent
}

func trimZeros(s string) string {
	if !strings.Contains(s, ".") {
		return s
	}
	return strings.TrimRight(strings.TrimRight(s, "0"), ".")
}

// math has random numbers that begin elsewhere in each run.
func (r *run) math(l *lua.LState) *lua.LTable {
	t := l.CreateTable(0, len(shared().math)+4)
	for _, f := range shared().math {
		t.RawSetString(f.name, f.LFunction)
	}
	t.RawSetString("mod", t.RawGetString("fmod")) // its name in Lua 5.0
	t.RawSetString("huge", lua.LNumber(math.Inf(1)))
	t.RawSetString("pi", lua.LNumber(math.Pi))
	t.RawSetString("random", l.NewFunction(r.draw))
	t.RawSetString("randomseed", l.NewFunction(func(l *lua.LState) int {
		r.random.seed(uint32(int64(l.CheckNumber(1))))
		return 0
	}))
	r.random.seed(rand.Uint32())
	return t
}

func (r *run) draw(l *lua.LState) int {
	f := float64(r.random.next()%randMost) / randMost
	switch l.GetTop() {
	case 0:
		l.Push(lua.LNumber(f))
	case 1:
		most := l.CheckNumber(1)
		if most < 1 {
			l.ArgError(1, "interval is empty")
		}
		l.Push(lua.LNumber(math.Floor(f*float64(most))) + 1)
	default:
		least, most := l.CheckNumber(1), l.CheckNumber(2)
		if least > most {
			l.ArgError(2, "interval is empty")
		}
		l.Push(lua.LNumber(math.Floor(f*float64(most-least+1))) + least)
	}
	return 1
}

// drand48 is POSIX's generator, which Redis gives its scripts.
type drand48 struct{ x uint64 }

const randMost = 1<<31 - 1

func (d *drand48) seed(s uint32) { d.x = uint64(s)<<16 | 0x330E }

func (d *drand48) next() int64 {
	d.x = (d.x*0x5DEECE66D + 0xB) & (1<<48 - 1)
	return int64(d.x >> 17)
}

// os has only clock, as in Redis: how long the script has run for, in seconds. It counts steps, so that it does not differ from run to run.
func (r *run) os(l *lua.LState) *lua.LTable {
	all := r.all
	return lib(l, map[string]lua.LGFunction{"clock": func(l *lua.LState) int {
		l.Push(lua.LNumber(float64(all-r.steps) * secondsAStep))
		return 1
	}})
}

// secondsAStep is about what a step takes.
const secondsAStep = 50e-9
