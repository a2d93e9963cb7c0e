package script

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"torc/core/wire"
	"torc/linearizability"
	"torc/sim"
)

// opWord is an operation as files spell it: what follows the key.
type opWord struct {
	word, usage string
	kind        linearizability.Kind
	read        func(r *reader, op *sim.Op) error
	write       func(op *sim.Op) string
}

// opWords are all operations. Where two share a kind, mine says which one an operation is.
var opWords = []opWord{
	{"get", "get KEY", linearizability.Read, nil, nil},
	{"guard", "guard KEY (its batch is done only if the key is as it was read last)", linearizability.Read, readSeen, func(*sim.Op) string { return "" }},
	{"set", "set KEY VALUE [ttl 500ms]", linearizability.Write, readSet, writeSet},
	{"setnx", "setnx KEY VALUE", linearizability.SetNX, readValue, writeValue},
	{"cas", "cas KEY VALUE if seen, or if version 7 (0: absent)", linearizability.CAS, readCAS, writeCAS},
	{"del", "del KEY", linearizability.Delete, nil, nil},
	{"getdel", "getdel KEY", linearizability.GetDel, nil, nil},
	{"incr", "incr KEY DELTA", linearizability.Increment, readDelta,
		func(op *sim.Op) string { return " " + strconv.FormatInt(op.In.Delta, 10) }},
	{"append", "append KEY TEXT", linearizability.Append, readValue, writeValue},
	{"expire", "expire KEY 500ms", linearizability.Touch, readTTL,
		func(op *sim.Op) string { return fmt.Sprintf(" %v", op.In.TTL) }},
	{"persist", "persist KEY", linearizability.Touch, nil, nil},
	{"lease", "lease KEY (of what was seen last)", linearizability.Lease, readSeen, func(*sim.Op) string { return "" }},
	{"fill", "fill KEY VALUE (under the lease that was granted last)", linearizability.Fill, readFill, writeValue},
}

// wordOf is the word for an operation.
func wordOf(op *sim.Op) *opWord {
	for i := range opWords {
		if w := &opWords[i]; w.kind == op.Kind && (w.read != nil) == wordTakes(op, w.read != nil) {
			return w
		}
	}
	return nil
}

// wordTakes reports whether more than the key is said of an operation; that matters only of kinds with two words.
func wordTakes(op *sim.Op, otherwise bool) bool {
	switch op.Kind {
	case linearizability.Read:
		return op.Seen
	case linearizability.Touch:
		return op.In.TTL != 0
	}
	return otherwise
}

// readCall reads what follows a client's name: [via n2] [atomic] op [; op ...].
func readCall(r *reader, c *sim.Call) error {
	if r.have("via") {
		t, err := readTarget(r)
		if err != nil {
			return fmt.Errorf("via: %w", err)
		}
		c.Via = t
	}
	c.Atomic = r.have("atomic")
	for {
		op, err := readOp(r)
		if err != nil {
			return err
		}
		c.Ops = append(c.Ops, op)
		if !r.have(";") {
			break
		}
	}
	if err := atomicable(c); err != nil {
		return err
	}
	return r.end()
}

// atomicable holds that an atomic batch is one that nodes do as one.
func atomicable(c *sim.Call) error {
	if !c.Atomic {
		return nil
	}
	for i := range c.Ops {
		switch {
		case len(c.Ops) < 2:
			return fmt.Errorf("atomic: a batch has two operations at least, parted by ;")
		case c.Ops[i].Kind != linearizability.Read && c.Ops[i].Kind != linearizability.Append:
			return fmt.Errorf("atomic: a batch is of guard, get and append only")
		case c.Ops[i].Kind == linearizability.Read && c.Ops[i].Seen && i > 0 && !c.Ops[i-1].Seen:
			return fmt.Errorf("atomic: the guards come first, for they are looked at first")
		case wire.Slot([]byte(c.Ops[i].Key)) != wire.Slot([]byte(c.Ops[0].Key)):
			return fmt.Errorf("atomic: %q and %q are not in one slot; give them a hash tag, as in {x}a and {x}b", c.Ops[0].Key, c.Ops[i].Key)
		}
	}
	return nil
}

