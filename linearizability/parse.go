package linearizability

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// lineMax bounds a line of a history file: a value of 64 MiB, quoted.
const lineMax = 256 << 20

// Parse reads what WriteTo writes. Empty lines and lines that begin with "#" are skipped. It
// is strict: an unknown word, a missing or doubled field, a name whose letter is not its
// kind's, an ID that does not increase are errors, and every error names file:line.
func Parse(r io.Reader, file string) (*History, error) {
	scanner := bufio.NewScanner(r)
	scanner.Buffer(make([]byte, 0, 64<<10), lineMax)
	h := &History{}
	batches := newBatchRule()
	line := 0
	for scanner.Scan() {
		line++
		text := strings.TrimSpace(scanner.Text())
		if text == "" || text[0] == '#' {
			continue
		}
		op, err := parseOperation(text)
		if err == nil && len(h.Ops) > 0 && op.ID <= h.Ops[len(h.Ops)-1].ID {
			err = errOrder
		}
		if err == nil && !batches.admit(&op) {
			err = errBatch
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, line, err)
		}
		h.Ops = append(h.Ops, op)
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("%s:%d: %w", file, line+1, err)
	}
	return h, nil
}

var errShort = errors.New("want: name client call return kind key [input] outcome [output]")

func parseOperation(text string) (op Operation, err error) {
	words, err := split(text)
	if err != nil {
		return op, err
	}
	if len(words) < 7 {
		return op, errShort
	}
	if err := op.parseHead(words[:6]); err != nil {
		return op, err
	}
	input, output := words[6:], []string(nil)
	for i, word := range input {
		outcome := parseName(outcomeNames[:], word)
		if outcome > 0 {
			op.Outcome = Outcome(outcome)
			input, output = input[:i], input[i+1:]
			break
		}
	}
	if op.Outcome == 0 {
		return op, errors.New("no outcome: want ok, failed or unknown")
	}
	if err := op.parseInput(input); err != nil {
		return op, err
	}
	if err := op.parseOutput(output); err != nil {
		return op, err
	}
	return op, op.validate()
}

func (op *Operation) parseHead(words []string) error {
	kind := parseName(kindNames[:], words[4])
	if kind <= 0 {
		return fmt.Errorf("unknown kind %q", words[4])
	}
	op.Kind = Kind(kind)
	var err error
	if words[0][0] != kindLetters[kind] {
		return fmt.Errorf("name %q: the letter of a %s is %q", words[0], op.Kind, kindLetters[kind])
	}
	if op.ID, err = parseNumber(words[0][1:]); err != nil || op.ID < 1 {
		return fmt.Errorf("name %q: want %c and a positive number", words[0], kindLetters[kind])
	}
	if words[1][0] != 'c' {
		return fmt.Errorf("client %q: want c and a number", words[1])
	}
	if op.Client, err = parseNumber(words[1][1:]); err != nil {
		return fmt.Errorf("client %q: want c and a number", words[1])
	}
	if op.Call, err = parseTime(words[2]); err != nil || op.Call == Open {
		return fmt.Errorf("call time %q: want a whole number with s, ms, us or no unit (ns)", words[2])
	}
	if op.Return, err = parseTime(words[3]); err != nil {
		return fmt.Errorf("return time %q: want a whole number with s, ms, us or no unit (ns), or ?", words[3])
	}
	op.Key, err = unquoted(words[5])
	return err
}

// parseName finds a word's number in a table, 0 if it is not there.
func parseName(names []string, word string) int {
	for i, name := range names {
		if name != "" && name == word {
			return i
		}
	}
	return 0
}

// parseNumber is Atoi without its freedoms (a plus sign, leading zeros).
func parseNumber(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || strconv.Itoa(n) != s {
		return 0, fmt.Errorf("not a number: %q", s)
	}
	return n, nil
}

func parseTime(s string) (int64, error) {
	if s == "?" {
		return Open, nil
	}
	end := len(s)
	for end > 0 && (s[end-1] < '0' || s[end-1] > '9') {
		end--
	}
	for _, unit := range units {
		if s[end:] != unit.name {
			continue
		}
		n, err := strconv.ParseInt(s[:end], 10, 64)
		if err != nil {
			return 0, err
		}
		if scaled := n * unit.size; scaled/unit.size == n && scaled != Open {
			return scaled, nil
		}
		return 0, fmt.Errorf("time out of range: %q", s)
	}
	return 0, fmt.Errorf("unknown unit: %q", s)
}

// field is a word of the form name=text, or a name alone.
type field struct {
	name, text string
	valued     bool
}

// fields reads words as fields; each must be allowed and stand once.
func fields(words []string, allowed string) ([]field, error) {
	var list []field
	for _, word := range words {
		var f field
		f.name, f.text, f.valued = strings.Cut(word, "=")
		if !strings.Contains(" "+allowed+" ", " "+f.name+" ") || f.name == "" {
			return nil, fmt.Errorf("unexpected %q: want %s", word, allowed)
		}
		for _, earlier := range list {
			if earlier.name == f.name {
				return nil, fmt.Errorf("%s stands twice", f.name)
			}
		}
		list = append(list, f)
	}
	return list, nil
}

var inputFields = [kindEnd]string{
	Read: "batch", Delete: "batch", GetDel: "batch", Write: "value ttl batch", SetNX: "value batch",
	CAS: "expect expect-absent expect-version value batch", Increment: "delta batch", Append: "value batch", Touch: "ttl batch",
	Lease: "seen batch", Fill: "lease value batch", Evict: "removed",
}

