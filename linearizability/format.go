package linearizability

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// WriteTo writes a history as text, one operation a line, in the one form that Parse reads
// back to an equal history:
//
//	name client call return kind key [input] outcome [output]
//
//	w1 c1 0 10ms write x value=4 ttl=500ms ok
//	r2 c2 12ms 15ms read x ok value=4 version=7
//	r3 c2 12ms 15ms read y ok absent
//	c4 c1 20ms 25ms cas x expect=4 value=5 ok applied
//	i5 c3 20ms ? increment n delta=1 unknown
//	a6 c3 30ms 35ms append log value="6;" batch=6 ok number=2
//	r7 c3 30ms 35ms read other batch=6 ok absent
//	e8 c0 40ms 40ms evict x removed=7 ok
//
// Times are whole numbers with a unit (s, ms, us; none = ns), "?" is an open end. Strings
// other than plain words are quoted as in Go.
func (h *History) WriteTo(w io.Writer) (n int64, err error) {
	buf := bufio.NewWriter(w)
	for i := range h.Ops {
		m, _ := buf.WriteString(h.Ops[i].String()) // the error stays in buf until Flush
		n += int64(m) + 1
		_ = buf.WriteByte('\n')
	}
	if err := buf.Flush(); err != nil {
		return n, fmt.Errorf("writing a history: %w", err)
	}
	return n, nil
}

// String is the operation's line in a history file.
func (op *Operation) String() string {
	words := []string{op.Name(), "c" + strconv.Itoa(op.Client), formatTime(op.Call), formatTime(op.Return), op.Kind.String(), quoted(op.Key)}
	words = append(words, op.inputWords()...)
	words = append(words, op.Outcome.String())
	if op.Outcome == OK {
		words = append(words, op.outputWords()...)
	}
	return strings.Join(words, " ")
}

func (op *Operation) inputWords() (words []string) {
	switch op.Kind {
	case CAS:
		words = append(words, op.conditionWord())
	case Lease:
		words = append(words, "seen="+strconv.FormatUint(op.In.Version, 10))
	case Fill:
		words = append(words, "lease="+strconv.FormatUint(op.In.Version, 10))
	}
	if op.Kind == Evict {
		words = append(words, "removed="+strconv.FormatUint(op.In.Version, 10))
	}
	if op.Kind.setsWhole() || op.Kind == Append {
		words = append(words, "value="+quoted(op.In.Value))
	}
	if op.Kind == Increment {
		words = append(words, "delta="+strconv.FormatInt(op.In.Delta, 10))
	}
	if op.Kind == Touch || op.Kind == Write && op.In.TTL != 0 {
		words = append(words, "ttl="+formatTime(int64(op.In.TTL)))
	}
	if op.Batch != 0 {
		words = append(words, "batch="+strconv.Itoa(op.Batch))
	}
	return words
}

func (op *Operation) conditionWord() string {
	switch {
	case op.In.ByVersion:
		return "expect-version=" + strconv.FormatUint(op.In.Version, 10)
	case op.In.Expect.Found:
		return "expect=" + quoted(op.In.Expect.Text)
	default:
		return "expect-absent"
	}
}

func (op *Operation) outputWords() (words []string) {
	switch op.Kind {
	case Read, GetDel:
		if op.Out.Value.Found {
			words = append(words, "value="+quoted(op.Out.Value.Text))
		} else {
			words = append(words, "absent")
		}
	case Lease:
		switch {
		case op.Out.Applied:
			words = append(words, "number="+strconv.FormatInt(op.Out.Number, 10))
		case op.Out.Value.Found:
			words = append(words, "value="+quoted(op.Out.Value.Text))
		default:
			words = append(words, "refused")
		}
	case Delete, CAS, SetNX, Touch, Fill:
		if op.Out.Applied {
			words = append(words, "applied")
		} else {
			words = append(words, "refused")
		}
	case Increment, Append:
		words = append(words, "number="+strconv.FormatInt(op.Out.Number, 10))
	}
	if op.Out.Version != 0 {
		words = append(words, "version="+strconv.FormatUint(op.Out.Version, 10))
	}
	return words
}

var units = []struct {
	name string
	size int64
}{
	{"s", int64(time.Second)}, {"ms", int64(time.Millisecond)}, {"us", int64(time.Microsecond)}, {"", 1},
}

// formatTime uses the largest unit that says the time exactly.
func formatTime(ns int64) string {
	if ns == Open {
		return "?"
	}
	if ns == 0 {
		return "0"
	}
	for _, unit := range units {
		if ns%unit.size == 0 {
			return strconv.FormatInt(ns/unit.size, 10) + unit.name
		}
	}
	return strconv.FormatInt(ns, 10)
}

// quoted leaves plain words bare, for the reader's sake. What is bare cannot be mistaken
// for anything else: no space, no quote, no comment sign, not empty.
func quoted(s string) string {
	if s == "" {
		return `""`
	}
	for i := 0; i < len(s); i++ {
		if !plain(s[i]) {
			return strconv.Quote(s)
		}
	}
	return s
}

func plain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_.:;/{},+", c) >= 0
}
