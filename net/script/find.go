package script

import (
	"errors"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// matching runs f with a matcher, and raises what is wrong with the pattern.
func (r *run) matching(l *lua.LState, s, p string, f func(m *matcher) int) int {
	var fault error
	n := func() (n int) {
		defer func() {
			caught := recover()
			if caught == nil {
				return
			}
			bad, ok := caught.(patternError)
			if !ok {
				panic(caught)
			}
			fault = bad.error
		}()
		return f(&matcher{s: s, p: p, walk: func(n int) {
			if !r.meter.walk(n) {
				panic(patternError{r.fault})
			}
		}})
	}()
	if fault != nil {
		l.RaiseError("%s", fault.Error())
	}
	return n
}

func (r *run) find(l *lua.LState) int  { return r.search(l, true) }
func (r *run) match(l *lua.LState) int { return r.search(l, false) }

// search is string.find, which tells where the match is, and string.match.
func (r *run) search(l *lua.LState, where bool) int {
	s, p := stringOf(l, 1), stringOf(l, 2)
	r.walk(l, (len(s)+len(p))/16)
	init := integer(l, 3, 1)
	if init < 0 {
		init = max(len(s)+init, 0)
	} else {
		init = max(init-1, 0)
	}
	if init > len(s) {
		init = len(s) // as Lua 5.1
	}
	if where && (lua.LVAsBool(l.Get(4)) || !strings.ContainsAny(p, "^$*+?.([%-")) {
		at := strings.Index(s[init:], p)
		if at < 0 {
			l.Push(lua.LNil)
			return 1
		}
		l.Push(lua.LNumber(init + at + 1))
		l.Push(lua.LNumber(init + at + len(p)))
		return 2
	}
	return r.matching(l, s, p, func(m *matcher) int {
		from, to := m.first(init)
		if to == notMatched {
			l.Push(lua.LNil)
			return 1
		}
		if where {
			l.Push(lua.LNumber(from + 1))
			l.Push(lua.LNumber(to))
			return 2 + m.push(l, from, to, false)
		}
		return m.push(l, from, to, true)
	})
}

// first is the first match from a place on.
func (m *matcher) first(from int) (start, end int) {
	p := 0
	if strings.HasPrefix(m.p, "^") {
		p = 1
	}
	for ; from <= len(m.s); from++ {
		m.reset()
		if end = m.match(from, p); end != notMatched || p == 1 {
			return from, end
		}
	}
	return from, notMatched
}

// push gives the captures, or the whole match if there are none and it is wanted.
func (m *matcher) push(l *lua.LState, from, to int, whole bool) int {
	n := len(m.captures)
	if n == 0 && whole {
		n = 1
	}
	for i := range n {
		l.Push(m.capture(i, from, to))
	}
	return n
}

// capture is one of them; the first is the whole match where there are none.
func (m *matcher) capture(i, from, to int) lua.LValue {
	if i >= len(m.captures) {
		if i > 0 {
			m.fail(errPatternIndex)
		}
		return lua.LString(m.s[from:to])
	}
	c := m.captures[i]
	switch c.size {
	case capOpen:
		m.fail(errors.New("unfinished capture"))
	case capPosition:
		return lua.LNumber(c.at + 1)
	}
	return lua.LString(m.s[c.at : c.at+c.size])
}

func (r *run) gmatch(l *lua.LState) int {
	s, p := stringOf(l, 1), stringOf(l, 2)
	at := 0
	r.pay(l, closureBytes)
	l.Push(l.NewFunction(func(l *lua.LState) int {
		return r.matching(l, s, p, func(m *matcher) int {
			for from := at; from <= len(s); from++ {
				m.reset()
				to := m.match(from, 0)
				if to == notMatched {
					continue
				}
				if at = to; to == from {
					at++
				}
				return m.push(l, from, to, true)
			}
			at = len(s) + 1
			return 0
		})
	}))
	return 1
}

func (r *run) gsub(l *lua.LState) int {
	s, p := stringOf(l, 1), stringOf(l, 2)
	r.walk(l, (len(s)+len(p))/16)
	l.CheckTypes(3, lua.LTString, lua.LTNumber, lua.LTTable, lua.LTFunction)
	with, most := l.Get(3), integer(l, 4, len(s)+1)
	anchored := strings.HasPrefix(p, "^")
	from, count := 0, 0
	var b strings.Builder
	r.matching(l, s, p, func(m *matcher) int {
		for count < most {
			m.reset()
			to := m.match(from, len(p)-len(strings.TrimPrefix(p, "^")))
			if to != notMatched {
				count++
				piece := r.replacement(l, m, with, from, to)
				if !r.meter.pay(len(piece)) {
					panic(patternError{r.fault})
				}
				b.WriteString(piece)
			}
			switch {
			case to != notMatched && to > from:
				from = to
			case from < len(s):
				b.WriteByte(s[from])
				from++
			default:
				from++
			}
			if from > len(s) || anchored {
				break
			}
		}
		return 0
	})
	if from < len(s) {
		r.pay(l, len(s)-from)
		b.WriteString(s[from:])
	}
	r.give(l, b.String())
	l.Push(lua.LNumber(count))
	return 2
}

// replacement is what stands for a match.
func (r *run) replacement(l *lua.LState, m *matcher, with lua.LValue, from, to int) string {
	var v lua.LValue
	switch with := with.(type) {
	case *lua.LTable:
		v = l.GetTable(with, m.capture(0, from, to))
	case *lua.LFunction:
		l.Push(with)
		n := m.push(l, from, to, true)
		l.Call(n, 1)
		v = l.Get(-1)
		l.Pop(1)
	default:
		return m.fill(text(with), from, to, r)
	}
	switch {
	case lua.LVIsFalse(v):
		return m.s[from:to]
	case !lua.LVCanConvToString(v):
		l.RaiseError("invalid replacement value (a %s)", v.Type())
	}
	return text(v)
}

// fill puts the captures into a replacement: %1, or %0 for the whole match.
func (m *matcher) fill(with string, from, to int, r *run) string {
	if !strings.Contains(with, "%") {
		return with
	}
	var b strings.Builder
	for i := 0; i < len(with); i++ {
		if with[i] != '%' || i+1 == len(with) {
			b.WriteByte(with[i])
			continue
		}
		i++
		piece := with[i : i+1]
		switch c := with[i]; {
		case c == '0':
			piece = m.s[from:to]
		case isDigit(c):
			piece = text(m.capture(int(c-'1'), from, to))
		}
		if !r.meter.pay(len(piece)) {
			panic(patternError{r.fault})
		}
		b.WriteString(piece)
	}
	return b.String()
}
