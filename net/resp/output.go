package resp

import (
	"net"
	"slices"
	"strconv"
	"strings"

	"torc/core/wire"
	"torc/net/buffers"
)

// bigValue is the size from which a value is sent from where it lies instead of being copied
// behind the other replies.
const bigValue = 16 << 10

// bufferKept is the largest output buffer that is kept for reuse.
const bufferKept = 64 << 10

// Protocol versions.
const (
	resp2 = 2
	resp3 = 3
)

// output gathers replies: an open buffer, and before it the segments that are sealed because
// a big value, which is not copied, had to come between.
type output struct {
	sealed [][]byte
	bytes  int // in sealed
	buf    []byte
	lent   []*[]byte // what big values were copied to (own): goes back when everything is written
}

func (o *output) len() int    { return o.bytes + len(o.buf) }
func (o *output) empty() bool { return o.len() == 0 }

// move appends everything in from and leaves it empty, with its buffer.
func (o *output) move(from *output) {
	if len(from.sealed) == 0 {
		o.buf = append(o.buf, from.buf...)
	} else {
		o.seal()
		o.sealed = append(o.sealed, from.sealed...)
		o.bytes += from.bytes
		o.buf = append(o.buf, from.buf...)
	}
	o.lent = append(o.lent, from.lent...)
	from.reset()
}

// own copies what a look has found, if it is sent from where it lies: that is after the look. The copy is the output's until all of it is written, and lies in
// memory that others use after it: to copy to memory that nobody has touched yet takes three times as long, and Go's collector would give it out and take it
// back for each value.
func (o *output) own(res *wire.Result) {
	switch n := len(res.Value); {
	case n < bigValue:
	case n > buffers.Most:
		res.Value = slices.Clone(res.Value)
	default:
		b := buffers.Pool.Get(n)
		o.lent = append(o.lent, b)
		copy(*b, res.Value)
		res.Value = *b
	}
}

// written gives back the memory of big values, when nobody reads it any more, and forgets everything else.
func (o *output) written() {
	o.repay(0)
	o.reset()
}

// repay gives back what was lent, but for the first.
func (o *output) repay(kept int) {
	for _, b := range o.lent[kept:] {
		buffers.Pool.Put(b)
	}
	clear(o.lent[kept:])
	o.lent = o.lent[:kept]
}

// mark is a place in the output, for rewind.
type mark struct{ sealed, bytes, buf, lent int }

func (o *output) mark() mark { return mark{len(o.sealed), o.bytes, len(o.buf), len(o.lent)} }

// rewind takes away what came after a mark.
func (o *output) rewind(m mark) {
	if len(o.sealed) > m.sealed {
		o.buf = nil
		if m.buf > 0 {
			o.buf = o.sealed[m.sealed] // what was open then was sealed first
		}
	}
	o.buf = o.buf[:m.buf]
	clear(o.sealed[m.sealed:])
	o.sealed, o.bytes = o.sealed[:m.sealed], m.bytes
	o.repay(m.lent)
}

// after puts what is left of another output, when n bytes of it are written, before everything else.
func (o *output) after(from *output, n int) {
	o.bytes += from.len() - n
	o.lent = append(o.lent, from.lent...)
	var rest [][]byte
	for _, b := range from.pieces() {
		if n >= len(b) {
			n -= len(b)
			continue
		}
		rest = append(rest, b[n:])
		n = 0
	}
	o.sealed = append(rest, o.sealed...)
}

// pieces lists everything, in its order.
func (o *output) pieces() [][]byte {
	if len(o.buf) == 0 {
		return o.sealed
	}
	return append(o.sealed[:len(o.sealed):len(o.sealed)], o.buf)
}

// reset forgets everything but a buffer of ordinary size. What was lent is left to Go's collector: somebody may still read it.
func (o *output) reset() {
	o.sealed, o.bytes, o.lent = nil, 0, nil
	if cap(o.buf) > bufferKept {
		o.buf = nil
	}
	o.buf = o.buf[:0]
}

