package replay

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"torc/core/trace"
)

// Where picks events: those that meet all its conditions, "kind=role node=2 term>=5". The zero
// Where, or nil, picks every event.
type Where struct{ conditions []condition }

type condition struct {
	field  *field
	op     string
	number uint64
	text   string // of kind and note
}

// field is a field of an event as expressions know it.
type field struct {
	name    string
	ops     []string
	example string
	read    func(text string) (uint64, error) // nil: its values are text
	number  func(e *trace.Event) uint64
	text    func(e *trace.Event) string
}

var (
	equality = []string{"=", "!="}
	order    = []string{"=", "!=", "<", "<=", ">", ">="}
	inText   = []string{"=", "!=", "~"}
)

// fields are all that there is to ask for. The operators are listed shortest first where one begins
// another, and read longest first.
var fields = []field{
	{name: "kind", ops: equality, example: "kind=role", read: readKind, number: func(e *trace.Event) uint64 { return uint64(e.Kind) }},
	{name: "node", ops: order, example: "node=2 (or n2; c1 is the first client)", read: readNode, number: func(e *trace.Event) uint64 { return uint64(e.Node) }},
	{name: "peer", ops: order, example: "peer=n1", read: readNode, number: func(e *trace.Event) uint64 { return uint64(e.Peer) }},
	{name: "shard", ops: order, example: "shard=1 (0 is the meta group)", read: readNumber, number: func(e *trace.Event) uint64 { return uint64(e.Shard) }},
	{name: "replica", ops: order, example: "replica=4", read: readNumber, number: func(e *trace.Event) uint64 { return uint64(e.Replica) }},
	{name: "term", ops: order, example: "term>=5", read: readNumber, number: func(e *trace.Event) uint64 { return e.Term }},
	{name: "index", ops: order, example: "index=100", read: readNumber, number: func(e *trace.Event) uint64 { return e.Index }},
	{name: "a", ops: order, example: "a=2", read: readNumber, number: func(e *trace.Event) uint64 { return e.A }},
	{name: "b", ops: order, example: "b=17", read: readNumber, number: func(e *trace.Event) uint64 { return e.B }},
	{name: "at", ops: order, example: "at>12.5s", read: readTime, number: func(e *trace.Event) uint64 { return uint64(e.At) }},
	{name: "note", ops: inText, example: `note~"split"`, text: func(e *trace.Event) string { return e.Note }},
}

// ParseWhere reads an expression: conditions parted by spaces.
func ParseWhere(text string) (*Where, error) {
	w := &Where{}
	for rest := strings.TrimSpace(text); rest != ""; rest = strings.TrimSpace(rest) {
		c, left, err := readCondition(rest)
		if err != nil {
			return nil, fmt.Errorf("in %q: %w", text, err)
		}
		w.conditions, rest = append(w.conditions, c), left
	}
	if len(w.conditions) == 0 {
		return nil, fmt.Errorf("an empty expression picks nothing; write conditions, such as %s", "kind=role node=2 term>=5")
	}
	return w, nil
}

func readCondition(text string) (c condition, rest string, err error) {
	end := strings.IndexAny(text, "=!<>~ \t\"")
	if end < 0 {
		end = len(text)
	}
	name := text[:end]
	i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
	if i < 0 {
		return c, "", fmt.Errorf("there is no field %q; there are %s", name, fieldNames())
	}
	c.field = &fields[i]
	rest = text[end:]
	for _, op := range c.field.ops {
		if strings.HasPrefix(rest, op) && len(op) > len(c.op) {
			c.op = op
		}
	}
	if c.op == "" {
		return c, "", fmt.Errorf("%s takes %s after it, as in %s", name, strings.Join(c.field.ops, " "), c.field.example)
	}
	value, rest, err := readValue(rest[len(c.op):])
	if err != nil {
		return c, "", fmt.Errorf("%s: %w", name, err)
	}
	if c.field.read == nil {
		c.text = value
		return c, rest, nil
	}
	if c.number, err = c.field.read(value); err != nil {
		return c, "", fmt.Errorf("%s: %w, as in %s", name, err, c.field.example)
	}
	return c, rest, nil
}

