package resp

import (
	"math"
	"strings"
	"time"

	"torc/core/wire"
)

// ask makes the handler of a command that is one operation on one key, without more
// arguments.
func ask(op wire.Op, render renderer) func(*request) {
	return func(r *request) { r.one(wire.Command{Op: op, Key: r.args[1]}, render) }
}

// lifetime is what the options EX, PX, EXAT, PXAT, KEEPTTL and PERSIST ask for.
type lifetime struct {
	kind wire.TTLKind
	ms   int64
}

// lifetimeOptions are the options that say when a key expires. One may be repeated, as in Redis, and its last number counts;
// two different ones are an error.
type lifetimeOptions struct {
	name string // as it was given, in upper case; empty: none was
	at   int    // the last one's argument
}

// note takes the option that is argument i, which takes a number or does not, and reports whether it may stand there.
func (o *lifetimeOptions) note(r *request, i int, number bool) bool {
	name := strings.ToUpper(string(r.args[i]))
	if o.name != "" && o.name != name || number && i+1 >= len(r.args) {
		return false
	}
	o.name, o.at = name, i
	return true
}

// lifetime is what was asked for. Redis looks at the number only when all options are well formed; fault is the error if it
// is none.
func (o *lifetimeOptions) lifetime(r *request) (l lifetime, fault string) {
	unit := int64(1)
	switch o.name {
	case "":
		return l, ""
	case "KEEPTTL":
		return lifetime{kind: wire.TTLKeep}, ""
	case "PERSIST":
		return lifetime{kind: wire.TTLClear}, ""
	case "EX", "EXAT":
		unit = 1000
	}
	l.kind = wire.TTLRelative
	if len(o.name) == 4 {
		l.kind = wire.TTLAbsolute
	}
	l.ms, fault = r.positiveExpiry(o.at+1, unit, l.kind)
	return l, fault
}

// positiveExpiry parses an expiry that must lie above zero, as SET and GETEX want it, or says what is wrong with it.
func (r *request) positiveExpiry(i int, unit int64, kind wire.TTLKind) (ms int64, fault string) {
	n, ok := parseInt(r.args[i])
	if !ok {
		return 0, errNotInteger
	}
	if n <= 0 {
		return 0, codeText(wire.CodeInvalidExpire, r.spec.name)
	}
	return r.scaleExpiry(n, unit, kind)
}

// scaleExpiry turns a number of units into milliseconds and refuses what leaves the range of
// a time.
func (r *request) scaleExpiry(n, unit int64, kind wire.TTLKind) (ms int64, fault string) {
	fits := n <= math.MaxInt64/unit && n >= math.MinInt64/unit
	if fits {
		n *= unit
		fits = kind == wire.TTLAbsolute || n <= math.MaxInt64-time.Now().UnixMilli()
	}
	if !fits {
		return 0, codeText(wire.CodeInvalidExpire, r.spec.name)
	}
	return n, ""
}

// runSet: SET key value [NX|XX] [GET] [EX s|PX ms|EXAT s|PXAT ms|KEEPTTL]
func runSet(r *request) {
	cmd := wire.Command{Op: wire.OpSet, Key: r.args[1], Value: r.args[2]}
	var expiry lifetimeOptions
	for i := 3; i < len(r.args); i++ {
		fits := true
		switch strings.ToUpper(string(r.args[i])) {
		case "NX":
			cmd.Flags |= wire.FlagNX
		case "XX":
			cmd.Flags |= wire.FlagXX
		case "GET":
			cmd.Flags |= wire.FlagGet
		case "KEEPTTL":
			fits = expiry.note(r, i, false)
		case "EX", "PX", "EXAT", "PXAT":
			fits = expiry.note(r, i, true)
			i++
		default:
			fits = false
		}
		if !fits || cmd.Flags&wire.FlagNX != 0 && cmd.Flags&wire.FlagXX != 0 {
			r.fail(errSyntax)
			return
		}
	}
	l, fault := expiry.lifetime(r)
	if fault != "" {
		r.fail(fault)
		return
	}
	cmd.TTLKind, cmd.TTL = l.kind, l.ms
	r.one(cmd, replyValue)
}

// runGetEx: GETEX key [EX s|PX ms|EXAT s|PXAT ms|PERSIST]. Without an option it is a read.
func runGetEx(r *request) {
	var expiry lifetimeOptions
	for i := 2; i < len(r.args); i++ {
		fits := false
		switch strings.ToUpper(string(r.args[i])) {
		case "PERSIST":
			fits = expiry.note(r, i, false)
		case "EX", "PX", "EXAT", "PXAT":
			fits = expiry.note(r, i, true)
			i++
		}
		if !fits {
			r.fail(errSyntax)
			return
		}
	}
	cmd := wire.Command{Op: wire.OpGetExpire, Key: r.args[1]}
	l, fault := expiry.lifetime(r)
	switch {
	case fault != "":
		r.one(wire.Command{Op: wire.OpGet, Key: r.args[1]}, replyFault(fault))
		return
	case l.kind == wire.TTLNone:
		cmd.Op = wire.OpGet
	}
	cmd.TTLKind, cmd.TTL = l.kind, l.ms
	r.one(cmd, replyValue)
}

