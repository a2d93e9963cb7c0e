package resp

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"torc/core/wire"
	"torc/net/script"
)

// copies is what a script works on: its keys as they were read, in a store of its own, so that commands do there what they do in a shard. What it has written
// is kept as it was asked for: done again where the keys are the same, it comes to the same.
type copies struct {
	*evaluation
	store   Store
	now     int64           // Unix milliseconds, by the shard's leader's clock if that is known
	touched map[string]bool // keys that the script has used
	writes  []wire.Command
	bytes   int // of them
}

// wantsKey ends a run: the script uses a key that was not read.
type wantsKey string

func (wantsKey) Error() string { return "the script uses a key that was not read" }

func newCopies(e *evaluation) *copies {
	c := &copies{evaluation: e, now: time.Now().UnixMilli(), touched: make(map[string]bool)}
	if e.slot != noSlot { // else it has no keys
		c.store = e.srv.opts.NewStore(uint16(e.slot))
	}
	results := e.job.results
	for i := range e.order {
		if ttl, at := results[partsOfKey*i+1].Int, results[partsOfKey*i+2].Int; ttl > 0 && at > 0 {
			c.now = at - ttl
			break
		}
	}
	var sets []wire.Command
	for i, key := range e.order {
		r := results[partsOfKey*i : partsOfKey*(i+1)]
		if r[0].Kind != wire.KindBytes {
			continue
		}
		set := wire.Command{Op: wire.OpSet, Key: key, Value: r[0].Value}
		if r[2].Int > 0 {
			set.TTLKind, set.TTL = wire.TTLAbsolute, r[2].Int
		}
		sets = append(sets, set)
	}
	c.apply(sets)
	return c
}

// apply does commands to the copies.
func (c *copies) apply(commands []wire.Command) []wire.Result {
	if len(commands) == 0 {
		return nil
	}
	return c.store.Apply(&wire.Batch{Time: c.now, Requests: []wire.Request{{Commands: commands}}})[0].Results
}

// answerMost is how many bytes the values may have that one command answers with. More is more than a script may have (script.Limits), and MGET of one key
// a thousand times is short.
const answerMost = 64 << 20

// answers applies a command's parts. What only reads is read part by part: no answer must come to more than may be before anybody counts it.
func (c *copies) answers(commands []wire.Command) (results []wire.Result, err error) {
	for i := range commands {
		if commands[i].Op.IsWrite() || commands[i].Op == wire.OpGuard {
			return c.apply(commands), nil
		}
	}
	bytes := 0
	for i := range commands {
		results = append(results, c.apply(commands[i:i+1])...)
		if bytes += len(results[i].Value); bytes > answerMost {
			return nil, script.ErrMemory
		}
	}
	return results, nil
}

// guards says what the script's writes depend on: the keys that it has used, as they were read.
func (c *copies) guards() (list []wire.Command) {
	for i, key := range c.order {
		if c.touched[string(key)] {
			list = append(list, wire.Command{Op: wire.OpGuard, Key: key, Version: c.job.results[partsOfKey*i].Version})
		}
	}
	return list
}

// Log takes what a script says.
func (c *copies) Log(level int, text string) {
	levels := [...]slog.Level{slog.LevelDebug, slog.LevelDebug, slog.LevelInfo, slog.LevelWarn}
	c.srv.log.Log(context.Background(), levels[level], "a script says", slog.String("text", text), slog.String("script", c.program.SHA))
}

// Words of Redis for what a script may not call.
const (
	errScriptUnknown  = "ERR Unknown Redis command called from script"
	errScriptArity    = "ERR Wrong number of args calling Redis command from script"
	errScriptNot      = "ERR This Redis command is not allowed from script"
	errScriptReads    = "ERR Write commands are not allowed from read-only scripts."
	errScriptNonLocal = "ERR Script attempted to access a non local key in a cluster node"
	errScriptNoKeys   = "ERR Script attempted to access a key, but was given none: name its keys in KEYS"
)

