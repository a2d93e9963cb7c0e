package script

import (
	"errors"
	"strings"
)

// Lua's patterns, after lstrlib.c of Lua 5.1 (https://www.lua.org/source/5.1/lstrlib.c.html, MIT licence): they may try very many ways to match, so
// each step is paid for.

const (
	capturesMost = 32
	matchDepth   = 200 // as many times may a match call itself
	capOpen      = -1  // lengths of captures that are not over,
	capPosition  = -2  // or that are only a position
	notMatched   = -1
)

var (
	errPatternDeep    = errors.New("pattern too complex")
	errPatternEnd     = errors.New("malformed pattern (ends with '%')")
	errPatternClass   = errors.New("malformed pattern (missing ']')")
	errPatternCapture = errors.New("invalid pattern capture")
	errPatternIndex   = errors.New("invalid capture index")
	errPatternMany    = errors.New("too many captures")
	errPatternBalance = errors.New("unbalanced pattern")
	errPatternFront   = errors.New("missing '[' after '%f' in pattern")
)

type capture struct{ at, size int }

// matcher matches one pattern on one string.
type matcher struct {
	s, p     string
	captures []capture
	depth    int
	walk     func(n int) // pays for steps; it may end the run
}

func (m *matcher) reset() { m.captures, m.depth = m.captures[:0], 0 }

func (m *matcher) fail(err error) int { panic(patternError{err}) }

// patternError is what a matcher panics with.
type patternError struct{ error }

// match matches the pattern from p on with the string from s on, and returns where the match ends, or notMatched.
func (m *matcher) match(s, p int) int {
	if m.depth++; m.depth > matchDepth {
		return m.fail(errPatternDeep)
	}
	defer func() { m.depth-- }()
	for {
		m.walk(1)
		if p == len(m.p) {
			return s
		}
		switch m.p[p] {
		case '(':
			if p+1 < len(m.p) && m.p[p+1] == ')' {
				return m.open(s, p+2, capPosition)
			}
			return m.open(s, p+1, capOpen)
		case ')':
			return m.close(s, p+1)
		case '$':
			if p+1 == len(m.p) {
				if s == len(m.s) {
					return s
				}
				return notMatched
			}
		case '%':
			if p+1 == len(m.p) {
				return m.fail(errPatternEnd)
			}
			switch c := m.p[p+1]; {
			case c == 'b':
				if s = m.balance(s, p+2); s == notMatched {
					return s
				}
				p += 4
				continue
			case c == 'f':
				end, ok := m.frontier(s, p+2)
				if !ok {
					return notMatched
				}
				p = end
				continue
			case c >= '0' && c <= '9':
				if s = m.back(s, c); s == notMatched {
					return s
				}
				p += 2
				continue
			}
		}
		end := m.classEnd(p)
		one := s < len(m.s) && m.single(m.s[s], p, end)
		next := byte(0)
		if end < len(m.p) {
			next = m.p[end]
		}
		switch next {
		case '?':
			if one {
				if res := m.match(s+1, end+1); res != notMatched {
					return res
				}
			}
			p = end + 1
		case '*':
			return m.longest(s, p, end, 0)
		case '+':
			return m.longest(s, p, end, 1)
		case '-':
			return m.shortest(s, p, end)
		default:
			if !one {
				return notMatched
			}
			s, p = s+1, end
		}
	}
}

// longest matches as many as there are, at least so many, and then the rest.
func (m *matcher) longest(s, p, end, least int) int {
	n := 0
	for s+n < len(m.s) && m.single(m.s[s+n], p, end) {
		m.walk(1)
		n++
	}
	for ; n >= least; n-- {
		if res := m.match(s+n, end+1); res != notMatched {
			return res
		}
	}
	return notMatched
}

// shortest matches as few as will do.
func (m *matcher) shortest(s, p, end int) int {
	for {
		if res := m.match(s, end+1); res != notMatched {
			return res
		}
		if s >= len(m.s) || !m.single(m.s[s], p, end) {
			return notMatched
		}
		s++
	}
}

func (m *matcher) open(s, p, size int) int {
	if len(m.captures) >= capturesMost {
		return m.fail(errPatternMany)
	}
	m.captures = append(m.captures, capture{at: s, size: size})
	res := m.match(s, p)
	if res == notMatched {
		m.captures = m.captures[:len(m.captures)-1]
	}
	return res
}

