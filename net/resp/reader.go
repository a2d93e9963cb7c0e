package resp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
)

// Redis's own limits on what has no configured one.
const (
	inlineMax        = 64 << 10  // bytes of an inline command or of a length line
	multibulkMax     = 1 << 20   // arguments of a command
	multibulkAuthMax = 10        // the same before AUTH
	bulkAuthMax      = 16384     // bytes of an argument before AUTH
	redisBulkMax     = 512 << 20 // bytes of an argument that Redis takes if it is not told otherwise
)

const (
	chunkMin   = 4 << 10  // first receive buffer of a connection, bytes
	chunkMax   = 64 << 10 // receive buffers grow to this with the traffic
	chunkSpare = 512      // less room than this is not worth a read
	argsKept   = 1024     // longer argument lists are not kept for reuse
	spanBytes  = 40       // of an argument's span and slice
)

// protocolError is a request that cannot be followed by another: the stream has lost its
// frame. The client is told and the connection closed, as Redis does.
type protocolError string

func (e protocolError) Error() string { return "ERR Protocol error: " + string(e) }

// errBulkTooLong is for what Redis would have taken: it begins with the words that clients look for.
func errBulkTooLong(length int64, most int) error {
	return protocolError(fmt.Sprintf("invalid bulk length: the argument has %d bytes and this node takes %d. Not applied: give the nodes a larger --max-value, or send less", length, most))
}

// errQueryTooLarge is one command over QueryBufferMax. Redis closes without a word.
var errQueryTooLarge = errors.New("resp: query buffer limit reached")

// span is where an argument lies, from the start of its command.
type span struct{ from, to int }

// reader parses requests out of the bytes of a connection. Arguments are slices of the
// buffer they arrived in. What it finds does not depend on how the bytes were cut on their
// way: it is a function of the stream (fuzzed).
//
//	buf  [ handed out | start: command being parsed ... pos: not looked at ... len | free ... cap ]
//
// A buffer whose slices were given away (keep) is never written over: when it is full a new
// one takes its place, and only the unfinished command moves.
type reader struct {
	buf   []byte
	start int
	pos   int

	left  int    // arguments of the present command that have not been parsed
	bulk  int    // length of the argument being received, or -1 while its header is awaited
	spans []span // arguments of the present command so far
	args  [][]byte

	shared   bool // somebody holds slices of buf
	chunk    int  // size of the next buffer
	maxBulk  int
	queryMax int
	locked   bool // not authenticated: small limits
	ahead    *ahead
	borrowed int // of that, for the argument being received
	claim    claim

	refused int // length of an argument that is too long, of which most is still to come
}

func newReader(maxBulk, queryMax int) reader {
	return reader{bulk: -1, chunk: chunkMin, maxBulk: maxBulk, queryMax: queryMax}
}

// keep says that the arguments handed out so far are held by somebody else from now on.
func (r *reader) keep() { r.shared = true }

