package script

import (
	"errors"
	"fmt"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// Sizes of the machine, in values and calls that wait for another.
const (
	registerFirst = 256
	registerMost  = 64 << 10
	callsMost     = 200 // as many as Lua allows from C; each of ours is a call of Go's
)

func init() {
	// An array takes room for all places before its last one: t[67108863] = 1 would be a gigabyte. Other keys have places of their own.
	lua.MaxArrayIndex = 1 << 20
}

// run is one run of a program.
type run struct {
	*meter
	program *Program
	host    Host
	stopped error // by the host
	random  drand48

	keys, args  [][]byte
	all         int         // steps that there were
	names       *lua.LTable // what the script has used so far (world.go)
	outer, over *lua.LTable // what it sees of that, and of strings
}

// Raised is an error that a script has raised, and has not caught.
type Raised struct{ Text string }

func (r *Raised) Error() string { return r.Text }

// Run runs the program. It returns what the script returns, or *Raised, or what has ended it: ErrSteps, ErrTime, ErrMemory, or the Host's error.
func (p *Program) Run(host Host, keys, args [][]byte, limits Limits) (v Value, err error) {
	r := &run{meter: newMeter(limits), program: p, host: host, keys: keys, args: args}
	r.all = r.steps
	defer func() {
		if caught := recover(); caught != nil {
			v, err = Value{}, fmt.Errorf("%s: %v", chunkName, caught)
		}
	}()
	l := lua.NewState(lua.Options{
		CallStackSize: callsMost, RegistrySize: registerFirst, RegistryMaxSize: registerMost, RegistryGrowStep: registerMost / 64,
		SkipOpenLibs: true, MinimizeStackMemory: true,
	})
	defer l.Close()
	f := l.NewFunctionFromProto(p.proto)
	r.open(l)
	f.Env = r.outer
	l.SetContext(r.meter)
	l.Push(f)
	failed := l.PCall(0, 1, nil)
	if r.fault != nil {
		return Value{}, r.cause()
	}
	if failed != nil {
		return Value{}, &Raised{Text: r.raised(failed)}
	}
	v = r.toValue(l.Get(-1), 0)
	if r.fault != nil {
		return Value{}, r.cause()
	}
	return v, nil
}

// cause is why the run was ended.
func (r *run) cause() error {
	if errors.Is(r.fault, ErrStopped) && r.stopped != nil {
		return r.stopped
	}
	return r.fault
}

// pay pays for bytes, or ends the run.
func (r *run) pay(l *lua.LState, n int) {
	if !r.meter.pay(n) {
		l.RaiseError("%s", r.fault.Error())
	}
}

// walk pays for steps, or ends the run.
func (r *run) walk(l *lua.LState, n int) {
	if !r.meter.walk(n) {
		l.RaiseError("%s", r.fault.Error())
	}
}

// raised words an error that the script has not caught, as Redis does.
func (r *run) raised(err error) string {
	what, line := "unknown error", ""
	var api *lua.ApiError
	if !errors.As(err, &api) {
		what = err.Error()
	} else {
		switch o := api.Object.(type) {
		case *lua.LTable:
			if s, ok := o.RawGetString("err").(lua.LString); ok {
				line, _ = strings.CutPrefix(text(o.RawGetString("line")), "nil")
				return string(s) + r.where(line)
			}
		case lua.LString:
			what, line = strings.TrimSpace(string(o)), lineOf(string(o))
		}
	}
	return "ERR " + what + r.where(line)
}

// where names the script and a line of it.
func (r *run) where(line string) string {
	if line != "" {
		line = ":" + line
	}
	return " script: " + r.program.SHA + ", on @" + chunkName + line + "."
}

func (r *run) list(l *lua.LState, items [][]byte) *lua.LTable {
	t := l.CreateTable(len(items), 0)
	for _, item := range items {
		t.Append(lua.LString(item))
	}
	return t
}

// lib makes a table of functions.
func lib(l *lua.LState, functions map[string]lua.LGFunction) *lua.LTable {
	t := l.NewTable()
	for name, f := range functions {
		t.RawSetString(name, l.NewFunction(f))
	}
	return t
}