func (o *output) seal() {
	if len(o.buf) > 0 {
		o.sealed = append(o.sealed, o.buf)
		o.bytes += len(o.buf)
		o.buf = nil
	}
}

// buffersWriter is a connection (net/sock) that has a way of its own to write several pieces.
type buffersWriter interface {
	WriteBuffers(b *net.Buffers) (int64, error)
}

// writeTo writes everything, with one Write when no big value is among it.
func (o *output) writeTo(nc net.Conn) error {
	if len(o.sealed) == 0 {
		_, err := nc.Write(o.buf)
		return err
	}
	buffers := net.Buffers(o.pieces())
	if w, ok := nc.(buffersWriter); ok {
		_, err := w.WriteBuffers(&buffers)
		return err
	}
	_, err := buffers.WriteTo(nc)
	return err
}

// tryWrite writes what the connection takes at once, and returns how much that was.
func (o *output) tryWrite(nc tryWriter) int {
	if len(o.sealed) == 0 {
		return nc.TryWrite(o.buf)
	}
	return nc.TryWriteBuffers(o.pieces())
}

func (o *output) header(kind byte, n int64) {
	o.buf = append(o.buf, kind)
	o.buf = strconv.AppendInt(o.buf, n, 10)
	o.buf = append(o.buf, '\r', '\n')
}

func (o *output) raw(s string) { o.buf = append(o.buf, s...) }

// simple writes a status, such as OK.
func (o *output) simple(s string) {
	o.buf = append(o.buf, '+')
	o.buf = append(o.buf, s...)
	o.buf = append(o.buf, '\r', '\n')
}

// fail writes an error. It may quote what the client sent: line ends at its end are left out, one within it becomes a space, as in Redis.
func (o *output) fail(s string) {
	s = strings.TrimRight(s, "\r\n")
	o.buf = append(o.buf, '-')
	for i := range len(s) {
		c := s[i]
		if c == '\r' || c == '\n' {
			c = ' '
		}
		o.buf = append(o.buf, c)
	}
	o.buf = append(o.buf, '\r', '\n')
}

func (o *output) int(n int64) { o.header(':', n) }

func (o *output) bulk(v []byte) {
	o.header('$', int64(len(v)))
	if len(v) >= bigValue {
		o.seal()
		o.sealed = append(o.sealed, v)
		o.bytes += len(v)
	} else {
		o.buf = append(o.buf, v...)
	}
	o.buf = append(o.buf, '\r', '\n')
}

func (o *output) text(s string) {
	o.header('$', int64(len(s)))
	o.buf = append(o.buf, s...)
	o.buf = append(o.buf, '\r', '\n')
}

// verbatim writes text for people: a verbatim string in RESP3, a bulk string in RESP2.
func (o *output) verbatim(proto int, s string) {
	if proto < resp3 {
		o.text(s)
		return
	}
	o.header('=', int64(len(s)+4))
	o.raw("txt:")
	o.raw(s)
	o.raw("\r\n")
}

func (o *output) null(proto int) {
	if proto < resp3 {
		o.raw("$-1\r\n")
	} else {
		o.raw("_\r\n")
	}
}

// nullArray is what EXEC answers when a watched key was changed.
func (o *output) nullArray(proto int) {
	if proto < resp3 {
		o.raw("*-1\r\n")
	} else {
		o.null(proto)
	}
}

func (o *output) array(n int) { o.header('*', int64(n)) }

// dict opens a map of n pairs: in RESP2 a flat array.
func (o *output) dict(proto, n int) {
	if proto < resp3 {
		o.header('*', int64(2*n))
	} else {
		o.header('%', int64(n))
	}
}

// set opens a set: in RESP2 an array.
func (o *output) set(proto, n int) {
	if proto < resp3 {
		o.header('*', int64(n))
	} else {
		o.header('~', int64(n))
	}
}

// statuses writes a set of simple strings.
func (o *output) statuses(proto int, words []string) {
	o.set(proto, len(words))
	for _, w := range words {
		o.simple(w)
	}
}