func (op *Operation) parseInput(words []string) error {
	list, err := fields(words, inputFields[op.Kind])
	if err != nil {
		return fmt.Errorf("input of a %s: %w", op.Kind, err)
	}
	seen := 0
	for _, f := range list {
		if f.name != "batch" && (f.name != "ttl" || op.Kind == Touch) {
			seen++ // a batch, and a write's TTL, may be left out
		}
		if err := op.setInput(f); err != nil {
			return err
		}
	}
	if need := inputNeeds[op.Kind]; seen != need {
		return fmt.Errorf("input of a %s: want %d of these fields: %s", op.Kind, need, inputFields[op.Kind])
	}
	return nil
}

var inputNeeds = [kindEnd]int{Write: 1, SetNX: 1, CAS: 2, Increment: 1, Append: 1, Touch: 1, Lease: 1, Fill: 2, Evict: 1}

func (op *Operation) setInput(f field) (err error) {
	if f.valued == (f.name == "expect-absent") {
		return fmt.Errorf("field %s: has a value exactly if it is not expect-absent", f.name)
	}
	switch f.name {
	case "value":
		op.In.Value, err = unquoted(f.text)
	case "expect":
		op.In.Expect.Found = true
		op.In.Expect.Text, err = unquoted(f.text)
	case "expect-version":
		op.In.ByVersion = true
		op.In.Version, err = strconv.ParseUint(f.text, 10, 64)
	case "seen", "lease", "removed":
		op.In.Version, err = strconv.ParseUint(f.text, 10, 64)
	case "delta":
		op.In.Delta, err = strconv.ParseInt(f.text, 10, 64)
	case "batch":
		if op.Batch, err = parseNumber(f.text); err == nil && op.Batch < 1 {
			err = errBatch
		}
	case "ttl":
		var ns int64
		if ns, err = parseTime(f.text); err == nil && ns == Open {
			err = errors.New("want a duration")
		}
		if op.Kind == Write && ns == 0 && err == nil {
			err = errors.New("a write that lives for ever has no ttl field")
		}
		op.In.TTL = time.Duration(ns)
	}
	if err != nil {
		return fmt.Errorf("field %s: %w", f.name, err)
	}
	return nil
}

var outputFields = [kindEnd]string{
	Read: "value absent version", GetDel: "value absent version",
	Write: "version", Delete: "applied refused version", CAS: "applied refused version",
	SetNX: "applied refused version", Touch: "applied refused version",
	Increment: "number version", Append: "number version",
	Lease: "number value refused version", Fill: "applied refused version",
}

func (op *Operation) parseOutput(words []string) error {
	allowed := "nothing"
	if op.Outcome == OK && op.Kind != Evict {
		allowed = outputFields[op.Kind]
	}
	list, err := fields(words, allowed)
	if err != nil {
		return fmt.Errorf("output of a %s that is %s: %w", op.Kind, op.Outcome, err)
	}
	answers := 0
	for _, f := range list {
		if f.name != "version" {
			answers++
		}
		if err := op.setOutput(f); err != nil {
			return err
		}
	}
	if need := strings.Contains(allowed, " version"); need && answers != 1 {
		return fmt.Errorf("output of a %s: want one of these fields: %s", op.Kind, allowed)
	}
	return nil
}

func (op *Operation) setOutput(f field) (err error) {
	bare := f.name == "absent" || f.name == "applied" || f.name == "refused"
	if f.valued == bare {
		return fmt.Errorf("field %s: absent, applied and refused have no value, the others have one", f.name)
	}
	switch f.name {
	case "value":
		op.Out.Value.Found = true
		op.Out.Value.Text, err = unquoted(f.text)
	case "applied":
		op.Out.Applied = true
	case "number":
		op.Out.Number, err = strconv.ParseInt(f.text, 10, 64)
		op.Out.Applied = op.Kind == Lease
	case "version":
		op.Out.Version, err = strconv.ParseUint(f.text, 10, 64)
		if err == nil && op.Out.Version == 0 {
			err = errors.New("version 0 is written by leaving the field out")
		}
	}
	if err != nil {
		return fmt.Errorf("field %s: %w", f.name, err)
	}
	return nil
}

// split cuts a line at spaces that are not inside quotes.
func split(text string) (words []string, err error) {
	for text = strings.TrimLeft(text, " \t"); text != ""; text = strings.TrimLeft(text, " \t") {
		end := 0
		for end < len(text) && text[end] != ' ' && text[end] != '\t' {
			if text[end] != '"' {
				end++
				continue
			}
			prefix, err := strconv.QuotedPrefix(text[end:])
			if err != nil {
				return nil, fmt.Errorf("unfinished quote at %.20s", text[end:])
			}
			end += len(prefix)
		}
		words = append(words, text[:end])
		text = text[end:]
	}
	return words, nil
}

func unquoted(word string) (string, error) {
	if word != "" && word[0] == '"' {
		s, err := strconv.Unquote(word)
		if err != nil {
			return "", fmt.Errorf("bad quoting: %s", word)
		}
		return s, nil
	}
	for i := 0; i < len(word); i++ {
		if !plain(word[i]) {
			return "", fmt.Errorf("must be quoted: %s", word)
		}
	}
	if word == "" {
		return "", errors.New(`empty: write ""`)
	}
	return word, nil
}
