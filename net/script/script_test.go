package script

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// echo is a host whose commands answer with what they are.
type echo struct {
	logs []string
	fail error
}

func (e *echo) Log(level int, text string) { e.logs = append(e.logs, fmt.Sprint(level, " ", text)) }

func (e *echo) Call(args [][]byte) (Value, error) {
	switch strings.ToLower(string(args[0])) {
	case "fail":
		return Value{Kind: Error, Text: "WRONGTYPE it is none"}, nil
	case "stop":
		return Value{}, e.fail
	case "nil":
		return Value{}, nil
	case "int":
		return Value{Kind: Int, Int: 42}, nil
	case "ok":
		return Value{Kind: Status, Text: "OK"}, nil
	case "list":
		return Value{Kind: List, List: []Value{{Kind: Bulk, Text: "a"}, {}, {Kind: Int, Int: 3}}}, nil
	}
	words := make([]string, len(args))
	for i, a := range args {
		words[i] = string(a)
	}
	return Value{Kind: Bulk, Text: strings.Join(words, " ")}, nil
}

// show writes a value as one line: what a person would type.
func show(v Value) string {
	switch v.Kind {
	case Int:
		return fmt.Sprint(v.Int)
	case Bulk:
		return fmt.Sprintf("%q", v.Text)
	case Status:
		return "+" + v.Text
	case Error:
		return "-" + v.Text
	case List:
		items := make([]string, len(v.List))
		for i := range v.List {
			items[i] = show(v.List[i])
		}
		return "[" + strings.Join(items, " ") + "]"
	}
	return "nil"
}

func ran(t *testing.T, source string, limits Limits) (Value, error) {
	t.Helper()
	p, err := Compile([]byte(source))
	require.NoError(t, err)
	return p.Run(&echo{fail: errors.New("host")}, [][]byte{[]byte("k1"), []byte("k2")}, [][]byte{[]byte("7"), []byte("x\x00y")}, limits)
}