func (m *matcher) close(s, p int) int {
	for i := len(m.captures) - 1; i >= 0; i-- {
		if m.captures[i].size != capOpen {
			continue
		}
		m.captures[i].size = s - m.captures[i].at
		res := m.match(s, p)
		if res == notMatched {
			m.captures[i].size = capOpen
		}
		return res
	}
	return m.fail(errPatternCapture)
}

// back matches what a capture has matched again.
func (m *matcher) back(s int, digit byte) int {
	i := int(digit) - '1'
	if i < 0 || i >= len(m.captures) || m.captures[i].size == capOpen {
		return m.fail(errPatternIndex)
	}
	if m.captures[i].size == capPosition {
		return notMatched
	}
	c := m.captures[i]
	m.walk(c.size / 16)
	if !strings.HasPrefix(m.s[s:], m.s[c.at:c.at+c.size]) {
		return notMatched
	}
	return s + c.size
}

// balance matches %bxy.
func (m *matcher) balance(s, p int) int {
	if p+1 >= len(m.p) {
		return m.fail(errPatternBalance)
	}
	open, shut := m.p[p], m.p[p+1]
	if s >= len(m.s) || m.s[s] != open {
		return notMatched
	}
	level := 1
	for s++; s < len(m.s); s++ {
		m.walk(1)
		switch m.s[s] {
		case shut:
			if level--; level == 0 {
				return s + 1
			}
		case open:
			level++
		}
	}
	return notMatched
}

// frontier matches %f[set]: where the set begins.
func (m *matcher) frontier(s, p int) (end int, ok bool) {
	if p >= len(m.p) || m.p[p] != '[' {
		m.fail(errPatternFront)
	}
	end = m.classEnd(p)
	before, here := byte(0), byte(0)
	if s > 0 {
		before = m.s[s-1]
	}
	if s < len(m.s) {
		here = m.s[s]
	}
	return end, !m.set(before, p, end-1) && m.set(here, p, end-1)
}

// classEnd is where the class that begins at p ends.
func (m *matcher) classEnd(p int) int {
	c, began := m.p[p], p
	p++
	switch c {
	case '%':
		if p == len(m.p) {
			return m.fail(errPatternEnd)
		}
		return p + 1
	case '[':
		if p < len(m.p) && m.p[p] == '^' {
			p++
		}
		for first := true; first || p < len(m.p) && m.p[p] != ']'; first = false {
			if p >= len(m.p) {
				return m.fail(errPatternClass)
			}
			if p++; m.p[p-1] == '%' {
				if p++; p > len(m.p) {
					return m.fail(errPatternClass)
				}
			}
		}
		if p >= len(m.p) {
			return m.fail(errPatternClass)
		}
		m.walk((p - began) / 16)
		return p + 1
	}
	return p
}

// single says whether a byte is of the class between p and end.
func (m *matcher) single(c byte, p, end int) bool {
	switch m.p[p] {
	case '.':
		return true
	case '%':
		return ofClass(c, m.p[p+1])
	case '[':
		return m.set(c, p, end-1)
	}
	return m.p[p] == c
}

// set says whether a byte is of the set between '[' at p and ']' at end.
func (m *matcher) set(c byte, p, end int) bool {
	m.walk((end - p) / 16)
	within := true
	if m.p[p+1] == '^' {
		within = false
		p++
	}
	for p++; p < end; p++ {
		switch {
		case m.p[p] == '%':
			p++
			if ofClass(c, m.p[p]) {
				return within
			}
		case p+2 < end && m.p[p+1] == '-':
			if m.p[p] <= c && c <= m.p[p+2] {
				return within
			}
			p += 2
		case m.p[p] == c:
			return within
		}
	}
	return !within
}

// ofClass says whether a byte is of a class like %a, in the locale "C". A letter in upper case means all others.
func ofClass(c, class byte) bool {
	lower := class | 0x20
	var in bool
	switch lower {
	case 'a':
		in = isLetter(c)
	case 'c':
		in = c < 0x20 || c == 0x7f
	case 'd':
		in = isDigit(c)
	case 'l':
		in = c >= 'a' && c <= 'z'
	case 'p':
		in = c > 0x20 && c < 0x7f && !isLetter(c) && !isDigit(c)
	case 's':
		in = c == ' ' || c >= '\t' && c <= '\r'
	case 'u':
		in = c >= 'A' && c <= 'Z'
	case 'w':
		in = isLetter(c) || isDigit(c)
	case 'x':
		in = isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f'
	case 'z':
		in = c == 0
	default:
		return class == c
	}
	if !isLetter(class) {
		return class == c
	}
	return in == (class == lower)
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