// Call is redis.call.
func (c *copies) Call(args [][]byte) (script.Value, error) {
	spec, text := c.callable(args)
	if text != "" {
		return script.Value{Kind: script.Error, Text: text}, nil
	}
	if spec.name == "time" {
		return timeValue(c.now), nil
	}
	if key, missing := c.touch(spec, args); missing {
		return script.Value{}, wantsKey(key)
	}
	e := &element{queued: queued{spec: spec, args: args}, exec: &execJob{}, proto: resp2}
	e.run(c.request)
	results, err := c.answers(e.exec.commands)
	if err != nil {
		return script.Value{}, err
	}
	for i := range results {
		cmd := &e.exec.commands[i]
		e.take(c.conn, ref{index: e.exec.asked[i].index}, cmd, &results[i], nil)
		if text := c.keep(cmd, &results[i]); text != "" {
			return script.Value{}, errors.New(text)
		}
	}
	var o output
	e.reply(&o)
	return parseValue(&o)
}

// callable finds a command that scripts may call with such arguments, or says why there is none.
func (c *copies) callable(args [][]byte) (spec *command, text string) {
	spec = lookup(args[0])
	switch {
	case spec == nil:
		return nil, errScriptUnknown
	case spec.group == "unsupported":
		return nil, errUnsupported(spec.name)
	case len(spec.sub) > 0 && len(args) > 1 && spec.subcommand(args[1]) != nil:
		spec = spec.subcommand(args[1])
	}
	for _, a := range args {
		if len(a) > c.srv.opts.MaxValue {
			return nil, errTooLong
		}
	}
	switch {
	case !spec.takes(len(args)):
		return nil, errScriptArity
	case spec.has("noscript") || spec.first == 0 && !freeOfKeys(spec.name):
		return nil, errScriptNot
	case c.readOnly && spec.has("write"):
		return nil, errScriptReads
	case spec.first == 0:
		return spec, ""
	}
	return spec, c.unfitKeys(spec, args)
}

// freeOfKeys are the commands without keys that scripts may call. What others tell is of many shards, or changes by itself.
func freeOfKeys(name string) bool {
	switch name {
	case "ping", "echo", "time", "select":
		return true
	}
	return false
}

// unfitKeys says what is wrong with a command's keys.
func (c *copies) unfitKeys(spec *command, args [][]byte) string {
	for i, last := spec.keyRange(len(args)); i <= last; i += spec.step {
		switch {
		case len(args[i]) > c.srv.opts.MaxKey:
			return errKeyTooLong(c.srv.opts.MaxKey)
		case c.slot == noSlot:
			return errScriptNoKeys
		case int(wire.Slot(args[i])) != c.slot:
			return errScriptNonLocal
		}
	}
	return ""
}

// touch notes which keys are used, or finds one that was not read.
func (c *copies) touch(spec *command, args [][]byte) (key []byte, missing bool) {
	if spec.first == 0 {
		return nil, false
	}
	for i, last := spec.keyRange(len(args)); i <= last; i += spec.step {
		if _, ok := c.known[string(args[i])]; !ok {
			return args[i], true
		}
		c.touched[string(args[i])] = true
	}
	return nil, false
}

// keep notes a write that had an effect.
func (c *copies) keep(cmd *wire.Command, res *wire.Result) (text string) {
	if !cmd.Op.IsWrite() || !hadEffect(cmd, res) {
		return ""
	}
	c.writes = append(c.writes, *cmd)
	c.bytes += len(cmd.Key) + len(cmd.Value)
	if o := &c.srv.opts; len(c.writes)+len(c.order) > o.shardKeysMost() || c.bytes > o.transactionMost() {
		return "the script writes more than a request may have"
	}
	return ""
}

// hadEffect is false for writes that have surely changed nothing.
func hadEffect(cmd *wire.Command, res *wire.Result) bool {
	switch {
	case res.Kind == wire.KindError:
		return false
	case cmd.Op == wire.OpSet:
		return res.Kind != wire.KindNil || cmd.Flags&wire.FlagGet != 0
	case cmd.Op == wire.OpDelete || cmd.Op == wire.OpExpire || cmd.Op == wire.OpPersist:
		return res.Int != 0
	case cmd.Op == wire.OpGetDelete || cmd.Op == wire.OpGetExpire:
		return res.Kind != wire.KindNil
	}
	return true
}

func timeValue(now int64) script.Value {
	return script.Value{Kind: script.List, List: []script.Value{
		{Kind: script.Bulk, Text: itoa(now / 1000)}, {Kind: script.Bulk, Text: itoa(now % 1000 * 1000)},
	}}
}

// parseValue reads a reply as a script's value.
func parseValue(o *output) (script.Value, error) {
	text := string(joined(o))
	v, rest, ok := valueOf(text)
	if !ok || rest != "" {
		return script.Value{}, errors.New("a reply could not be read: " + strings.TrimSpace(text))
	}
	return v, nil
}
