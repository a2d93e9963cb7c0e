package script

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"
)

// jsonDepth is how deep arrays and objects may lie in each other; Redis's has 1000, but its calls are cheaper.
const jsonDepth = 128

// json is lua-cjson's encode and decode (https://www.kyne.com.au/~mark/software/lua-cjson-manual.html). null is a value of its own.
func (r *run) json(l *lua.LState) *lua.LTable {
	null := l.NewUserData()
	t := lib(l, map[string]lua.LGFunction{
		"encode": func(l *lua.LState) int {
			e := &encoder{run: r, l: l, null: null}
			e.value(l.CheckAny(1), 0)
			return r.give(l, e.b.String())
		},
		"decode": func(l *lua.LState) int {
			d := &decoder{run: r, l: l, null: null, s: stringOf(l, 1)}
			l.Push(d.all())
			return 1
		},
	})
	t.RawSetString("null", null)
	return t
}

type encoder struct {
	*run
	l    *lua.LState
	null *lua.LUserData
	b    strings.Builder
}

func (e *encoder) write(s string) {
	e.pay(e.l, len(s))
	e.b.WriteString(s)
}

func (e *encoder) value(v lua.LValue, depth int) {
	e.walk(e.l, 1)
	if depth > jsonDepth {
		e.l.RaiseError("Cannot serialise, excessive depth (%d)", depth)
	}
	switch v := v.(type) {
	case lua.LBool:
		e.write(v.String())
	case lua.LNumber:
		s := number(v)
		if strings.ContainsAny(s, "in") { // inf, nan
			e.l.RaiseError("Cannot serialise number: must not be NaN or Inf")
		}
		e.write(s)
	case lua.LString:
		e.text(string(v))
	case *lua.LTable:
		e.table(v, depth)
	default:
		if v != lua.LNil && v != e.null {
			e.l.RaiseError("Cannot serialise %s: type not supported", v.Type())
		}
		e.write("null")
	}
}

// arrayOf is how many elements a table has as an array; -1: it is an object. One of which most is missing is neither.
func (e *encoder) arrayOf(t *lua.LTable) int {
	most, n := 0, 0
	for k, _ := t.Next(lua.LNil); k != lua.LNil; k, _ = t.Next(k) {
		e.walk(e.l, 1)
		i, ok := k.(lua.LNumber)
		if !ok || i < 1 || i != lua.LNumber(int(i)) {
			return -1
		}
		most = max(most, int(i))
		n++
	}
	if most > 10 && most > 2*n {
		e.l.RaiseError("Cannot serialise table: excessively sparse array")
	}
	if n == 0 {
		return -1
	}
	return most
}

func (e *encoder) table(t *lua.LTable, depth int) {
	if n := e.arrayOf(t); n >= 0 {
		e.write("[")
		for i := 1; i <= n; i++ {
			if i > 1 {
				e.write(",")
			}
			e.value(t.RawGetInt(i), depth+1)
		}
		e.write("]")
		return
	}
	e.write("{")
	first := true
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		if !first {
			e.write(",")
		}
		first = false
		if !lua.LVCanConvToString(k) {
			e.l.RaiseError("Cannot serialise %s: table key must be a number or string", k.Type())
		}
		e.text(text(k))
		e.write(":")
		e.value(v, depth+1)
	}
	e.write("}")
}

// text writes a string with the escapes of cjson: others than control characters are left as they are, also what is no UTF-8.
func (e *encoder) text(s string) {
	e.pay(e.l, len(s)+2)
	e.b.WriteByte('"')
	for i := range len(s) {
		switch c := s[i]; c {
		case '"', '\\', '/':
			e.b.WriteByte('\\')
			e.b.WriteByte(c)
		case '\b':
			e.b.WriteString(`\b`)
		case '\f':
			e.b.WriteString(`\f`)
		case '\n':
			e.b.WriteString(`\n`)
		case '\r':
			e.b.WriteString(`\r`)
		case '\t':
			e.b.WriteString(`\t`)
		default:
			if c < 0x20 || c == 0x7f {
				const hex = "0123456789abcdef"
				e.pay(e.l, len(`\u0000`))
				e.b.WriteString(`\u00` + string([]byte{hex[c>>4], hex[c&15]}))
				continue
			}
			e.b.WriteByte(c)
		}
	}
	e.b.WriteByte('"')
}

type decoder struct {
	*run
	l    *lua.LState
	null *lua.LUserData
	s    string
	at   int
}

