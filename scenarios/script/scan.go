package script

import (
	"fmt"
	"strconv"
	"strings"
)

// word is a piece of a line: bare, or quoted as in Go.
type word struct {
	text   string
	quoted bool
}

// is says that a word is bare and reads so: a quoted "for" is a value, not the word for.
func (w word) is(text string) bool { return !w.quoted && w.text == text }

// scan parts a line into words. What follows a bare # is a comment. The signs ; | , and -> are
// words of their own.
func scan(line string) (words []word, err error) {
	for {
		line = strings.TrimLeft(line, " \t\r")
		switch {
		case line == "" || line[0] == '#':
			return words, nil
		case line[0] == '"':
			quoted, err := strconv.QuotedPrefix(line)
			if err != nil {
				return nil, fmt.Errorf("a quoted value does not end, or is not spelled as in Go: %s", line)
			}
			text, _ := strconv.Unquote(quoted)
			words, line = append(words, word{text, true}), line[len(quoted):]
		case strings.HasPrefix(line, "->"):
			words, line = append(words, word{text: "->"}), line[2:]
		case strings.IndexByte(";|", line[0]) >= 0:
			words, line = append(words, word{text: line[:1]}), line[1:]
		default:
			end := strings.IndexAny(line, " \t\r\";|")
			if end < 0 {
				end = len(line)
			}
			words, line = append(words, word{text: line[:end]}), line[end:]
		}
	}
}

// quote writes a value so that scan reads it back as one word.
func quote(s string) string {
	bare := s != "" && s != "->" && s[0] != '#' && !strings.HasPrefix(s, "->")
	for i := range len(s) {
		bare = bare && s[i] > ' ' && s[i] < 0x7f && strings.IndexByte("\"';|\\", s[i]) < 0
	}
	if bare {
		return s
	}
	return strconv.Quote(s)
}

// reader takes a line's words one after the other.
type reader struct {
	words []word
	next  int
}

func (r *reader) left() bool { return r.next < len(r.words) }

// take is the next word, or an error that says what should have stood there.
func (r *reader) take(want string) (word, error) {
	if !r.left() {
		return word{}, fmt.Errorf("the line ends where %s should stand", want)
	}
	r.next++
	return r.words[r.next-1], nil
}

// have takes a bare word if it is the next one.
func (r *reader) have(text string) bool {
	if r.left() && r.words[r.next].is(text) {
		r.next++
		return true
	}
	return false
}

// must takes a bare word that has to be there.
func (r *reader) must(text string) error {
	if r.have(text) {
		return nil
	}
	return fmt.Errorf("want %q%s", text, r.instead())
}

// end holds that nothing is left.
func (r *reader) end() error {
	if r.left() {
		return fmt.Errorf("%q is more than the line should hold", r.words[r.next].text)
	}
	return nil
}

// instead says what stands where something else should.
func (r *reader) instead() string {
	if !r.left() {
		return ", but the line ends"
	}
	return fmt.Sprintf(", not %q", r.words[r.next].text)
}
