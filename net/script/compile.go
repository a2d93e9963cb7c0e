package script

import (
	"crypto/sha1" // Redis names scripts so; nothing is secured by it
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/parse"
)

const (
	// SourceMost is how many bytes a script may have.
	SourceMost = 256 << 10

	chunkName = "user_script" // as in Redis 7
)

// Program is a script that can be run, by several at a time.
type Program struct {
	SHA      string // its name: the SHA-1 of its source, in hexadecimal
	ReadOnly bool   // it begins with "#!lua flags=no-writes"
	Size     int    // bytes of its source

	proto *lua.FunctionProto
}

// SHA is the name of a script.
func SHA(source []byte) string {
	sum := sha1.Sum(source)
	return hex.EncodeToString(sum[:])
}

// compiling is what Redis says before what is wrong with a script's text.
const compiling = "Error compiling script (new function): "

// Compile makes a program. Its errors are worded for the script's author, as in Redis.
func Compile(source []byte) (p *Program, err error) {
	if len(source) > SourceMost {
		return nil, fmt.Errorf(compiling+"it has more than %d bytes", SourceMost)
	}
	p = &Program{SHA: SHA(source), Size: len(source)}
	text, err := p.shebang(string(source))
	if err != nil {
		return nil, err
	}
	defer func() {
		if r := recover(); r != nil { // parser and compiler have panics of their own for what is beyond them
			p, err = nil, fmt.Errorf(compiling+"%s: %v", chunkName, r)
		}
	}()
	chunk, err := parse.Parse(strings.NewReader(text), chunkName)
	if err != nil {
		return nil, compileError(err)
	}
	if chunk, err = payFor(chunk); err != nil {
		return nil, fmt.Errorf(compiling+"%w", err)
	}
	if p.proto, err = lua.Compile(chunk, chunkName); err != nil {
		return nil, compileError(err)
	}
	trim(p.proto)
	return p, nil
}

// trim gives back what the compiler has kept for more: room for 1024 instructions in each function.
func trim(f *lua.FunctionProto) {
	f.Code, f.DbgSourcePositions = slices.Clone(f.Code), slices.Clone(f.DbgSourcePositions)
	for _, each := range f.FunctionPrototypes {
		trim(each)
	}
}

// badShebang says what is wrong with a script's first line, in Redis's words.
type badShebang string

func (e badShebang) Error() string { return string(e) }

// shebang takes the first line, if it is one, and leaves an empty one in its place.
func (p *Program) shebang(text string) (string, error) {
	if !strings.HasPrefix(text, "#!") {
		return text, nil
	}
	line, rest, _ := strings.Cut(text, "\n")
	words := strings.Fields(line[2:])
	if len(words) == 0 || words[0] != "lua" {
		return "", badShebang("Unexpected engine in script shebang: #!" + strings.Join(words[:min(1, len(words))], ""))
	}
	for _, w := range words[1:] {
		flags, isFlags := strings.CutPrefix(w, "flags=")
		if !isFlags {
			return "", badShebang("Unknown lua shebang option: " + w)
		}
		for _, f := range strings.Split(flags, ",") {
			switch f {
			case "no-writes":
				p.ReadOnly = true
			case "", "allow-oom", "allow-stale", "no-cluster":
			default:
				return "", badShebang("Unexpected flag in script shebang: " + f)
			}
		}
	}
	return "\n" + rest, nil
}

// compileError words an error as Lua does: "user_script:1: what".
func compileError(err error) error {
	var syntax *parse.Error
	if !errors.As(err, &syntax) {
		return fmt.Errorf(compiling+"%s: %s", chunkName, strings.TrimSpace(err.Error()))
	}
	if syntax.Pos.Line == parse.EOF {
		return fmt.Errorf(compiling+"%s: %s near '<eof>'", chunkName, syntax.Message)
	}
	return fmt.Errorf(compiling+"%s:%d: %s near '%s'", chunkName, syntax.Pos.Line, syntax.Message, syntax.Token)
}
