package script

import (
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// version is the Redis that scripts are told they run on.
const (
	version    = "7.4.0"
	versionNum = 0x00070400
)

// redis is the table that scripts know Redis by (https://redis.io/docs/latest/develop/interact/programmability/lua-api/).
func (r *run) redis(l *lua.LState) *lua.LTable {
	t := lib(l, map[string]lua.LGFunction{
		"call": r.call(true), "pcall": r.call(false), "log": r.log, "sha1hex": r.sha1hex, "error_reply": r.errorReply, "status_reply": r.statusReply,
		"setresp": setResp, "replicate_commands": yes, "set_repl": nothing, "breakpoint": no, "debug": nothing,
	})
	for name, n := range map[string]int{
		"LOG_DEBUG": 0, "LOG_VERBOSE": 1, "LOG_NOTICE": 2, "LOG_WARNING": 3,
		"REPL_NONE": 0, "REPL_AOF": 1, "REPL_SLAVE": 2, "REPL_REPLICA": 2, "REPL_ALL": 3, "REDIS_VERSION_NUM": versionNum,
	} {
		t.RawSetString(name, lua.LNumber(n))
	}
	t.RawSetString("REDIS_VERSION", lua.LString(version))
	return t
}

func nothing(*lua.LState) int { return 0 }

func yes(l *lua.LState) int { l.Push(lua.LTrue); return 1 }

func no(l *lua.LState) int { l.Push(lua.LFalse); return 1 }

// setResp takes the protocol that answers come in: ours come in RESP2 only.
func setResp(l *lua.LState) int {
	if l.GetTop() != 1 || l.CheckNumber(1) != 2 {
		l.RaiseError("Torc's scripts have RESP version 2 only")
	}
	return 0
}

// call makes redis.call, which raises errors, and redis.pcall, which returns them.
func (r *run) call(raises bool) lua.LGFunction {
	name := "pcall"
	if raises {
		name = "call"
	}
	return func(l *lua.LState) int {
		v := r.ask(l, name)
		if r.fault != nil {
			l.RaiseError("%s", r.fault.Error())
		}
		answer := r.toLua(l, v)
		if raises && v.Kind == Error {
			l.Error(answer, 1)
		}
		l.Push(answer)
		return 1
	}
}

// ask asks the host, or says why it cannot be asked.
func (r *run) ask(l *lua.LState, name string) Value {
	n := l.GetTop()
	if n == 0 {
		return Value{Kind: Error, Text: "ERR Please specify at least one argument for this redis lib call"}
	}
	args := make([][]byte, n)
	for i := range args {
		switch v := l.Get(i + 1).(type) {
		case lua.LString:
			args[i] = []byte(v)
		case lua.LNumber:
			args[i] = []byte(argument(float64(v)))
		default:
			return Value{Kind: Error, Text: "ERR Lua redis lib command arguments must be strings or integers"}
		}
		if !r.meter.pay(len(args[i])) {
			return Value{}
		}
	}
	v, err := r.host.Call(args)
	if err != nil {
		r.stopped = err
		r.stop(ErrStopped)
	}
	return v
}

// argument writes a number that is an argument: all of it.
func argument(f float64) string {
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return strconv.FormatInt(int64(f), 10)
	}
	return general(f, 17)
}

func (r *run) log(l *lua.LState) int {
	if l.GetTop() < 2 {
		l.RaiseError("redis.log() requires two arguments or more.")
	}
	level := integer(l, 1, 0)
	if level < 0 || level > 3 {
		l.RaiseError("Invalid log level.")
	}
	var words []string
	for i := 2; i <= l.GetTop(); i++ {
		s := text(l.Get(i))
		r.pay(l, len(s)+1)
		words = append(words, s)
	}
	r.host.Log(level, strings.Join(words, " "))
	return 0
}

func (r *run) sha1hex(l *lua.LState) int {
	if l.GetTop() != 1 {
		l.RaiseError("wrong number of arguments")
	}
	s := text(l.Get(1))
	r.walk(l, len(s)/16)
	l.Push(lua.LString(SHA([]byte(s))))
	return 1
}

