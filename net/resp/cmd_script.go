package resp

import (
	"strings"

	"torc/core/wire"
	"torc/net/script"
)

const (
	errNoScript     = "NOSCRIPT No matching script. Please use EVAL."
	errKeysMany     = "ERR Number of keys can't be greater than number of args"
	errKeysNegative = "ERR Number of keys can't be negative"
	errNotBusy      = "NOTBUSY No scripts in execution right now."
)

// runEval: EVAL script numkeys [key ...] [arg ...], EVALSHA with a script's SHA-1 in its place, and EVAL_RO and EVALSHA_RO, which write nothing.
func runEval(r *request) {
	keys, args, text := r.scriptArguments()
	if text != "" {
		r.fail(text)
		return
	}
	program, text := r.program()
	if text != "" {
		r.fail(text)
		return
	}
	if len(keys) > 0 {
		slot, same := sameSlot(keys)
		switch {
		case !r.ready():
			return
		case !same:
			r.fail(errCrossSlot)
			return
		case r.srv.opts.Redirect && r.redirected(slot, r.shardOf(slot)):
			return
		}
	}
	if r.srv.opts.NewStore == nil {
		r.fail(errUnsupported(r.spec.name))
		return
	}
	e := newEvaluation(r, program, keys, args)
	e.readOnly = program.ReadOnly || strings.HasSuffix(r.spec.name, "_ro")
	e.run()
}

// program finds or compiles the script.
func (r *request) program() (p *script.Program, text string) {
	if strings.HasPrefix(r.spec.name, "evalsha") {
		if p = r.srv.scripts.find(strings.ToLower(string(r.args[1]))); p == nil {
			return nil, errNoScript
		}
		return p, ""
	}
	p, err := r.load(r.args[1])
	if err != nil {
		return nil, "ERR " + err.Error()
	}
	return p, ""
}

// load makes a script known. That may wait for others' scripts: what was asked before it must not wait with it.
func (r *request) load(source []byte) (*script.Program, error) {
	r.lookNow()
	r.pump()
	p, err := r.srv.scripts.load(source, r.patience, r.cut)
	r.now = r.srv.now() // what is left of the batch has not waited for a shard yet
	return p, err
}

// scriptArguments parts the keys from the other arguments.
func (r *request) scriptArguments() (keys, args [][]byte, text string) {
	n, ok := parseInt(r.args[2])
	rest := r.args[3:]
	switch {
	case !ok:
		return nil, nil, errNotInteger
	case n < 0:
		return nil, nil, errKeysNegative
	case n > int64(len(rest)):
		return nil, nil, errKeysMany
	}
	keys, args = rest[:n], rest[n:]
	for _, key := range keys {
		if len(key) > r.srv.opts.MaxKey {
			return nil, nil, errKeyTooLong(r.srv.opts.MaxKey)
		}
	}
	return keys, args, ""
}

// sameSlot is the slot of keys, of which there are some, and whether all have it.
func sameSlot(keys [][]byte) (slot uint16, same bool) {
	slot = wire.Slot(keys[0])
	for _, key := range keys[1:] {
		if wire.Slot(key) != slot {
			return slot, false
		}
	}
	return slot, true
}

func runScriptLoad(r *request) {
	p, err := r.load(r.args[2])
	if err != nil {
		r.fail("ERR " + err.Error())
		return
	}
	r.begin().text(p.SHA)
	r.finish()
}

func runScriptExists(r *request) {
	known := make([]bool, len(r.args)-2)
	for i, sha := range r.args[2:] {
		known[i] = r.srv.scripts.find(strings.ToLower(string(sha))) != nil
	}
	o := r.begin()
	o.array(len(known))
	for _, is := range known {
		if is {
			o.int(1)
		} else {
			o.int(0)
		}
	}
	r.finish()
}

func runScriptFlush(r *request) {
	if len(r.args) > 3 || len(r.args) == 3 && !strings.EqualFold(string(r.args[2]), "ASYNC") && !strings.EqualFold(string(r.args[2]), "SYNC") {
		r.fail("ERR SCRIPT FLUSH only support SYNC|ASYNC option")
		return
	}
	r.srv.scripts.flush()
	r.ok()
}

func runScriptKill(r *request) { r.fail(errNotBusy) }