// answers are scripts and what a redis-server 7.0 answers to them, with keys k1, k2 and arguments 7, x\0y.
var answers = []struct{ source, want string }{
	{"return 1", "1"},
	{"return 3.99", "3"},
	{"return -3.99", "-3"},
	{"return 'a'", `"a"`},
	{"return nil", "nil"},
	{"return", "nil"},
	{"", "nil"},
	{"return true", "1"},
	{"return false", "nil"},
	{"return {1, 2, {3, 'four'}, nil, 5}", `[1 2 [3 "four"]]`},
	{"return {ok = 'fine'}", "+fine"},
	{"return {err = 'MY error'}", "-MY error"},
	{"return {}", "[]"},
	{"return {1, true, false, 'x'}", `[1 1 nil "x"]`},
	{"return {KEYS[1], KEYS[2], ARGV[1], #ARGV, #ARGV[2], KEYS[3]}", `["k1" "k2" "7" 2 3]`},
	{"return redis.call('ok')", "+OK"},
	{"return redis.call('ok').ok", `"OK"`},
	{"return redis.call('nil')", "nil"},
	{"return redis.call('nil') == false", "1"},
	{"return redis.call('int') + 1", "43"},
	{"return redis.call('list')", `["a" nil 3]`},
	{"return redis.pcall('fail')['err']", `"WRONGTYPE it is none"`},
	{"local ok, e = pcall(redis.call, 'fail') return {tostring(ok), e}", `["false" "WRONGTYPE it is none"]`},
	{"return redis.call('set', 1, 1.5, 0.1, 10, 1e15, -3)", `"set 1 1.5 0.10000000000000001 10 1000000000000000 -3"`},
	{"return redis.error_reply('ERR mine')", "-ERR mine"},
	{"return redis.error_reply('mine')", "-ERR mine"},
	{"return redis.error_reply('-ERR mine')", "-ERR mine"},
	{"return redis.status_reply('fine')", "+fine"},
	{"return redis.sha1hex('')", `"da39a3ee5e6b4b0d3255bfef95601890afd80709"`},
	{"return redis.log(redis.LOG_WARNING, 'careful')", "nil"},
	{"return type(redis.REDIS_VERSION) .. redis.LOG_NOTICE", `"string2"`},
	{"return #redis.call('echo', 'ab')", "7"},

	{"return 'a' .. 1 .. 'b' .. 2.5 .. 'c'", `"a1b2.5c"`},
	{"return 1 .. 2", `"12"`},
	{"local t = setmetatable({}, {__concat = function(a, b) return 'T' .. (type(a) == 'table' and b or a) end}) return 'x' .. t .. 'y' .. 'z'", `"xTyz"`},
	{"local function two() return 'a', 'b' end return 'x' .. two()", `"xa"`},
	{"local function two(...) return 'x' .. ... end return two('a', 'b')", `"xa"`},
	{"return tostring(1e15) .. ' ' .. 1e14 .. ' ' .. 0.1 .. ' ' .. 1/3 .. ' ' .. 1e100 .. ' ' .. -0.5 .. ' ' .. 100000", `"1e+15 1e+14 0.1 0.33333333333333 1e+100 -0.5 100000"`},
	{"return tostring(1/0) .. tostring(-1/0)", `"inf-inf"`},
	{"return tostring(nil) .. tostring(true)", `"niltrue"`},
	{"return {tonumber('0x10'), tonumber('ff', 16), tonumber(' 12 '), tonumber('1e3'), tonumber('z', 36), tonumber('nope') == nil and 1 or 0}", "[16 255 12 1000 35 1]"},
	{"return {10 % 3, -10 % 3, 2 ^ 10, 7 / 2, '3' + 4}", "[1 2 1024 3 7]"},
	{"local t = {} t[1], t[2] = 'a', 'b' t[#t + 1] = 'c' return t", `["a" "b" "c"]`},
	{"local i, t = 1, {} i, t[i] = i + 1, 20 return {i, t[1]}", "[2 20]"},
	{"local a, b = {}, {} a.x, b[1], a.y = 1, 2, 3 return {a.x, b[1], a.y}", "[1 2 3]"},
	{"local t = {[1] = 'a', [2] = 'b', c = 'd', 'z'} return {t[1], t[2], t.c}", `["z" "b" "d"]`},
	{"local function f() return 1, 2 end local t = {} t[1] = f() return t", "[1]"},
	{"local t = {} for i = 1, 5 do t[i] = i * i end return t", "[1 4 9 16 25]"},
	{"local s = 0 for k, v in pairs({a = 1, b = 2, 3}) do s = s + v end return s", "6"},
	{"local s = '' for i, v in ipairs({'a', 'b'}) do s = s .. i .. v end return s", `"1a2b"`},
	{"local function fact(n) if n <= 1 then return 1 end return n * fact(n - 1) end return fact(10)", "3628800"},
	{"local i = 0 repeat i = i + 1 until i == 4 while true do i = i + 1 if i > 9 then break end end return i", "10"},
	{"return select('#', unpack({1, 2, 3}))", "3"},
	{"return {select(2, 'a', 'b', 'c')}", `["b" "c"]`},

	{"return {string.find('hello world', 'o w'), string.find('hello', 'l+')}", "[5 3 4]"},
	{"return {('key:12:ab'):match('^(%w+):(%d+):(%a+)$')}", `["key" "12" "ab"]`},
	{"return {string.find('a.b', '.', 1, true)}", "[2 2]"},
	{"return {string.gsub('hello world', 'o', '0')}", `["hell0 w0rld" 2]`},
	{"return {string.gsub('hello', '', '-')}", `["-h-e-l-l-o-" 6]`},
	{"return {string.gsub('abc', '(%w)', '%1%1')}", `["aabbcc" 3]`},
	{"return {string.gsub('$name is $age', '%$(%w+)', {name = 'Bob', age = 7})}", `["Bob is 7" 2]`},
	{"return {string.gsub('abc', '%w', function(c) if c == 'b' then return 'X' end end)}", `["aXc" 3]`},
	{"return {string.gsub('abc def', '^%w', 'X')}", `["Xbc def" 1]`},
	{"local t = {} for k, v in string.gmatch('a=1, b=2', '(%w+)=(%w+)') do t[#t + 1] = k .. v end return t", `["a1" "b2"]`},
	{"return {string.find('THE (quick) fox', '%((%a+)%)')}", `[5 11 "quick"]`},
	{"return string.match('f(a(b)c)d', '%b()')", `"(a(b)c)"`},
	{"return string.gsub('THE (quick) fox', '%f[%a]%a+', 'w')", `"w (w) w"`},
	{"return {string.match('hello', '()ll()')}", "[3 5]"},
	{"return string.match('  trim  ', '^%s*(.-)%s*$')", `"trim"`},
	{"return {string.byte('abc', 1, -1)}", "[97 98 99]"},
	{"return string.char(97, 98) .. ('x'):rep(3) .. ('abc'):reverse():upper() .. ('ABC'):lower() .. #'four'", `"abxxxCBAabc4"`},
	{"return {('hello'):sub(2, 3), ('hello'):sub(-3), ('hello'):sub(2), ('hello'):sub(4, 2), ('hello'):sub(-100, 100)}", `["el" "llo" "ello" "" "hello"]`},
	{"return string.format('%d %5.2f %s %q %x %5s|%-5s|%05d %c %%', 42, 3.14159, 'hi', 'a\"b', 255, 'r', 'l', 7, 65)", `"42  3.14 hi \"a\\\"b\" ff     r|l    |00007 A %"`},
	{"return string.format('%g %g %e %i %u', 1e20, 0.5, 12345.678, 3.7, 5)", `"1e+20 0.5 1.234568e+04 3 5"`},
	{"return {table.concat({1, 2, 'x'}, '-'), table.concat({}, ','), table.concat({'a', 'b', 'c'}, '', 2, 3)}", `["1-2-x" "" "bc"]`},
	{"local t = {3, 1, 2} table.sort(t) table.insert(t, 4) table.insert(t, 1, 0) table.remove(t, 2) return t", "[0 2 3 4]"},
	{"local t = {'b', 'a', 'c'} table.sort(t, function(x, y) return x > y end) return t", `["c" "b" "a"]`},
	{"return {math.floor(3.7), math.ceil(3.2), math.max(1, 5, 3), math.abs(-4), math.huge == 1/0 and 1 or 0}", "[3 4 5 4 1]"},
	{"math.randomseed(42) return {math.random(1000000), math.random(5, 5), math.random() < 1}", "[744526 5 1]"},
	{"return {1 / 0, -1 / 0, 2 ^ 63}", "[-9223372036854775808 -9223372036854775808 -9223372036854775808]"},
	{"return {bit.band(12, 10), bit.bor(12, 10), bit.bxor(12, 10), bit.bnot(0), bit.lshift(1, 31), bit.rshift(-1, 28), bit.arshift(-16, 2), bit.tohex(255)}", `[8 14 6 -1 -2147483648 15 -4 "000000ff"]`},
	{`return cjson.encode({1, 2, {a = 'x/"y'}, true, cjson.null})`, `"[1,2,{\"a\":\"x\\/\\\"y\"},true,null]"`},
	{`return cjson.encode({})`, `"{}"`},
	{`local t = cjson.decode('{"a": [1, 2.5, "\\u00e9\\ud83d\\ude00"], "b": null, "c": false}') return {t.a[1], t.a[3], t.b == cjson.null and 1 or 0, t.c}`, `[1 "é😀" 1 nil]`},
	{"return _VERSION", `"Lua 5.1"`},

	{"return {'010' + 1, '0x10' * 1, -'010', ' 5 ' - '1e1', '7' % 4, '2' ^ 3, 0010 + 007, '010' / 4}", "[11 16 -10 -5 3 8 17 2]"},
	{"return {math.floor('010.5'), math.max('08', 7), math.mod(-5, 3), math.fmod(-5, 3)}", "[10 8 -2 -2]"},
	{"return {pcall(function() return '1_000' + 1 end)}", `[nil "user_script:1: attempt to perform arithmetic on a string value"]`},
	{"local t = setmetatable({}, {__add = function(a, b) return 'sum' end}) return {'1' + t, t + 'x'}", `["sum" "sum"]`},
	{"local s = '' for i = '08', ARGV[1] + 3, '2' do s = s .. i .. ',' end return s", `"8,10,"`},
	{"local n = 0 for i = 1, ARGV[1] do n = n + i end return n", "28"},
	{"return {pcall(function() for i = 'x', 2 do end end)}", `[nil "user_script:1: 'for' initial value must be a number"]`},
	{"local t = {1, 2, 3} t[3] = nil return {table.remove(t), #t, table.remove(t, 9) == nil and 1, table.remove(t, 1), #t, select('#', table.remove(t))}", "[2 1 1 1 0 0]"},
	{"local t = {'a', 'b', 'c'} t[#t] = nil t[#t + 1] = 'd' table.insert(t, 1, 'e') table.remove(t, 2) return t", `["e" "b" "d"]`},
	{"return {string.len(2 ^ 53), string.sub(1234567890123456, 1, -1), string.format('%q', 0.1), string.rep(1e15, 2), string.match(0.1 + 0.2, '.+')}",
		`[18 "1.2345678901235e+15" "\"0.1\"" "1e+151e+15" "0.3"]`},
	{"local zero = 0 return tostring(zero / zero)", `"-nan"`},
	{"return cjson.decode('[\"a\tb\"]')", `["a\tb"]`},
	{"local n = 0 local function f() n = n + 1 if n < 3 then return f() end return n end local g = function() return f() end return g()", "3"},
	{"local t = {a = {}} function t.a.f(x) return x + 1 end function t.a:g(x) return self.f(x) end return {t.a.f(1), t.a:g(2)}", "[2 3]"},
	{"local a = {} a.x, a.y = 1 a.x = a.x + 1 return {a.x, a.y == nil and 1}", "[2 1]"},
	{"local x = 'out' return {xpcall(function() error({1}) end, function(e) return e[1] end)}", "[nil 1]"},
	{"return {xpcall(function() return 1, 2 end, error)}", "[1 1 2]"},
	{"return {xpcall(error, function() error('worse') end)}", `[nil "error in error handling"]`},
	{"#!lua flags=no-writes\nreturn 5", "5"},
}