// readValue reads up to the next space, or what stands in quotes.
func readValue(text string) (value, rest string, err error) {
	if !strings.HasPrefix(text, `"`) {
		end := strings.IndexAny(text, " \t")
		if end < 0 {
			end = len(text)
		}
		if end == 0 {
			return "", "", fmt.Errorf("a value is missing")
		}
		return text[:end], text[end:], nil
	}
	quoted, err := strconv.QuotedPrefix(text)
	if err != nil {
		return "", "", fmt.Errorf("the quote %s does not end", text)
	}
	if rest = text[len(quoted):]; rest != "" && rest[0] != ' ' && rest[0] != '\t' {
		return "", "", fmt.Errorf("after %s stands %q; conditions are parted by spaces", quoted, rest)
	}
	value, err = strconv.Unquote(quoted)
	return value, rest, err
}

func readKind(text string) (uint64, error) {
	k, ok := trace.KindNamed(text)
	if !ok {
		return 0, fmt.Errorf("there is no kind %q; there are %s", text, strings.Join(trace.KindNames(), ", "))
	}
	return uint64(k), nil
}

// readNode takes a node's number or name, or a client's name as scenario files spell it.
func readNode(text string) (uint64, error) {
	digits, first := strings.TrimPrefix(text, "n"), uint64(0)
	if client, ok := strings.CutPrefix(text, "c"); ok {
		digits, first = client, clientsFrom-1
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%q names no node", text)
	}
	return first + n, nil
}

func readNumber(text string) (uint64, error) {
	n, err := strconv.ParseUint(text, 0, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is no number", text)
	}
	return n, nil
}

func readTime(text string) (uint64, error) {
	at, err := ParseTime(text)
	return uint64(at), err
}

// ParseTime reads a time of the world: 12.5s, 1m, or seconds without a unit.
func ParseTime(text string) (time.Duration, error) {
	at, err := time.ParseDuration(text)
	if seconds, number := strconv.ParseFloat(text, 64); number == nil && seconds < 1e9 {
		at, err = time.Duration(seconds*1e9), nil
	}
	if err != nil || at < 0 {
		return 0, fmt.Errorf("%q is no time from the start of the run", text)
	}
	return at, nil
}

func fieldNames() string {
	var names []string
	for _, f := range fields {
		names = append(names, f.name)
	}
	return strings.Join(names, ", ")
}

// Match reports whether an event meets every condition.
func (w *Where) Match(e *trace.Event) bool {
	if w == nil {
		return true
	}
	for i := range w.conditions {
		if !w.conditions[i].match(e) {
			return false
		}
	}
	return true
}

func (c *condition) match(e *trace.Event) bool {
	if c.field.text != nil {
		switch have := c.field.text(e); c.op {
		case "=":
			return have == c.text
		case "!=":
			return have != c.text
		default:
			return strings.Contains(have, c.text)
		}
	}
	switch have := c.field.number(e); c.op {
	case "=":
		return have == c.number
	case "!=":
		return have != c.number
	case "<":
		return have < c.number
	case "<=":
		return have <= c.number
	case ">":
		return have > c.number
	default:
		return have >= c.number
	}
}

// String is the expression as ParseWhere reads it.
func (w *Where) String() string {
	if w == nil {
		return ""
	}
	var parts []string
	for i := range w.conditions {
		parts = append(parts, w.conditions[i].String())
	}
	return strings.Join(parts, " ")
}

func (c *condition) String() string {
	value := strconv.FormatUint(c.number, 10)
	switch {
	case c.field.text != nil:
		value = strconv.Quote(c.text)
	case c.field.name == "kind":
		value = trace.Kind(c.number).String()
	case c.field.name == "at":
		value = time.Duration(c.number).String()
	}
	return c.field.name + c.op + value
}