func runGetSet(r *request) {
	r.one(wire.Command{Op: wire.OpSet, Flags: wire.FlagGet, Key: r.args[1], Value: r.args[2]}, replyValue)
}

func runSetNX(r *request) {
	r.one(wire.Command{Op: wire.OpSet, Flags: wire.FlagNX, Key: r.args[1], Value: r.args[2]}, replyDone)
}

// setExpiring makes SETEX and PSETEX: key, time to live, value.
func setExpiring(unit int64) func(*request) {
	return func(r *request) {
		ms, fault := r.positiveExpiry(2, unit, wire.TTLRelative)
		if fault != "" {
			r.fail(fault)
			return
		}
		r.one(wire.Command{
			Op: wire.OpSet, TTLKind: wire.TTLRelative, TTL: ms, Key: r.args[1], Value: r.args[3],
		}, replyValue)
	}
}

func runMGet(r *request) {
	if !r.ready() || !r.routed() {
		return
	}
	keys := r.args[1:]
	if len(keys) <= lookMost && r.into == nil && r.lookAll(keys) {
		return
	}
	if r.hopeless(elementBytes * len(keys)) {
		r.fail(refusals[wire.ReasonTooLarge])
		return
	}
	if !r.roomForKeys(len(keys)) {
		return
	}
	r.spread(&valuesJob{tally: tally{command: r.spec.name}, values: make([][]byte, len(keys))}, len(keys), func(i int) wire.Command {
		return wire.Command{Op: wire.OpGet, Key: keys[i]}
	})
}

// runMSet sets every pair. Those on one shard are set together; across shards another client
// may see some set and others not yet.
func runMSet(r *request) {
	if len(r.args)%2 == 0 {
		r.fail(errArity(r.spec.name))
		return
	}
	if len(r.args) == 3 {
		r.one(wire.Command{Op: wire.OpSet, Key: r.args[1], Value: r.args[2]}, replyValue)
		return
	}
	if !r.ready() || !r.routed() {
		return
	}
	pairs := r.args[1:]
	if !r.roomForKeys(len(pairs) / 2) {
		return
	}
	r.spread(&okJob{tally{command: r.spec.name, write: true}}, len(pairs)/2, func(i int) wire.Command {
		return wire.Command{Op: wire.OpSet, Key: pairs[2*i], Value: pairs[2*i+1]}
	})
}

func runAppend(r *request) {
	r.one(wire.Command{Op: wire.OpAppend, Key: r.args[1], Value: r.args[2]}, replyInt)
}

// runGetRange: GETRANGE key start end, ends included, negative ones counted from the end.
func runGetRange(r *request) {
	start, ok := r.number(2)
	if !ok {
		return
	}
	end, ok := r.number(3)
	if !ok {
		return
	}
	r.one(wire.Command{Op: wire.OpGetRange, Key: r.args[1], Start: start, End: end}, replyBytes)
}

// runSetRange: SETRANGE key offset value. An empty value changes nothing and creates nothing:
// it is a question for the length.
func runSetRange(r *request) {
	offset, ok := r.number(2)
	switch {
	case !ok:
	case offset < 0:
		r.fail(errOffset)
	case len(r.args[3]) == 0:
		r.one(wire.Command{Op: wire.OpStrLen, Key: r.args[1]}, replyInt)
	case offset > int64(r.srv.opts.MaxValue-len(r.args[3])):
		r.fail(errTooLong)
	default:
		r.one(wire.Command{Op: wire.OpSetRange, Key: r.args[1], Start: offset, Value: r.args[3]}, replyInt)
	}
}

// increment makes INCR and DECR.
func increment(delta int64) func(*request) {
	return func(r *request) {
		r.one(wire.Command{Op: wire.OpIncr, Key: r.args[1], Delta: delta}, replyInt)
	}
}

// incrementBy makes INCRBY and DECRBY.
func incrementBy(negate bool) func(*request) {
	return func(r *request) {
		delta, ok := r.number(2)
		if !ok {
			return
		}
		if negate {
			if delta == math.MinInt64 {
				r.fail("ERR decrement would overflow")
				return
			}
			delta = -delta
		}
		r.one(wire.Command{Op: wire.OpIncr, Key: r.args[1], Delta: delta}, replyInt)
	}
}

func runIncrByFloat(r *request) {
	r.one(wire.Command{Op: wire.OpIncrFloat, Key: r.args[1], Value: r.args[2]}, replyValue)
}
