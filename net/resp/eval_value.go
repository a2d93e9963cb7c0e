package resp

import (
	"bytes"
	"strconv"
	"strings"

	"torc/net/script"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// joined is all of an output in one piece.
func joined(o *output) []byte { return bytes.Join(o.pieces(), nil) }

// valueOf reads the first reply of a text in RESP2, or null in RESP3, and returns what follows it.
func valueOf(text string) (v script.Value, rest string, ok bool) {
	line, rest, ok := strings.Cut(text, "\r\n")
	if !ok || line == "" {
		return v, rest, false
	}
	kind, line := line[0], line[1:]
	switch kind {
	case '+':
		return script.Value{Kind: script.Status, Text: line}, rest, true
	case '-':
		return script.Value{Kind: script.Error, Text: line}, rest, true
	case '_':
		return v, rest, true
	}
	n, err := strconv.ParseInt(line, 10, 64)
	switch {
	case err != nil:
		return v, rest, false
	case kind == ':':
		return script.Value{Kind: script.Int, Int: n}, rest, true
	case n < 0:
		return v, rest, true
	case kind == '$':
		if n+2 > int64(len(rest)) {
			return v, rest, false
		}
		return script.Value{Kind: script.Bulk, Text: rest[:n]}, rest[n+2:], true
	case kind == '*':
		return listOf(int(n), rest)
	}
	return v, rest, false
}

func listOf(n int, rest string) (v script.Value, _ string, ok bool) {
	v.Kind = script.List
	for range n {
		var item script.Value
		if item, rest, ok = valueOf(rest); !ok {
			return v, rest, false
		}
		v.List = append(v.List, item)
	}
	return v, rest, true
}