func TestAScriptAnswersAsInRedis(t *testing.T) {
	for _, c := range answers {
		v, err := ran(t, c.source, Limits{})
		require.NoError(t, err, c.source)
		require.Equal(t, c.want, show(v), c.source)
	}
}

func TestAnErrorThatIsRaisedNamesItsPlace(t *testing.T) {
	for _, c := range []struct{ source, want string }{
		{"\nreturn redis.call('fail')", "WRONGTYPE it is none script: SHA, on @user_script:2."},
		{"error('bad')", "ERR user_script:1: bad script: SHA, on @user_script:1."},
		{"error({err = 'MY own'})", "MY own script: SHA, on @user_script."},
		{"return nothing", "ERR user_script:1: Script attempted to access nonexistent global variable 'nothing' script: SHA, on @user_script:1."},
		{"x = 1", "ERR user_script:1: Attempt to modify a readonly table script: SHA, on @user_script:1."},
		{"_G.redis = nil", "ERR user_script:1: Attempt to modify a readonly table script: SHA, on @user_script:1."},
		{"return redis.call()", "ERR Please specify at least one argument for this redis lib call script: SHA, on @user_script:1."},
		{"return redis.call('get', {})", "ERR Lua redis lib command arguments must be strings or integers script: SHA, on @user_script:1."},
		{"return 'a' .. {}", "ERR user_script:1: attempt to concatenate a table value script: SHA, on @user_script:1."},
	} {
		_, err := ran(t, c.source, Limits{})
		var raised *Raised
		require.ErrorAs(t, err, &raised, c.source)
		require.Equal(t, strings.ReplaceAll(c.want, "SHA", SHA([]byte(c.source))), raised.Text, c.source)
	}
}

