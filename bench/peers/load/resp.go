package load

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// callTimeout bounds the wait for a batch's answers: beyond it a peer is taken for dead.
const callTimeout = 20 * time.Second

// Wait says when a primary's write counts as done.
type Wait int

// A plain Redis acknowledges a write that only its primary has. WAIT 1 waits for one replica.
const (
	NoWait    Wait = iota
	WaitEach       // WAIT 1 follows every SET
	WaitBatch      // one WAIT 1 follows each pipeline that has a SET
)

// waitCommand gives up after a second.
const waitCommand = "*3\r\n$4\r\nWAIT\r\n$1\r\n1\r\n$4\r\n1000\r\n"

// RESP speaks the Redis protocol to servers; callers take turns in which.
type RESP struct {
	Addrs []string
	Wait  Wait
}

// Open connects every caller.
func (t RESP) Open(callers int) ([]Caller, error) {
	return openEach(callers, func(i int) (Caller, error) { return dialRESP(t.Addrs[i%len(t.Addrs)], t.Wait) })
}

// respCaller is one connection. It writes commands and reads just as much of a reply as tells whether it is right
// (https://redis.io/docs/latest/develop/reference/protocol-spec/).
type respCaller struct {
	conn net.Conn
	in   *bufio.Reader
	out  []byte
	wait Wait
}

func dialRESP(addr string, wait Wait) (*respCaller, error) {
	conn, err := net.DialTimeout("tcp", addr, callTimeout)
	if err != nil {
		return nil, err
	}
	return &respCaller{conn: conn, in: bufio.NewReaderSize(conn, 64<<10), wait: wait}, nil
}

func (c *respCaller) Close() { _ = c.conn.Close() }

func (c *respCaller) Do(batch []Op) {
	_ = c.conn.SetDeadline(time.Now().Add(callTimeout)) // a closed connection says so below
	if err := c.send(batch); err != nil {
		failAll(batch, err)
		return
	}
	c.receive(batch)
}

// send writes all of a batch in one piece.
func (c *respCaller) send(batch []Op) error {
	c.out = c.out[:0]
	writes := false
	for i := range batch {
		c.out = appendOp(c.out, &batch[i])
		if !batch[i].Read {
			writes = true
			if c.wait == WaitEach {
				c.out = append(c.out, waitCommand...)
			}
		}
	}
	if writes && c.wait == WaitBatch {
		c.out = append(c.out, waitCommand...)
	}
	_, err := c.conn.Write(c.out)
	return err
}

func appendOp(to []byte, op *Op) []byte {
	if op.Read {
		to = append(to, "*2\r\n$3\r\nGET\r\n"...)
		return appendBulk(to, op.Key)
	}
	to = append(to, "*3\r\n$3\r\nSET\r\n"...)
	return appendBulk(appendBulk(to, op.Key), op.Value)
}

func appendBulk[T string | []byte](to []byte, text T) []byte {
	to = append(to, '$')
	to = strconv.AppendInt(to, int64(len(text)), 10)
	to = append(to, "\r\n"...)
	to = append(to, text...)
	return append(to, "\r\n"...)
}

// receive reads the replies to a batch. An error that the server replied with is one request's; any other ends the batch.
func (c *respCaller) receive(batch []Op) {
	writes := false
	for i := range batch {
		op := &batch[i]
		err := c.reply(op)
		if !op.Read {
			writes = true
			if c.wait == WaitEach && !broken(err) {
				if waited := c.acknowledged(); err == nil || broken(waited) {
					err = waited
				}
			}
		}
		if broken(err) {
			failAll(batch[i:], err)
			return
		}
		op.Err = err
	}
	if writes && c.wait == WaitBatch {
		if err := c.acknowledged(); err != nil {
			failAll(batch, err)
		}
	}
}

// broken reports whether the connection is of no more use.
func broken(err error) bool {
	var said serverError
	return err != nil && !errors.Is(err, ErrMiss) && !errors.Is(err, ErrLength) && !errors.Is(err, ErrUnacked) && !errors.As(err, &said)
}

// serverError is an error that a server replied with.
type serverError struct{ text string }

func (e serverError) Error() string { return e.text }

// reply reads one, and judges it.
func (c *respCaller) reply(op *Op) error {
	kind, text, err := c.line()
	if err != nil {
		return err
	}
	switch {
	case kind == '-':
		return serverError{string(text)}
	case !op.Read && kind == '+':
		return nil
	case op.Read && kind == '$':
		n, err := parseInt(text)
		if err != nil {
			return err
		}
		return c.value(n, len(op.Value))
	case op.Read && kind == '_':
		return ErrMiss
	}
	return fmt.Errorf("%w: %c%s", ErrProtocol, kind, text)
}

// value skips a value of n bytes; n is -1 for none.
func (c *respCaller) value(n, want int) error {
	if n < 0 {
		return ErrMiss
	}
	if err := skip(c.in, n); err != nil {
		return err
	}
	if n != want {
		return ErrLength
	}
	return nil
}

// skip skips n bytes and the end of a line.
func skip(in *bufio.Reader, n int) error {
	if _, err := in.Discard(n); err != nil {
		return err
	}
	end, err := in.Peek(2)
	if err != nil {
		return err
	}
	if end[0] != '\r' || end[1] != '\n' {
		return fmt.Errorf("%w: a value without end", ErrProtocol)
	}
	_, err = in.Discard(2)
	return err
}

// acknowledged reads WAIT's reply: how many replicas have what was written.
func (c *respCaller) acknowledged() error {
	kind, text, err := c.line()
	switch {
	case err != nil:
		return err
	case kind == '-':
		return serverError{string(text)}
	case kind != ':':
		return fmt.Errorf("%w: %c%s", ErrProtocol, kind, text)
	}
	n, err := parseInt(text)
	if err == nil && n < 1 {
		err = ErrUnacked
	}
	return err
}

// line reads one: what kind it is, and the rest. The text is good until the next read.
func (c *respCaller) line() (kind byte, text []byte, err error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return 0, nil, err
	}
	if len(line) < 3 || line[len(line)-2] != '\r' {
		return 0, nil, fmt.Errorf("%w: %q", ErrProtocol, line)
	}
	return line[0], line[1 : len(line)-2], nil
}

// parseInt is strconv.Atoi without the string.
func parseInt(text []byte) (int, error) {
	if len(text) > 0 && text[0] == '-' {
		n, err := parseInt(text[1:])
		return -n, err
	}
	n := 0
	for _, b := range text {
		if b < '0' || b > '9' || n > 1<<40 {
			return 0, fmt.Errorf("%w: number %q", ErrProtocol, text)
		}
		n = n*10 + int(b-'0')
	}
	if len(text) == 0 {
		return 0, fmt.Errorf("%w: no number", ErrProtocol)
	}
	return n, nil
}