// fill reads once from src. It returns src's error only when no byte came with it.
func (r *reader) fill(src io.Reader) (int, error) {
	if len(r.buf)-r.start > r.queryMax {
		return 0, errQueryTooLarge
	}
	if !r.room() {
		return 0, os.ErrDeadlineExceeded
	}
	free := r.buf[len(r.buf):cap(r.buf)]
	n, err := src.Read(free)
	r.buf = r.buf[:len(r.buf)+n]
	if n == len(free) && r.chunk < chunkMax {
		r.chunk *= 2
	}
	if n > 0 {
		return n, nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return 0, err
}

// room makes room for a read. An unfinished argument lets the buffer grow to its end: at once if all
// connections together may still take so much ahead of what comes, and else by no more than what has been
// received already (and never less than a chunk), so a declared length alone costs next to nothing. A long one waits for room among
// those of all connections; room returns false when that is not to come any more.
func (r *reader) room() bool {
	pending := len(r.buf) - r.start
	if cap(r.args) > argsKept { // nor to a long list of arguments
		r.args = nil
	}
	if pending == 0 && cap(r.buf) > chunkMax { // whoever says nothing more holds on to no large value
		r.buf, r.start, r.pos, r.shared = make([]byte, 0, chunkMin), 0, 0, false
		clear(r.args)
		return true
	}
	if pending == 0 && !r.shared && cap(r.buf) >= r.chunk {
		r.buf, r.start, r.pos = r.buf[:0], 0, 0
		return true
	}
	missing := chunkSpare
	if r.bulk >= 0 {
		missing = r.bulk + 2 - (len(r.buf) - r.pos)
	}
	spent := r.start > 0 && cap(r.buf) > chunkMax // what was claimed for it is given back with the command that it was for
	if free := cap(r.buf) - len(r.buf); free >= min(missing, chunkSpare) && free > 0 && !spent {
		return true
	}
	size := 2 * pending // doubling, so that what is copied stays linear in what has come
	if r.left == 1 && r.bulk >= 0 {
		if whole := pending + missing + chunkSpare; whole <= max(size, r.chunk) || r.borrow(whole-size) { // the end is known
			size = whole
		}
	}
	size = max(min(size, r.queryMax+chunkSpare), r.chunk)
	if size > chunkMax && !r.claim.hold(size+len(r.spans)*spanBytes) {
		return false
	}
	fresh := make([]byte, pending, size)
	copy(fresh, r.buf[r.start:])
	clear(r.args) // they hold on to what they lie in
	r.buf, r.pos, r.start, r.shared = fresh, r.pos-r.start, 0, false
	return true
}

// borrow takes memory for the argument being received, ahead of what comes, and repay gives it back.
func (r *reader) borrow(n int) bool {
	if r.locked || r.borrowed > 0 || !r.ahead.take(n) {
		return false
	}
	r.borrowed = n
	return true
}

func (r *reader) repay() {
	if r.borrowed > 0 {
		r.ahead.give(r.borrowed)
		r.borrowed = 0
	}
}

// forget drops what has come: nothing more is read, but the connection may be there for a while (close), and what it holds is not counted any more.
func (r *reader) forget() {
	clear(r.args[:cap(r.args)])
	r.buf, r.args, r.spans = nil, nil, nil
}

// next returns the arguments of the next command, at least one, or nil when more bytes are
// needed. The list is valid until the following call, the arguments for as long as the
// buffer is kept. After a protocolError nothing more can be parsed.
func (r *reader) next() ([][]byte, error) {
	for {
		if r.left == 0 {
			r.start = r.pos
			if r.pos == len(r.buf) {
				return nil, nil
			}
			if r.buf[r.pos] != '*' {
				args, more, err := r.inline()
				if more || err != nil {
					return nil, err
				}
				if len(args) > 0 {
					return args, nil
				}
				continue
			}
			if more, err := r.multibulk(); more || err != nil {
				return nil, err
			}
			continue
		}
		for r.left > 0 {
			if more, err := r.argument(); more || err != nil {
				return nil, err
			}
		}
		return r.take(), nil
	}
}

// dispatched says that the command that next has returned is carried out, or under way.
func (r *reader) dispatched() {
	if r.claim.lines.Load() {
		r.claim.dispatched()
	}
}

// take turns the spans of a complete command into its arguments.
func (r *reader) take() [][]byte {
	if cap(r.args) > argsKept && len(r.spans) <= argsKept {
		r.args = nil
	}
	r.args = r.args[:0]
	for _, s := range r.spans {
		from, to := r.start+s.from, r.start+s.to
		r.args = append(r.args, r.buf[from:to:to])
	}
	if cap(r.spans) > argsKept {
		r.spans = nil
	}
	return r.args
}

// line finds a header line that ends in \r\n, and the place after it.
func (r *reader) line(tooLong string) (text []byte, after int, err error) {
	rest := r.buf[r.pos:]
	end := bytes.IndexByte(rest, '\r')
	if end > inlineMax || end < 0 && len(rest) > inlineMax {
		return nil, 0, protocolError(tooLong)
	}
	if end < 0 || end+1 >= len(rest) {
		return nil, 0, nil
	}
	return rest[:end], r.pos + end + 2, nil
}

// multibulk parses "*<count>\r\n".
func (r *reader) multibulk() (more bool, err error) {
	text, after, err := r.line("too big mbulk count string")
	if err != nil || after == 0 {
		return true, err
	}
	count, ok := parseInt(text[1:])
	switch {
	case !ok || count > multibulkMax:
		return false, protocolError("invalid multibulk length")
	case count > multibulkAuthMax && r.locked:
		return false, protocolError("unauthenticated multibulk length")
	}
	r.pos, r.spans = after, r.spans[:0]
	r.left, r.bulk = max(0, int(count)), -1
	return false, nil
}

// argument parses "$<length>\r\n<bytes>\r\n". Like Redis it does not look at the last two.
func (r *reader) argument() (more bool, err error) {
	if r.bulk < 0 {
		text, after, err := r.line("too big bulk count string")
		if err != nil || after == 0 {
			return true, err
		}
		if len(text) == 0 || text[0] != '$' {
			return false, protocolError("expected '$', got '" + string(r.buf[r.pos:r.pos+1]) + "'")
		}
		length, ok := parseInt(text[1:])
		switch {
		case !ok || length < 0 || length > max(redisBulkMax, int64(r.maxBulk)):
			return false, protocolError("invalid bulk length")
		case length > int64(r.maxBulk):
			r.refused = int(length)
			return false, errBulkTooLong(length, r.maxBulk)
		case length > bulkAuthMax && r.locked:
			return false, protocolError("unauthenticated bulk length")
		}
		r.pos, r.bulk = after, int(length)
	}
	if len(r.buf)-r.pos < r.bulk+2 {
		return true, nil
	}
	r.repay()
	from := r.pos - r.start
	r.spans = append(r.spans, span{from, from + r.bulk})
	r.pos += r.bulk + 2
	r.bulk = -1
	r.left--
	return false, nil
}

// inline parses a command typed as a line.
func (r *reader) inline() (args [][]byte, more bool, err error) {
	rest := r.buf[r.pos:]
	end := bytes.IndexByte(rest, '\n')
	if end > inlineMax || end < 0 && len(rest) > inlineMax {
		return nil, false, protocolError("too big inline request")
	}
	if end < 0 {
		return nil, true, nil
	}
	line := rest[:end]
	if end > 0 && line[end-1] == '\r' {
		line = line[:end-1]
	}
	r.args, err = splitArgs(line, r.args[:0])
	if err != nil {
		return nil, false, err
	}
	r.pos += end + 1
	return r.args, false, nil
}

// parseInt is Redis's string2ll: decimal, no sign but '-', no leading zeros, no spaces.
func parseInt(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > 20 {
		return 0, false
	}
	if len(b) == 1 && b[0] == '0' {
		return 0, true
	}
	negative := b[0] == '-'
	if negative {
		b = b[1:]
	}
	if len(b) == 0 || b[0] < '1' || b[0] > '9' {
		return 0, false
	}
	var v uint64
	for _, c := range b {
		d := uint64(c - '0')
		if d > 9 || v > (math.MaxUint64-d)/10 {
			return 0, false
		}
		v = v*10 + d
	}
	if negative {
		if v > -math.MinInt64 {
			return 0, false
		}
		return -int64(v), true
	}
	if v > math.MaxInt64 {
		return 0, false
	}
	return int64(v), true
}
