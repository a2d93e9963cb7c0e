package script

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// format is C's printf, for numbers, strings and characters.
func (r *run) format(l *lua.LState) int {
	f := stringOf(l, 1)
	var b strings.Builder
	arg := 1
	for i := 0; i < len(f); i++ {
		if f[i] != '%' {
			b.WriteByte(f[i])
			continue
		}
		if i++; i < len(f) && f[i] == '%' {
			b.WriteByte('%')
			continue
		}
		d, size := directiveOf(f[i:])
		if size == 0 {
			l.RaiseError("invalid option '%%%s' to 'format'", f[i:min(i+1, len(f))])
		}
		i += size - 1
		arg++
		s := d.text(r, l, arg)
		r.pay(l, len(s))
		b.WriteString(s)
	}
	return r.give(l, b.String())
}

// directive is one of a format: %-08.3f.
type directive struct {
	flags            string
	width, precision int // precision -1: none
	verb             byte
}

// directiveOf parses one after its '%', and returns how long it is; 0: it is none.
func directiveOf(f string) (d directive, size int) {
	i := 0
	for i < len(f) && strings.IndexByte("-+ #0", f[i]) >= 0 {
		i++
	}
	d.flags, d.precision = f[:i], -1
	d.width, i = digits(f, i)
	if i < len(f) && f[i] == '.' {
		d.precision, i = digits(f, i+1)
	}
	if i >= len(f) || d.width > 99 || d.precision > 99 || len(d.flags) > 5 {
		return d, 0
	}
	d.verb = f[i]
	return d, i + 1
}

func digits(f string, i int) (n, end int) {
	for i < len(f) && isDigit(f[i]) && n < 1000 {
		n = n*10 + int(f[i]-'0')
		i++
	}
	return n, i
}

// text is what the directive makes of an argument.
func (d directive) text(r *run, l *lua.LState, arg int) string {
	switch d.verb {
	case 's':
		v := l.CheckAny(arg)
		s := l.ToStringMeta(v).String()
		if n, ok := v.(lua.LNumber); ok {
			s = number(n)
		}
		if d.precision >= 0 && d.precision < len(s) {
			s = s[:d.precision]
		}
		return d.pad(s, false)
	case 'q':
		return quoted(stringOf(l, arg))
	case 'c':
		return d.pad(string([]byte{byte(integer(l, arg, 0))}), false)
	}
	v, ok := toNumber(l.CheckAny(arg))
	if !ok {
		l.TypeError(arg, lua.LTNumber)
	}
	n := float64(v)
	switch d.verb {
	case 'd', 'i':
		return d.pad(d.minimum(d.sign(strconv.FormatInt(int64(n), 10))), d.precision < 0)
	case 'u':
		return d.pad(d.minimum(strconv.FormatUint(uint64(int64(n)), 10)), d.precision < 0)
	case 'o', 'x', 'X':
		return d.pad(d.minimum(fmt.Sprintf("%"+strings.Map(onlyAlternate, d.flags)+string(d.verb), uint64(int64(n)))), d.precision < 0)
	case 'e', 'E', 'f', 'g', 'G':
		return d.pad(d.sign(d.float(n)), !math.IsInf(n, 0) && !math.IsNaN(n))
	}
	l.RaiseError("invalid option '%%%c' to 'format'", d.verb)
	return ""
}

func onlyAlternate(c rune) rune {
	if c == '#' {
		return c
	}
	return -1
}

func (d directive) float(n float64) (s string) {
	precision := d.precision
	if precision < 0 {
		precision = 6
	}
	switch {
	case math.IsInf(n, 0) || math.IsNaN(n):
		s = general(n, 1)
	case d.verb == 'f':
		s = strconv.FormatFloat(n, 'f', precision, 64)
	case d.verb|0x20 == 'e':
		s = strconv.FormatFloat(n, 'e', precision, 64)
	default:
		s = general(n, max(precision, 1))
	}
	if d.verb == 'E' || d.verb == 'G' {
		return strings.ToUpper(s)
	}
	return s
}

// sign puts a sign before a number that has none, if it is asked for.
func (d directive) sign(s string) string {
	switch {
	case strings.HasPrefix(s, "-"):
	case strings.Contains(d.flags, "+"):
		return "+" + s
	case strings.Contains(d.flags, " "):
		return " " + s
	}
	return s
}

// minimum puts zeros before an integer that has fewer digits than its precision says.
func (d directive) minimum(s string) string {
	sign := ""
	if s != "" && strings.IndexByte("+- ", s[0]) >= 0 {
		sign, s = s[:1], s[1:]
	}
	return sign + strings.Repeat("0", max(0, d.precision-len(s))) + s
}

func (d directive) pad(s string, zeros bool) string {
	missing := d.width - len(s)
	switch {
	case missing <= 0:
		return s
	case strings.Contains(d.flags, "-"):
		return s + strings.Repeat(" ", missing)
	case zeros && strings.Contains(d.flags, "0"):
		sign := ""
		if strings.IndexByte("+- ", s[0]) >= 0 {
			sign, s = s[:1], s[1:]
		}
		return sign + strings.Repeat("0", missing) + s
	}
	return strings.Repeat(" ", missing) + s
}

// quoted writes a string so that Lua can read it.
func quoted(s string) string {
	b := []byte{'"'}
	for i := range len(s) {
		switch c := s[i]; c {
		case '"', '\\', '\n':
			b = append(b, '\\', c)
		case '\r':
			b = append(b, '\\', 'r')
		case 0:
			b = append(b, '\\', '0', '0', '0')
		default:
			b = append(b, c)
		}
	}
	return string(append(b, '"'))
}
