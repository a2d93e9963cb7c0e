package load

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// Memcached speaks memcached's text protocol.
type Memcached struct{ Addr string }

// Open connects every caller.
func (t Memcached) Open(callers int) ([]Caller, error) {
	return openEach(callers, func(int) (Caller, error) {
		conn, err := net.DialTimeout("tcp", t.Addr, callTimeout)
		if err != nil {
			return nil, err
		}
		return &memcachedCaller{conn: conn, in: bufio.NewReaderSize(conn, 64<<10)}, nil
	})
}

// memcachedCaller is one connection (https://github.com/memcached/memcached/blob/master/doc/protocol.txt).
type memcachedCaller struct {
	conn net.Conn
	in   *bufio.Reader
	out  []byte
}

func (c *memcachedCaller) Close() { _ = c.conn.Close() }

func (c *memcachedCaller) Do(batch []Op) {
	_ = c.conn.SetDeadline(time.Now().Add(callTimeout)) // a closed connection says so below
	c.out = c.out[:0]
	for i := range batch {
		c.out = appendMemcached(c.out, &batch[i])
	}
	if _, err := c.conn.Write(c.out); err != nil {
		failAll(batch, err)
		return
	}
	for i := range batch {
		err := c.reply(&batch[i])
		if err != nil && !errors.Is(err, ErrMiss) && !errors.Is(err, ErrLength) {
			failAll(batch[i:], err)
			return
		}
		batch[i].Err = err
	}
}

func appendMemcached(to []byte, op *Op) []byte {
	if op.Read {
		to = append(append(to, "get "...), op.Key...)
		return append(to, "\r\n"...)
	}
	to = append(append(to, "set "...), op.Key...)
	to = append(to, " 0 0 "...)
	to = strconv.AppendInt(to, int64(len(op.Value)), 10)
	to = append(append(to, "\r\n"...), op.Value...)
	return append(to, "\r\n"...)
}

var (
	memcachedStored = []byte("STORED\r\n")
	memcachedEnd    = []byte("END\r\n")
	memcachedValue  = []byte("VALUE ")
)

// reply reads one, and judges it.
func (c *memcachedCaller) reply(op *Op) error {
	line, err := c.line()
	switch {
	case err != nil:
		return err
	case !op.Read && bytes.Equal(line, memcachedStored):
		return nil
	case op.Read && bytes.Equal(line, memcachedEnd):
		return ErrMiss
	case !op.Read || !bytes.HasPrefix(line, memcachedValue): // VALUE key flags bytes
		return fmt.Errorf("%w: %q", ErrProtocol, line)
	}
	line = line[:len(line)-2]
	n, err := parseInt(line[bytes.LastIndexByte(line, ' ')+1:])
	if err != nil {
		return err
	}
	if err := skip(c.in, n); err != nil {
		return err
	}
	if line, err = c.line(); err != nil {
		return err
	}
	if !bytes.Equal(line, memcachedEnd) {
		return fmt.Errorf("%w: %q", ErrProtocol, line)
	}
	if n != len(op.Value) {
		return ErrLength
	}
	return nil
}

func (c *memcachedCaller) line() ([]byte, error) {
	line, err := c.in.ReadSlice('\n')
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err == nil && !bytes.HasSuffix(line, []byte("\r\n")) {
		err = fmt.Errorf("%w: %q", ErrProtocol, line)
	}
	return line, err
}