func (r *run) errorReply(l *lua.LState) int {
	if l.GetTop() != 1 || l.Get(1).Type() != lua.LTString {
		l.RaiseError("wrong number or type of arguments")
	}
	s := l.CheckString(1)
	if code, isCode := strings.CutPrefix(s, "-"); isCode {
		s = code
	}
	if !strings.Contains(s, " ") {
		s = "ERR " + s
	}
	return r.field(l, "err", s)
}

func (r *run) statusReply(l *lua.LState) int {
	if l.GetTop() != 1 || l.Get(1).Type() != lua.LTString {
		l.RaiseError("wrong number or type of arguments")
	}
	return r.field(l, "ok", l.CheckString(1))
}

func (r *run) field(l *lua.LState, name, s string) int {
	r.pay(l, tableBytes+len(s))
	t := l.CreateTable(0, 1)
	t.RawSetString(name, lua.LString(s))
	l.Push(t)
	return 1
}

// toLua makes what a command answered a Lua value.
func (r *run) toLua(l *lua.LState, v Value) lua.LValue {
	switch v.Kind {
	case Int:
		return lua.LNumber(v.Int)
	case Bulk:
		r.pay(l, len(v.Text))
		return lua.LString(v.Text)
	case Status, Error:
		r.pay(l, tableBytes+len(v.Text))
		t := l.CreateTable(0, 1)
		if v.Kind == Status {
			t.RawSetString("ok", lua.LString(v.Text))
			return t
		}
		t.RawSetString("err", lua.LString(v.Text))
		t.RawSetString("source", lua.LString("@"+chunkName))
		t.RawSetString("line", lua.LString(lineOf(l.Where(1))))
		return t
	case List:
		r.pay(l, tableBytes+placeBytes*len(v.List))
		t := l.CreateTable(len(v.List), 0)
		for _, item := range v.List {
			t.Append(r.toLua(l, item))
		}
		return t
	}
	return lua.LFalse
}

// lineOf is the line of "user_script:12:".
func lineOf(where string) string {
	rest, ok := strings.CutPrefix(where, chunkName+":")
	if !ok {
		return ""
	}
	line, _, _ := strings.Cut(rest, ":")
	return line
}

// replyDepth is how deep tables may lie in each other in what a script returns.
const replyDepth = 100

// toValue makes what a script returns a reply. A table is an array up to its first nil, unless it has a field ok or err.
func (r *run) toValue(v lua.LValue, depth int) Value {
	switch v := v.(type) {
	case lua.LString:
		return Value{Kind: Bulk, Text: string(v)}
	case lua.LNumber:
		return Value{Kind: Int, Int: toInt(float64(v))}
	case lua.LBool:
		if v {
			return Value{Kind: Int, Int: 1}
		}
	case *lua.LTable:
		return r.tableValue(v, depth)
	}
	return Value{}
}

// toInt cuts what comes after the point off. What does not fit is the least, as a processor makes it.
func toInt(f float64) int64 {
	if f >= math.MaxInt64 || f <= math.MinInt64 || math.IsNaN(f) {
		return math.MinInt64
	}
	return int64(f)
}

func (r *run) tableValue(t *lua.LTable, depth int) Value {
	if s, ok := t.RawGetString("err").(lua.LString); ok {
		return Value{Kind: Error, Text: string(s)}
	}
	if s, ok := t.RawGetString("ok").(lua.LString); ok {
		return Value{Kind: Status, Text: string(s)}
	}
	if n, ok := t.RawGetString("double").(lua.LNumber); ok {
		return Value{Kind: Bulk, Text: general(float64(n), 17)}
	}
	if depth >= replyDepth {
		return Value{Kind: Error, Text: "ERR reached lua stack limit"}
	}
	list := Value{Kind: List}
	for i := 1; ; i++ {
		item := t.RawGetInt(i)
		if item == lua.LNil || !r.meter.pay(placeBytes) { // tables may hold each other many times over
			return list
		}
		list.List = append(list.List, r.toValue(item, depth+1))
		if s, ok := item.(lua.LString); ok && !r.meter.pay(len(s)) {
			return list
		}
	}
}