func TestWhatIsNoScriptIsSaidTo(t *testing.T) {
	for _, c := range []struct{ source, want string }{
		{"return (", "Error compiling script (new function): user_script: syntax error near '<eof>'"},
		{"for", "Error compiling script (new function): user_script: syntax error near '<eof>'"},
		{"x ==== y", "Error compiling script (new function): user_script:1: parse error near '=='"},
		{"#!js\nreturn 1", "Unexpected engine in script shebang: #!js"},
		{"#!lua flags=no-such\nreturn 1", "Unexpected flag in script shebang: no-such"},
		{"#!lua name=x\nreturn 1", "Unknown lua shebang option: name=x"},
		{strings.Repeat("(", 1000) + "1" + strings.Repeat(")", 1000), ""},
		{"return " + strings.Repeat("{", 300) + strings.Repeat("}", 300), "Error compiling script (new function): user_script:1: chunk has too many syntax levels"},
		{"return " + strings.Repeat("-", 300) + "1", ""},
		{strings.Repeat("do ", 300) + strings.Repeat("end ", 300), "Error compiling script (new function): user_script:1: chunk has too many syntax levels"},
		{strings.Repeat(" ", SourceMost+1), "Error compiling script (new function): it has more than 262144 bytes"},
	} {
		_, err := Compile([]byte(c.source))
		if c.want != "" {
			require.EqualError(t, err, c.want, "%.40s", c.source)
		}
	}
}

