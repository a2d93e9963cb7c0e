package script

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// fields are as many fields of a table, each written with a format.
func fields(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// TestWhateverTakesMemoryIsPaidFor keeps all it makes of one kind, for as long as the steps last.
func TestWhateverTakesMemoryIsPaidFor(t *testing.T) {
	big := "local s, t, n = ('x'):rep(3e5), {} "
	for _, source := range []string{
		"local f while true do local g = f f = function() return g end end",
		"local f while true do local g = f local function h() return g end f = h end",
		"local t = {} while true do function t.f() return t end local f = t.f t = {f} end",
		"local f while true do local " + strings.TrimSuffix(fields(100, "v%d,"), ",") + " local g = f f = function() return g" + fields(50, ",v%d") + " end end",
		"local a while true do local t = {n = a} " + fields(100, "t.f%d = 1 ") + "a = t end",
		"local a while true do a = {n = a, " + fields(100, "f%d = 1,") + "} end",
		"local t = {} while true do t = {redis.error_reply('x'), t} end",
		"local t = {} while true do t = {redis.status_reply('x'), t} end",
		"local t = {} while true do t = {string.gmatch('x', 'x'), t} end",
		big + "for i = 1, 100 do t[i] = select(2, pcall(function() error(s) end)) end",
		big + "for i = 1, 100 do t[i] = select(2, pcall(error, s)) end",
		big + "for i = 1, 100 do t[i] = select(2, pcall(assert, false, s)) end",
		big + "for i = 1, 100 do t[i] = select(2, pcall(function() return n[s] end)) end",
		big + "for i = 1, 100 do t[i] = select(2, pcall(function() return _G[s] end)) end",
		big + "for i = 1, 100 do t[i] = select(2, xpcall(function() return _G[s] end, function(e) return e end)) end",
		big + "for i = 1, 100 do t[i] = s end redis.log(0, unpack(t))",
		"return cjson.encode(('\\0'):rep(2e6))",
	} {
		_, err := ran(t, source, Limits{Time: time.Minute, Bytes: 8 << 20, Steps: 1 << 20})
		require.ErrorIs(t, err, ErrMemory, source)
	}
}

// TestNoStepTakesLong runs what was one step of minutes, between two looks at the clock or at what is left.
func TestNoStepTakesLong(t *testing.T) {
	for _, source := range []string{
		"local function f(n) if n == 0 then while true do pcall(error, 'x') end end return f(n - 1) end return f(100000)",
		"local p = ('x'):rep(3e7) while true do string.find('', p) end",
		"local p = ('x'):rep(3e7) while true do string.gsub('', p, '') end",
		"return string.find(('a'):rep(30), ('a?'):rep(30) .. '[' .. ('b'):rep(1e7) .. ']')",
		"local s = ('1'):rep(3e7) while true do pcall(function() return s + 1 end) end",
		"local s = ('1'):rep(3e7) while true do pcall(math.floor, s) end",
		"local t = {} for i = 1, 2e5 do t[i] = i end while true do table.remove(t, 1) t[#t + 1] = 1 end",
	} {
		began := time.Now()
		_, err := ran(t, source, Limits{})
		require.Error(t, err, source)
		require.Less(t, time.Since(began), 20*time.Second, source)
	}
}

// TestNoScriptTakesLongToCompile shows what a script of the greatest size could have its compiler do.
func TestNoScriptTakesLongToCompile(t *testing.T) {
	filled := func(before, each, after string) string {
		return before + strings.Repeat(each, (SourceMost-len(before)-len(after))/len(each)) + after
	}
	const many = "Error compiling script (new function): user_script:1: script has too many names, constants and functions"
	for _, c := range []struct{ source, want string }{
		{"return {" + fields(40_000, "%d,") + "}", many},
		{"local x = {" + fields(5_000, "%d,") + "} " + strings.Repeat("x = 9 ", 30_000), many},
		{"return {" + fields(20_000, "k%d=1,") + "}", many},
		{filled("return {", "function() end,", "}"), many},
		{filled("local a ", "f(function() return a end) ", ""), many},
		{fields(10_000, "goto z ::b%d:: ") + "::z::", "Error compiling script (new function): user_script:1: Lua 5.1 has no goto"},
		{filled("function a", ".b", "() end"), "Error compiling script (new function): user_script:1: chunk has too many syntax levels"},
	} {
		began := time.Now()
		_, err := Compile([]byte(c.source))
		require.EqualError(t, err, c.want, "%.60s", c.source)
		require.Less(t, time.Since(began), 10*time.Second, "%.60s", c.source)
	}
	line := "if redis.call('get', KEYS[1]) == ARGV[2] then t[#t + 1] = 5 else t.f = tonumber(t.g) + 1 end\n"
	long := "local t = {} " + fields(300, "t.f%d = function(a, b) return a + b end\n") + strings.Repeat(line, 1000)
	require.Greater(t, len(long), 100<<10)
	_, err := Compile([]byte(long))
	require.NoError(t, err)
}
