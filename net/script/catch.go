package script

import (
	"errors"

	lua "github.com/yuin/gopher-lua"
)

// catchSteps is what an error costs who catches it: the machine writes down all calls that it went through.
const catchSteps = 100

// pcall gives of an error that a command has raised only the words, as Redis's does.
func (r *run) pcall(l *lua.LState) int {
	l.CheckAny(1)
	err := l.PCall(l.GetTop()-1, lua.MultRet, nil)
	if err == nil {
		l.Insert(lua.LTrue, 1)
		return l.GetTop()
	}
	v := r.caught(err)
	if t, ok := v.(*lua.LTable); ok {
		if words, ok := t.RawGetString("err").(lua.LString); ok {
			v = words
		}
	}
	return failed(l, v)
}

// xpcall gives the error to a function first. It does so after all calls are over, not within them as Lua does: who looks could tell by the
// library debug only, which there is not, and the machine loses variables of functions on that way.
func (r *run) xpcall(l *lua.LState) int {
	f, handler := l.CheckAny(1), l.CheckAny(2)
	l.SetTop(0)
	l.Push(f)
	err := l.PCall(0, lua.MultRet, nil)
	if err == nil {
		l.Insert(lua.LTrue, 1)
		return l.GetTop()
	}
	l.SetTop(0)
	l.Push(handler)
	l.Push(r.caught(err))
	if err := l.PCall(1, 1, nil); err != nil {
		_ = r.caught(err)
		return failed(l, lua.LString("error in error handling"))
	}
	return failed(l, l.Get(-1))
}

func failed(l *lua.LState, v lua.LValue) int {
	l.SetTop(0)
	l.Push(lua.LFalse)
	l.Push(v)
	return 2
}

// caught is what an error is to who has caught it. It is paid for here, where it can be kept: errors are words made by many, some of them with a
// copy of a string of the script's. The run ends at its next instruction if it cannot pay.
func (r *run) caught(err error) lua.LValue {
	r.meter.walk(catchSteps)
	r.meter.look()
	var v lua.LValue = lua.LString(err.Error())
	var api *lua.ApiError
	if errors.As(err, &api) {
		v = api.Object
	}
	if s, ok := v.(lua.LString); ok {
		r.meter.pay(len(s))
	}
	return v
}