// TestNoScriptTakesMoreThanItMay runs scripts that would take all memory, or never end. What catches its errors is stopped, too.
func TestNoScriptTakesMoreThanItMay(t *testing.T) {
	for _, c := range []struct {
		source string
		want   error
	}{
		{"while true do end", ErrSteps},
		{"local function f() return f() end return f()", ErrSteps},
		{"while true do pcall(error, 'x') end", nil},
		{"pcall(function() while true do end end) return 1", ErrSteps},
		{"while true do pcall(function() while true do end end) end", ErrSteps},
		{"local s = 'x' while true do s = s .. s end", ErrMemory},
		{"local s = 'x' while true do local ok = pcall(function() s = s .. s .. s end) end", ErrMemory},
		{"return ('x'):rep(1e9)", ErrMemory},
		{"return ('x'):rep(1e18)", ErrMemory},
		{"local t = {} while true do t[#t + 1] = 1 end", nil},
		{"local t = {} for i = 1, 1e9 do t[i] = {} end", ErrMemory},
		{"local t = {} for i = 1, 1e9 do table.insert(t, i) end", nil},
		{"local n while true do n = {next = n} end", ErrMemory},
		{"local t = {} for i = 1, 1000 do t[i] = {} t[i][1e6] = 1 end", ErrMemory},
		{"local t = {} for i = 1, 1000 do t[i] = {[1e6] = 1} end", ErrMemory},
		{"local t = {} for i = 1, 1000 do t[i] = {} table.insert(t[i], 1e6, 1) end", ErrMemory},
		{"local inner = {} local t = setmetatable({}, {__newindex = inner}) t[1e6] = 1 t[1e6 - 1] = 2 for i = 1, 100 do setmetatable(t, {__newindex = {}}) t[1e6] = 1 end", ErrMemory},
		{"local t = {} t[67108863] = 1 t[1e300] = 2 t[-5] = 3 t[0.5] = 4 return 9", nil},
		{"return string.find(('a'):rep(100000), '.-.-.-.-.-b')", ErrSteps},
		{"return string.find(('a'):rep(1000), ('a?'):rep(100) .. ('a'):rep(1000))", nil},
		{"return (('x'):rep(100000)):gsub('x', ('y'):rep(100000))", ErrMemory},
		{"return (('x'):rep(1000000)):gsub('x', function() return ('y'):rep(1000) end)", ErrMemory},
		{"local y = ('y'):rep(1e6) return (('x'):rep(1e6)):gsub('x', function() return y end)", ErrMemory},
		{"local y = ('y'):rep(1e6) return (('x'):rep(1e6)):gsub('x', {x = y})", ErrMemory},
		{"local y = ('%0'):rep(1e6) return ('x'):rep(100):gsub('x+', y)", ErrMemory},
		{"local x = ('x'):rep(1e6) local t = {} for i = 1, 1000 do t[i] = x end return table.concat(t)", ErrMemory},
		{"local x = ('x'):rep(1e6) return string.format(('%s'):rep(100), " + strings.Repeat("x, ", 99) + "x)", ErrMemory},
		{"local t = {1} for i = 1, 60 do t = {t, t} end return t", ErrMemory},
		{"local t = {1} for i = 1, 60 do t = {t, t} end return cjson.encode(t)", ErrSteps},
		{"local t = {} t[1] = t return t", nil},
		{"local t = {} t[1] = t return cjson.encode(t)", nil},
		{"local function f() return 1 + f() end return f()", nil},
		{"return setmetatable({}, {__index = function(t, k) return t[k .. 'x'] end}).y", nil},
		{"return unpack({}, 1, 1e8)", nil},
		{"return unpack({}, -1e300, 1e300)", nil},
		{"return ('x'):rep(100000):byte(1, -1)", nil},
		{"return string.format('%99999d', 1)", nil},
		{"local t = {} for i = 1, 100000 do t[i] = 100000 - i end table.sort(t, function() return true end)", nil},
		{"return tostring(setmetatable({}, {__tostring = function() while true do end end}))", ErrSteps},
		{"return cjson.decode(('['):rep(100000))", nil},
		{"return redis.sha1hex(('x'):rep(1e7))", nil},
	} {
		began := time.Now()
		v, err := ran(t, c.source, Limits{Time: time.Minute, Bytes: 32 << 20, Steps: 1_000_000})
		if c.want != nil {
			require.ErrorIs(t, err, c.want, c.source)
		}
		require.False(t, c.want != nil && v.Kind != Nil, c.source)
		require.Less(t, time.Since(began), 30*time.Second, c.source)
	}
}