func (d *decoder) all() lua.LValue {
	d.walk(d.l, len(d.s)/16)
	v := d.value(0)
	if d.space(); d.at < len(d.s) {
		d.fail("the end")
	}
	return v
}

func (d *decoder) fail(expected string) {
	found := "T_END"
	if d.at < len(d.s) {
		found = "invalid token"
	}
	d.l.RaiseError("Expected %s but found %s at character %d", expected, found, d.at+1)
}

func (d *decoder) space() {
	for d.at < len(d.s) && strings.IndexByte(" \t\r\n", d.s[d.at]) >= 0 {
		d.at++
	}
}

// next reports whether a byte follows, and takes it.
func (d *decoder) next(c byte) bool {
	if d.space(); d.at < len(d.s) && d.s[d.at] == c {
		d.at++
		return true
	}
	return false
}

func (d *decoder) value(depth int) lua.LValue {
	d.walk(d.l, 1)
	if depth > jsonDepth {
		d.l.RaiseError("Found too many nested data structures (%d)", depth)
	}
	switch {
	case d.next('{'):
		return d.object(depth)
	case d.next('['):
		return d.array(depth)
	case d.next('"'):
		return lua.LString(d.text())
	}
	for word, v := range map[string]lua.LValue{"true": lua.LTrue, "false": lua.LFalse, "null": d.null} {
		if strings.HasPrefix(d.s[d.at:], word) {
			d.at += len(word)
			return v
		}
	}
	return d.number()
}

func (d *decoder) number() lua.LValue {
	end := d.at
	for end < len(d.s) && strings.IndexByte("+-0123456789.eExXabcdfABCDFinIN", d.s[end]) >= 0 {
		end++
	}
	n, ok := toNumber(lua.LString(d.s[d.at:end]))
	if !ok {
		d.fail("value")
	}
	d.at = end
	return n
}

func (d *decoder) object(depth int) lua.LValue {
	d.pay(d.l, tableBytes)
	t := d.l.CreateTable(0, 1)
	if d.next('}') {
		return t
	}
	for {
		if !d.next('"') {
			d.fail("object key string")
		}
		key := d.text()
		if !d.next(':') {
			d.fail("colon")
		}
		d.pay(d.l, placeBytes)
		t.RawSetString(key, d.value(depth+1))
		if d.next('}') {
			return t
		}
		if !d.next(',') {
			d.fail("comma or object end")
		}
	}
}

func (d *decoder) array(depth int) lua.LValue {
	d.pay(d.l, tableBytes)
	t := d.l.CreateTable(0, 0)
	if d.next(']') {
		return t
	}
	for {
		d.pay(d.l, placeBytes)
		t.Append(d.value(depth + 1))
		if d.next(']') {
			return t
		}
		if !d.next(',') {
			d.fail("comma or array end")
		}
	}
}

// text reads a string after its first quote.
func (d *decoder) text() string {
	var b []byte
	for {
		if d.at >= len(d.s) {
			d.fail("string end")
		}
		c := d.s[d.at]
		d.at++
		switch {
		case c == '"':
			d.pay(d.l, len(b))
			return string(b)
		case c == 0: // others are let through, as by cjson
			d.at--
			d.fail("string end")
		case c == '\\':
			b = d.escape(b)
		default:
			b = append(b, c)
		}
	}
}

func (d *decoder) escape(b []byte) []byte {
	if d.at >= len(d.s) {
		d.fail("escape code")
	}
	c := d.s[d.at]
	d.at++
	switch c {
	case '"', '\\', '/':
		return append(b, c)
	case 'b':
		return append(b, '\b')
	case 'f':
		return append(b, '\f')
	case 'n':
		return append(b, '\n')
	case 'r':
		return append(b, '\r')
	case 't':
		return append(b, '\t')
	case 'u':
		u := d.unit()
		if utf16.IsSurrogate(u) {
			if !strings.HasPrefix(d.s[d.at:], `\u`) {
				d.fail("second half of a surrogate pair")
			}
			d.at += 2
			if u = utf16.DecodeRune(u, d.unit()); u == utf8.RuneError {
				d.fail("surrogate pair")
			}
		}
		return utf8.AppendRune(b, u)
	}
	d.at--
	d.fail("escape code")
	return b
}

func (d *decoder) unit() rune {
	if d.at+4 > len(d.s) {
		d.fail("unicode escape code")
	}
	n, err := strconv.ParseUint(d.s[d.at:d.at+4], 16, 16)
	if err != nil {
		d.fail("unicode escape code")
	}
	d.at += 4
	return rune(n)
}