func readOp(r *reader) (op sim.Op, err error) {
	verb, err := r.take("an operation, such as get x")
	if err != nil {
		return op, err
	}
	for i := range opWords {
		w := &opWords[i]
		if !verb.is(w.word) {
			continue
		}
		op.Kind = w.kind
		key, err := r.take("a key")
		if err != nil {
			return op, fmt.Errorf("%w; write: %s", err, w.usage)
		}
		if op.Key = key.text; w.read != nil {
			if err := w.read(r, &op); err != nil {
				return op, fmt.Errorf("%w; write: %s", err, w.usage)
			}
		}
		return op, readWant(r, &op)
	}
	var names []string
	for _, w := range opWords {
		names = append(names, w.word)
	}
	return op, fmt.Errorf("there is no operation %q; there are %s", verb.text, strings.Join(names, ", "))
}

// readWant reads "-> ok | unknown".
func readWant(r *reader, op *sim.Op) error {
	if !r.have("->") {
		return nil
	}
	for {
		w, err := r.take("what must come of it")
		if err != nil {
			return err
		}
		text := w.text
		if w.quoted {
			text = strconv.Quote(text)
		} else if !wantable(text) {
			return fmt.Errorf("-> wants ok, absent, yes, no, refused, unknown, a number, or a value in quotes, not %q", text)
		}
		if op.Want != "" {
			op.Want += " | "
		}
		op.Want += text
		if !r.have("|") {
			return nil
		}
	}
}

func wantable(text string) bool {
	switch text {
	case "ok", "absent", "yes", "no", "refused", "unknown":
		return true
	}
	_, err := strconv.ParseInt(text, 10, 64)
	return err == nil
}

// writeCall writes a call without its time and client.
func writeCall(c *sim.Call) string {
	var ops []string
	for i := range c.Ops {
		ops = append(ops, writeOp(&c.Ops[i]))
	}
	text := strings.Join(ops, " ; ")
	if c.Atomic {
		text = "atomic " + text
	}
	if c.Via != (sim.Target{}) {
		return fmt.Sprintf("via %v %s", c.Via, text)
	}
	return text
}

// FormatOp is an operation as files spell it.
func FormatOp(op *sim.Op) string { return writeOp(op) }

func writeOp(op *sim.Op) string {
	w := wordOf(op)
	text := w.word + " " + quote(op.Key)
	if w.write != nil {
		text += w.write(op)
	}
	if op.Want != "" {
		text += " -> " + op.Want
	}
	return text
}

func readValue(r *reader, op *sim.Op) error {
	w, err := r.take("a value")
	op.In.Value = w.text
	if err == nil && op.Kind == linearizability.Append && w.text == "" {
		return fmt.Errorf("an append of nothing proves nothing")
	}
	return err
}

func writeValue(op *sim.Op) string { return " " + quote(op.In.Value) }

func readSet(r *reader, op *sim.Op) error {
	if err := readValue(r, op); err != nil || !r.have("ttl") {
		return err
	}
	return readTTL(r, op)
}

func writeSet(op *sim.Op) string {
	if op.In.TTL == 0 {
		return writeValue(op)
	}
	return fmt.Sprintf("%s ttl %v", writeValue(op), op.In.TTL)
}

func readTTL(r *reader, op *sim.Op) (err error) {
	if op.In.TTL, err = readDuration(r); err == nil && op.In.TTL < time.Millisecond {
		err = fmt.Errorf("a time to live has at least a millisecond")
	}
	op.In.TTL = op.In.TTL.Truncate(time.Millisecond)
	return err
}

func readDelta(r *reader, op *sim.Op) error {
	w, err := r.take("a whole number")
	if err != nil {
		return err
	}
	if op.In.Delta, err = strconv.ParseInt(w.text, 10, 64); err != nil {
		return fmt.Errorf("want a whole number, not %q", w.text)
	}
	return nil
}

func readSeen(_ *reader, op *sim.Op) error {
	op.Seen = true
	return nil
}

func readFill(r *reader, op *sim.Op) error {
	op.Seen = true
	return readValue(r, op)
}

func readCAS(r *reader, op *sim.Op) error {
	if err := readValue(r, op); err != nil {
		return err
	}
	op.In.ByVersion = true
	if err := r.must("if"); err != nil {
		return err
	}
	if op.Seen = r.have("seen"); op.Seen {
		return nil
	}
	if err := r.must("version"); err != nil {
		return err
	}
	w, err := r.take("a version")
	if err != nil {
		return err
	}
	if op.In.Version, err = strconv.ParseUint(w.text, 10, 64); err != nil {
		return fmt.Errorf("want a version, a whole number, not %q", w.text)
	}
	return nil
}

func writeCAS(op *sim.Op) string {
	if op.Seen {
		return writeValue(op) + " if seen"
	}
	return fmt.Sprintf("%s if version %d", writeValue(op), op.In.Version)
}