func TestAScriptEndsInTime(t *testing.T) {
	_, err := ran(t, "while true do end", Limits{Steps: 1 << 40, Time: time.Nanosecond})
	require.ErrorIs(t, err, ErrTime)
}

func TestAHostCanEndARun(t *testing.T) {
	_, err := ran(t, "while true do pcall(redis.call, 'stop') end", Limits{})
	require.EqualError(t, err, "host")
	_, err = ran(t, "return redis.pcall('stop')", Limits{})
	require.EqualError(t, err, "host")
}

// TestARunLeavesNothing shows that what a script changes is its own run's.
func TestARunLeavesNothing(t *testing.T) {
	p, err := Compile([]byte("local was = string.foo string.foo = 'changed' redis.foo = 1 KEYS[1] = 'x' getmetatable('').__index.bar = 2 return {tostring(was), tostring(('x').bar)}"))
	require.NoError(t, err)
	for range 2 {
		v, err := p.Run(&echo{}, [][]byte{[]byte("k")}, nil, Limits{})
		require.NoError(t, err)
		require.Equal(t, `["nil" "2"]`, show(v))
	}
}

// TestRunsSideBySide has several runs use what all share.
func TestRunsSideBySide(t *testing.T) {
	p, err := Compile([]byte("local s = '08' + 1 for i, v in ipairs({1, 2}) do s = s + math.floor(v) end for k, v in pairs({3}) do s = s + v end " +
		"string.extra, math.extra, table.extra = 1, 2, 3 return {s, getmetatable('').__index == string and 1, select('#', 1, 2), type(next({})), #('x'):rep(3)}"))
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				v, err := p.Run(&echo{}, nil, nil, Limits{Time: time.Minute})
				if err != nil || show(v) != `[15 1 2 "nil" 3]` {
					t.Errorf("%v %v", show(v), err)
				}
			}
		})
	}
	wg.Wait()
}

func TestNothingOutsideCanBeReached(t *testing.T) {
	for _, name := range []string{"io", "require", "dofile", "loadfile", "load", "loadstring", "module", "package", "print", "debug", "coroutine", "setfenv", "getfenv",
		"rawset", "newproxy", "channel", "_printregs", "os.exit", "os.time", "os.getenv", "string.dump"} {
		v, err := ran(t, "return tostring(select(2, pcall(function() return type("+name+") end)))", Limits{})
		require.NoError(t, err)
		require.Contains(t, []string{`"nil"`}, strings.Replace(show(v), `"user_script:1: Script attempted to access nonexistent global variable '`+name+`'"`, `"nil"`, 1), name)
	}
}

func TestLogsGoToTheHost(t *testing.T) {
	p, err := Compile([]byte("redis.log(redis.LOG_NOTICE, 'a', 1)"))
	require.NoError(t, err)
	h := &echo{}
	_, err = p.Run(h, nil, nil, Limits{})
	require.NoError(t, err)
	require.Equal(t, []string{"2 a 1"}, h.logs)
}

func FuzzScript(f *testing.F) {
	for _, c := range answers {
		f.Add(c.source)
	}
	f.Fuzz(func(t *testing.T, source string) {
		p, err := Compile([]byte(source))
		if err != nil {
			return
		}
		_, _ = p.Run(&echo{}, [][]byte{[]byte("k")}, [][]byte{[]byte("v")}, Limits{Steps: 20_000, Bytes: 1 << 20, Time: time.Minute})
	})
}

func BenchmarkRun(b *testing.B) {
	p, err := Compile([]byte("if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end"))
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = p.Run(&echo{}, [][]byte{[]byte("k")}, [][]byte{[]byte("v")}, Limits{})
	}
}
